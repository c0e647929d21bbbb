# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Evacuating a node, from proof to the last guest."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from scs.api import evacuation as nova
from scs.engine.evacuation.looking import Ways
from scs.engine.events import MACHINE
from scs.engine.session import Session
from scs.errors import BadInput, Problem, ScsError
from scs.model.evacuation import Guest
from scs.patience import patient
from scs.plan.evacuation import Situation, refusals
from scs.plan.plan import API

GUEST_SECONDS = 600
"""How long one guest may take: its disk's lock in Ceph has to run out, too."""


@dataclass(frozen=True)
class Outcome:
    """What has become of a guest that was to move."""

    guest: Guest
    host: str
    """Where it is now; empty when it was not moved."""
    seconds: float
    why: str = ""
    """Why not."""


def refuse(situation: Situation) -> None:
    """Raises BadInput with all that speaks against it; nothing was touched."""
    if found := tuple(refusals(situation)):
        raise BadInput(*found)


def evacuate(session: Session, ways: Ways, situation: Situation) -> tuple[Outcome, ...]:
    """End the node, have Nova take it for down, and start its guests elsewhere.

    In this order, and each step only when the one before is proven: a guest that is started
    while it still runs elsewhere destroys its own disk. Running it again does what is left.
    Raises ScsError when the node can't be proven off; then no guest was touched.
    """
    refuse(situation)
    assert situation.host is not None, "it would have been refused"
    node, host = situation.node, situation.host
    events = session.events
    events.timed(MACHINE, f"fence:{node}", lambda: _fence(session, node))
    events.timed(API, f"forced-down:{node}", lambda: nova.force_down(ways.clients, host))
    moving = [fate.guest for fate in situation.fates if fate.moves]
    with ThreadPoolExecutor(session.spec.instance_ha.parallel) as pool:
        # Taken up in this order.
        return tuple(pool.map(lambda guest: _move(session, ways, node, guest), moving))


def _fence(session: Session, node: str) -> None:
    session.provider.fence(node)
    # Only a second look decides that it worked.
    if not session.provider.off(node):
        what = "was ended, and is not proven off; no guest was started elsewhere"
        raise ScsError(Problem(f"node {node}", what, "switch it off by hand, and run this again"))


def _move(session: Session, ways: Ways, node: str, guest: Guest) -> Outcome:
    started = time.monotonic()

    def move() -> str:
        # Where power comes back by itself, nova-compute starts its guests there again, and Nova
        # would evacuate them all the same: to it the host is down. What it has taken up already,
        # nova-compute clears away before.
        if not session.provider.off(node):
            raise RuntimeError(f"{node} is on again, and may run it: scs up")
        return nova.evacuate(ways.clients, guest, patient(GUEST_SECONDS))

    try:
        host, why = session.events.timed(API, f"evacuated:{guest.name}", move), ""
    except RuntimeError as error:
        host, why = "", session.secrets.mask(str(error))
    return Outcome(guest, host, time.monotonic() - started, why)
