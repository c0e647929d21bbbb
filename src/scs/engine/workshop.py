# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is worked out on this machine beside everything else: layers and images."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from scs.engine.events import Events
from scs.shell import Say

T = TypeVar("T")
LOWEST = 19
"""The niceness of what may take the time that is left over."""


class Workshop:
    """Runs each named task once, in a thread; whoever needs the result waits for it."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._pool = ThreadPoolExecutor(max_workers=8)
        self._tasks: dict[str, Future[object]] = {}
        self._lock = threading.Lock()

    def start(self, name: str, task: Callable[[Say], T], *, idle: bool = False) -> Future[T]:
        """Start a task unless it was started before; with `idle` it yields to everything else."""

        def work() -> T:
            if idle:
                # Linux has a niceness per thread; the commands that it runs inherit it.
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST)
            return self._events.timed("this machine", name, lambda: task(self._events.saying(name)))

        with self._lock:
            if name not in self._tasks:
                self._tasks[name] = self._pool.submit(work)
            return self._tasks[name]  # type: ignore[return-value]

    def close(self) -> None:
        """Wait for what runs; start nothing more."""
        self._pool.shutdown(wait=True, cancel_futures=True)
