# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""One defect: made, looked for, undone, looked for again."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from certify_defects import DEFECTS
from real_defects.site import Site, Unfit
from scs.certify.run import Result
from scs.patience import patient
from scs.standards.model import CouldNotRun, Outcome

Make = Callable[[Site], None]

FOUND = "found"
PAUSE = 2.0
"""Seconds between two looks at something that takes a while to come into force."""
NOT_MADE = (CouldNotRun, subprocess.TimeoutExpired, OSError, LookupError, TypeError, ValueError)
"""The cloud has refused a change, or has answered what nobody has thought of."""


@dataclass(frozen=True)
class Real:
    """A defect of a real cloud, and what a check must say of it."""

    name: str
    check: str
    make: Make
    """Tells the site how each change is undone before making it; raises Unfit, CouldNotRun."""
    said: str = ""
    """Empty: the same as of the defect of the fake cloud."""
    prepare: Make | None = None
    """Makes what the check passes with, where the cloud has none of it; undone at the end."""
    settle: float = 5.0
    """Seconds in which it comes into force, and goes again."""
    slow: bool = False
    """It boots guests: minutes each time."""

    @property
    def message(self) -> str:
        return self.said or DEFECTS[self.check].said


@dataclass(frozen=True)
class Trial:
    """What came of one defect."""

    defect: Real
    result: str
    """`found`, or what went wrong."""
    seconds: float

    @property
    def well(self) -> bool:
        return self.result == FOUND


class NotUndone(Exception):
    """The cloud is not as it was; what is left to do is recorded."""


def texts(result: Result) -> set[str]:
    """What a check has found, as it tells people."""
    return {
        f"{one.subject}: expected {one.expected}; seen {one.seen}; {one.mend}"
        for one in result.findings
    }


def attempt(defect: Real, site: Site) -> Trial:
    """Make the defect, see whether the check tells of it, and undo it; raises NotUndone."""
    start = time.monotonic()
    wrong = ""
    site.anew()
    try:
        if defect.prepare:
            defect.prepare(site)
        prepared = len(site.record)
        before = site.look(defect.check)[defect.check]

        def found(result: Result) -> bool:
            new = texts(result) - texts(before)
            return result.outcome == Outcome.FAIL and any(defect.message in text for text in new)

        def as_before(result: Result) -> bool:
            return result.outcome == before.outcome and texts(result) <= texts(before)

        try:
            defect.make(site)
            if said := _until(found, defect, site):
                wrong = f"NOT FOUND: {said}"
        finally:
            _undone(site, prepared)
        if said := _until(as_before, defect, site):
            wrong = f"{wrong or FOUND}, but undone it is not as before: {said}"
    except Unfit as error:
        wrong = f"not to be made here: {error}"
    except NOT_MADE as error:
        wrong = f"could not be made: {type(error).__name__}: {error}"
    finally:
        _undone(site, 0)
    return Trial(defect, wrong or FOUND, time.monotonic() - start)


def _undone(site: Site, keep: int) -> None:
    try:
        site.undo(keep)
    except NOT_MADE as error:
        raise NotUndone(str(error)) from error


def _until(is_so: Callable[[Result], bool], defect: Real, site: Site) -> str:
    """Look until it is so; empty, or what was seen instead when the time was over."""
    end = time.monotonic() + patient(defect.settle)
    while True:
        try:
            result = site.look(defect.check)[defect.check]
        except CouldNotRun as error:  # a service comes up again
            said = str(error)
        else:
            if is_so(result):
                return ""
            said = _told(result)
        if time.monotonic() >= end:
            return said
        time.sleep(PAUSE)


def _told(result: Result) -> str:
    said = "; ".join(sorted(texts(result))[:2]) or result.reason
    return f"{result.outcome}{f': {said[:300]}' if said else ''}"


def table(trials: Sequence[Trial]) -> str:
    """All trials, for people."""
    lines = ["| defect | check | result | seconds |", "|---|---|---|---|"]
    lines += [
        f"| {one.defect.name} | {one.defect.check} | {one.result} | {one.seconds:.1f} |"
        for one in trials
    ]
    bad = sum(not one.well for one in trials)
    return "\n".join([*lines, "", f"{len(trials)} defects, {bad} not found or not to be made"])
