# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Looking for lost nodes all the time, and telling of each change once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from scs.api.evacuation import EVACUATED
from scs.engine.evacuation.looking import Sight, Ways, look
from scs.engine.evacuation.run import Outcome
from scs.engine.session import Session
from scs.errors import Busy, ScsError
from scs.model.topology import Role
from scs.model.view import View

Act = Callable[[str], Sequence[Outcome]]
"""Evacuates a node, which is looked at once more before; raises ScsError."""


@dataclass(frozen=True)
class News:
    """Something that a person may want to know."""

    event: str
    """`silent`, `lost`, `refused`, `waits`, `evacuated` or `back`."""
    node: str
    text: str
    values: dict[str, Any] = field(default_factory=dict)


class Watch:
    """What a watcher remembers from one look to the next; without `act` it only tells."""

    def __init__(self, act: Act | None = None) -> None:
        self._act = act
        self._told: dict[str, str] = {}
        """Node that does not answer → what was last told of it."""
        self._done: set[str] = set()
        """Lost nodes with which there is nothing more to do."""

    def round(self, session: Session, view: View, ways: Ways) -> Iterator[News]:
        """One look and what follows from it; raises RuntimeError when Nova does not answer."""
        sight = look(session, view, ways)
        for node in view.nodes:
            if node.name in sight.silent:
                yield from self._silent(sight, node.name, Role.COMPUTE in node.roles)
            elif before := self._told.pop(node.name, ""):
                self._done.discard(node.name)
                whole = "" if before.startswith("silent") else ": scs up makes the cloud whole"
                yield News("back", node.name, f"answers again{whole}")

    def _silent(self, sight: Sight, node: str, has_guests: bool) -> Iterator[News]:
        verdict = sight.verdict(node)
        if node in self._done:
            return
        if not verdict.gone or not has_guests:
            # One line, however its reasons vary from look to look.
            if node not in self._told:
                yield self._tells("silent", node, f"does not answer; {verdict.why}")
            return
        if not self._told.get(node, "").startswith("lost"):
            yield self._tells("lost", node, f"is lost: {verdict.why}")
        if self._act is not None:
            yield from self._acts(sight, node, self._act)

    def _acts(self, sight: Sight, node: str, act: Act) -> Iterator[News]:
        host = sight.hosts[node]
        if not host.enabled and host.reason != EVACUATED:
            self._done.add(node)
            why = f"is disabled in Nova ({host.reason or 'no reason given'}), so it is left alone"
            yield self._tells("refused", node, why)
            return
        try:
            outcomes = act(node)
        except Busy as error:
            yield from self._once("waits", node, str(error))
        except (ScsError, RuntimeError) as error:
            yield from self._once("refused", node, str(error))
        else:
            self._done.add(node)
            yield self._tells("evacuated", node, told(outcomes), values(outcomes))

    def _once(self, event: str, node: str, text: str) -> Iterator[News]:
        """What is tried again in each round is told again only when it is something else."""
        kept = f"lost, {event}: {re.sub('[0-9]+', '', text)}"  # seconds go by
        if self._told.get(node) != kept:
            yield self._tells(event, node, text)
            self._told[node] = kept

    def _tells(self, event: str, node: str, text: str, values: Any = None) -> News:
        self._told[node] = f"{event}: {text}"
        return News(event, node, text, values or {})


def told(outcomes: Sequence[Outcome]) -> str:
    """The end of an evacuation in one line."""
    moved = [item for item in outcomes if item.host]
    text = f"is evacuated: {len(moved)} of {len(outcomes)} guests run elsewhere"
    left = "; ".join(f"{item.guest.name}: {item.why}" for item in outcomes if not item.host)
    return f"{text}; not {left}" if left else text


def values(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "guests": [
            {
                "id": item.guest.id,
                "name": item.guest.name,
                "moved": bool(item.host),
                "host": item.host or None,
                "seconds": round(item.seconds, 1),
                "why": item.why,
            }
            for item in outcomes
        ]
    }
