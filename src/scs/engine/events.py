# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What happens during a run, for whoever shows or records it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from scs.shell import Say

T = TypeVar("T")

MACHINE = "this machine"
"""Where a step runs that runs on no node."""


@dataclass(frozen=True)
class Event:
    """A step started (`start`), ended (`end`) or said something (`say`)."""

    kind: str
    where: str
    step: str
    at: float
    """Seconds since 1970."""
    seconds: float = 0.0
    ok: bool = True
    text: str = ""


class Events:
    """Hands each event to all listeners, in order, from any thread; remembers those that ended."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Event], None]] = []
        self._lock = threading.Lock()
        self.ended: list[Event] = []

    def listen(self, listener: Callable[[Event], None]) -> None:
        self._listeners.append(listener)

    def emit(self, event: Event) -> None:
        with self._lock:
            if event.kind == "end":
                self.ended.append(event)
            for listener in self._listeners:
                listener(event)

    def saying(self, step: str, where: str = "this machine") -> Say:
        """A function that tells how a step is getting on."""
        return lambda text: self.emit(Event("say", where, step, time.time(), text=text))

    def timed(self, where: str, step: str, action: Callable[[], T]) -> T:
        """Do something as a step: its start and its end are told, and why it failed."""
        start = time.time()
        self.emit(Event("start", where, step, start))
        ok, why = False, ""
        try:
            result = action()
            ok = True
        except Exception as error:
            why = str(error)
            raise
        finally:
            now = time.time()
            self.emit(Event("end", where, step, now, now - start, ok, why))
        return result

    def told(self, where: str) -> Callable[[Mapping[str, Any]], None]:
        """Takes the events of a graph (see resources.graph) that runs there."""

        def tell(line: Mapping[str, Any]) -> None:
            if line["event"] == "start":
                self.emit(Event("start", where, line["id"], line["at"]))
            else:
                end = line["started"] + line["seconds"]
                self.emit(
                    Event("end", where, line["id"], end, line["seconds"], line["ok"], line["error"])
                )

        return tell
