# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who suffers when something does not work: from declared needs and endpoints, pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from scs.model.component import Component, Endpoint
from scs.model.view import View
from scs.plan.resolve import givers
from scs.resources import Unit


@dataclass(frozen=True)
class Link:
    """A component that needs what another one gives."""

    component: str
    needs: str
    """The kind of need, in lower case: database, queue …"""
    giver: str


@dataclass(frozen=True)
class Impact:
    """What does not work without a component (or one unit of it)."""

    links: tuple[Link, ...] = ()
    """Components that can't do their work, directly or in the end, nearest first."""
    endpoints: tuple[Endpoint, ...] = ()
    """Endpoints that do not answer, or answer with errors."""

    def __bool__(self) -> bool:
        return bool(self.links or self.endpoints)


def needs_links(view: View) -> tuple[Link, ...]:
    """Who needs what of whom, where the loss of it is felt at once."""
    found = {
        Link(part.name, type(need).__name__.lower(), giver.name): None
        for part in view.components
        for need in part.needs
        if not need.soft
        for giver, _ in givers(view.components, type(need))
        if giver.name != part.name
    }
    return tuple(found)


def dependents(view: View, name: str) -> tuple[Link, ...]:
    """All components that need this one, also by way of others; each once."""
    links = needs_links(view)
    found: dict[str, Link] = {}
    edge = [name]
    while edge:
        nearer, edge = edge, []
        for link in links:
            if link.giver in nearer and link.component not in found and link.component != name:
                found[link.component] = link
                edge.append(link.component)
    return tuple(found.values())


def loss(view: View, name: str, unit: Unit | None = None, units: Iterable[Unit] = ()) -> Impact:
    """What does not work while a component (or that one of its `units`) does not."""
    parts = {part.name: part for part in view.components}
    part = parts.get(name)
    if part is None:
        return Impact()
    links = dependents(view, name)
    if part.fronts:
        return Impact(links, _for_users(point for _, point in view.endpoints))
    own = part.endpoints if unit is None else served(part, unit, units)
    more = [point for link in links for point in parts[link.component].endpoints]
    return Impact(links, _for_users((*own, *more)))


def coming(view: View, names: Iterable[str]) -> frozenset[str]:
    """The service types that may not answer before these components are as they should be."""
    return frozenset(
        point.type for name in names for point in loss(view, name).endpoints if point.type
    )


def _for_users(points: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """Each once, without those that only components use."""
    return tuple(dict.fromkeys(point for point in points if point.http or point.type))


def served(part: Component, unit: Unit, units: Iterable[Unit]) -> tuple[Endpoint, ...]:
    """The endpoints of a component that one of its units serves.

    That is seen from the port at which the unit is asked whether it is ready; an endpoint that
    no unit is asked at is served by all of them.
    """
    asked = {port_of(item.ready) for item in units if item.component == part.name and item.ready}
    mine = port_of(unit.ready) if unit.ready else 0
    return tuple(
        point for point in part.endpoints if point.served == mine or point.served not in asked
    )


def port_of(probe: Mapping[str, object]) -> int:
    """The port that a probe asks at; 0 where it asks otherwise."""
    if "url" in probe:
        return urlsplit(str(probe["url"])).port or 0
    port = probe.get("port", 0)
    return port if isinstance(port, int) else 0


def described(point: Endpoint) -> str:
    """An endpoint in a user's words."""
    return point.description.lower() or point.type or point.name
