# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Steps of a proof: in parallel where they may be, and none whose ground is missing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, TypeVar

from scs.engine.events import Events
from scs.patience import patient

T = TypeVar("T")


class ProofFailed(Exception):
    """What was to be proven is not so; the text says what was seen instead."""


class Interrupted(Exception):
    """The run ends; whoever waits stops waiting."""


@dataclass(frozen=True)
class Finding:
    """What a step that went well has seen: a line for people, values for programs."""

    detail: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Evidence:
    """How one step went."""

    step: str
    ok: bool
    seconds: float
    detail: str
    """What was seen; of a failure, what the cloud said."""
    tried: bool = True
    """False where a step that it needs had failed."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """The same for programs."""


@dataclass(frozen=True)
class Step:
    """One thing to be proven."""

    name: str
    action: Callable[[], Finding]
    needs: tuple[str, ...] = ()
    """Makes no sense unless these went well."""
    after: tuple[str, ...] = ()
    """Waits for these, however they go."""


def carry_out(
    steps: Sequence[Step], events: Events, where: str, stop: threading.Event, width: int = 6
) -> list[Evidence]:
    """Do all steps that can be done; the evidence is in the order of the steps.

    When something ends this early (Ctrl-C), `stop` is set for all that wait, and what raised
    goes on once they have.
    """
    found: dict[str, Evidence] = {}
    waiting = list(steps)
    running: dict[Future[Evidence], str] = {}
    with ThreadPoolExecutor(max_workers=width) as pool:
        try:
            while waiting or running:
                for step in list(waiting):
                    bad = [name for name in step.needs if name in found and not found[name].ok]
                    if bad:
                        waiting.remove(step)
                        found[step.name] = not_tried(step, bad)
                    elif all(name in found for name in (*step.needs, *step.after)):
                        waiting.remove(step)
                        running[pool.submit(attempt, step, events, where)] = step.name
                if running:
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        found[running.pop(future)] = future.result()
        except BaseException:
            stop.set()
            raise
    return [found[step.name] for step in steps]


def not_tried(step: Step, bad: Sequence[str]) -> Evidence:
    """The evidence of a step whose ground is missing."""
    return Evidence(step.name, False, 0.0, f"not tried: needs {', '.join(bad)}", tried=False)


def attempt(step: Step, events: Events, where: str) -> Evidence:
    """Do one step, tell of it, and turn whatever it raises into evidence."""
    start = time.monotonic()
    try:
        finding = events.timed(where, step.name, step.action)
    except Interrupted:
        return Evidence(step.name, False, time.monotonic() - start, "was ended")
    except Exception as error:  # the cloud's words, whichever library brings them
        return Evidence(step.name, False, time.monotonic() - start, words(error))
    return Evidence(
        step.name, True, time.monotonic() - start, finding.detail, values=finding.values
    )


def words(error: BaseException) -> str:
    """What an error says; with its kind where that is not one of ours."""
    text = str(error).strip() or repr(error)
    return text if isinstance(error, ProofFailed) else f"{type(error).__name__}: {text}"


class Patience:
    """Waiting that ends: with what is waited for, with the time allowed, or with the run."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def check(self) -> None:
        """Raise Interrupted when the run is to end."""
        if self._stop.is_set():
            raise Interrupted

    def until(
        self,
        probe: Callable[[], T | None],
        seconds: float,
        failure: Callable[[], str],
        every: float = 0.3,
    ) -> T:
        """What the probe answers, once that is something; raises ProofFailed after `seconds`."""
        seconds = patient(seconds)
        end = time.monotonic() + seconds
        while True:
            self.check()
            if answer := probe():
                return answer
            if time.monotonic() > end:
                raise ProofFailed(f"{failure()} after {seconds:.0f} s")
            self._stop.wait(every)
