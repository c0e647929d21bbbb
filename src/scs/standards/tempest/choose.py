# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Tests become checks: those of a list, some of these, or all that need no administrator."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scs.standards.model import (
    Check,
    Choice,
    Cloud,
    CouldNotRun,
    Finding,
    How,
    Inventory,
    Severity,
    Test,
)

QUICK = 3
"""So many classes of each service have a test in the quick scope."""


@dataclass(frozen=True)
class Listed:
    """One test of a list."""

    id: str
    """The idempotent id: it stays when a test is renamed or moved."""
    name: str
    """What the list calls it."""


def parse(text: str) -> tuple[Listed, ...]:
    """The tests of a list: a class a line, its tests below it with id and name."""
    found, owner = [], ""
    for line in filter(str.strip, text.splitlines()):
        if line.startswith(" "):
            known, name = line.split()
            found.append(Listed(known, f"{owner}.{name}"))
        else:
            owner = line.strip()
    return tuple(found)


# What came of a test.


def judge(cloud: Cloud, parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """A test that failed is a finding; one that was skipped, or did not end, could not run."""
    seen = cloud.tested(parameters["test"])
    if seen.how == How.FAILED:
        asked = " ".join(seen.requests[-4:])
        traces = f"look for {asked} in the services' logs" if asked else "no request was answered"
        yield Finding(
            parameters["test"].rpartition(".")[2],
            "tempest's test passes",
            seen.text,
            f"{traces}; --check {parameters['name']} runs this test alone",
        )
    elif seen.how == How.SKIPPED:
        raise CouldNotRun(f"tempest skipped it: {seen.text}")
    elif seen.how != How.PASSED:
        raise CouldNotRun(seen.text)


def absent(_cloud: Cloud, parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """A test of the list that this tempest has not."""
    raise CouldNotRun(
        f"tempest {parameters['tempest']} has no test with the id {parameters['id']} any more"
    )


# Which tests.


def of_list(tests: Sequence[Listed], rationale: str) -> Choice:
    """A check for each test of a list, found by its id."""

    def choose(inventory: Inventory) -> tuple[Check, ...]:
        by_id: dict[str, list[Test]] = {}
        for test in inventory.tests:
            by_id.setdefault(test.id, []).append(test)
        return tuple(
            _check(one.name, found, rationale)
            if (found := _found(one, by_id.get(one.id, ())))
            else _absent(one, inventory, rationale)
            for one in tests
        )

    return choose


def quick(choice: Choice) -> Choice:
    """Some of these: of each service, the first smoke test of the first classes that have one."""

    def choose(inventory: Inventory) -> tuple[Check, ...]:
        smoke = {test.name for test in inventory.tests if "smoke" in test.attributes}
        taken: dict[str, dict[str, Check]] = {}
        for check in choice(inventory):
            if check.test in smoke:
                service, owner = _service(check.test), check.test.rpartition(".")[0]
                classes = taken.setdefault(service, {})
                if owner in classes or len(classes) < QUICK:
                    classes.setdefault(owner, check)
        return tuple(check for classes in taken.values() for check in classes.values())

    return choose


def for_members(rationale: str) -> Choice:
    """A check for each test that asks for no administrator's login."""

    def choose(inventory: Inventory) -> tuple[Check, ...]:
        return tuple(
            _check(test.name, test, rationale)
            for test in inventory.tests
            if not any(map(privileged, test.credentials))
        )

    return choose


def privileged(credentials: str) -> bool:
    """Whether these, as a test's class names them, are more than a user of a cloud has.

    "primary", "alt" and "project_reader" are users; "admin" and "system_reader" are not; of
    "operator:member" the role counts, which Swift's "reseller:ResellerAdmin" has for all projects.
    """
    kind, _, roles = credentials.partition(":")
    words = {*re.split(r"[_:]", kind), *roles.lower().split(":")}
    return bool(words & {"admin", "manager", "system", "reseller", "reselleradmin", "service"})


def _found(one: Listed, tests: Sequence[Test]) -> Test | None:
    """Of tests with this id (classes inherit tests) that of the list's name, else the first."""
    same = [test for test in tests if test.name == one.name]
    return next(iter([*same, *tests]), None)


def _service(name: str) -> str:
    """compute, for tempest.api.compute.flavors.…; scenario, for tempest.scenario.…"""
    parts = name.split(".")
    return parts[2] if parts[1] == "api" else parts[1]


def _check(name: str, test: Test, rationale: str) -> Check:
    moved = f" (now {test.name})" if test.name != name else ""
    words = test.title or name.rpartition(".")[2].removeprefix("test_").replace("_", " ")
    return Check(
        id=name,
        title=f"{words}{moved}",
        rationale=rationale,
        ask=judge,
        parameters={"test": test.name, "name": name, "id": test.id},
        severity=Severity.MANDATORY,
        test=test.name,
    )


def _absent(one: Listed, inventory: Inventory, rationale: str) -> Check:
    return Check(
        id=one.name,
        title=f"a test that tempest {inventory.version} does not have",
        rationale=rationale,
        ask=absent,
        parameters={"id": one.id, "tempest": inventory.version},
    )
