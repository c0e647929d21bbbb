# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Progress while a command works: a line per step that counts, and one that lives."""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from scs.engine.events import Event
from scs.plan.announce import Key, expected
from scs.plan.plan import Plan

if TYPE_CHECKING:
    from scs.engine.session import Session

ROWS = 8
"""How many of the steps that run now are shown."""
WIDTH = 24
"""Of the bar, in characters."""
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
    """Progress: a line for each step that counts, and on a terminal a block that lives.

    The block tells how far the whole is, and what runs now, where, for how long, and how long it
    took the last time.
    """

    def __init__(self, session: Session, options: Mapping[str, Any], started: float) -> None:
        self._quiet = options["quiet"] or options["as_json"]
        self._verbose = options["verbose"]
        self._started = started
        terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._live = terminal and not self._quiet
        self._running: dict[Key, float] = {}
        self._said: dict[Key, str] = {}
        self._done: set[Key] = set()
        self._plan: Plan | None = None
        self._seconds = session.journal.expected() if self._live else {}
        self._expected = 0.0
        self._share = 0.0
        self._height = 0
        """Lines of the block that are on the screen now."""
        self._journal = session.journal
        self._lock = threading.Lock()
        self._ticker: threading.Thread | None = None
        self._end = threading.Event()
        session.events.listen(self._event)

    def plan(self, plan: Plan) -> None:
        """How much there is to do, and how long that took the last time."""
        if self._quiet:
            return
        seconds = self._journal.expected()
        count = len(plan.changes)
        with self._lock:
            self._plan, self._seconds = plan, seconds
            self._expected = expected(plan, seconds)
            about = seconds_text(self._expected)
            tail = f", about {about} expected" if self._expected >= 0.1 else ""
            changes = "change" if count == 1 else "changes"
            self._print(f"{count} {changes} to make{tail}.")

    def start(self) -> None:
        if self._live:
            self._ticker = threading.Thread(target=self._tick, daemon=True)
            self._ticker.start()

    def close(self) -> None:
        self._end.set()
        if self._ticker:
            self._ticker.join()
        with self._lock:
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
                self._done.add(key)
                if self._counts(event):
                    self._print(self._line(event))

    def _print(self, text: str) -> None:
        self._clear()
        click.echo(text, err=True)
        if self._ticker and not self._end.is_set():
            self._draw()

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
        while not self._end.wait(0.15):
            with self._lock:
                self._clear()
                self._draw()

    def _draw(self) -> None:
        """The block: how far the whole is, and what runs now, the longest first."""
        size = shutil.get_terminal_size()
        now = time.time()
        lines = [self._overall(now)]
        room = max(1, min(ROWS, size.lines - 3))
        oldest = sorted(self._running, key=lambda key: self._running[key])
        lines += [self._row(key, now) for key in oldest[:room]]
        if len(oldest) > room:
            lines.append(f"    and {len(oldest) - room} more")
        text = "\n".join(cut(line, size.columns - 1) for line in lines)
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
        self._height = len(lines)

    def _overall(self, now: float) -> str:
        elapsed = now - self._started
        share, left, count = 0.0, 0.0, ""
        if self._plan:
            steps = {(step.where, step.id) for step in self._plan.steps}
            done = len(steps & self._done)
            share = done / len(steps)
            count = f" · {done} of {len(steps)} steps"
            if self._expected >= 0.1:
                running = {key: now - at for key, at in self._running.items()}
                left = expected(self._plan, self._seconds, self._done, running)
                share = elapsed / (elapsed + left) if left else share
        self._share = max(self._share, min(share, 0.99))
        filled = round(WIDTH * self._share)
        bar = colour("━" * filled, "green") + colour("╌" * (WIDTH - filled), "bright_black")
        rest = f" · about {seconds_text(left)} left" if left >= 1 else ""
        return f"{elapsed:6.1f} s {bar} {self._share:4.0%}{count}{rest}"

    def _row(self, key: Key, now: float) -> str:
        where, step = key
        elapsed = now - self._running[key]
        before = self._seconds.get(step, 0.0)
        took = f" of about {seconds_text(before)}" if before >= 0.1 else ""
        said = f" · {self._said[key]}" if key in self._said else ""
        mark = colour("›", "cyan")
        return f"{'':8} {mark} {where}: {step} {seconds_text(elapsed)}{took}{said}"

    def _clear(self) -> None:
        if self._height:
            sys.stderr.write(f"\x1b[{self._height}A\r\x1b[J")
            sys.stderr.flush()
            self._height = 0


def cut(text: str, width: int) -> str:
    """At most so many visible characters of a line; colours take no room."""
    found, seen = "", 0
    for part in re.split(r"(\x1b\[[0-9;]*m)", text.replace("\n", " ")):
        if part.startswith("\x1b"):
            found += part
        else:
            found += part[: max(width - seen, 0)]
            seen += len(part)
    return found
