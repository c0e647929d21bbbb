# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What machines must be like before anything on them is touched. Pure."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from scs.errors import Problem
from scs.model.topology import Network, Node, Role
from scs.providers.ssh.probe import MARK, Answer, Ask, Found, Silent
from scs.release import PYTHON

SKEW = 3.0
"""Seconds that clocks may differ: beyond, tokens and Ceph's monitors take each other for wrong."""
GENEVE = 58
"""Bytes around each packet of a tenant in a tunnel (Neutron's `path_mtu` counts the same)."""
NEEDED = ("ip", "ping", "ss")
PACKAGES = {"ip": "iproute2", "ping": "iputils-ping", "ss": "iproute2"}
SMALL = 64
"""Bytes of a packet that only asks whether somebody is there."""


TUNNELS = "br-phy"
"""The bridge that has the address in the tunnel network, once a process switches packets."""


@dataclass(frozen=True)
class Wanted:
    """What is wanted of the machines of one cloud."""

    cloud: str
    id: str
    nodes: tuple[Node, ...]
    networks: Mapping[str, Network]
    virt: str
    data: Mapping[str, tuple[str, ...]]
    """Node → paths where the cloud will keep data there."""
    ports: Mapping[str, frozenset[int]]
    """Node → TCP ports on which the cloud will listen there."""
    trees: tuple[str, ...]
    """Folders that each of them has when it is made."""
    virtual: frozenset[IPv4Address]
    """The addresses of the APIs."""
    datapath: str = "kernel"
    """Who switches packets there: `kernel` or `userspace`."""
    section: str = "ssh"
    """The section of cloud.yaml that says so."""

    def least(self, network: str) -> int:
        """How large packets must get through a network, in bytes."""
        if network == "tunnel":
            return self.networks["external"].mtu + GENEVE
        return self.networks[network].mtu

    def ask(self, node: Node) -> Ask:
        """What to ask of a machine."""
        peers = [
            (other.addresses[network], self.least(network))
            for other in self.nodes
            if other.name != node.name
            for network in ("management", "tunnel")
        ]
        first = node.name == self.nodes[0].name
        virtual = [(address, SMALL) for address in sorted(self.virtual) if first]
        return Ask(self.data.get(node.name, ()), self.trees, (*peers, *virtual))


def problems(wanted: Wanted, answers: Mapping[str, Answer]) -> list[Problem]:
    """All that stands in the way, on each machine and between them."""
    found: list[Problem] = []
    answered: dict[str, Found] = {}
    for node in wanted.nodes:
        answer = answers[node.name]
        if isinstance(answer, Silent):
            what = f"{answer.why}; {without(node, wanted.nodes, answers)}"
            found.append(Problem(f"node {node.name}", what, answer.hint))
        else:
            answered[node.name] = answer
    for node in wanted.nodes:
        if node.name in answered:
            found += of_machine(wanted, node, answered[node.name])
    found += between(wanted, answered)
    return found


def without(node: Node, nodes: Iterable[Node], answers: Mapping[str, Answer]) -> str:
    """What goes on without a node, and what does not."""
    others = [
        other
        for other in nodes
        if other.name != node.name and isinstance(answers.get(other.name), Found)
    ]
    goes, waits = [], []
    for role in sorted(node.roles):
        left = [other.name for other in others if role in other.roles]
        of_all = 1 + sum(role in other.roles for other in nodes if other.name != node.name)
        enough = len(left) * 2 > of_all if role == Role.CONTROL else bool(left)
        if enough:
            goes.append(f"{role} (on {', '.join(left)})")
        else:
            waits.append(str(role))
    words = []
    if goes:
        words.append(f"what goes on without it: {', '.join(goes)}")
    if waits:
        words.append(f"what does not go on without it: {', '.join(waits)}")
    return "; ".join(words)


def of_machine(wanted: Wanted, node: Node, found: Found) -> list[Problem]:
    """What is wrong with one machine."""
    where = f"node {node.name}"
    mine = found.mark == (wanted.cloud, wanted.id)
    checks: list[Callable[[], Iterable[tuple[str, str]]]] = [
        lambda: _system(found),
        lambda: _owner(wanted, found),
        lambda: _name(node, found),
        lambda: _wiring(wanted, node, found),
        lambda: _abilities(wanted, node, found),
    ]
    if not mine and found.mark is None:
        checks.append(lambda: _foreign(wanted, node, found))
    return [Problem(where, what, hint) for check in checks for what, hint in check()]


def _system(found: Found) -> Iterator[tuple[str, str]]:
    name = found["PRETTY_NAME"] or "an unknown system"
    if (found["ID"], found["VERSION_ID"]) != ("debian", "13"):
        yield (
            f"runs {name}, and a node is Debian 13: its Python ({PYTHON}), Open vSwitch, OVN and "
            "Ceph are those that the release was made and tried with",
            "install Debian 13 there, or upgrade it; nothing on it was touched",
        )
    if found["init"] != "systemd":
        yield f"is run by {found['init']}, not by systemd", "use a whole machine, no container"
    if found["processor"] != platform.machine():
        yield (
            f"has {found['processor']} processors, and this machine {platform.machine()}: the "
            "Python environment is made here",
            "run scs on a machine of the same kind",
        )
    if found["user"] != "0":
        yield "commands do not run as root there", "log in as root, or allow sudo"
    for tool in NEEDED:
        if tool not in found.all("tool"):
            yield f"lacks the command {tool}", f"there: apt-get install {PACKAGES[tool]}"


def _owner(wanted: Wanted, found: Found) -> Iterator[tuple[str, str]]:
    if found.mark is None or found.mark == (wanted.cloud, wanted.id):
        return
    name, _ = found.mark
    if name != wanted.cloud:
        yield (
            f"belongs to the cloud {name} ({MARK} says so)",
            f"take another machine, or remove the cloud {name} first, with its own cloud.yaml",
        )
    else:
        yield (
            f"belongs to another cloud of the name {name}, or to one whose state was lost ({MARK})",
            "set SCS_STATE as it was then, or restore that folder; or take another machine",
        )


def _name(node: Node, found: Found) -> Iterator[tuple[str, str]]:
    if found["name"] != node.name:
        yield (
            f"calls itself {found['name']}: queue, hypervisor and storage know nodes by their own "
            "name",
            f"there: hostnamectl set-hostname {node.name}; or call it `{found['name']}` in "
            "cloud.yaml",
        )


def _wiring(wanted: Wanted, node: Node, found: Found) -> Iterator[tuple[str, str]]:
    links, held = found.links, found.addresses
    for network, name in node.interfaces.items():
        if not name:
            continue
        link = links.get(name)
        if link is None:
            have = ", ".join(sorted(set(links) - {"lo"}))
            yield f"has no interface {name} for networks.{network}", f"there are: {have}"
            continue
        if not link.up or link.state == "down":
            why = "has no carrier" if link.up else "is down"
            yield f"{name} (networks.{network}) {why}", "look at its cable and configuration"
        least = wanted.least(network)
        if link.mtu < least:
            yield (
                f"{name} has an MTU of {link.mtu} bytes, and networks.{network} needs {least}",
                f"set it there and on the switch to {max(least, wanted.networks[network].mtu)}",
            )
        if network == "external":
            yield from _taken(name, link.over, [str(at) for on, at in held if on == name])
            continue
        address = node.addresses[network]
        prefix = wanted.networks[network].ipv4
        where = [on for on, at in held if at.ip == address]
        if network == "tunnel" and wanted.datapath == "userspace" and TUNNELS in where:
            continue  # the switch has taken it over
        if name not in where:
            on = f" (it is on {', '.join(where)})" if where else ""
            yield (
                f"{name} does not have {address}/{prefix.prefixlen} in networks.{network}{on}",
                "give it that address there, so that it stays after a restart, or correct "
                "cloud.yaml",
            )
        elif not any(at.ip == address and at.network == prefix for _, at in held):
            has = next(at for _, at in held if at.ip == address)
            yield (
                f"{name} has {has}, and networks.{network} is {prefix}",
                "give both the same length of the prefix",
            )


def _taken(name: str, over: str, addresses: Sequence[str]) -> Iterator[tuple[str, str]]:
    if addresses:
        yield (
            f"{name} (networks.external) has {', '.join(addresses)}, which would be cut off: Open "
            "vSwitch takes the interface",
            "take the address away there, or name an interface without one",
        )
    if over and over != "ovs-system":
        yield (
            f"{name} (networks.external) is part of {over}",
            f"name {over} itself, or an interface that is part of nothing",
        )


def _abilities(wanted: Wanted, node: Node, found: Found) -> Iterator[tuple[str, str]]:
    switches = wanted.datapath == "kernel" and {Role.NETWORK, Role.COMPUTE} & node.roles
    if switches and found["datapath"] != "system":
        yield (
            "its kernel has no openvswitch or no geneve, and packets between machines are "
            "switched by the kernel",
            "boot Debian's own kernel (package linux-image-amd64), or set "
            f"{wanted.section}.datapath to userspace, which is slower",
        )
    if wanted.virt == "kvm" and Role.COMPUTE in node.roles and found["kvm"] != "yes":
        yield (
            "has no /dev/kvm, and cloud.yaml asks for KVM",
            "set compute.virt to auto, or switch on virtualisation in the firmware",
        )


def _foreign(wanted: Wanted, node: Node, found: Found) -> Iterator[tuple[str, str]]:
    hint = "take another machine, or save and remove there what is not this cloud's"
    if holds := found.all("holds"):
        yield f"holds data that are not this cloud's, in {', '.join(holds)}", hint
    listening = {int(port) for port in found.all("listens") if port.isdigit()}
    if taken := sorted(listening & wanted.ports.get(node.name, frozenset())):
        shown = ", ".join(map(str, taken))
        yield f"something listens there already at port {shown}, which this cloud needs", hint


def between(wanted: Wanted, found: Mapping[str, Found]) -> Iterator[Problem]:
    """What is wrong between machines that answer."""
    yield from _twice(found)
    yield from _clocks(found)
    yield from _duplicates(wanted, found)
    yield from _ways(wanted, found)


def _twice(found: Mapping[str, Found]) -> Iterator[Problem]:
    for key, what, hint in (
        ("boot", "is the same machine", "correct `address` of one of them"),
        (
            "machine",
            "has the same /etc/machine-id",
            "one is a copy of the other; there: rm /etc/machine-id && systemd-machine-id-setup, "
            "and restart it",
        ),
    ):
        first: dict[str, str] = {}
        for name, answer in found.items():
            other = first.setdefault(answer[key], name)
            same_boot = key == "machine" and answer["boot"] == found[other]["boot"]
            if other != name and answer[key] and not same_boot:
                yield Problem(f"node {name}", f"{what} as {other}", hint)


def _clocks(found: Mapping[str, Found]) -> Iterator[Problem]:
    off = {name: answer.skew for name, answer in found.items() if abs(answer.skew) > SKEW}
    hint = "have all take their time from the same servers; look with: timedatectl"
    skews = [answer.skew for answer in found.values()]
    if len(off) == len(found) > 1 and max(skews) - min(skews) <= SKEW:
        what = f"its clock is {_apart(-skews[0])} those of all nodes, which agree"
        yield Problem("this machine", what, hint)
        return
    for name, skew in off.items():
        yield Problem(f"node {name}", f"its clock is {_apart(skew)} this machine's", hint)


def _apart(skew: float) -> str:
    return f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'}"


def _duplicates(wanted: Wanted, found: Mapping[str, Found]) -> Iterator[Problem]:
    holders: dict[IPv4Address, list[str]] = {}
    for name, answer in found.items():
        for _, at in answer.addresses:
            if not at.ip.is_loopback and not at.ip.is_link_local:
                holders.setdefault(at.ip, []).append(name)
    boots = {name: answer["boot"] for name, answer in found.items()}
    inside = [wanted.networks[name].ipv4 for name in ("management", "tunnel")]
    for address, names in holders.items():
        if len({boots[name] for name in names}) > 1 and any(address in net for net in inside):
            yield Problem(
                f"node {names[1]}",
                f"has the address {address}, which {names[0]} has as well",
                "give every machine an address of its own",
            )
    if any(answer.mark == (wanted.cloud, wanted.id) for answer in found.values()):
        return  # the cloud itself has its virtual addresses
    for answer in found.values():
        for pair in answer.all("reaches"):
            address = IPv4Address(pair.partition("/")[0])
            if address in wanted.virtual:
                yield Problem(
                    "endpoints",
                    f"{address} is to be the address of the APIs, and somebody answers there",
                    "find out who has it, or choose another one in cloud.yaml",
                )


def _ways(wanted: Wanted, found: Mapping[str, Found]) -> Iterator[Problem]:
    """Packets of full size get from each machine to each other in both networks."""
    owners = {
        str(node.addresses[network]): (node.name, network)
        for node in wanted.nodes
        for network in ("management", "tunnel")
    }
    for name, answer in found.items():
        for line in answer.all("fails"):
            pair, _, why = line.partition(" ")
            address, _, size = pair.partition("/")
            other, network = owners.get(address, ("", ""))
            if other not in found:
                continue  # a virtual address that is free, or one that does not answer at all
            told = f" ({why.strip()})" if why.strip() else ""
            yield Problem(
                f"node {name}",
                f"packets of {int(size) + 28} bytes do not get to {other} ({address}) in "
                f"networks.{network}{told}",
                "look at the MTU of all switches on the way, and at firewalls that drop pings",
            )
