# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Running the steps of a plan on one node: as a graph, in parallel where they can."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from .base import ConvergeError, Resource
from .probe import hurry
from .record import Absent, Record
from .unit import Unit, settle

LOOK = 1.0
"""Seconds between two looks whether to stop."""


@dataclass(frozen=True)
class Outcome:
    """How one step went."""

    id: str
    ok: bool
    started: float
    """Seconds since 1970."""
    seconds: float
    error: str = ""

    def line(self) -> str:
        return json.dumps(self.__dict__)


def run(
    steps: Sequence[Resource],
    tell: Callable[[Mapping[str, object]], None],
    width: int = 48,
    stop: Callable[[], bool] = lambda: False,
) -> list[Outcome]:
    """Converge these resources in the order that their `after` asks for.

    `tell` gets an event when a step starts and when it ends. Once `stop` is true no further step
    is started, and what only waits gives up soon.
    """
    named = {step.id: step for step in steps}

    def work(name: str) -> Outcome:
        return attempt(name, named[name].converge, tell)

    # What is made is written down first: a run killed in between must not forget it.
    first = [work(step.id) for step in steps if step.kind == Record.kind]
    rest = [step for step in steps if step.kind != Record.kind]
    outcomes = first + schedule({step.id: set(step.after) for step in rest}, work, width, stop)
    if any(step.kind in (Unit.kind, Absent.kind) for step in steps):
        settle()
    return outcomes


def attempt(
    name: str, action: Callable[[], None], tell: Callable[[Mapping[str, object]], None]
) -> Outcome:
    """Do one step, tell of it, and turn whatever it raises into an outcome."""
    started = time.time()
    tell({"event": "start", "id": name, "at": started})
    try:
        action()
        error = ""
    except ConvergeError as failure:
        error = str(failure)
    except Exception as failure:  # a bug or a surprise of the node: report it with its step
        error = f"{type(failure).__name__}: {failure}"
    if error:
        hurry.set()
    outcome = Outcome(name, not error, started, time.time() - started, error)
    tell({"event": "end", **outcome.__dict__})
    return outcome


def schedule(
    after: Mapping[str, set[str]],
    work: Callable[[str], Outcome],
    width: int,
    stop: Callable[[], bool] = lambda: False,
) -> list[Outcome]:
    """Do all steps, each when those that it comes after have gone well, `width` at a time.

    Names in `after` that are no steps are right already. After a failure nothing that depends
    on it is started; everything else goes on.
    """
    left = {name: {other for other in others if other in after} for name, others in after.items()}
    waiting = list(after)
    outcomes: list[Outcome] = []
    running: dict[Future[Outcome], str] = {}
    with ThreadPoolExecutor(max_workers=width) as pool:
        while waiting or running:
            if stop():
                hurry.set()
                waiting.clear()
            for name in [name for name in waiting if not left[name]]:
                waiting.remove(name)
                running[pool.submit(work, name)] = name
            if not running:
                break  # what is left depends on something that failed
            done, _ = wait(running, timeout=LOOK, return_when=FIRST_COMPLETED)
            for future in done:
                name = running.pop(future)
                outcomes.append(future.result())
                if outcomes[-1].ok:
                    for needs in left.values():
                        needs.discard(name)
    return outcomes
