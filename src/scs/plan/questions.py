# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is asked on nodes beyond what `up` looks at: whether what runs is also well. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from scs.model.view import View
from scs.resources import Check, Resource, Seen

UNITS = "units"


@dataclass(frozen=True)
class Question:
    """One check on one node."""

    node: str
    component: str
    """Empty: the node itself."""
    what: str
    check: Check


def questions(view: View) -> Iterator[Question]:
    """What is asked on nodes: of each node itself, and what its components declare."""
    for node in view.nodes:
        check = Check(name=UNITS, probe={"type": "units"})
        yield Question(node.name, "", "no unit has failed", check)
    for part in view.components:
        for number, declared in enumerate(part.checks):
            for node in view.nodes_of(part):
                probe = declared.probe(view.on(node))
                check = Check(name=f"{part.name}/{number}", component=part.name, probe=probe)
                yield Question(node.name, part.name, declared.name, check)


def by_node(asked: Iterable[Question]) -> Mapping[str, Sequence[Resource]]:
    """Node → the checks that it is asked."""
    wanted: dict[str, list[Resource]] = {}
    for item in asked:
        wanted.setdefault(item.node, []).append(item.check)
    return wanted


def unwell(
    asked: Iterable[Question], seen: Mapping[str, Mapping[str, Seen]]
) -> Iterator[tuple[Question, str]]:
    """The questions whose answers are not what they should be, with what is wrong."""
    for item in asked:
        answer = item.check.compare(seen.get(item.node, {}).get(item.check.id, {}))
        if answer is not None:
            yield item, answer
