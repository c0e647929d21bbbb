# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which nodes are changed at the same time, and which one after another. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scs.model.topology import Node, Role
from scs.resources import Resource, Seen, Unit


def waves(
    nodes: Sequence[Node],
    work: Mapping[str, Sequence[Resource]],
    observed: Mapping[str, Mapping[str, Seen]],
) -> list[list[str]]:
    """The names of the nodes with work to do: those of a wave are changed at the same time.

    What runs on one control node runs on the others, too. So where something that runs is touched
    on several of them, they take turns, and the others are there for users meanwhile. So do nodes
    of any role where it is a unit that has turns (`Service.turn`), such as a disk of Ceph's. What
    does not run yet needs no turns: members of a cluster that comes up wait for each other.
    """
    first: list[str] = []
    turns: list[list[str]] = []
    for node in nodes:
        if node.name not in work:
            continue
        touched = _touched(work[node.name], observed.get(node.name, {}))
        if any(Role.CONTROL in node.roles or unit.turn for unit in touched):
            turns.append([node.name])
        else:
            first.append(node.name)
    if turns:
        first += turns.pop(0)
    return [wave for wave in (first, *turns) if wave]


def _touched(steps: Sequence[Resource], seen: Mapping[str, Seen]) -> list[Unit]:
    """The units among them that run."""
    return [
        item
        for item in steps
        if isinstance(item, Unit) and seen.get(item.id, {}).get("active") == "active"
    ]
