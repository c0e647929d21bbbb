# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Machines of paper that are there: what each says of itself, and what was done to it."""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from scs.model.topology import Network, Node, Role
from scs.providers import Connection
from scs.providers.reach import Said
from scs.providers.ssh import SshProvider
from scs.providers.ssh.kvm import WORKS
from scs.providers.written import hosts_block

PLUGS = {"management": "eno1", "tunnel": "eno2", "external": "eno3"}
NETWORKS = {
    "management": Network("management", IPv4Network("10.9.0.0/24")),
    "tunnel": Network("tunnel", IPv4Network("10.9.1.0/24"), mtu=9000),
    "external": Network("external", IPv4Network("203.0.113.0/24")),
}
VIRTUAL = IPv4Address("10.9.0.3")
TREE = "/opt/scs/releases/one"
UP = "0x1003"


def node(number: int, *roles: Role) -> Node:
    return Node(
        f"node-{number}",
        frozenset(roles or Role),
        {
            "management": IPv4Address(f"10.9.0.{10 + number}"),
            "tunnel": IPv4Address(f"10.9.1.{10 + number}"),
        },
        extra_addresses=(VIRTUAL,) if number == 1 else (),
        interfaces=PLUGS,
    )


@dataclass
class Machine:
    """A machine of paper: what it says of itself."""

    number: int
    lines: dict[str, str | list[str]] = field(default_factory=dict)
    silent: str = ""
    """What ssh says instead."""
    scripts: list[str] = field(default_factory=list)
    """What was run there to change something."""
    ahead: float = 0.0

    def __post_init__(self) -> None:
        own = f"10.9.0.{10 + self.number}/24", f"10.9.1.{10 + self.number}/24"
        self.lines = {
            "user": "0",
            "name": f"node-{self.number}",
            "processor": platform.machine(),
            "machine": f"machine-{self.number}",
            "boot": f"boot-{self.number}",
            "memory": str(64 * 2**20 + self.number * 2**10),
            "init": "systemd",
            "ID": "debian",
            "VERSION_ID": "13",
            "PRETTY_NAME": "Debian GNU/Linux 13 (trixie)",
            "tool": ["python3", "ping", "ip", "ss"],
            "datapath": "system",
            "kvm": "yes",
            "link": [
                "lo 65536 0x9 unknown",
                f"eno1 1500 {UP} up",
                f"eno2 9000 {UP} up",
                f"eno3 1500 {UP} up",
            ],
            "address": ["lo 127.0.0.1/8", f"eno1 {own[0]}", f"eno2 {own[1]}"],
            "complete": "yes",
            **self.lines,
        }

    def said(self) -> Said:
        if self.silent:
            return Said(255, "", self.silent)
        lines = {"clock": f"{time.time() + self.ahead}", **self.lines}
        pairs = [
            (key, one)
            for key, value in lines.items()
            for one in (value if isinstance(value, list) else [value])
        ]
        return Said(0, "".join(f"{key}\t{value}\n" for key, value in pairs), "")


class Machines:
    """Several of them, by their addresses."""

    provider: SshProvider

    def __init__(self, *machines: Machine) -> None:
        self.machines = {f"10.9.0.{10 + item.number}": item for item in machines}
        self.sent: list[tuple[str, Path]] = []
        """Folders that were sent, and where."""

    def talk(self, link: Connection, words: str, given: str | Path, _seconds: float) -> Said:
        machine = self.machines[link.host]
        if machine.silent:
            return machine.said()
        if isinstance(given, Path):
            machine.lines["tree"] = TREE
            self.sent.append((link.host, given))
        elif words == "python3 -":
            return Said(0, WORKS if machine.lines["kvm"] == "yes" else "", "")
        elif "say complete" in given:
            return machine.said()
        else:
            self._changed(machine, given)
        return Said(0, "", "")

    def _changed(self, machine: Machine, given: str) -> None:
        machine.scripts.append(given)
        if "mkdir -p /var/lib/scs/artifacts" in given:
            machine.lines["mark"] = f"{self.provider.cloud} {self.provider.id}"
            machine.lines["host"] = list(hosts_block(self.provider._all().values()))
            if "eno1" in given and machine.number == 1:
                machine.lines["address"] = [*machine.lines["address"], f"eno1 {VIRTUAL}/32"]
        elif "rm -rf /var/lib/scs/artifacts" in given:
            machine.lines["mark"] = ""
