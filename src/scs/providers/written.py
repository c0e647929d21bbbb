# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is written down of nodes: as JSON in the state folder, as a block in /etc/hosts. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from ipaddress import IPv4Address

from scs.model.topology import INTERFACES, Node, Role

BEGIN, END = "# scs: the nodes of this cloud", "# scs: end"
"""The first and the last line of what is ours in /etc/hosts."""


def hosts_block(nodes: Iterable[Node]) -> tuple[str, ...]:
    """The lines of /etc/hosts that are ours."""
    lines = (f"{node.address} {node.name}" for node in sorted(nodes, key=lambda node: node.name))
    return (BEGIN, *lines, END)


def dump_node(node: Node) -> str:
    """A node as JSON, for `load_node`."""
    return json.dumps(
        {
            "name": node.name,
            "roles": sorted(node.roles),
            "addresses": {name: str(address) for name, address in node.addresses.items()},
            "extra_addresses": [str(address) for address in node.extra_addresses],
            "interfaces": dict(node.interfaces),
            "ssh_port": node.ssh_port,
        },
        indent=1,
    )


def load_node(text: str) -> Node:
    """The reverse of `dump_node`; raises ValueError or KeyError on anything else."""
    data = json.loads(text)
    return Node(
        name=data["name"],
        roles=frozenset(Role(role) for role in data["roles"]),
        addresses={name: IPv4Address(text) for name, text in data["addresses"].items()},
        extra_addresses=tuple(IPv4Address(text) for text in data["extra_addresses"]),
        # Files of before have neither.
        interfaces=data.get("interfaces", INTERFACES),
        ssh_port=data.get("ssh_port", 22),
    )
