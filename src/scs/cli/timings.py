# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What took how long in a run, and which chain of steps decided the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from scs.engine.events import Event
from scs.plan.plan import API

if TYPE_CHECKING:
    from scs.engine.looking import Look
    from scs.engine.session import Session


def critical_path(session: Session, look: Look) -> list[Event]:
    """The chain of steps that decided when it was all done, first step first.

    From the last step back, always to the one that ended last among those that it came after
    (or, where nothing is known to come before, that ended last before it started).
    """
    after: dict[tuple[str, str], tuple[str, ...]] = {}
    for node, items in look.desired.items():
        for item in items:
            after[node, item.id] = item.after
    for wanted in look.objects:
        after[API, wanted.id] = wanted.after
    ended = {
        (event.where, event.step): event
        for event in session.events.ended
        if event.step != "looking again"
    }
    if not ended:
        return []
    path = [max(ended.values(), key=lambda event: event.at)]
    while True:
        last = path[0]
        start = last.at - last.seconds
        left = [event for event in ended.values() if event not in path and event.at <= start + 0.05]
        names = {(last.where, name) for name in after.get((last.where, last.step), ())}
        before = [event for event in left if (event.where, event.step) in names] or left
        if not before:
            return path
        path.insert(0, max(before, key=lambda event: event.at))


def timings(session: Session, look: Look, started: float) -> None:
    """What took how long, and which chain of steps decided the whole."""
    ended = sorted(session.events.ended, key=lambda event: -event.seconds)[:25]
    click.echo("\nLongest steps:")
    for event in ended:
        begin = event.at - event.seconds - started
        click.echo(f"  {event.seconds:6.1f} s from {begin:6.1f} s  {event.where}: {event.step}")
    click.echo("Critical path:")
    for event in critical_path(session, look):
        if event.seconds >= 0.05:
            begin = event.at - event.seconds - started
            click.echo(f"  {begin:6.1f} s + {event.seconds:6.1f} s  {event.where}: {event.step}")
