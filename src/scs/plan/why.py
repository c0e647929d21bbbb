# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Why a unit restarts, what it needs, and what depends on it: from the declarations. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scs.model.view import View
from scs.plan.impact import Impact, loss
from scs.plan.ownership import declaration
from scs.plan.resolve import givers
from scs.resources import Gate, Resource, Unit


@dataclass(frozen=True)
class Why:
    """What there is to know about one unit on one node."""

    unit: str
    node: str
    component: str
    reload: bool
    """It takes a change over without a restart."""
    reads: tuple[tuple[str, str, str], ...]
    """(path, component, declaration): a change of any of them restarts (or reloads) it."""
    needs: tuple[tuple[str, str], ...]
    """(need, component that gives it) of its component."""
    waits: tuple[str, ...]
    """What must be true before it is started."""
    after: tuple[str, ...]
    """Resources on the node that are made before it, without files and folders."""
    impact: Impact


def why(view: View, node: str, desired: Sequence[Resource], unit: Unit) -> Why:
    """All about one unit of a node, of which `desired` are the resources."""
    named = {item.id: item for item in desired}
    reads = []
    for path in dict.fromkeys(unit.reads):
        item = named.get(f"file:{path}") or named.get(f"link:{path}")
        owner = item.component if item else ""
        told = declaration(view, owner, item.id) if item else "comes with a package, or is made"
        reads.append((path, owner, told))
    part = next(part for part in view.components if part.name == unit.component)
    needs = []
    for need in part.needs:
        text = f"{type(need).__name__} {getattr(need, 'name', '')}".strip()
        needs += [(text, giver.name) for giver, _ in givers(view.components, type(need))]
    waits = [item.name for name in unit.after if isinstance(item := named.get(name), Gate)]
    quiet = ("file:", "directory:", "gate:", "link:")
    units = [item for item in desired if isinstance(item, Unit)]
    return Why(
        unit=unit.name,
        node=node,
        component=unit.component,
        reload=unit.reload,
        reads=tuple(reads),
        needs=tuple(needs),
        waits=tuple(waits),
        after=tuple(name for name in unit.after if name in named and not name.startswith(quiet)),
        impact=loss(view, unit.component, unit, units),
    )
