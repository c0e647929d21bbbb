# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Taking from a machine that stays all that was made on it, data included."""

from __future__ import annotations

from collections.abc import Mapping

from scs.engine.events import Events
from scs.engine.hand import Hand
from scs.engine.work import work
from scs.errors import Problem, StepFailed
from scs.plan.removal import removals
from scs.providers import Connection
from scs.resources import Record, Seen


def clear(hand: Hand, events: Events, links: Mapping[str, Connection], run: str) -> None:
    """Remove all that the record on each node names; raises StepFailed.

    It is the same way as for a component that is taken out of cloud.yaml with its data, with
    nothing at all wanted any more. Debian's packages are in no record, so they stay.
    """
    nothing = Record(name="managed")
    seen = _records(hand, links, nothing)
    payloads = {}
    for node, record in seen.items():
        owners = {str(item["component"]) for item in record.get("gone", {}).values()}
        absent, _, _ = removals(node, nothing, record, owners)
        if absent:
            payloads[node] = [item.payload() for item in absent]
    if not payloads:
        return
    going = {node: links[node] for node in payloads}
    work(hand, events, going, payloads, run)
    left = {
        node: sorted(record["gone"])
        for node, record in _records(hand, going, nothing).items()
        if record.get("gone")
    }
    if left:
        raise StepFailed(
            *[
                Problem(f"node {node}", f"still has {', '.join(names)}", "run it again")
                for node, names in left.items()
            ]
        )


def _records(hand: Hand, links: Mapping[str, Connection], asked: Record) -> Mapping[str, Seen]:
    seen = hand.observe(links, [(node, [asked]) for node in links])
    return {node: things.get(asked.id, {}) for node, things in seen.items()}
