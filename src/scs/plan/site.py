# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What nodes have in common is made once for all of them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any, Concatenate, ParamSpec, TypeVar

from scs.model.component import Component
from scs.model.topology import Node, Role
from scs.model.view import NodeAskedFor, View

P = ParamSpec("P")
T = TypeVar("T")


class Site:
    """Where something is made: on one node, or on any node with exactly the same roles.

    Nobody declares what such nodes have in common. Each thing is made where any of them is
    meant; what can be made there, without asking which one it is, is the same on all of them.
    """

    def __init__(self, view: View, anywhere: Site | None = None) -> None:
        self.view = view
        self._anywhere = anywhere
        """None: this is it."""
        self._made: dict[Hashable, Any] = {}
        self._differs: set[Hashable] = set()
        """What is not the same on all nodes."""

    @classmethod
    def of(cls, view: View, roles: frozenset[Role]) -> Site:
        """Any node with these roles."""
        return cls(view.on(roles))

    def on(self, node: Node) -> Site:
        """One of these nodes."""
        return Site(self.view.on(node), self)

    @cached_property
    def parts(self) -> tuple[Component, ...]:
        """The components here."""
        return self._anywhere.parts if self._anywhere else self.view.components_here

    def once(
        self,
        what: Hashable,
        make: Callable[Concatenate[Site, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """What `make` makes here, and for all such nodes at once where it is the same.

        `what` names it: the same for the same arguments, and for no others. All that differs
        between nodes must come from the site that `make` is given.
        """
        if what not in self._made:
            anywhere = self._anywhere
            if anywhere and what not in anywhere._differs:
                try:
                    return anywhere.once(what, make, *args, **kwargs)
                except NodeAskedFor:
                    anywhere._differs.add(what)
            self._made[what] = make(self, *args, **kwargs)
        made: T = self._made[what]
        return made
