# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""What cloud.yaml says: the whole of what a person decides about a cloud."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from scs.model.content import Content as Provided
from scs.model.content import OwnAggregate, OwnFlavor, OwnImage, OwnProject, OwnSubnetPool
from scs.model.storage import Storage as Stored
from scs.model.topology import INTERFACES, Network, Node, Role
from scs.model.view import Tenant as FirstProject
from scs.spec import kinds
from scs.spec.content import Content, Tenant
from scs.spec.external import External
from scs.spec.finding import ContradictionError
from scs.spec.images import Images
from scs.spec.instance_ha import InstanceHa
from scs.spec.kinds import AddressRange, Option
from scs.spec.part import LISTED, Part
from scs.spec.ssh import Interfaces, Ssh
from scs.spec.tofu import Tofu

Virt = Literal["auto", "kvm", "qemu"]
Provider = Literal["local", "ssh", "tofu"]
Storage = Literal["files", "ceph", "external-ceph"]

FIRST_NODE = 11
"""Nodes without an address get this address of the management network and those after it."""
INTERNAL, EXTERNAL = 3, 4
"""The virtual addresses of the APIs, counted in the management network."""
MTU: Mapping[str, int] = MappingProxyType({"management": 1500, "tunnel": 9000, "external": 1500})
"""Bytes. Tunnels carry the machines' packets of 1500 bytes and a header around each."""


class NodeEntry(Part):
    """A machine of the cloud."""

    name: Annotated[str, kinds.NODE_NAME] = Field(
        description="Host name of the machine; each only once.", examples=["node-1"]
    )
    roles: tuple[Annotated[Role, kinds.choice(Role)], ...] = Field(
        default=tuple(Role),
        description="What it does: `control` runs databases and APIs, `network` connects the "
        "cloud with the outside, `compute` runs machines, `storage` has disks for Ceph. A cloud "
        "has each role at least once (`storage` only where Ceph is the storage), `control` "
        "exactly once.",
        examples=["[compute]"],
    )
    address: Annotated[IPv4Address, kinds.IPV4] | None = Field(
        default=None,
        description="Its address in the management network; by default counted up from the "
        "11th, past what is taken. In the tunnel network it has the address with the same "
        "distance from the start. With `provider: ssh` the machine has both already.",
        examples=["10.21.0.11"],
    )
    interfaces: Interfaces = Interfaces()
    size: Annotated[str, kinds.MACHINE_SIZE] = Field(
        default="",
        description="How large the machine is, for `provider: tofu`; empty: as `tofu.size` says.",
        examples=["SCS-16V-64"],
    )
    zone: Annotated[str, kinds.ZONE] = Field(
        default="",
        description="Its availability zone: nodes that share power, fire protection and network "
        "lines. Empty: the cloud is one zone, `nova`. Once given, all nodes with the role "
        "`compute` have one.",
        examples=["east"],
    )
    disks: Annotated[
        tuple[Annotated[str, kinds.DISK], ...],
        LISTED,
    ] = Field(
        default=(),
        description="Whole disks that Ceph takes on a node with the role `storage`; they must be "
        "empty. `[]`: files, see `ceph`.",
        examples=["[/dev/disk/by-id/nvme-eui.0025388b]"],
    )


class InnerNetwork(Part):
    """A network between the nodes."""

    ipv4: Annotated[IPv4Network, kinds.IPV4_NETWORK]


class ManagementNetwork(InnerNetwork):
    """The nodes' own network: ssh, databases, queues, APIs. The first address is the gateway."""

    ipv4: Annotated[IPv4Network, kinds.IPV4_NETWORK] = Field(
        default=IPv4Network("10.21.0.0/24"),
        description="Its addresses.",
        examples=["10.21.0.0/24"],
    )


class TunnelNetwork(InnerNetwork):
    """Carries the tenants' networks between the nodes (packets of up to 9000 bytes)."""

    ipv4: Annotated[IPv4Network, kinds.IPV4_NETWORK] = Field(
        default=IPv4Network("10.21.1.0/24"),
        description="Its addresses.",
        examples=["10.21.1.0/24"],
    )


class ExternalNetwork(InnerNetwork):
    """Where the cloud meets the outside: routers and floating addresses."""

    ipv4: Annotated[IPv4Network, kinds.IPV4_NETWORK] = Field(
        default=IPv4Network("10.21.2.0/24"),
        description="Its addresses; the first is the gateway.",
        examples=["203.0.113.0/24"],
    )
    ipv6: Annotated[IPv6Network, kinds.IPV6_NETWORK] | None = Field(
        default=IPv6Network("fd5c:5c5c:2::/64"),
        description="Its IPv6 addresses; the first is the gateway; `null`: no IPv6.",
        examples=['"2001:db8:2::/64"'],
    )
    floating: Annotated[AddressRange, kinds.RANGE] | None = Field(
        default=None,
        description="What the cloud may give to routers and machines, first and last address; "
        "by default the 100th to the 199th, in a network smaller than /24 the upper half.",
        examples=["203.0.113.10-203.0.113.250"],
    )

    @property
    def pool(self) -> AddressRange:
        """`floating`, or its default."""
        if self.floating is not None:
            return self.floating
        start, size = self.ipv4.network_address, self.ipv4.num_addresses
        first, last = (100, 199) if size >= 256 else (size // 2, size - 2)
        return AddressRange(start + first, start + last)


class Networks(Part):
    """The networks that nodes are plugged into. No two may overlap."""

    management: ManagementNetwork = ManagementNetwork()
    tunnel: TunnelNetwork = TunnelNetwork()
    external: ExternalNetwork = ExternalNetwork()


class Endpoints(Part):
    """Virtual addresses of the APIs, in the management network; no node's own."""

    internal: Annotated[IPv4Address, kinds.IPV4] | None = Field(
        default=None,
        description="Where the cloud's own services find them; by default the 3rd of the "
        "management network.",
        examples=["10.21.0.3"],
    )
    external: Annotated[IPv4Address, kinds.IPV4] | None = Field(
        default=None,
        description="Where users find them; by default the 4th of the management network.",
        examples=["10.21.0.4"],
    )


class Compute(Part):
    """How machines of the cloud run."""

    virt: Annotated[Virt, kinds.choice(get_args(Virt))] = Field(
        default="auto",
        description="`kvm` needs processors with virtualisation; `qemu` works everywhere and is "
        "slow; `auto` boots a tiny machine to see whether `kvm` works, and takes `qemu` if not.",
        examples=["kvm"],
    )


class Ceph(Part):
    """The Ceph that the cloud runs, for `storage: ceph`."""

    disks: Annotated[int, kinds.number(1, 24, "a number of files")] = Field(
        default=3,
        description="How many files serve as disks on a node with the role `storage` that names "
        "no disks. They take space only as it is used.",
        examples=["3"],
    )
    disk_size: Annotated[int, kinds.number(5, 1024, "a size in GiB")] = Field(
        default=10, description="The size of each such file, in GiB.", examples=["20"]
    )
    replicas: Annotated[int, kinds.number(0, 5, "a number of copies, or 0")] = Field(
        default=0,
        description="How many copies of everything there are; 0: three, or fewer where there are "
        "fewer disks; two on two nodes. With two and more nodes no two copies lie on one node.",
        examples=["3"],
    )


class Debian(Part):
    """Where the nodes' own system comes from."""

    mirror: Annotated[str, kinds.url("https", "http")] | None = Field(
        default=None,
        description="A mirror of Debian; `null`: as this machine's own apt sources say.",
        examples=["https://deb.debian.org/debian"],
    )


class Secrets(Part):
    """Who may open the cloud's encrypted files besides the machine that runs scs."""

    recipients: tuple[Annotated[str, kinds.RECIPIENT], ...] = Field(
        default=(),
        description="Public keys of age or ssh: other operators, a key kept in a safe. Each of "
        "their private halves opens the cloud's secrets (`SCS_IDENTITY=FILE scs …`).",
        examples=["[age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p]"],
    )


class Backup(Part):
    """Where `scs backup create` puts the cloud's backups, and how many stay."""

    to: Annotated[str, kinds.PATH] = Field(
        default="",
        description="A folder that is there, best one of another machine; beside cloud.yaml if it "
        "does not begin with `/`. Empty: `--to FOLDER` says where.",
        examples=["/mnt/backup"],
    )
    keep: Annotated[int, kinds.number(0, 10_000, "a number of backups")] = Field(
        default=0,
        description="How many stay when a new one has been made, the newest; 0: all.",
        examples=["14"],
    )
    bulk: Annotated[bool, kinds.TRUTH] = Field(
        default=False,
        description="They also hold the images that lie in files of a node.",
        examples=["true"],
    )


Options = Mapping[Annotated[str, kinds.OPTION_NAME], Annotated[Option, kinds.OPTION]]
Config = Mapping[Annotated[str, kinds.SERVICE], Mapping[Annotated[str, kinds.SECTION], Options]]


def _nothing_is_empty(value: object) -> object:
    """`config: {nova: }` is a service without options, as `nova: {}` is."""
    if not isinstance(value, dict):
        return {} if value is None else value
    return {
        service: {
            section: {} if options is None else options for section, options in sections.items()
        }
        if isinstance(sections, dict)
        else ({} if sections is None else sections)
        for service, sections in value.items()
    }


ONE_NODE = (NodeEntry(name="node-1"),)


class CloudSpec(Part):
    """One cloud, as cloud.yaml describes it; `CloudSpec()` is the cloud of an empty file."""

    name: Annotated[str, kinds.CLOUD_NAME] = Field(
        default="scs",
        description="Name of the cloud; every cloud on a machine has its own.",
        examples=["scs"],
    )
    release: Annotated[str, kinds.RELEASE] = Field(
        default="2026.2",
        description="The set of versions it runs; another one is an upgrade, or the way back, see "
        "upgrade.md. In quotes, or YAML takes it for a number.",
        examples=['"2026.2"'],
    )
    region: Annotated[str, kinds.REGION] = Field(
        default="RegionOne", description="Region in the service catalog.", examples=["RegionOne"]
    )
    provider: Annotated[Provider, kinds.choice(get_args(Provider))] = Field(
        default="local",
        description="Where nodes come from; `local`: containers with systemd on this machine; "
        "`ssh`: machines that are there, see `ssh` and ssh-nodes.md; `tofu`: machines that "
        "OpenTofu makes, see `tofu` and tofu-nodes.md.",
        examples=["local"],
    )
    ssh: Ssh = Ssh()
    tofu: Tofu = Tofu()
    node_entries: Annotated[
        tuple[NodeEntry, ...], BeforeValidator(lambda value: ONE_NODE if value is None else value)
    ] = Field(
        default=ONE_NODE,
        alias="nodes",
        description="The machines of the cloud.",
        examples=["[{name: node-1}, {name: node-2, roles: [compute]}]"],
    )
    network_entries: Networks = Field(default=Networks(), alias="networks")
    endpoints: Endpoints = Endpoints()
    dns: Annotated[
        tuple[Annotated[IPv4Address | IPv6Address, kinds.IP], ...],
        LISTED,
    ] = Field(
        default=(),
        description="Name servers for nodes and machines; `[]`: those of this machine.",
        examples=["[9.9.9.9, 149.112.112.112]"],
    )
    external: External = External()
    compute: Compute = Compute()
    storage_kind: Annotated[Storage, kinds.choice(get_args(Storage))] | None = Field(
        default=None,
        alias="storage",
        description="Where images, the disks of machines and volumes lie; `files`: in files on "
        "the nodes; `ceph`: in a Ceph that the cloud runs; `external-ceph`: in one of your own, "
        "see `external.ceph`. By default `ceph` where a node has `disks` or there is a `ceph:`, "
        "`external-ceph` where there is an `external.ceph.config`, else `files`.",
        examples=["ceph"],
    )
    ceph: Ceph = Ceph()
    services: Annotated[
        tuple[Annotated[str, kinds.SERVICE], ...],
        LISTED,
    ] = Field(
        default=(),
        description="What it offers beyond what each cloud has, see services.md.",
        examples=["[barbican, heat]"],
    )
    debian: Debian = Debian()
    images: Images = Images()
    tenant: Tenant = Tenant()
    content: Content = Content()
    secrets: Secrets = Secrets()
    backup: Backup = Backup()
    instance_ha: InstanceHa = InstanceHa()
    config: Annotated[Config, BeforeValidator(_nothing_is_empty)] = Field(
        default_factory=dict,
        description="Options of your own for the services' configuration files, by service, "
        "section and option. They win over what scs writes.",
        examples=["{nova: {DEFAULT: {cpu_allocation_ratio: 4.0}}}"],
    )

    @model_validator(mode="after")
    def _agree(self) -> CloudSpec:
        from scs.spec.rules import contradictions

        if found := tuple(contradictions(self)):
            raise ContradictionError(found)
        return self

    def networks(self) -> Mapping[str, Network]:
        """The networks by name: `management`, `tunnel`, `external`."""
        written = self.network_entries
        return {
            "management": Network("management", written.management.ipv4, mtu=MTU["management"]),
            "tunnel": Network("tunnel", written.tunnel.ipv4, mtu=MTU["tunnel"]),
            "external": Network(
                "external", written.external.ipv4, written.external.ipv6, mtu=MTU["external"]
            ),
        }

    def nodes(self) -> tuple[Node, ...]:
        """The nodes in the order of the file, every address decided.

        The only control node also has the virtual addresses of the APIs, internal first; several
        hand them to each other.
        """
        tunnel = self.network_entries.tunnel.ipv4.network_address
        management = self.network_entries.management.ipv4.network_address
        several = sum(Role.CONTROL in entry.roles for entry in self.node_entries) > 1
        virtual = () if several else (self.internal_address, self.external_address)
        return tuple(
            Node(
                name=entry.name,
                roles=frozenset(entry.roles),
                addresses={
                    "management": address,
                    "tunnel": tunnel + (int(address) - int(management)),
                },
                extra_addresses=virtual if Role.CONTROL in entry.roles else (),
                zone=entry.zone,
                interfaces=self.interfaces_of(entry),
                ssh_port=self.ssh.port,
            )
            for entry, address in zip(self.node_entries, self.node_addresses(), strict=True)
        )

    def interfaces_of(self, entry: NodeEntry) -> Mapping[str, str]:
        """Network → the node's interface there; empty where nobody has said it."""
        if self.provider != "ssh":
            return INTERFACES
        return {
            name: getattr(entry.interfaces, name) or getattr(self.ssh.interfaces, name)
            for name in INTERFACES
        }

    def node_addresses(self) -> tuple[IPv4Address, ...]:
        """Each node's address in the management network, given or counted.

        Counting skips addresses that are given to others, so that giving one node an address
        never makes two nodes collide.
        """
        taken = {entry.address for entry in self.node_entries}
        taken |= {self.internal_address, self.external_address}
        following = self.network_entries.management.ipv4.network_address + FIRST_NODE
        addresses = []
        for entry in self.node_entries:
            address = entry.address
            if address is None:
                while following in taken:
                    following += 1
                address, following = following, following + 1
            addresses.append(address)
        return tuple(addresses)

    def storage_nodes(self) -> tuple[NodeEntry, ...]:
        """The nodes with disks for Ceph."""
        return tuple(entry for entry in self.node_entries if Role.STORAGE in entry.roles)

    @property
    def storage(self) -> Storage:
        """Where everything lies, given or seen from what else is there."""
        if self.storage_kind is not None:
            return self.storage_kind
        if self.external.ceph.config:
            return "external-ceph"
        given = "ceph" in self.model_fields_set or any(entry.disks for entry in self.node_entries)
        return "ceph" if given else "files"

    @property
    def replicas(self) -> int:
        """The copies that Ceph keeps of everything."""
        nodes = self.storage_nodes()
        disks = sum(len(entry.disks) or self.ceph.disks for entry in nodes)
        return self.ceph.replicas or min(3, len(nodes) if len(nodes) > 1 else disks)

    def stored(self) -> Stored:
        """What it says of storage, as components see it."""
        nodes = self.storage_nodes()
        return Stored(
            kind=self.storage,
            replicas=self.replicas if nodes else 1,
            devices={entry.name: entry.disks for entry in nodes},
            files=self.ceph.disks,
            size=self.ceph.disk_size,
            image_stores=self.images.stores,
        )

    def first_project(self) -> FirstProject:
        """What it says of the first project, as components see it."""
        written = self.tenant
        return FirstProject(
            project=written.project,
            user=written.user,
            network=str(written.network),
            ipv6=str(written.ipv6 or ""),
            quota=written.quota,
        )

    def provided(self) -> Provided:
        """What it says of the API's content, as components see it."""
        written = self.content
        rules = written.default_security_group_rules
        return Provided(
            projects=tuple(
                OwnProject(entry.name, entry.description, entry.quota) for entry in written.projects
            ),
            aggregates=tuple(
                OwnAggregate(entry.name, entry.nodes, entry.properties)
                for entry in written.aggregates
            ),
            recommended_flavors=written.recommended_flavors,
            flavors=tuple(
                OwnFlavor(
                    entry.name,
                    entry.vcpus or 0,
                    entry.ram or 0,
                    entry.disk or 0,
                    entry.extra_specs,
                )
                for entry in written.flavors
            ),
            subnet_pools=tuple(
                OwnSubnetPool(
                    entry.name,
                    tuple(map(str, entry.prefixes)),
                    entry.default_prefix_length or (24 if entry.prefixes[0].version == 4 else 64),
                    entry.default,
                )
                for entry in written.subnet_pools
            ),
            images=tuple(
                OwnImage(entry.name, "" if entry.sha512.startswith("https") else entry.sha512)
                for entry in self.images.vendors
            ),
            default_security_group_rules=None
            if rules is None
            else tuple(entry.rule() for entry in rules),
        )

    @property
    def internal_address(self) -> IPv4Address:
        """The virtual address at which the cloud's own services find the APIs."""
        start = self.network_entries.management.ipv4.network_address
        return self.endpoints.internal or start + INTERNAL

    @property
    def external_address(self) -> IPv4Address:
        """The virtual address at which users find the APIs."""
        start = self.network_entries.management.ipv4.network_address
        return self.endpoints.external or start + EXTERNAL

    @property
    def floating(self) -> AddressRange:
        """The addresses of the external network that the cloud may give away."""
        return self.network_entries.external.pool

    def filled(self) -> dict[str, Any]:
        """The same cloud with every key written out, in the types of JSON and YAML."""
        filled = self.model_dump(mode="json", by_alias=True)
        filled["storage"] = self.storage
        filled["networks"]["external"]["floating"] = str(self.floating)
        filled["endpoints"] = {
            "internal": str(self.internal_address),
            "external": str(self.external_address),
        }
        for entry, address in zip(filled["nodes"], self.node_addresses(), strict=True):
            entry["address"] = str(address)
        return filled
