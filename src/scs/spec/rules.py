# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""What the parts of cloud.yaml must agree on. Each rule is one function: spec → findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from itertools import combinations
from typing import TYPE_CHECKING

from scs.model.content import OWN_IMAGES, limits_of
from scs.model.topology import Role
from scs.spec.wording import Loc, dotted, nearest

if TYPE_CHECKING:
    from scs.spec.model import CloudSpec

MANAGEMENT: Loc = ("networks", "management", "ipv4")
TUNNEL: Loc = ("networks", "tunnel", "ipv4")


@dataclass(frozen=True)
class Finding:
    """Values that are right each for itself, and can't be together."""

    reads: tuple[Loc, ...]
    """The values; the last that is really written in the file is the one shown."""
    what: str
    hint: str


class ContradictionError(ValueError):
    """The findings of all rules."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("; ".join(f"{finding.what} ({finding.hint})" for finding in findings))
        self.findings = findings


def roles(spec: CloudSpec) -> Iterator[Finding]:
    """Every role is there; `control` once; no node without a role or with one twice."""
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
    for index in controls[1:]:
        first = spec.node_entries[controls[0]].name
        yield Finding(
            (("nodes", controls[0], "roles"), ("nodes", index), places[index]),
            f"{dotted(places[index])}: expected `control` on one node only, and `{first}` has it; "
            "more control nodes come with high availability",
            f"give `{spec.node_entries[index].name}` roles without it, such as `[compute]`",
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
    ipv4: list[tuple[Loc, IPv4Network]] = [
        (MANAGEMENT, written.management.ipv4),
        (TUNNEL, written.tunnel.ipv4),
        (("networks", "external", "ipv4"), written.external.ipv4),
        (("tenant", "network"), spec.tenant.network),
    ]
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


def default_rules(spec: CloudSpec) -> Iterator[Finding]:
    """Each rule can be one of Neutron's, and is there once."""
    seen: dict[str, Loc] = {}
    for index, entry in enumerate(spec.content.default_security_group_rules):
        loc: Loc = ("content", "default_security_group_rules", index)
        prefix = entry.remote_ip_prefix
        if entry.port and entry.protocol not in ("tcp", "udp"):
            what, hint = "`port` needs `protocol: tcp` or `udp`", "name it, or take `port` out"
        elif prefix and f"IPv{prefix.version}" != entry.ethertype:
            what = f"`{prefix}` is not {entry.ethertype}"
            hint = f"write `ethertype: IPv{prefix.version}`"
        elif prefix and entry.remote_group:
            what, hint = "either `remote_ip_prefix` or `remote_group`", "take one of them out"
        elif not entry.groups:
            what, hint = "no group begins with it", "write `groups: [default, custom]`"
        elif (first := seen.setdefault(entry.rule.text, loc)) != loc:
            what, hint = f"is {dotted(first)} again", "take one of them out"
        else:
            continue
        yield Finding((loc,), f"{dotted(loc)}: {what}", hint)


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
    storage,
    external_ceph,
    zones,
    projects,
    images,
    limits,
    aggregates,
    default_rules,
)


def contradictions(spec: CloudSpec) -> Iterator[Finding]:
    """What all rules find."""
    for rule in RULES:
        yield from rule(spec)
