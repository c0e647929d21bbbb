# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bridges, cables and network namespaces of a local cloud.

Each function brings about a state and may be run again at any time. What exists is told by
the links' aliases, never by name alone.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from scs.errors import Problem, ScsError
from scs.model.topology import INTERFACES, Network, Node
from scs.providers.local import host, names
from scs.shell import run

_NETNS = Path("/run/netns")
_WIDE = {4: 8, 6: 16}
"""Prefixes shorter than this are default routes in disguise (VPNs split 0.0.0.0/0 in two)."""


def _links(netns: str = "") -> dict[str, Mapping[str, Any]]:
    where = ["-n", netns] if netns else []
    listed = json.loads(run(["ip", *where, "-j", "link", "show"], timeout=20) or "[]")
    return {link["ifname"]: link for link in listed}


def _batch(lines: Iterable[str], netns: str = "") -> None:
    text = "\n".join(lines)
    if text:
        where = ["-n", netns] if netns else []
        run(["ip", *where, "-batch", "-"], stdin=text + "\n", timeout=30)


def all_links() -> list[Mapping[str, Any]]:
    """The host's interfaces, with their aliases."""
    return list(_links().values())


def foreign_links() -> list[str]:
    """The host's interfaces that no cloud of ours has made."""
    return [
        name
        for name, link in _links().items()
        if not str(link.get("ifalias", "")).startswith("scs:") and name != "lo"
    ]


def ensure_bridges(cloud: str, networks: Mapping[str, Network]) -> None:
    """Make the cloud's bridges and give the host the gateways' addresses."""
    links = _links()
    commands: list[str] = []
    for name, bridge in names.bridges(cloud, networks).items():
        network, mark = networks[name], names.alias(cloud, name)
        link = links.get(bridge)
        if link is None:
            commands.append(
                f"link add name {bridge} address {names.mac(cloud, name)} type bridge"
                " stp_state 0 forward_delay 0 mcast_snooping 0"
            )
        elif link.get("ifalias", mark) != mark:
            raise ScsError(
                Problem(
                    f"network {name}",
                    f"the interface {bridge} exists and is not this cloud's",
                    f"look at it with: ip link show {bridge}",
                )
            )
        commands.append(f"link set dev {bridge} alias {mark}")
        commands.append(f"link set dev {bridge} mtu {network.mtu} up")
        if name != names.TUNNEL:
            commands.append(f"addr replace {network.gateway}/{network.ipv4.prefixlen} dev {bridge}")
            if network.ipv6 is not None and Path("/proc/sys/net/ipv6").exists():
                commands.append(
                    f"addr replace {network.gateway6}/{network.ipv6.prefixlen} dev {bridge} nodad"
                )
    _batch(commands)


def _mounted(netns: str) -> bool:
    # A killed `ip netns add` can leave a plain file, which `ip netns list` shows as well.
    path = _NETNS / netns
    try:
        return path.stat().st_dev != _NETNS.stat().st_dev
    except FileNotFoundError:
        return False


def ensure_cables(cloud: str, node: Node, networks: Mapping[str, Network]) -> bool:
    """Make the node's network namespace and plug it into the bridges; whether a cable is new.

    Inside, only what is missing is made: a running node may have handed its interfaces to
    Open vSwitch.
    """
    netns = names.machine(cloud, node.name)
    if not _mounted(netns):
        (_NETNS / netns).unlink(missing_ok=True)
        run(["ip", "netns", "add", netns], timeout=20)
    outside, inside = _links(), _links(netns)
    commands: list[str] = []
    new = False
    for name, bridge in names.bridges(cloud, networks).items():
        port, plug = names.host_end(cloud, node.name, name), INTERFACES[name]
        mtu = networks[name].mtu
        if port in outside and plug not in inside:
            # The other end is not where it belongs: a cable of an earlier namespace.
            commands.append(f"link del dev {port}")
        if port not in outside or plug not in inside:
            new = True
            commands.append(
                f"link add {port} mtu {mtu} type veth peer name {plug} mtu {mtu} netns {netns}"
            )
        commands.append(f"link set dev {port} alias {names.alias(cloud, node.name, name)}")
        commands.append(f"link set dev {port} master {bridge} up")
    _batch(commands)
    return new


def addressed_links() -> list[Mapping[str, Any]]:
    """The host's interfaces with their addresses, as `ip -j address` shows them."""
    found: list[Mapping[str, Any]] = json.loads(run(["ip", "-j", "address"], timeout=20) or "[]")
    return found


def missing_links(
    cloud: str,
    networks: Mapping[str, Network],
    nodes: Iterable[str],
    links: Sequence[Mapping[str, Any]],
) -> list[str]:
    """What is wrong with the bridges, and the cables of nodes that run, in words; pure."""
    by_name = {link["ifname"]: link for link in links}
    found = []
    for name, bridge in names.bridges(cloud, networks).items():
        link = by_name.get(bridge)
        if link is None:
            found.append(f"bridge {bridge} ({name}) is gone")
            continue
        if "UP" not in link.get("flags", ()):
            found.append(f"bridge {bridge} ({name}) is down")
        held = {str(entry.get("local")) for entry in link.get("addr_info", ())}
        if name != names.TUNNEL and str(networks[name].gateway) not in held:
            found.append(f"bridge {bridge} ({name}) has lost {networks[name].gateway}")
        for node in nodes:
            port = by_name.get(names.host_end(cloud, node, name))
            if port is None:
                found.append(f"the cable from {node} to network {name} is gone")
            elif port.get("master") != bridge or "UP" not in port.get("flags", ()):
                found.append(f"the cable from {node} to network {name} is not plugged in")
    return found


def configure_inside(cloud: str, node: Node, networks: Mapping[str, Network]) -> None:
    """Addresses and routes in the namespace of a node whose cables are new."""
    commands = ["link set dev lo up"]
    for name, network in networks.items():
        plug = INTERFACES[name]
        commands.append(f"link set dev {plug} up")
        address = node.addresses.get(name)
        if address is not None:
            commands.append(f"addr replace {address}/{network.ipv4.prefixlen} dev {plug}")
    management = INTERFACES[names.MANAGEMENT]
    commands += [f"addr replace {extra}/32 dev {management}" for extra in node.extra_addresses]
    gateway = networks[names.MANAGEMENT].gateway
    commands.append(f"route replace default via {gateway} dev {management}")
    _batch(commands, names.machine(cloud, node.name))


def unplug(cloud: str, node: str, networks: Mapping[str, Network]) -> None:
    """Pull the node's cables; `ensure_cables` plugs them in again."""
    there = _links()
    ports = [names.host_end(cloud, node, name) for name in networks]
    _batch(f"link set dev {port} down" for port in ports if port in there)


def remove_node(cloud: str, node: str) -> None:
    """Take away the node's cables and its namespace."""
    netns = names.machine(cloud, node)
    mark = names.alias(cloud, node, "")
    _batch(
        f"link del dev {name}"
        for name, link in _links().items()
        if str(link.get("ifalias", "")).startswith(mark)
    )
    if _mounted(netns):
        run(["ip", "netns", "del", netns], timeout=20)
    (_NETNS / netns).unlink(missing_ok=True)


def remove_bridges(cloud: str) -> None:
    """Take away the bridges of this cloud and whatever cable is left in them."""
    mark = names.alias(cloud, "")
    ours = {n for n, link in _links().items() if str(link.get("ifalias", "")).startswith(mark)}
    _batch(f"link del dev {name}" for name in sorted(ours))


def route_through_host(networks: Mapping[str, Network]) -> None:
    """Let the host forward between the nodes and the outside."""
    ipv6 = any(network.ipv6 is not None for network in networks.values())
    host.change(host.forward_settings(ipv6, foreign_links()))


def overlaps(
    networks: Iterable[Network],
    routes: Sequence[Mapping[str, Any]],
    own: Iterable[str],
) -> list[Problem]:
    """Where the cloud's address ranges meet routes that the host has already.

    `routes` is the output of `ip -j route show table all` (and of the same for IPv6); `own`
    are the cloud's own interfaces. Default routes do not count.
    """
    ignored = set(own)
    taken: list[tuple[IPv4Network | IPv6Network, str]] = []
    for route in routes:
        device = str(route.get("dev", ""))
        if route.get("dst", "default") == "default" or device in ignored:
            continue
        # Multicast, link-local and loopback routes are everybody's.
        block = ip_network(route["dst"], strict=False)
        if block.is_multicast or block.is_link_local or block.is_loopback:
            continue
        if block.prefixlen >= _WIDE[block.version]:
            taken.append((block, device))
    problems = []
    for network in networks:
        for wanted in (network.ipv4, network.ipv6):
            if wanted is None:
                continue
            met = [
                (block, device)
                for block, device in taken
                if block.version == wanted.version and block.overlaps(wanted)
            ]
            if met:
                # The widest says most: its single addresses need no line of their own.
                block, device = min(met, key=lambda pair: pair[0].prefixlen)
                problems.append(
                    Problem(
                        f"network {network.name}",
                        f"{wanted} overlaps with {block}, which this machine reaches"
                        f" by {device or 'a route of its own'}",
                        "choose other address ranges in cloud.yaml",
                    )
                )
    return problems


def host_routes() -> list[Mapping[str, Any]]:
    """All routes of the host, both families."""
    if shutil.which("ip") is None:
        return []
    found: list[Mapping[str, Any]] = []
    for family in ("-4", "-6"):
        listed = run(["ip", family, "-j", "route", "show", "table", "all"], timeout=5, check=False)
        try:
            found += json.loads(listed or "[]")
        except ValueError:
            continue  # no IPv6 in this kernel
    return found


def own_links(cloud: str) -> list[str]:
    """The cloud's links on the host."""
    if shutil.which("ip") is None:
        return []
    mark = names.alias(cloud, "")
    return [n for n, link in _links().items() if str(link.get("ifalias", "")).startswith(mark)]
