# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""What the parts of cloud.yaml must agree on. Each rule is one function: spec → findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from itertools import combinations
from typing import TYPE_CHECKING

from scs.model.content import OWN_IMAGES, limits_of
from scs.model.topology import Role
from scs.spec.finding import Finding
from scs.spec.security_rules import default_rules
from scs.spec.ssh import Interfaces, Ssh
from scs.spec.tofu_rules import made_machines
from scs.spec.wording import Loc, dotted, nearest

if TYPE_CHECKING:
    from scs.spec.model import CloudSpec

MANAGEMENT: Loc = ("networks", "management", "ipv4")
TUNNEL: Loc = ("networks", "tunnel", "ipv4")


def roles(spec: CloudSpec) -> Iterator[Finding]:
    """Every role is there; those that control can decide by majority; no role twice or none."""
    places: tuple[Loc, ...] = tuple(
        ("nodes", index, "roles") for index in range(len(spec.node_entries))
    )
    for role in Role:
        if role == Role.STORAGE and spec.storage != "ceph":
            continue
        if not any(role in entry.roles for entry in spec.node_entries):
            yield Finding(
                (*places, ("nodes",)),
                f"nodes: no node has the role `{role}`",
                f"add `{role}` to the roles of a node",
            )
    controls = [i for i, entry in enumerate(spec.node_entries) if Role.CONTROL in entry.roles]
    if controls and len(controls) % 2 == 0:
        last = controls[-1]
        yield Finding(
            (*(("nodes", index) for index in controls), places[last]),
            f"{dotted(places[last])}: expected `control` on an odd number of nodes, got "
            f"{len(controls)}; when half of them are lost, the other half is no majority and stops",
            f"give `{spec.node_entries[last].name}` roles without it, such as `[compute]`, or add "
            "it to one more",
        )
    for place, entry in zip(places, spec.node_entries, strict=True):
        if not entry.roles:
            yield Finding(
                (place,),
                f"{dotted(place)}: expected at least one role, got none",
                "give it a role, or take the node out",
            )
        if len(set(entry.roles)) < len(entry.roles):
            yield Finding(
                (place,), f"{dotted(place)}: a role is there twice", "write each role once"
            )


def names(spec: CloudSpec) -> Iterator[Finding]:
    """No two nodes have the same name."""
    seen: dict[str, int] = {}
    for index, entry in enumerate(spec.node_entries):
        first = seen.setdefault(entry.name, index)
        if first != index:
            yield Finding(
                (("nodes", first, "name"), ("nodes", index, "name")),
                f"nodes[{index}].name: `{entry.name}` is the name of nodes[{first}] already",
                "give every node a name of its own",
            )


def management(spec: CloudSpec) -> Iterator[Finding]:
    """Nodes and endpoints: inside the management network, and each with its own address."""
    network = spec.network_entries.management.ipv4
    gateway = network.network_address + 1
    wanted: list[tuple[str, Loc, IPv4Address, bool]] = [
        ("endpoints.internal", ("endpoints", "internal"), spec.internal_address, False),
        ("endpoints.external", ("endpoints", "external"), spec.external_address, False),
    ]
    for index, (entry, address) in enumerate(
        zip(spec.node_entries, spec.node_addresses(), strict=True)
    ):
        loc: Loc = ("nodes", index, "address")
        wanted.append((dotted(loc), loc, address, entry.address is None))
    seen: dict[IPv4Address, tuple[str, Loc]] = {}
    for label, loc, address, counted in wanted:
        reads = (MANAGEMENT, loc[:2], loc)
        if _useless(address, network):
            counted_up = "counted up, " if counted else ""
            yield Finding(
                reads,
                f"{label}: expected an address of networks.management ({network}), "
                f"{counted_up}got {address}",
                "take a larger network" if counted else f"between {gateway + 1} and {network[-2]}",
            )
        elif address == gateway:
            yield Finding(
                reads,
                f"{label}: {address} is the gateway of networks.management",
                f"between {gateway + 1} and {network[-2]}",
            )
        elif address in seen:
            other, other_loc = seen[address]
            yield Finding(
                (*reads[:1], other_loc, *reads[1:]),
                f"{label}: {address} is the address of {other} already",
                "give every node and endpoint an address of its own",
            )
        seen.setdefault(address, (label, loc))


def tunnel(spec: CloudSpec) -> Iterator[Finding]:
    """A node's place in the management network exists in the tunnel network, too."""
    inner, outer = spec.network_entries.tunnel.ipv4, spec.network_entries.management.ipv4
    for index, address in enumerate(spec.node_addresses()):
        distance = int(address) - int(outer.network_address)
        # An address that the management network can't hold is another rule's business.
        if not _useless(address, outer) and distance > inner.num_addresses - 2:
            yield Finding(
                (("nodes", index, "address"), MANAGEMENT, TUNNEL),
                f"networks.tunnel.ipv4: {inner} has no address number {distance}, which "
                f"nodes[{index}] ({address}) would have",
                "make it as large as networks.management.ipv4",
            )
            return


def overlaps(spec: CloudSpec) -> Iterator[Finding]:
    """No network overlaps another."""
    written = spec.network_entries
    ipv4 = _cloud_networks(spec)
    free = next(
        (
            f", such as {candidate}"
            for candidate in IPv4Network("10.21.0.0/16").subnets(new_prefix=24)
            if not any(candidate.overlaps(network) for _loc, network in ipv4)
        ),
        "",
    )
    for (left, one), (right, other) in combinations(ipv4, 2):
        if one.overlaps(other):
            yield _overlap(left, one, right, other, free)
    outer: Loc = ("networks", "external", "ipv6")
    inner: Loc = ("tenant", "ipv6")
    if written.external.ipv6 and spec.tenant.ipv6 and written.external.ipv6 == spec.tenant.ipv6:
        yield _overlap(outer, written.external.ipv6, inner, spec.tenant.ipv6, "")


def _cloud_networks(spec: CloudSpec) -> list[tuple[Loc, IPv4Network]]:
    written = spec.network_entries
    return [
        (MANAGEMENT, written.management.ipv4),
        (TUNNEL, written.tunnel.ipv4),
        (("networks", "external", "ipv4"), written.external.ipv4),
        (("tenant", "network"), spec.tenant.network),
    ]


def _overlap(
    left: Loc, one: IPv4Network | IPv6Network, right: Loc, other: IPv4Network | IPv6Network, eg: str
) -> Finding:
    return Finding(
        (left, right),
        f"{dotted(right)} ({other}) overlaps {dotted(left)} ({one})",
        f"give each network a range of its own{eg}",
    )


def floating(spec: CloudSpec) -> Iterator[Finding]:
    """What the cloud gives away lies in the external network and is not its gateway."""
    network = spec.network_entries.external.ipv4
    pool = spec.floating
    if _useless(pool.first, network) or _useless(pool.last, network) or pool.first == network[1]:
        yield Finding(
            (("networks", "external", "ipv4"), ("networks", "external", "floating")),
            f"networks.external.floating: expected addresses of {network} without its gateway "
            f"{network[1]}, got {pool}",
            f"between {network[2]} and {network[-2]}",
        )


def several(spec: CloudSpec) -> Iterator[Finding]:
    """With several control nodes, what they all need lies where they all find it."""
    controls = [i for i, entry in enumerate(spec.node_entries) if Role.CONTROL in entry.roles]
    if len(controls) < 2 or len(controls) % 2 == 0:
        return  # of an even number, `roles` says what is wrong
    places: tuple[Loc, ...] = tuple(("nodes", index) for index in controls)
    if spec.storage == "files":
        yield Finding(
            (*places, ("storage",)),
            "storage: with `files` each of several control nodes would have images of its own",
            "write `storage: ceph`",
        )


def storage(spec: CloudSpec) -> Iterator[Finding]:
    """Disks: only of nodes that store, with Ceph, each once, and enough for all copies."""
    key: Loc = ("storage",)
    for index, entry in enumerate(spec.node_entries):
        loc: Loc = ("nodes", index, "disks")
        if entry.disks and Role.STORAGE not in entry.roles:
            yield Finding(
                (("nodes", index, "roles"), loc),
                f"{dotted(loc)}: `{entry.name}` does not have the role `storage`",
                "give it the role, or take the disks out",
            )
        elif entry.disks and spec.storage != "ceph":
            yield Finding(
                (key, loc),
                f"{dotted(loc)}: disks are for `storage: ceph`, and it is `{spec.storage}`",
                "write `storage: ceph`, or take the disks out",
            )
        for twice in sorted({disk for disk in entry.disks if entry.disks.count(disk) > 1}):
            yield Finding(
                (loc,), f"{dotted(loc)}: `{twice}` is there twice", "write each disk once"
            )
    if spec.storage != "ceph":
        return
    nodes = spec.storage_nodes()
    disks = sum(len(entry.disks) or spec.ceph.disks for entry in nodes)
    places, word = (len(nodes), "node") if len(nodes) > 1 else (disks, "disk")
    if nodes and spec.replicas > places:
        yield Finding(
            (key, ("ceph", "disks"), ("ceph", "replicas")),
            f"ceph.replicas: {spec.replicas} copies need as many {word}s to lie on, and there "
            f"{'is' if places == 1 else 'are'} {places}",
            f"at most {places}, or add a {word}",
        )


def image_stores(spec: CloudSpec) -> Iterator[Finding]:
    """Stores of images beside the first are in Ceph, each another one."""
    stores = spec.images.stores
    loc: Loc = ("images", "stores")
    if stores and spec.storage == "files":
        yield Finding(
            (("storage",), loc),
            f"{dotted(loc)}: are pools in Ceph, and storage is `files`",
            "write `storage: ceph`, or take them out",
        )
    for twice in sorted({name for name in stores if stores.count(name) > 1}):
        yield Finding((loc,), f"{dotted(loc)}: `{twice}` is there twice", "write each once")


def external_ceph(spec: CloudSpec) -> Iterator[Finding]:
    """A Ceph of one's own has a configuration and keyrings, and is used."""
    own = spec.external.ceph
    for name in ("config", "keyrings"):
        loc: Loc = ("external", "ceph", name)
        given = getattr(own, name)
        if spec.storage == "external-ceph" and not given:
            yield Finding(
                (loc, ("storage",)),
                f"{dotted(loc)}: `storage: external-ceph` needs it",
                "say where it is, or write `storage: ceph`",
            )
        elif given and spec.storage != "external-ceph":
            yield Finding(
                (("storage",), loc),
                f"{dotted(loc)}: is not used, because storage is `{spec.storage}`",
                "write `storage: external-ceph`, or take it out",
            )


def volume_backups(spec: CloudSpec) -> Iterator[Finding]:
    """A store for backups of volumes comes with an account, and there are volumes."""
    there = spec.external.volume_backups
    at: Loc = ("external", "volume_backups")
    if there.endpoint is None:
        for name in ("access_key", "secret_key_file", "secret_key_env", "ca"):
            if getattr(there, name):
                yield Finding(
                    (at, (*at, name)),
                    f"{dotted((*at, name))}: is not used without an endpoint",
                    "say where the store is, for example `endpoint: https://s3.example.org`",
                )
        return
    if spec.storage == "files":
        yield Finding(
            (("storage",), (*at, "endpoint")),
            f"{dotted((*at, 'endpoint'))}: a cloud with `storage: files` has no volumes",
            "write `storage: ceph`, or take it out",
        )
    if not there.access_key:
        yield Finding(
            (at, (*at, "endpoint"), (*at, "access_key")),
            f"{dotted((*at, 'access_key'))}: nothing says whose account it is",
            "write the access key of an account of the store",
        )
    if bool(there.secret_key_file) == bool(there.secret_key_env):
        yield Finding(
            (at, (*at, "endpoint"), (*at, "secret_key_env")),
            f"{dotted((*at, 'secret_key_file'))}: expected either secret_key_file or "
            "secret_key_env",
            "say where the secret key is; it stays out of this file",
        )


def machines(spec: CloudSpec) -> Iterator[Finding]:
    """Machines that are there: how each is reached and wired is said, and only for such."""
    provider: Loc = ("provider",)
    entries = [(("nodes", index), entry) for index, entry in enumerate(spec.node_entries)]
    if spec.provider != "ssh":
        given: list[Loc] = [("ssh",)] if spec.ssh != Ssh() else []
        given += [(*loc, "interfaces") for loc, e in entries if e.interfaces != Interfaces()]
        for loc in given:
            yield Finding(
                (provider, loc),
                f"{dotted(loc)}: is for `provider: ssh`, and it is `{spec.provider}`",
                "write `provider: ssh`, or take it out",
            )
        return
    for name in ("key", "known_hosts"):
        if not getattr(spec.ssh, name):
            yield Finding(
                (provider, ("ssh", name)),
                f"{dotted(('ssh', name))}: `provider: ssh` needs it",
                f"for example `{name}: ssh/{'id_ed25519' if name == 'key' else name}`",
            )
    for loc, entry in entries:
        if entry.address is None:
            yield Finding(
                (provider, loc, (*loc, "address")),
                f"{dotted((*loc, 'address'))}: `{entry.name}` is there already, so its address is "
                "not counted up",
                "write the address that it has in networks.management",
            )
        names = spec.interfaces_of(entry)
        switched = {Role.NETWORK, Role.COMPUTE} & set(entry.roles)
        for network in ("management", "tunnel", *(["external"] if switched else [])):
            if not names[network]:
                yield Finding(
                    (provider, ("ssh", "interfaces", network), loc, (*loc, "interfaces", network)),
                    f"{dotted((*loc, 'interfaces', network))}: nothing says which interface of "
                    f"`{entry.name}` is plugged into networks.{network}",
                    f"write `ssh: {{interfaces: {{{network}: …}}}}` for all nodes, or say it here",
                )
        for one, other in combinations((name for name in names if names[name]), 2):
            if names[one] == names[other]:
                yield Finding(
                    (provider, ("ssh", "interfaces", other), loc, (*loc, "interfaces", other)),
                    f"{dotted((*loc, 'interfaces', other))}: `{names[other]}` of `{entry.name}` is "
                    f"plugged into networks.{one} already",
                    "give each network an interface of its own; a VLAN of it will do",
                )


def fencing(spec: CloudSpec) -> Iterator[Finding]:
    """A program that switches machines off is for machines that are there already."""
    loc: Loc = ("instance_ha", "fence")
    if spec.instance_ha.fence and spec.provider == "local":
        yield Finding(
            (("provider",), loc),
            f"{dotted(loc)}: is not for `provider: local`: its nodes are ended by the "
            "machine that they run on",
            "take it out",
        )


def zones(spec: CloudSpec) -> Iterator[Finding]:
    """Once there are zones, each node with guests is in one."""
    computes = [
        (("nodes", index, "zone"), entry)
        for index, entry in enumerate(spec.node_entries)
        if Role.COMPUTE in entry.roles
    ]
    named = [(loc, entry) for loc, entry in computes if entry.zone]
    for loc, entry in computes:
        if named and not entry.zone:
            yield Finding(
                (named[0][0], ("nodes", loc[1]), loc),
                f"{dotted(loc)}: `{entry.name}` is in no zone, and `{named[0][1].name}` is",
                f"for example `zone: {named[0][1].zone}`",
            )


def projects(spec: CloudSpec) -> Iterator[Finding]:
    """No two projects have the same name."""
    seen: dict[str, Loc] = {spec.tenant.project: ("tenant", "project")}
    for index, project in enumerate(spec.content.projects):
        yield from _once(seen, project.name, ("content", "projects", index, "name"), "project")


def images(spec: CloudSpec) -> Iterator[Finding]:
    """No two images have the same name."""
    seen: dict[str, Loc] = dict.fromkeys(OWN_IMAGES, ("images",))
    for index, image in enumerate(spec.images.vendors):
        yield from _once(seen, image.name, ("images", "vendors", index, "name"), "image")


def limits(spec: CloudSpec) -> Iterator[Finding]:
    """Without volumes, nothing limits them."""
    if spec.storage != "files":
        return
    quotas: list[tuple[Loc, Mapping[str, int]]] = [(("tenant", "quota"), spec.tenant.quota)]
    quotas += [
        (("content", "projects", index, "quota"), project.quota)
        for index, project in enumerate(spec.content.projects)
    ]
    for place, quota in quotas:
        for name in limits_of("block-storage", quota):
            yield Finding(
                (("storage",), place),
                f"{dotted(place)}: `{name}` limits volumes, and there are none with "
                "`storage: files`",
                "write `storage: ceph`, or take it out",
            )


def aggregates(spec: CloudSpec) -> Iterator[Finding]:
    """No two aggregates or zones have the same name; their nodes exist and run machines."""
    seen: dict[str, Loc] = {
        entry.zone: ("nodes", index, "zone")
        for index, entry in enumerate(spec.node_entries)
        if entry.zone
    }
    hosts = [entry.name for entry in spec.node_entries if Role.COMPUTE in entry.roles]
    for index, aggregate in enumerate(spec.content.aggregates):
        loc: Loc = ("content", "aggregates", index)
        yield from _once(seen, aggregate.name, (*loc, "name"), "aggregate")
        for node in sorted(set(aggregate.nodes) - set(hosts)):
            guess = nearest(node, hosts)
            yield Finding(
                ((*loc, "nodes"),),
                f"{dotted((*loc, 'nodes'))}: no node `{node}` has the role `compute`",
                f"did you mean `{guess}`?" if guess else f"one of {', '.join(hosts)}",
            )


def flavors(spec: CloudSpec) -> Iterator[Finding]:
    """Each has a name of its own, and says what its name does not say."""
    seen: dict[str, Loc] = {}
    for index, flavor in enumerate(spec.content.flavors):
        loc: Loc = ("content", "flavors", index)
        yield from _once(seen, flavor.name, (*loc, "name"), "flavor")
        sizes = {"vcpus": flavor.vcpus, "ram": flavor.ram, "disk": flavor.disk}
        if flavor.name.startswith("SCS-"):
            for key in (key for key, value in sizes.items() if value is not None):
                yield Finding(
                    ((*loc, key),),
                    f"{dotted((*loc, key))}: the name `{flavor.name}` says it already",
                    "take it out, or take a name that does not begin with `SCS-`",
                )
        else:
            for key in (key for key in ("vcpus", "ram") if sizes[key] is None):
                yield Finding(
                    (loc,),
                    f"{dotted(loc)}: `{flavor.name}` lacks `{key}`",
                    "only names that begin with `SCS-` say that",
                )


def subnet_pools(spec: CloudSpec) -> Iterator[Finding]:
    """Each has a name and ranges of its own; for each version of IP one at most is the default."""
    seen: dict[str, Loc] = {}
    defaults: dict[int, Loc] = {}
    taken: list[tuple[Loc, IPv4Network | IPv6Network]] = [*_cloud_networks(spec)]
    for index, pool in enumerate(spec.content.subnet_pools):
        loc: Loc = ("content", "subnet_pools", index)
        yield from _once(seen, pool.name, (*loc, "name"), "subnet pool")
        version = pool.prefixes[0].version
        for number, prefix in enumerate(pool.prefixes):
            place: Loc = (*loc, "prefixes", number)
            if prefix.version != version:
                yield Finding(
                    (place,),
                    f"{dotted(place)}: {prefix} is IPv{prefix.version}, the first is IPv{version}",
                    "make a pool for each",
                )
                continue
            length = pool.default_prefix_length or (24 if version == 4 else 64)
            if not prefix.prefixlen <= length <= prefix.max_prefixlen:
                yield Finding(
                    (place, (*loc, "default_prefix_length")),
                    f"{dotted(place)}: a subnet with the prefix length {length} does not fit into "
                    f"{prefix}",
                    "write a larger range, or another default_prefix_length",
                )
            for other, network in taken:
                if network.version == version and network.overlaps(prefix):
                    yield _overlap(other, network, place, prefix, "")
            taken.append((place, prefix))
        if pool.default:
            first = defaults.setdefault(version, (*loc, "default"))
            if first != (*loc, "default"):
                yield Finding(
                    (first, (*loc, "default")),
                    f"{dotted((*loc, 'default'))}: {dotted(first[:-1])} is the default for "
                    f"IPv{version} already",
                    "let one of them be it",
                )


def _once(seen: dict[str, Loc], name: str, loc: Loc, what: str) -> Iterator[Finding]:
    """That a name is not taken already; takes it."""
    first = seen.setdefault(name, loc)
    if first != loc:
        yield Finding(
            (first, loc),
            f"{dotted(loc)}: `{name}` is the name of {dotted(first[:-1]) or dotted(first)} already",
            f"give every {what} a name of its own",
        )


def _useless(address: IPv4Address, network: IPv4Network) -> bool:
    """Whether no machine in the network can have the address."""
    return address not in network or address in (network[0], network[-1])


RULES: tuple[Callable[[CloudSpec], Iterator[Finding]], ...] = (
    roles,
    names,
    management,
    tunnel,
    overlaps,
    floating,
    several,
    storage,
    image_stores,
    external_ceph,
    volume_backups,
    machines,
    made_machines,
    fencing,
    zones,
    projects,
    images,
    limits,
    aggregates,
    flavors,
    subnet_pools,
    default_rules,
)


def contradictions(spec: CloudSpec) -> Iterator[Finding]:
    """What all rules find."""
    for rule in RULES:
        yield from rule(spec)
