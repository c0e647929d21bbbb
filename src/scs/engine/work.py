# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Steps on nodes that are of no plan: what `up` would never do by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scs.engine.events import Events
from scs.engine.hand import Hand
from scs.errors import Problem, StepFailed
from scs.providers import Connection


def work(
    hand: Hand,
    events: Events,
    links: Mapping[str, Connection],
    payloads: Mapping[str, Sequence[Mapping[str, Any]]],
    run: str,
) -> None:
    """Have them done on these nodes at once, and told while they are; raises StepFailed."""
    watchers = [hand.watch(events, node, link, run) for node, link in links.items()]
    try:
        answers = hand.converge(links, payloads, run)
    finally:
        for watcher in watchers:
            watcher.close()
    failed = [
        Problem(
            f"node {node}",
            f"{outcome['id']} failed\n{outcome['error']}",
            f"look at it with: scs ssh {node}; then run the same command again",
        )
        for node, outcomes in answers.items()
        for outcome in outcomes
        if not outcome["ok"]
    ]
    if failed:
        raise StepFailed(*failed)
