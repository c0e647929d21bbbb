# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What scs wants in the cloud's API: frozen values, looked at and made in-process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from scs.model.security_rules import DefaultRule


@dataclass(frozen=True, kw_only=True)
class ApiObject:
    """One object in the cloud's API, known by its name."""

    kind: ClassVar[str] = ""
    service: ClassVar[str] = "identity"
    """The service type that must answer before it can be looked at."""
    volatile: ClassVar[frozenset[str]] = frozenset()
    """What is seen of it but changes by itself, or by its users."""
    whole: ClassVar[bool] = False
    """It needs the whole cloud: made when nothing is left to do on any node."""
    by_signs: ClassVar[bool] = False
    """It is known by signs of life, of which some may come late: then it is looked for again."""
    leads: ClassVar[bool] = False
    """It is made before all else of its service: what is made later takes after it."""
    name: str
    component: str = ""
    after: tuple[str, ...] = ()
    data: bool = False
    """What users have made depends on it: it goes only with its component's data."""

    @property
    def removable(self) -> bool:
        """Whether it goes when nobody wants it any more: nothing of a user's is lost with it."""
        return False

    @property
    def id(self) -> str:
        return f"{self.kind}:{self.name}"

    def before(self, others: Iterable[ApiObject]) -> set[str]:
        """The ids of what comes before it: what it says, all users and the catalog, what leads.

        Users and the catalog come before everything that is asked for by its address.
        """
        if self.service == "identity":
            return set(self.after)
        return set(self.after) | {
            other.id
            for other in others
            if other.service == "identity"
            or (other.leads and not self.leads and other.service == self.service)
        }


@dataclass(frozen=True, kw_only=True)
class Project(ApiObject):
    """A project in the default domain."""

    kind: ClassVar[str] = "project"
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Domain(ApiObject):
    """A domain beside the default one, with users and projects of its own."""

    kind: ClassVar[str] = "domain"
    description: str = ""

    @property
    def removable(self) -> bool:
        return True


@dataclass(frozen=True, kw_only=True)
class Role(ApiObject):
    """A role beside those that Keystone comes with."""

    kind: ClassVar[str] = "role"

    @property
    def removable(self) -> bool:
        return True


@dataclass(frozen=True, kw_only=True)
class Person(ApiObject):
    """A user with roles on one project, or on their own domain."""

    kind: ClassVar[str] = "user"
    password: str = field(repr=False)
    project: str = ""
    """In the default domain; empty: the roles are those on the user's domain."""
    roles: tuple[str, ...]
    domain: str = ""
    """Empty: the default one."""
    absent: bool = False
    """It is to be removed."""

    @property
    def removable(self) -> bool:
        return self.project == "service" or bool(self.domain)

    @property
    def id(self) -> str:
        return f"{self.kind}:{self.domain}/{self.name}" if self.domain else super().id


@dataclass(frozen=True, kw_only=True)
class CatalogEntry(ApiObject):
    """A service and its endpoints in Keystone's catalog."""

    kind: ClassVar[str] = "catalog"
    type: str
    description: str
    urls: Mapping[str, str]
    """Interface (internal, public) → address."""

    @property
    def removable(self) -> bool:
        return True


@dataclass(frozen=True, kw_only=True)
class Flavor(ApiObject):
    """A flavor, public."""

    kind: ClassVar[str] = "flavor"
    service: ClassVar[str] = "compute"
    vcpus: int
    ram: int
    """MiB."""
    disk: int
    """GB."""
    extra_specs: Mapping[str, str] = field(default_factory=dict)

    @property
    def removable(self) -> bool:
        return True


@dataclass(frozen=True, kw_only=True)
class Image(ApiObject):
    """An image; the recipe makes (or fetches) it when it is wanted."""

    kind: ClassVar[str] = "image"
    service: ClassVar[str] = "image"
    volatile: ClassVar[frozenset[str]] = frozenset({"stale", "older"})
    recipe: str
    """A builder in scs.images, or the name of one of the operator's own images."""
    digest: str = ""
    """SHA-512 of what it must be made from, in hex; empty: whatever the recipe makes."""
    project: str = ""
    """Private to this project; empty: public."""
    converted: bool = False
    """Brought in by way of the import, which makes of it what the store can clone."""

    @property
    def removable(self) -> bool:
        return True


@dataclass(frozen=True, kw_only=True)
class Host(ApiObject):
    """A node as Nova's host, up and known to the scheduler; the name is the node's."""

    kind: ClassVar[str] = "host"
    service: ClassVar[str] = "compute"
    whole: ClassVar[bool] = True
    by_signs: ClassVar[bool] = True
    leaving: bool = False
    """The node is to go: its guests are looked at, too."""
    shared: bool = True
    """The disks of its guests lie where other hosts reach them."""


@dataclass(frozen=True, kw_only=True)
class Agents(ApiObject):
    """What Neutron knows of a node; the name is the node's. Only ever removed."""

    kind: ClassVar[str] = "agents"
    service: ClassVar[str] = "network"


@dataclass(frozen=True)
class Subnet:
    """An address range of a network."""

    name: str
    cidr: str
    gateway: str = ""
    pool: tuple[str, str] | None = None
    dns: tuple[str, ...] = ()
    dhcp: bool = True
    ipv6_mode: str = ""
    """`slaac`, `dhcpv6-stateful` … for IPv6."""


@dataclass(frozen=True, kw_only=True)
class CloudNetwork(ApiObject):
    """A network; without a project it is the cloud's own."""

    kind: ClassVar[str] = "network"
    service: ClassVar[str] = "network"
    project: str = ""
    physical: str = ""
    """The physical network of an external one."""
    subnets: tuple[Subnet, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Router(ApiObject):
    """A router between an external network and a project's subnets."""

    kind: ClassVar[str] = "router"
    service: ClassVar[str] = "network"
    project: str
    external: str
    subnets: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SecurityGroup(ApiObject):
    """A security group of a project; a rule is (ethertype, protocol, port or 0)."""

    kind: ClassVar[str] = "security-group"
    service: ClassVar[str] = "network"
    project: str
    ingress: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, kw_only=True)
class DefaultRules(ApiObject):
    """The rules that each new security group gets: these and no others."""

    kind: ClassVar[str] = "default-security-group-rules"
    service: ClassVar[str] = "network"
    volatile: ClassVar[frozenset[str]] = frozenset({"ids"})
    leads: ClassVar[bool] = True
    rules: tuple[DefaultRule, ...]


@dataclass(frozen=True, kw_only=True)
class Keypair(ApiObject):
    """A public ssh key of the tenant's user."""

    kind: ClassVar[str] = "keypair"
    service: ClassVar[str] = "compute"
    public_key: str


@dataclass(frozen=True, kw_only=True)
class Server(ApiObject):
    """A VM of the tenant's."""

    kind: ClassVar[str] = "server"
    service: ClassVar[str] = "compute"
    volatile: ClassVar[frozenset[str]] = frozenset({"id", "status"})
    whole: ClassVar[bool] = True
    image: str
    flavor: str
    network: str
    security_group: str
    keypair: str


@dataclass(frozen=True, kw_only=True)
class FloatingIp(ApiObject):
    """An address outside for the tenant's server of the same name, right when ssh answers there.

    What is seen of the server is seen here as well: one that was stopped answers nobody.
    """

    kind: ClassVar[str] = "floating-ip"
    service: ClassVar[str] = "compute"
    volatile: ClassVar[frozenset[str]] = frozenset({"id", "status", "address", "ssh"})
    whole: ClassVar[bool] = True
    external: str


@dataclass(frozen=True, kw_only=True)
class Quota(ApiObject):
    """What a project may use of the service of this type; the name is the project's.

    What is not limited here is looked at all the same, so that it is told when somebody
    changes it.
    """

    kind: ClassVar[str] = "quota"
    service: ClassVar[str] = "compute"
    limits: Mapping[str, int] = field(default_factory=dict)
    """In the service's own words; -1: no limit."""


@dataclass(frozen=True, kw_only=True)
class NetworkQuota(Quota):
    """The same for networks, ports, routers, floating IPs."""

    kind: ClassVar[str] = "network-quota"
    service: ClassVar[str] = "network"


@dataclass(frozen=True, kw_only=True)
class VolumeQuota(Quota):
    """The same for volumes, snapshots, backups and their gigabytes."""

    kind: ClassVar[str] = "volume-quota"
    service: ClassVar[str] = "block-storage"


@dataclass(frozen=True, kw_only=True)
class Aggregate(ApiObject):
    """Hosts that have something in common; with a zone, users can choose to be there."""

    kind: ClassVar[str] = "aggregate"
    service: ClassVar[str] = "compute"
    whole: ClassVar[bool] = True
    zone: str = ""
    hosts: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def removable(self) -> bool:
        return True


@dataclass(frozen=True, kw_only=True)
class SubnetPool(ApiObject):
    """A range of addresses that all projects may take subnets from."""

    kind: ClassVar[str] = "subnet-pool"
    service: ClassVar[str] = "network"
    prefixes: tuple[str, ...]
    prefix_length: int
    """Of subnets that do not say how large they are."""
    default: bool = False

    @property
    def removable(self) -> bool:
        return True


@dataclass(frozen=True, kw_only=True)
class VolumeType(ApiObject):
    """A kind of volumes that users choose from."""

    kind: ClassVar[str] = "volume-type"
    service: ClassVar[str] = "block-storage"
    description: str
    extra_specs: Mapping[str, str] = field(default_factory=dict)
    public: bool = True
    """Whether projects see it."""
    encryption: Mapping[str, str | int] = field(default_factory=dict)
    """How its volumes are encrypted, in Cinder's words; nothing: scs does not encrypt them."""

    @property
    def removable(self) -> bool:
        """Without a key manager nobody can use it; as long as it has volumes, it stays."""
        return bool(self.encryption)


REMOVABLE: Mapping[str, type[ApiObject]] = {
    kind.kind: kind
    for kind in (
        *(Person, CatalogEntry, Domain, Role, Flavor, Image, Aggregate, SubnetPool, VolumeType),
    )
}
"""The kinds of which some can be removable, by their names."""
