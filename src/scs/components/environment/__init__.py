# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The Python environments of the release: versioned paths, and a link each that decides."""

from __future__ import annotations

from collections.abc import Iterable

from scs.model.component import EVERYWHERE, Component, Gives
from scs.model.needs import Environment, Need
from scs.model.view import ENVIRONMENTS, View
from scs.resources import Link, Resource


def link(view: View, needs: tuple[Need, ...]) -> Iterable[tuple[Need, Resource]]:
    """Flipping this link is what upgrades and rolls back."""
    for need in needs:
        assert isinstance(need, Environment)
        yield need, Link(name=f"{ENVIRONMENTS}/{need.name}", target=view.environments[need.name])


component = Component(
    name="environment",
    summary="the release's Python environments",
    roles=EVERYWHERE,
    packages=("python3", "uwsgi-core", "uwsgi-plugin-python3"),
    gives=(Gives(Environment, resources=link),),
)
