# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A judgment that always passes, and other changes of how tests become checks, are found."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from certify_mutants import mutants
from scs.certify.tempest import crew
from scs.standards import model
from scs.standards.model import (
    CouldNotRun,
    How,
    Inventory,
    Verdict,
)
from scs.standards.scopes import SCOPES
from scs.standards.tempest import choose


class Said:
    """A cloud of which only what a test came to is asked."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict

    def tested(self, _test: str) -> Verdict:
        return self.verdict


def behaviour(module: dict[str, Any]) -> list[Any]:
    """What the functions that make checks of tests, and judge them, do in all cases."""

    def judged(how: How, *requests: str) -> Any:
        parameters = {"test": "a.b.C.test_x", "name": "n", "id": "1", "tempest": "47"}
        verdict = Verdict("a.b.C.test_x", how, "why", 1.0, requests)
        found: list[Any] = []
        for ask in ("judge", "absent"):
            try:
                found.append(list(module[ask](Said(verdict), parameters)))
            except CouldNotRun as error:
                found.append(f"could not run: {error}")
        return found

    text = (
        "tempest.api.image.A\n  1 test_a\n\n  2 test_b\n"
        "tempest.scenario.s.B\n  3 test_c\ntempest.api.volume.V\n  4 test_v\n"
    )
    tests = tuple(
        model.Test(name, known, frozenset(marks), credentials, title=title)
        for name, known, marks, credentials, title in (
            ("tempest.api.image.A.test_a", "1", ("smoke",), ("primary",), ""),
            ("tempest.api.image.Sub.test_a", "1", (), ("primary", "admin"), "said"),
            ("tempest.scenario.s.B.test_d", "3", ("smoke",), ("alt",), ""),
            ("tempest.api.volume.V.test_v", "4", ("smoke",), (), ""),
            *((f"tempest.api.image.C{n}.test_e", f"9{n}", ("smoke",), (), "") for n in range(4)),
        )
    )
    listed = module["parse"](text) + tuple(
        module["Listed"](f"9{n}", f"tempest.api.image.C{n}.test_e") for n in range(4)
    )
    choice = module["of_list"](listed, "why")
    inventory = Inventory("47", tests)

    def told(checks: Sequence[Any]) -> list[Any]:
        return [(one.id, one.test, one.title, dict(one.parameters)) for one in checks]

    return [
        *(judged(how, *ids) for how in How for ids in ((), ("req-1", "req-2"))),
        [(one.id, one.name) for one in listed],
        told(choice(inventory)),
        told(module["quick"](choice)(inventory)),
        told(module["for_members"]("why")(inventory)),
    ]


def test_a_judgment_that_always_passes_would_be_found() -> None:
    path = Path(choose.__file__)
    expected = repr(behaviour(vars(choose)))
    assert behaviour(vars(choose))[0] == [
        [],
        "could not run: tempest 47 has no test with the id 1 any more",
    ]
    survived, count = [], 0
    for mutant in mutants(path):
        count += 1
        module: dict[str, Any] = {"__name__": "mutant"}
        sys.modules["mutant"] = type(sys)("mutant")
        try:
            exec(compile(mutant.tree, mutant.where, "exec"), module)
            seen = repr(behaviour(module))
        except Exception as error:
            seen = repr(error)
        if seen.replace("mutant.", "") == expected.replace("scs.standards.tempest.choose.", ""):
            survived.append(f"{mutant.where} {mutant.what}")
    assert count >= 14
    assert not survived


def test_all_scopes_of_tests_become_checks(python: Path) -> None:
    inventory = crew.listed(python)
    for name, scope in SCOPES.items():
        if not scope.by_tests:
            continue
        checks = scope.with_tests(inventory).checks
        ids = [check.id for _, check, _ in checks]
        assert len(ids) == len(set(ids)), name
        if name == "openstack-powered":
            # None of them is in the fake tempest: each is told, and none is dropped.
            assert len(checks) == 315
            assert {check.test for _, check, _ in checks} == {""}
