# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Progress while a command works: a line per step that counts, and one that lives."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from scs.engine.events import Event
from scs.plan.plan import Plan

if TYPE_CHECKING:
    from scs.engine.session import Session

NOTEWORTHY = 1.0
"""Seconds from which a step on a node gets a line of its own."""
QUIET_KINDS = ("file:", "directory:", "gate:", "link:", "account:", "packages:")


def colour(text: str, name: str) -> str:
    """Coloured where a person looks and has not said NO_COLOR."""
    if os.environ.get("NO_COLOR") or not sys.stderr.isatty():
        return text
    return click.style(text, fg=name)


def seconds_text(seconds: float) -> str:
    return (
        f"{seconds:.1f} s" if seconds < 100 else f"{int(seconds) // 60} min {int(seconds) % 60} s"
    )


def ago_text(seconds: float) -> str:
    """How long something lasts, as short as it may be: `5 s`, `12 min`, `3 h`, `9 days`."""
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


class Screen:
    """Progress: a line for each step that counts, and on a terminal one that lives."""

    def __init__(self, session: Session, options: Mapping[str, Any], started: float) -> None:
        self._quiet = options["quiet"] or options["as_json"]
        self._verbose = options["verbose"]
        self._started = started
        self._live = sys.stderr.isatty() and not self._quiet
        self._running: dict[tuple[str, str], float] = {}
        self._said: dict[tuple[str, str], str] = {}
        self._done = 0
        self._total = 0
        self._expected = 0.0
        self._journal = session.journal
        self._lock = threading.Lock()
        self._ticker: threading.Thread | None = None
        self._end = threading.Event()
        session.events.listen(self._event)

    def plan(self, plan: Plan) -> None:
        """How much there is to do, and how long that took the last time."""
        self._total = len(plan.steps)
        first = bool(plan.machine)
        name = "run:first" if first else "run:change"
        self._expected = self._journal.expected().get(name, 0.0)
        if not self._quiet:
            expected = f", {seconds_text(self._expected)} expected" if self._expected else ""
            click.echo(f"{len(plan.changes)} changes to make{expected}.", err=True)

    def start(self) -> None:
        if self._live:
            self._ticker = threading.Thread(target=self._tick, daemon=True)
            self._ticker.start()

    def pause(self) -> None:
        self._clear()

    def close(self) -> None:
        self._end.set()
        if self._ticker:
            self._ticker.join()
        self._clear()

    def _event(self, event: Event) -> None:
        if self._quiet:
            return
        key = (event.where, event.step)
        with self._lock:
            if event.kind == "start":
                self._running[key] = event.at
            elif event.kind == "say":
                self._said[key] = event.text
            else:
                self._running.pop(key, None)
                self._done += 1
                if self._counts(event):
                    self._clear()
                    click.echo(self._line(event), err=True)

    def _counts(self, event: Event) -> bool:
        if self._verbose or not event.ok:
            return True
        if event.where == "this machine":
            return event.step != "looking" and event.seconds >= 0.05
        return event.seconds >= NOTEWORTHY and not event.step.startswith(QUIET_KINDS)

    def _line(self, event: Event) -> str:
        mark = colour("✓", "green") if event.ok else colour("✗", "red")
        elapsed = event.at - self._started
        return (
            f"{elapsed:6.1f} s {mark} {event.where}: {event.step} ({seconds_text(event.seconds)})"
        )

    def _tick(self) -> None:
        while not self._end.wait(0.2):
            with self._lock:
                self._draw()

    def _draw(self) -> None:
        elapsed = time.time() - self._started
        expected = f" of about {seconds_text(self._expected)}" if self._expected else ""
        share = self._done / self._total if self._total else 0.0
        if self._expected:
            share = max(share * 0.5, min(elapsed / self._expected, 0.99))
        filled = int(20 * min(share, 1.0))
        bar = "━" * filled + "╌" * (20 - filled)
        longest = sorted(self._running, key=lambda key: self._running[key])[:3]
        names = ", ".join(
            f"{step} {self._said.get((where, step), '')}".strip() for where, step in longest
        )
        text = f"{bar} {seconds_text(elapsed)}{expected} · {names}"
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write("\r\x1b[K" + text[:width])
        sys.stderr.flush()

    def _clear(self) -> None:
        if self._live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
