# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""One run: clean up after earlier ones, do all checks side by side, clean up again."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from scs.certify import traces
from scs.certify.cloud import Asked
from scs.certify.tempest import sweep
from scs.certify.tempest.suite import Tempest
from scs.certify.wire import Call
from scs.errors import BadInput, Problem
from scs.standards.model import (
    Check,
    CouldNotRun,
    Finding,
    Needs,
    Outcome,
    Scope,
    Severity,
    Standard,
)

ABREAST = 24
"""Checks at a time: most of them wait, for each other's answers, and half of them for a guest."""
TOO_MUCH = frozenset({"admin", "manager"})
"""Roles with which a run would prove what a user cannot do."""


@dataclass(frozen=True)
class Result:
    """What came of one check."""

    standard: Standard
    check: Check
    preview: bool
    outcome: Outcome
    seconds: float
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    """Why it could not run."""
    calls: tuple[Call, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether it is a part of the verdict."""
        return not self.preview and self.check.severity == Severity.MANDATORY


@dataclass(frozen=True)
class Report:
    """What came of a run."""

    scope: Scope
    subject: str
    region: str
    identity: str
    """The address at which the cloud was asked."""
    started: datetime
    seconds: float
    calls: int
    results: tuple[Result, ...]
    whole: bool = True
    """All checks of the scope were meant to be done."""
    removed: str = ""
    """What an earlier run had left."""
    stayed: tuple[str, ...] = field(default=())
    """What could not be removed."""
    notes: tuple[str, ...] = field(default=())
    """How it was examined, where that is not the same in each run."""

    @property
    def verdict(self) -> Outcome:
        """Of the mandatory checks: one failed, else one could not run, else all passed."""
        outcomes = {result.outcome for result in self.results if result.counts}
        if Outcome.FAIL in outcomes:
            return Outcome.FAIL
        if Outcome.COULD_NOT_RUN in outcomes or not outcomes or not self.whole:
            return Outcome.COULD_NOT_RUN
        return Outcome.PASS


Tell = Callable[[Result], None]


def certify(
    cloud: Asked,
    scope: Scope,
    subject: str,
    only: Collection[str] = (),
    tell: Tell = lambda _result: None,
    tempest: Tempest | None = None,
) -> Report:
    """Do all checks of a scope (or those named), and remove what they made, however it ends.

    `tempest` is needed where checks are its tests (`Scope.with_tests`). Raises BadInput when the
    login is not a plain member's, or a name is no check's.
    """
    start = time.monotonic()
    chosen = [item for item in scope.checks if not only or item[1].id in only]
    if unknown := set(only) - {check.id for _, check, _ in chosen}:
        hint = f"scs certify --list names the checks of {scope.name}"
        raise BadInput(Problem("certify", f"no check {', '.join(sorted(unknown))}", hint))
    _plain_member(cloud, subject)
    if tempest:
        _in_projects_of_their_own(tempest.members(cloud), subject)
    old, stayed = _cleared(cloud, tempest)
    try:
        results = _carry_out(cloud, chosen, tell, tempest)
    finally:
        # After Ctrl-C, too: waiting is allowed again.
        cloud.run.stop.clear()
        stayed += _cleared(cloud, tempest)[1]
    return Report(
        scope,
        subject,
        cloud.region,
        cloud.identity,
        cloud.now,
        time.monotonic() - start,
        cloud.run.limiter.count,
        tuple(results),
        len(chosen) == len(scope.checks),
        traces.told(old),
        tuple(dict.fromkeys(stayed)),
        tuple(tempest.notes) if tempest else (),
    )


def _cleared(cloud: Asked, tempest: Tempest | None) -> tuple[list[traces.Trace], list[str]]:
    """Remove what runs have made: what there was, and what stayed."""
    found: list[traces.Trace] = []
    stayed: list[str] = []
    if tempest:
        tempest.forget()
        for member in tempest.members(cloud):
            tests, problems = tempest.leftovers(member)
            own, more = traces.find(member) if member is not cloud else ([], [])
            found += [*tests, *own]
            stayed += [*problems, *more, *traces.remove(member, own)]
    own, problems = traces.find(cloud)
    first = sweep.empty
    stayed += [*problems, *traces.remove(cloud, own, traces.SECONDS, traces.KINDS, first)]
    return [*found, *own], stayed


def _plain_member(cloud: Asked, subject: str) -> None:
    try:
        roles = cloud.token.roles
    except CouldNotRun as error:
        hint = "openstack --os-cloud NAME token issue must work first"
        raise BadInput(Problem(f"cloud {subject}", str(error), hint)) from error
    if roles & TOO_MUCH or "member" not in roles:
        what = f"the login has the roles {', '.join(sorted(roles)) or '(none)'}"
        hint = "name a plain member's login: what an administrator can do proves nothing"
        raise BadInput(Problem(f"cloud {subject}", what, hint))
    if not cloud.token.project_id:
        raise BadInput(Problem(f"cloud {subject}", "the login has no project", "project_name: …"))


def _in_projects_of_their_own(members: Sequence[Asked], subject: str) -> None:
    for member in members:
        _plain_member(member, subject)
    if len({member.token.project_id for member in members}) < len(members):
        what = "two of the logins are for the same project"
        raise BadInput(Problem(f"cloud {subject}", what, "--also is for other projects' members"))


def _carry_out(
    cloud: Asked,
    chosen: Sequence[tuple[Standard, Check, bool]],
    tell: Tell,
    tempest: Tempest | None,
) -> list[Result]:
    # The longest first, so that all the others happen while they wait.
    order = sorted(range(len(chosen)), key=lambda index: -chosen[index][1].seconds)
    found: dict[int, Result] = {}

    def one(index: int) -> None:
        result = attempt(cloud.fresh(), *chosen[index])
        if chosen[index][1].test in cloud.run.verdicts:
            seconds = cloud.run.verdicts[chosen[index][1].test][0].seconds
            result = replace(result, seconds=seconds)
        found[index] = result
        tell(result)

    if tempest:
        _test(cloud, chosen, one, tempest)
        order = [index for index in order if index not in found]

    with ThreadPoolExecutor(max_workers=ABREAST) as pool:
        try:
            tasks = [pool.submit(one, index) for index in order]
            for task in wait(tasks, return_when=FIRST_EXCEPTION).done:
                task.result()
        except BaseException:
            cloud.run.stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return [found[index] for index in range(len(chosen))]


def _test(
    cloud: Asked,
    chosen: Sequence[tuple[Standard, Check, bool]],
    one: Callable[[int], None],
    tempest: Tempest,
) -> None:
    """Have tempest make tests, and do the check that stands for each when it is over."""
    stands: dict[str, list[int]] = {}
    for index, (_standard, check, _preview) in enumerate(chosen):
        if check.test:
            stands.setdefault(check.test, []).append(index)
    tests = [test for test in tempest.inventory.tests if test.name in stands]
    try:
        for verdict, calls in tempest.run(cloud.fresh(), tests):
            if verdict.test in stands:
                cloud.run.verdicts[verdict.test] = verdict, calls
                for index in stands.pop(verdict.test):
                    one(index)
    except CouldNotRun as error:
        cloud.run.untested = str(error)


def attempt(cloud: Asked, standard: Standard, check: Check, preview: bool) -> Result:
    """Do one check; whatever goes wrong with the asking is told, and is no pass."""
    start = time.monotonic()

    def result(outcome: Outcome, reason: str = "", findings: Sequence[Finding] = ()) -> Result:
        return Result(
            standard,
            check,
            preview,
            outcome,
            time.monotonic() - start,
            tuple(findings),
            reason,
            tuple(cloud.log),
        )

    findings: list[Finding] = []
    try:
        if missing := [name for name in check.services if not cloud.has(name)]:
            return _without(result, check, missing)
        if Needs.ADMIN in check.needs and not cloud.has_admin:
            return result(Outcome.COULD_NOT_RUN, f"needs {Needs.ADMIN}")
        # One by one: what was found stays, also when more cannot be found.
        findings.extend(check.ask(cloud, check.parameters))
    except CouldNotRun as error:
        outcome = Outcome.FAIL if findings else Outcome.COULD_NOT_RUN
        return result(outcome, str(error), findings)
    except Exception as error:  # an answer that nobody has thought of
        text = f"the answer was not understood: {type(error).__name__}: {error}"
        return result(Outcome.FAIL if findings else Outcome.COULD_NOT_RUN, text, findings)
    if findings:
        return result(Outcome.FAIL, findings=findings)
    if not cloud.log:
        return result(Outcome.COULD_NOT_RUN, "the check has asked nothing")
    return result(Outcome.PASS)


def _without(result: Callable[..., Result], check: Check, missing: Sequence[str]) -> Result:
    text = f"the catalog has no {' and no '.join(missing)}"
    if check.without != Outcome.FAIL:
        return result(check.without, text)
    finding = Finding(
        "catalog", " and ".join(check.services), text, f"install {', '.join(missing)}"
    )
    return result(Outcome.FAIL, findings=(finding,))


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)
