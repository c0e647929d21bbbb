# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a backup of a cloud holds, from what its components declare. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from scs.model.component import Component
from scs.model.saved import Saved
from scs.model.topology import Node
from scs.model.view import View


@dataclass(frozen=True)
class Source:
    """One stream of a backup: what it is of, and the node that has it."""

    component: Component
    saved: Saved
    node: Node

    @property
    def key(self) -> tuple[str, str, str]:
        """Component, name, and node where each has its own."""
        return self.component.name, self.saved.name, self.node.name if self.saved.each else ""

    @property
    def label(self) -> str:
        return f"{self.component.name} {self.saved.name}"


@dataclass(frozen=True)
class Left:
    """Data that a backup does not hold."""

    component: str
    path: str
    why: str


def sources(view: View, *, bulk: bool) -> tuple[Source, ...]:
    """All streams of this cloud, by component; what is large only with `bulk`."""
    return tuple(
        Source(part, saved, node)
        for part in view.components
        for saved in part.saves
        if saved.when(view) and (bulk or not saved.bulk)
        for node in view.nodes_of(part)[: None if saved.each else 1]
    )


def left(view: View, *, bulk: bool) -> tuple[Left, ...]:
    """What is kept on nodes and is in no such stream."""
    taken = {
        (source.component.name, path)
        for source in sources(view, bulk=bulk)
        for path in source.saved.of
    }
    return tuple(
        Left(part.name, kept.path, kept.unsaved)
        for part in view.components
        for kept in part.kept(view)
        if (part.name, kept.path) not in taken
    )


def stopped(view: View, loaded: Sequence[Saved]) -> Collection[str]:
    """The components that do not run while these are loaded."""
    shut_out = tuple({need for saved in loaded for need in saved.shuts_out})
    outdated = {need for saved in loaded for need in saved.outdates}
    return {
        part.name
        for part in view.components
        if any(isinstance(need, shut_out) for need in part.needs)
        or any(gives.need in outdated for gives in part.gives)
    }
