# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which components a cloud has, and who gives what they need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from scs.errors import BadInput, Problem
from scs.model.component import Component, Gives
from scs.model.needs import Need
from scs.model.view import View
from scs.plan.words import hint


def resolve(available: Iterable[Component], view: View) -> View:
    """The view with the components of this cloud in it, in the order of their names.

    What a component only wants becomes a need of it where somebody gives it, as does what it
    needs in this cloud only. Raises BadInput
    when a service is chosen that no component belongs to, a name is declared twice, a need is met
    by nobody or by more than one, or a port of the virtual addresses is taken twice.
    """
    named: dict[str, Component] = {}
    problems: list[Problem] = []
    available = tuple(available)
    optional = sorted({part.service for part in available if part.service})
    for name in sorted(view.services - set(optional)):
        what = f"there is no service {name!r} to choose"
        problems.append(Problem("services", what, hint(name, optional)))
    for part in available:
        if part.service and part.service not in view.services:
            continue
        if part.name in named:
            problems.append(Problem(f"component {part.name}", "is declared twice"))
        if part.when is None or part.when(view):
            named[part.name] = part
    chosen = tuple(named[name] for name in sorted(named))
    chosen = tuple(_with_all_needs(part, chosen, view) for part in chosen)
    ports: dict[int, str] = {}
    for part in chosen:
        for need in part.needs:
            count = len(givers(chosen, type(need)))
            if count != 1:
                what = f"needs {type(need).__name__}, which {count or 'no'} components give"
                advice = "add a component that gives it, or leave this one out"
                problems.append(Problem(f"component {part.name}", what, advice))
        for point in part.endpoints:
            if point.port in ports:
                what = f"endpoint {point.name} wants port {point.port}, as {ports[point.port]} does"
                problems.append(Problem(f"component {part.name}", what))
            ports[point.port] = point.name
    if problems:
        raise BadInput(*problems)
    return replace(view, components=chosen)


def _with_all_needs(part: Component, chosen: tuple[Component, ...], view: View) -> Component:
    """The component with what else it needs in this cloud, and those of its wants that are met."""
    further = tuple(part.needs_in(view)) if part.needs_in else ()
    wants = part.wants_in(view) if part.wants_in else ()
    met = tuple(want for want in wants if givers(chosen, type(want)))
    if not further and not part.wants_in:
        return part
    return replace(part, needs=(*part.needs, *further, *met), wants_in=None, needs_in=None)


def givers(components: Iterable[Component], need: type[Need]) -> list[tuple[Component, Gives]]:
    """The components that give what is needed, and how."""
    return [(part, gives) for part in components for gives in part.gives if gives.need is need]


def needs_of(view: View, need: type[Need]) -> tuple[Need, ...]:
    """All needs of one type in the cloud, each once."""
    found = {item: None for part in view.components for item in part.needs if type(item) is need}
    return tuple(found)
