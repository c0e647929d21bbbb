# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Thousands of files that are no cloud.yaml: each is refused clearly and quickly."""

from __future__ import annotations

import random
import re
import resource
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml

from scs.errors import BadInput, Problem
from scs.spec import CloudSpec, load, starter
from scs.spec.loading import places_of
from scs.spec.malformed import cases
from scs.spec.rules import RULES
from scs.spec.wording import dotted

ALL = tuple(cases())
SECONDS = 3.0
"""Of processor time for one file; far more than any needs, for machines that are busy."""
MEBIBYTES = 200
PLACE = re.compile(r"(?P<name>.*/cloud\.yaml):(?P<line>[0-9]+):(?P<column>[0-9]+)")


def refused(path: Path) -> tuple[Problem, ...]:
    """What is wrong with the file, which must be something."""
    with pytest.raises(BadInput) as error:
        load(path)
    return error.value.problems


def named(problem: Problem) -> set[int]:
    """The lines that a problem names."""
    place = PLACE.fullmatch(problem.where)
    lines = {int(found) for found in re.findall(r"line ([0-9]+)", problem.what)}
    return lines | ({int(place["line"])} if place else set())


def unclear(problems: tuple[Problem, ...], path: Path, lines: int) -> list[str]:
    """What a person would miss in these errors."""
    found = []
    for problem in problems:
        place = PLACE.fullmatch(problem.where)
        if place is None and problem.where != str(path):
            found.append(f"names no file: {problem}")
        if place is None and "more problems" not in problem.what:
            found.append(f"names no line: {problem}")
        if place and not 1 <= int(place["line"]) <= lines + 1:
            found.append(f"names a line that is not there: {problem}")
        if not (problem.hint or "expected" in problem.what):
            found.append(f"says neither what is expected nor what to do: {problem}")
        if len(str(problem)) > 2000 + len(str(path)) or not problem.what.isprintable():
            found.append(f"can't be read: {str(problem)[:200]!r}")
    return found


def test_there_are_enough_and_always_the_same() -> None:
    assert len(ALL) > 2500
    assert tuple(cases()) == ALL
    assert len({(case.kind, case.name) for case in ALL}) == len(ALL)
    kinds = Counter(case.kind for case in ALL)
    assert set(kinds) == {
        *("type", "range", "name", "YAML", "key", "reference", "config"),
        *("size", "depth", "anchor bomb", "encoding", "structure"),
    }


def test_every_key_and_every_rule_is_covered() -> None:
    by_place = Counter(case.name.partition(": ")[0].replace("[0]", "") for case in ALL)
    for loc in places_of(CloudSpec):
        assert by_place[dotted(loc)] >= 35, dotted(loc)
    for rule in RULES:
        assert by_place[rule.__name__], rule.__name__


def test_each_is_refused_clearly_quickly_and_without_a_trace(tmp_path: Path) -> None:
    path = tmp_path / "cloud.yaml"
    wrong = []
    for case in ALL:
        path.write_bytes(case.raw)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        before = time.process_time()
        problems = refused(path)
        if (seconds := time.process_time() - before) > SECONDS:
            wrong.append(f"{case.kind}: {case.name} took {seconds:.1f} s")
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) >> 10
        if grown > MEBIBYTES:
            wrong.append(f"{case.kind}: {case.name} took {grown} MiB")
        if case.line and case.line not in set().union(*map(named, problems)):
            wrong.append(f"{case.kind}: {case.name} does not name line {case.line}: {problems[0]}")
        lines = len(re.findall(rb"\r\n|\r|\n", case.raw)) + 1
        wrong += [f"{case.kind}: {case.name} {text}" for text in unclear(problems, path, lines)]
    assert not wrong, "\n".join(wrong[:50])
    assert list(tmp_path.iterdir()) == [path]


def test_damaged_files_are_read_or_refused_clearly(tmp_path: Path) -> None:
    """Real files with letters changed, lost, doubled and moved: some of them are right still."""
    path = tmp_path / "cloud.yaml"
    full = yaml.safe_dump(CloudSpec().filled()).encode()
    pick = random.Random(4)  # the same damage every time
    counts = Counter[str]()
    for number in range(1500):
        raw = bytearray(full if number % 2 else starter().encode())
        for _ in range(pick.randint(1, 4)):
            at = pick.randrange(len(raw))
            match pick.randrange(5):
                case 0:
                    raw[at] = pick.randrange(256)
                case 1:
                    del raw[at : at + pick.randint(1, 20)]
                case 2:
                    raw[at:at] = raw[at : at + pick.randint(1, 40)]
                case 3:
                    raw[at:at] = pick.choice([b"\t", b"{", b"]", b": ", b"'", b"&a ", b"\n", b"- "])
                case _:
                    del raw[at:]
            raw = raw or bytearray(b"x")
        path.write_bytes(raw)
        problems: tuple[Problem, ...] = ()
        try:
            load(path)
            counts["read"] += 1
        except BadInput as error:
            counts["refused"] += 1
            problems = error.problems
        lines = len(re.findall(rb"\r\n|\r|\n", raw)) + 1
        assert not unclear(problems, path, lines), bytes(raw)
    assert counts["refused"] > 500
    assert counts["read"] > 20
