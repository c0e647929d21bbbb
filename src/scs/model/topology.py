# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Nodes and networks of one cloud: frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from types import MappingProxyType

INTERFACES: Mapping[str, str] = MappingProxyType(
    {"management": "mgmt0", "tunnel": "tun0", "external": "ext0"}
)
"""Network → the interface of a node that is plugged into it, where scs makes the node."""


class Role(StrEnum):
    """What a node does; a component names the role on whose nodes it runs."""

    CONTROL = "control"
    NETWORK = "network"
    COMPUTE = "compute"
    STORAGE = "storage"


@dataclass(frozen=True)
class Network:
    """One network that nodes are plugged into: management, tunnel or external."""

    name: str
    ipv4: IPv4Network
    ipv6: IPv6Network | None = None
    mtu: int = 1500
    """Bytes."""

    @property
    def gateway(self) -> IPv4Address:
        """The first address; in a local cloud this machine holds it."""
        return self.ipv4.network_address + 1

    @property
    def gateway6(self) -> IPv6Address | None:
        return None if self.ipv6 is None else self.ipv6.network_address + 1


@dataclass(frozen=True)
class Node:
    """One machine of the cloud."""

    name: str
    roles: frozenset[Role]
    addresses: Mapping[str, IPv4Address]
    """Network name → the node's address there ("management", "tunnel")."""
    extra_addresses: tuple[IPv4Address, ...] = ()
    """Further addresses on the management network: the cloud's virtual addresses."""
    zone: str = ""
    """Its availability zone; empty: the cloud has only the one that Nova makes."""
    interfaces: Mapping[str, str] = field(default_factory=lambda: INTERFACES)
    """Network → the node's interface there."""
    ssh_port: int = 22
    """Where its sshd listens: the node's firewall leaves that open."""

    @property
    def address(self) -> IPv4Address:
        return self.addresses["management"]
