# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is to be made, whatever the platform: frozen values."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from scs.model.topology import Network, Node

NETWORKS = ("management", "tunnel", "external")
"""In the order in which machines have their interfaces."""

Block = dict[str, Any]
"""A part of a configuration of OpenTofu, in its JSON form."""


@dataclass(frozen=True)
class HostKey:
    """What a machine's sshd proves itself with: made here, so that it is known beforehand."""

    private: str
    """As OpenSSH keeps it, with its line ends."""
    public: str
    """One line without a comment: `ssh-ed25519 …`."""


@dataclass(frozen=True)
class Machine:
    """A machine that is to be a node."""

    node: Node
    size: str
    """A flavor, an instance type, or processors and GiB as `8x32`."""
    zone: str
    """As the platform calls it; empty: whichever."""
    host_key: HostKey

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def counted(self) -> tuple[int, int]:
        """Processors and MiB, where the size says them."""
        processors, _, memory = self.size.partition("x")
        return int(processors), int(memory) * 1024


@dataclass(frozen=True)
class Site:
    """The machines of one cloud and what is around them."""

    cloud: str
    machines: tuple[Machine, ...]
    networks: Mapping[str, Network]
    tunnel_mtu: int
    """Bytes."""
    dns: tuple[IPv4Address | IPv6Address, ...]
    virtual: tuple[IPv4Address, ...]
    """The addresses of the APIs, which move between control nodes."""
    user: str
    public_key: str
    image: str
    disk: int
    """GiB; 0: as image or size say."""
    plugs: Mapping[str, str]
    """Network → what it is on the platform; empty: it is made."""
    options: Mapping[str, Any]
    """What cloud.yaml says of the platform."""

    @property
    def prefix(self) -> str:
        """What the names of all that is made begin with."""
        return f"scs-{self.cloud}"

    def mac(self, machine: Machine, network: str, first: str) -> str:
        """An address for an interface, always the same; `first` are its three upper bytes."""
        digest = hashlib.sha256(f"{self.cloud}/{machine.name}/{network}".encode()).digest()
        # Below 40: VMware takes no others.
        return f"{first}:{digest[0] % 0x40:02x}:{digest[1]:02x}:{digest[2]:02x}"


def of_node(name: str, network: str = "") -> str:
    """The name in the configuration of what belongs to one machine; see `owner`."""
    return f"node_{name}" + (f"_{network}" if network else "")


def owner(name: str) -> str:
    """The machine that something belongs to, by its name in the configuration; empty: to all."""
    kind, _, rest = name.partition("_")
    return rest.partition("_")[0] if kind == "node" else ""


def literal(text: str) -> str:
    """A text in which OpenTofu finds nothing to fill in."""
    return text.replace("${", "$${").replace("%{", "%%{")


def reference(path: str) -> str:
    """The value of something else in the configuration."""
    return "${" + path + "}"
