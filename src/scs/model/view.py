# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a component, its templates and the derived files may know of the cloud."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, summarize_address_range
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote
from uuid import NAMESPACE_URL, UUID, uuid5

from scs.model.content import Content, OwnProject
from scs.model.external import External
from scs.model.needs import NameServer, Need
from scs.model.overrides import Overrides
from scs.model.storage import Storage, cephx_key
from scs.model.topology import Network, Node, Role

if TYPE_CHECKING:
    from scs.model.component import Component, Endpoint

N = TypeVar("N", bound=Need)

CA = "/etc/scs/ca.pem"
DATABASE_CA = "/etc/scs/database-ca.pem"
ENVIRONMENTS = "/opt/scs"
"""Has a link for each environment, which decides what runs."""
ENVIRONMENT = f"{ENVIRONMENTS}/openstack"


def fernet_key(secret: str) -> str:
    """A Fernet key (32 bytes, base64) from a secret."""
    return base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()).decode()


@dataclass(frozen=True)
class Tenant:
    """The first project and its user."""

    project: str
    user: str
    network: str
    ipv6: str
    quota: Mapping[str, int] = field(default_factory=dict)
    """As in `OwnProject`."""


@dataclass(frozen=True)
class Credential:
    """An account and its password."""

    user: str
    password: str = field(repr=False)
    valid: bool = True
    """Whether it may be used; else it is to be removed."""


class NodeAskedFor(BaseException):
    """Which node it is was asked of a view that is from any node with some roles.

    No error, and nobody's who catches errors: what was being made is not the same on all of them.
    """


@dataclass(frozen=True)
class View:
    """One cloud as its components see it, from a `place`."""

    cloud: str
    region: str
    nodes: tuple[Node, ...]
    networks: Mapping[str, Network]
    floating: tuple[IPv4Address, IPv4Address]
    internal_address: IPv4Address
    external_address: IPv4Address
    dns: tuple[IPv4Address | IPv6Address, ...]
    tenant: Tenant
    container: bool
    datapath: str
    virt_type: str
    environments: Mapping[str, str]
    """Where the release's Python environments lie on nodes, by their names."""
    config: Mapping[str, Mapping[str, Mapping[str, Any]]]
    secret: Callable[[str], str]
    """Name → a secret that stays the same for the life of the cloud."""
    certificate: Callable[[str, tuple[str, ...]], tuple[str, str]]
    """Name and addresses → certificate and key (PEM)."""
    ca: str
    """The cloud's CA certificate (PEM)."""
    ssh_public_key: str
    release: str = ""
    """Its name, for templates that differ between releases."""
    finishing: bool = False
    """An upgrade is finished now: what leads back is given up."""
    services: frozenset[str] = frozenset()
    """What the operator has chosen of that which not each cloud has."""
    overrides: Overrides = field(default_factory=Overrides)
    """What the operator has put beside cloud.yaml."""
    external: External = field(default_factory=External)
    """What the operator brings along."""
    storage: Storage = field(default_factory=Storage)
    content: Content = field(default_factory=Content)
    """What the operator wants in the API beside what each cloud has there."""
    memory: int = 0
    """MiB that each node may count on; 0: not known yet."""
    components: tuple[Component, ...] = ()
    place: Node | frozenset[Role] | None = None
    """It is seen from one node, from any node with exactly these roles, or from outside (None)."""
    accounts: Callable[[str], tuple[Credential, ...]] | None = None
    numbered: Callable[[str], Mapping[int, str]] | None = None

    def on(self, place: Node | frozenset[Role]) -> View:
        """The same cloud seen from that node, or from any node with exactly these roles."""
        view = replace(self, place=place)
        view.__dict__.update(_found=self._found, endpoints=self.endpoints)
        return view

    @property
    def here(self) -> Node:
        """The node it is seen from."""
        if isinstance(self.place, Node):
            return self.place
        if self.place is None:
            raise LookupError("this view is not from a node")
        raise NodeAskedFor

    @property
    def roles(self) -> frozenset[Role]:
        """The roles of the node it is seen from."""
        return self.place if isinstance(self.place, frozenset) else self.here.roles

    @property
    def address(self) -> IPv4Address:
        """The node's address in the management network."""
        return self.here.address

    def nodes_with(self, *roles: Role) -> tuple[Node, ...]:
        wanted = frozenset(roles)
        if wanted not in self._found:
            self._found[wanted] = tuple(node for node in self.nodes if node.roles & wanted)
        return self._found[wanted]

    @cached_property
    def _found(self) -> dict[frozenset[Role], tuple[Node, ...]]:
        """What `nodes_with` has found; each node's files ask it, so it must not count them all."""
        return {}

    def nodes_of(self, component: Component) -> tuple[Node, ...]:
        return self.nodes_with(*component.roles)

    @property
    def control(self) -> Node:
        """The first control node."""
        return self.nodes_with(Role.CONTROL)[0]

    @property
    def controls(self) -> tuple[Node, ...]:
        """The control nodes: one, or an odd number of equals."""
        return self.nodes_with(Role.CONTROL)

    @property
    def nearest_control(self) -> Node:
        """The node itself where it is a control node, else the first of these."""
        if self.place is not None and Role.CONTROL in self.roles:
            return self.here
        return self.control

    @property
    def own_entry(self) -> str:
        """The address at which this node's own load balancer leads to what control nodes share;
        empty where there is nothing to choose from: one control node, or a node that is none.
        """
        if len(self.controls) > 1 and self.place is not None and Role.CONTROL in self.roles:
            return "127.0.0.1"
        return ""

    def relayed(self, port: int) -> str:
        """Where a control node's `relayed` port is reached from this node: ADDRESS:PORT."""
        return f"{self.own_entry or self.control.address}:{port}"

    def in_environment(self, command: str) -> str:
        """A path below the link to an environment, by the way that only leads to this release's.

        For what must not follow the link when it is turned: migrations that run before that, and
        services that load more of their code later.
        """
        for name, place in self.environments.items():
            link = f"{ENVIRONMENTS}/{name}"
            if command == link or command.startswith(f"{link}/"):
                return place + command.removeprefix(link)
        return command

    @property
    def leads(self) -> bool:
        """Whether this is the node on which is done what is to be done once for all of them."""
        return len(self.controls) == 1 or self.here == self.control

    @property
    def name_server(self) -> str:
        """What the cloud's own name server is called in its zones, with a dot at the end.

        One name, because there is one address at which the world finds it, whichever node has that.
        """
        return f"ns1.{self.cloud}.internal."

    @property
    def resolvers(self) -> tuple[IPv4Address | IPv6Address, ...]:
        """What guests are told to ask for names; empty: what their hosts ask.

        First the cloud's own name server, where it has one that can look up other names for them:
        it needs to be told where.
        """
        can = any(server.version == 4 for server in self.dns) and self.given(NameServer)
        return (self.external_address, *self.dns) if can else self.dns

    @property
    def given_away(self) -> tuple[IPv4Network, ...]:
        """`floating` as networks: from these addresses guests speak to the outside."""
        return tuple(summarize_address_range(*self.floating))

    def network_database(self, port: int) -> str:
        """How to reach one of OVN's databases (6641 northbound, 6642 southbound), in its words."""
        return ",".join(f"ssl:{node.address}:{port}" for node in self.controls)

    @property
    def components_here(self) -> tuple[Component, ...]:
        """The components on this node."""
        return tuple(part for part in self.components if part.roles & self.roles)

    def needs_here(self, need: type[N]) -> tuple[tuple[Component, N], ...]:
        """What components on this node need of one type."""
        return tuple(
            (part, item)
            for part in self.components_here
            for item in part.needs
            if isinstance(item, need)
        )

    def given(self, need: type[Need]) -> bool:
        """Whether a component of this cloud gives such a thing."""
        return any(gives.need is need for part in self.components for gives in part.gives)

    def needs(self, need: type[N]) -> tuple[N, ...]:
        """All needs of one type in the cloud, each once."""
        found = {
            item: None for part in self.components for item in part.needs if isinstance(item, need)
        }
        return tuple(found)

    @property
    def storage_id(self) -> str:
        """The id of the cloud's own Ceph (a UUID)."""
        return str(UUID(hashlib.sha256(self.secret("ceph/fsid").encode()).hexdigest()[:32]))

    @property
    def storage_domain(self) -> str:
        """What no two copies in the cloud's own Ceph have in common, in its words."""
        return "host" if len(self.nodes_with(Role.STORAGE)) > 1 else "osd"

    def storage_key(self, account: str) -> str:
        """The key of one of Ceph's accounts (`client.NAME`, `osd.UUID`, `mon.`)."""
        return cephx_key(self.secret(f"ceph/{account}"))

    @cached_property
    def endpoints(self) -> tuple[tuple[Component, Endpoint], ...]:
        return tuple((part, point) for part in self.components for point in part.endpoints)

    @property
    def projects(self) -> tuple[OwnProject, ...]:
        """The first project, and those that the operator has asked for."""
        first = OwnProject(self.tenant.project, "the first project", self.tenant.quota)
        return (first, *self.content.projects)

    @cached_property
    def zones(self) -> Mapping[str, tuple[str, ...]]:
        """Availability zone → its nodes that run guests; empty where nobody has made zones."""
        found: dict[str, tuple[str, ...]] = {}
        for node in self.nodes_with(Role.COMPUTE):
            if node.zone:
                found[node.zone] = (*found.get(node.zone, ()), node.name)
        return found

    def endpoint(self, name: str) -> Endpoint:
        for _, point in self.endpoints:
            if name in (point.name, point.type):
                return point
        raise LookupError(f"no endpoint {name}")

    def serves(self, name: str) -> bool:
        """Whether the cloud has an endpoint of that name or service type."""
        return any(name in (point.name, point.type) for _, point in self.endpoints)

    def uuid(self, name: str) -> str:
        """A UUID that stays the same for the life of the cloud and is no secret."""
        return str(uuid5(NAMESPACE_URL, f"scs:{self.cloud}/{name}"))

    def url(self, name: str, *, external: bool = False, path: bool = True) -> str:
        """The address of an endpoint, by its name or its service type."""
        point = self.endpoint(name)
        host = self.external_address if external else self.internal_address
        port = "" if point.port == 443 else f":{point.port}"
        return f"https://{host}{port}{point.path if path else ''}"

    def credentials(self, name: str) -> tuple[Credential, ...]:
        """The accounts that a secret `KIND/NAME` is for, the one to use first.

        While it is rotated there are two: whoever gives such accounts makes all that are valid
        and removes those that are not.
        """
        if self.accounts is None:
            return (Credential(name.rpartition("/")[2], self.secret(name)),)
        return self.accounts(name)

    def credential(self, name: str) -> Credential:
        """The account to use for a secret `KIND/NAME`."""
        return self.credentials(name)[0]

    def keys(self, name: str) -> Mapping[int, str]:
        """Number → Fernet key of a folder of keys; the highest is used, 0 comes next."""
        if self.numbered is None:
            return {number: self.secret(f"{name}/{number}") for number in (0, 1)}
        return self.numbered(name)

    def database_url(self, account: str, database: str = "") -> str:
        """SQLAlchemy's URL for an account of MariaDB."""
        mine = self.credential(f"database/{account}")
        secret = quote(mine.password, safe="")
        there = self.external.database
        # Not by a virtual address where there is another way: one that moves takes no connection
        # along.
        here = self.own_entry or self.internal_address
        host, port = (there.host, there.port) if there else (here, 3306)
        where = f"{mine.user}:{secret}@{host}:{port}/{database or account}"
        return f"mysql+pymysql://{where}?charset=utf8mb4&ssl_ca={self.database_ca}"

    @property
    def database_ca(self) -> str:
        """What the database's certificate is checked against: a path on nodes."""
        there = self.external.database
        return DATABASE_CA if there and there.ca else CA

    def queue_url(self, account: str) -> str:
        """oslo.messaging's URL for an account of the message queue."""
        mine = self.credential(f"queue/{account}")
        secret = quote(mine.password, safe="")
        hosts = ",".join(f"{mine.user}:{secret}@{node.address}:5671" for node in self.controls)
        return f"rabbit://{hosts}/{account}"
