# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What policies say of a cloud, by conftest's conventions.

`deny…` and `violation…` stop a run, `warn…` is shown; each is a set of texts, or of objects with
a `msg`. A rule `deny_NAME` is switched off where `exception` of its package holds a list with
NAME in it. Rules whose names start with `test_` are tests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from scs.errors import BadInput, Problem
from scs.policy.files import Policy
from scs.policy.rego import UNDEFINED, Head, Rules

_RULE = re.compile(r"(deny|violation|warn)(?:_(\w+))?")


class Outcome(StrEnum):
    """What became of one rule."""

    KEPT = "kept"
    DENIED = "denied"
    WARNED = "warned"
    EXCEPTED = "excepted"


@dataclass(frozen=True)
class Ruling:
    """What one rule of one file says."""

    file: str
    line: int
    package: str
    rule: str
    outcome: Outcome
    messages: tuple[str, ...] = ()

    @property
    def suffix(self) -> str:
        """By what name an exception calls it."""
        return self.rule.partition("_")[2]


@dataclass(frozen=True)
class Trial:
    """One test of a policy."""

    file: str
    line: int
    package: str
    rule: str
    ok: bool


def judge(policies: Sequence[Policy], document: Any) -> tuple[Ruling, ...]:
    """What every rule says of the document, in the order of the files.

    Raises BadInput for a file that is not Rego, or a rule that is not a set of messages: a
    policy that can't be understood must not be taken for one that is kept.
    """
    used = [policy for policy in policies if not policy.test]
    with _rules(used) as rules:
        rules.look_at(document)
        heads = rules.heads()
        found: dict[tuple[str, str], Head] = {}
        files: dict[str, list[str]] = {}
        for head in heads:
            if _RULE.fullmatch(head.name):
                found.setdefault((head.path, head.file), head)
                if head.file not in files.setdefault(head.path, []):
                    files[head.path].append(head.file)
        excepted = {
            package: _exceptions(rules, package) for package in {head.package for head in heads}
        }
        rulings = []
        for (path, file), head in found.items():
            others = [other for other in files[path] if other != file]
            messages = _said(rules, head)
            if messages and others:
                messages = _said_by(used, file, others, head, document, messages)
            rulings.append(_ruling(head, messages, excepted[head.package]))
        return tuple(rulings)


def verify(policies: Sequence[Policy]) -> tuple[Trial, ...]:
    """Run all tests; raises BadInput for a file that is not Rego."""
    with _rules(policies) as rules:
        rules.look_at({})
        tests: dict[str, Head] = {}
        for head in rules.heads():
            if head.name.startswith("test_"):
                tests.setdefault(head.path, head)
        return tuple(
            Trial(head.file, head.line, _package(head), head.name, rules.value(path) is True)
            for path, head in tests.items()
        )


@contextmanager
def _rules(policies: Iterable[Policy]) -> Iterator[Rules]:
    with Rules(policy.source for policy in policies) as rules:
        deaf = [
            Problem(
                f"{call.file}:{call.line}",
                "http.send does not exist here: policies see their input and nothing else",
                "judge by what is in the input",
            )
            for call in rules.asks_the_network()
        ]
        if deaf:
            raise BadInput(*deaf)
        yield rules


def _package(head: Head) -> str:
    return head.package.removeprefix("data.")


def _ruling(head: Head, messages: tuple[str, ...], excepted: frozenset[str]) -> Ruling:
    match = _RULE.fullmatch(head.name)
    assert match is not None
    outcome = Outcome.KEPT
    if messages:
        outcome = Outcome.WARNED if match[1] == "warn" else Outcome.DENIED
        if (match[2] or "") in excepted:
            outcome = Outcome.EXCEPTED
    return Ruling(head.file, head.line, _package(head), head.name, outcome, messages)


def _said(rules: Rules, head: Head) -> tuple[str, ...]:
    value = rules.value(head.path)
    if value is UNDEFINED:
        return ()
    if not isinstance(value, list):
        raise BadInput(
            Problem(
                f"{head.file}:{head.line}",
                f"{head.name}: expected a set of messages, got {json.dumps(value)[:60]}",
                f"write `{head.name} contains msg if {{ …; msg := … }}`",
            )
        )
    return tuple(_message(item) for item in value)


def _message(item: Any) -> str:
    if isinstance(item, dict) and isinstance(item.get("msg"), str):
        return str(item["msg"])
    return item if isinstance(item, str) else json.dumps(item, sort_keys=True)


def _said_by(
    policies: Sequence[Policy],
    file: str,
    others: Sequence[str],
    head: Head,
    document: Any,
    together: tuple[str, ...],
) -> tuple[str, ...]:
    """What this file says of what several files say together in a rule of the same name."""
    try:
        rest = [policy.source for policy in policies if policy.source.name not in others]
        with Rules(rest) as alone:
            alone.look_at(document)
            return _said(alone, head)
    except BadInput:
        return together  # it needs what the others define: it is not known who says what


def _exceptions(rules: Rules, package: str) -> frozenset[str]:
    value = rules.value(f"{package}.exception")
    lists = value if isinstance(value, list) else []
    return frozenset(
        name
        for names in lists
        if isinstance(names, list)
        for name in names
        if isinstance(name, str)
    )
