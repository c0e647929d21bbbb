# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is degraded, since when, and what that means for users. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scs.model.view import View
from scs.plan.impact import Impact, described, loss
from scs.resources import Resource, Seen, Unit


@dataclass(frozen=True)
class Down:
    """A unit that does not run, or does not serve."""

    unit: str
    component: str
    nodes: tuple[str, ...]
    since: float
    """Seconds since 1970; 0 where that is not known."""
    everywhere: bool
    """No other node has one that works."""
    impact: Impact

    @property
    def meaning(self) -> str:
        """What users and other components notice, in a line."""
        if not self.everywhere:
            return "others still serve"
        words = []
        names = dict.fromkeys(described(point) for point in self.impact.endpoints)
        if names:
            words.append(f"users can't rely on {', '.join(names)}")
        if self.impact.links:
            lack = dict.fromkeys(link.component for link in self.impact.links)
            words.append(f"affects {', '.join(lack)}")
        return "; ".join(words) or "no other component is affected at once"


def down(
    view: View,
    desired: Mapping[str, Sequence[Resource]],
    observed: Mapping[str, Mapping[str, Seen]],
) -> tuple[Down, ...]:
    """All units that were seen not to work; those that most depends on first."""
    places: dict[str, dict[str, tuple[Unit, Seen]]] = {}
    for node, items in desired.items():
        for item in items:
            seen = observed.get(node, {}).get(item.id)
            if isinstance(item, Unit) and seen is not None:
                places.setdefault(item.id, {})[node] = (item, seen)
    found = []
    for nodes in places.values():
        bad = {node: pair for node, pair in nodes.items() if not works(pair[1])}
        if not bad:
            continue
        node, (unit, _) = next(iter(bad.items()))
        units = [item for item in desired[node] if isinstance(item, Unit)]
        known = [seen["since"] for _, seen in bad.values() if seen.get("since")]
        found.append(
            Down(
                unit=unit.name,
                component=unit.component,
                nodes=tuple(bad),
                since=min(known, default=0.0),
                everywhere=len(bad) == len(nodes),
                impact=loss(view, unit.component, unit, units),
            )
        )
    return tuple(sorted(found, key=lambda item: -len(item.impact.links)))


def works(seen: Seen) -> bool:
    """Whether a unit runs and serves."""
    return seen.get("active") == "active" and not seen.get("wrong")


def since(
    component: str,
    desired: Mapping[str, Sequence[Resource]],
    observed: Mapping[str, Mapping[str, Seen]],
) -> float:
    """Since when all units of a component are in the state that they are in; 0: not known."""
    found = [
        float(seen.get("since") or 0)
        for node, items in desired.items()
        for item in items
        if isinstance(item, Unit) and item.component == component
        if (seen := observed.get(node, {}).get(item.id)) is not None
    ]
    return max(found, default=0.0)
