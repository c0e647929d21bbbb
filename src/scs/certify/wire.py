# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What all of a run shares: how fast it may ask, how often it has, and what it knows already."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from scs.standards.model import CouldNotRun

T = TypeVar("T")

RATE = 20.0
"""Requests a second."""
WIDTH = 4
"""Requests at a time."""


@dataclass(frozen=True)
class Call:
    """One request as evidence: what was asked, and where its service's log tells more of it."""

    method: str
    """TLS and token are none of HTTP's, and say what was done."""
    url: str
    status: int
    """0 where there is none."""
    request_id: str = ""


class Limiter:
    """Lets requests through evenly, and counts them."""

    def __init__(self, rate: float = RATE, width: int = WIDTH) -> None:
        self._pause = 1 / rate
        self._next = 0.0
        self._lock = threading.Lock()
        self._room = threading.Semaphore(width)
        self.count = 0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for one's turn."""
        with self._room:
            with self._lock:
                now = time.monotonic()
                begin = max(now, self._next)
                self._next = begin + self._pause
                self.count += 1
            time.sleep(max(0.0, begin - now))
            yield


class Once:
    """Things that are found out once, by whoever asks first; the others wait for it.

    An error that says CouldNotRun is kept like a result. Each asker gets the evidence, too.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[Any, threading.Lock] = {}
        self._known: dict[Any, tuple[Any, CouldNotRun | None, tuple[Call, ...]]] = {}

    def get(self, key: Any, make: Callable[[], T], log: list[Call]) -> T:
        """What `make` gave, or gives now; `make` writes its evidence into `log`."""
        with self._lock:
            own = self._locks.setdefault(key, threading.Lock())
        with own:
            if key in self._known:
                value, error, calls = self._known[key]
                log.extend(calls)
            else:
                start, value, error = len(log), None, None
                try:
                    value = make()
                except CouldNotRun as raised:
                    error = raised
                self._known[key] = value, error, tuple(log[start:])
        if error is not None:
            raise CouldNotRun(str(error))
        made: T = value
        return made
