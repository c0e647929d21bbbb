# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which hosts belong together: availability zones, and what the operator says of hosts."""

from __future__ import annotations

from collections.abc import Iterable

from scs.model.component import CONTROL, Component
from scs.model.objects import Aggregate, ApiObject
from scs.model.view import View


def aggregates(view: View) -> Iterable[ApiObject]:
    for zone, nodes in view.zones.items():
        yield Aggregate(name=zone, zone=zone, hosts=nodes, after=_taken_up(nodes))
    for own in view.content.aggregates:
        yield Aggregate(
            name=own.name,
            hosts=own.nodes,
            properties=own.properties,
            after=_taken_up(own.nodes),
        )


def _taken_up(nodes: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"host:{node}" for node in nodes)


component = Component(
    name="aggregates",
    summary="availability zones, host aggregates",
    roles=CONTROL,
    when=lambda view: bool(view.zones or view.content.aggregates),
    objects=aggregates,
)
