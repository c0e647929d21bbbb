# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the doctor says of what it sees; and what is asked follows from the declarations."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from clouds import CLOUDS, view_of
from scs import components
from scs.cli import main as cli
from scs.engine.journal import End, Entry, Result, Run, Start
from scs.errors import Problem, ScsError
from scs.model.finding import Finding, Level
from scs.model.view import View
from scs.plan.questions import questions
from scs.providers.examined import examined
from scs.providers.local import examine
from scs.resources import Check, build
from scs.resources import observe as observe_resources
from scs.verify.doctor import answered, certificates, last_run

GIB = 1 << 30
NOW = datetime.datetime(2026, 11, 25, tzinfo=datetime.UTC)


def view(name: str = "one container") -> View:
    spec, facts = CLOUDS[name]
    return view_of(spec, components.discover(), **facts)


@pytest.mark.parametrize(
    ("free", "total", "inodes", "level"),
    [
        (80 * GIB, 100 * GIB, 0.9, Level.OK),
        (4 * GIB, 100 * GIB, 0.9, Level.WARN),
        (2 * GIB, 20 * GIB, 0.9, Level.WARN),
        (GIB // 2, 4 * GIB, 0.9, Level.BAD),
        (80 * GIB, 100 * GIB, 0.01, Level.BAD),
    ],
)
def test_space(free: int, total: int, inodes: float, level: Level) -> None:
    assert examine.space("/x (state)", free, total, inodes).level is level


@pytest.mark.parametrize(
    ("available", "level"), [(8 * GIB, Level.OK), (GIB, Level.WARN), (GIB // 4, Level.BAD)]
)
def test_memory(available: int, level: Level) -> None:
    assert examine.memory({"MemAvailable": available, "MemTotal": 16 * GIB}).level is level


@pytest.mark.parametrize(
    ("date", "late", "level"),
    [
        ("Wed, 25 Nov 2026 04:00:00 GMT", 1, Level.OK),
        ("Wed, 25 Nov 2026 04:00:00 GMT", 20, Level.WARN),
        ("Wed, 25 Nov 2026 04:00:00 GMT", -20, Level.WARN),
        ("Wed, 25 Nov 2026 04:00:00 GMT", 3600, Level.BAD),
        ("yesterday", 0, Level.WARN),
        (None, 0, Level.WARN),
    ],
)
def test_clock(date: str | None, late: float, level: Level) -> None:
    there = datetime.datetime(2026, 11, 25, 4, tzinfo=datetime.UTC).timestamp()
    finding = examine.clock(date, there + late)
    assert finding.level is level
    assert bool(finding.next) == (level is not Level.OK)
    if level is not Level.OK and date and date.startswith("Wed"):
        assert ("ahead of" in finding.what) == (late > 0)


def test_what_dead_clouds_left_is_told_with_the_way_to_remove_it() -> None:
    found = {"links": {"a", "my-cloud"}, "processes": {"b"}, "rules": {"my_cloud", "b"}}
    findings = list(examine.left_over({"my-cloud"}, found))
    assert [item.level for item in findings] == [Level.WARN, Level.WARN]
    assert "left links" in findings[0].what
    assert "left processes, rules" in findings[1].what
    assert "name: b" in findings[1].next
    assert "down --keep-cache" in findings[1].next
    (fine,) = examine.left_over({"a", "b", "my-cloud"}, found)
    assert fine.level is Level.OK


@pytest.mark.parametrize(
    ("days", "level", "words"),
    [
        (300, Level.OK, "2 kept, the first ends in 300 days"),
        (40, Level.WARN, "web ends in 40 days"),
        (5, Level.BAD, "web ends in 5 days"),
        (-1, Level.BAD, "web has ended"),
    ],
)
def test_certificates(days: int, level: Level, words: str) -> None:
    ends = {
        "CA": NOW + datetime.timedelta(days=3000),
        "web": NOW + datetime.timedelta(days=days),
    }
    (finding,) = certificates(ends, NOW)
    assert (finding.level, finding.what) == (level, words)


def recorded(run: str, result: Result, *steps: tuple[str, bool]) -> Run:
    start = Start(run=run, command="up", at=0, by="root", host="desk", process=1)
    entries = [
        Entry(
            run=run,
            command="up",
            step=step,
            where="node-1",
            reason="",
            started=0,
            seconds=1,
            ok=ok,
            by="root",
        )
        for step, ok in steps
    ]
    return Run(start, tuple(entries), (), End(run=run, at=1, result=result, seconds=1))


def test_only_the_last_run_counts() -> None:
    fine = recorded("2", Result.DONE, ("unit:x", True))
    bad = recorded("1", Result.FAILED, ("unit:x", True), ("file:/etc/x", False))
    early = recorded("3", Result.INTERRUPTED, ("unit:x", True))
    (found,) = last_run([fine, bad])
    assert (found.level, found.what) == (Level.OK, "`up` 2: done")
    (found,) = last_run([bad, fine])
    assert found.level is Level.WARN
    assert "1 failed at file:/etc/x on node-1" in found.what
    (found,) = last_run([early, fine])
    assert (found.level, found.what) == (Level.WARN, "`up` 3: interrupted")
    (found,) = last_run([])
    assert found.level is Level.OK


@pytest.mark.parametrize("name", CLOUDS)
def test_what_is_asked_follows_from_what_components_declare(name: str) -> None:
    cloud = view(name)
    asked = list(questions(cloud))
    declared = {
        (part.name, check.name, node.name)
        for part in cloud.components
        for check in part.checks
        for node in cloud.nodes_of(part)
    }
    assert declared
    assert {(item.component, item.what, item.node) for item in asked if item.component} == declared
    assert {item.node for item in asked if not item.component} == {n.name for n in cloud.nodes}
    ids = [(item.node, item.check.id) for item in asked]
    assert len(set(ids)) == len(ids)
    for item in asked:
        sent = json.dumps(item.check.payload())
        assert json.dumps(build(json.loads(sent)).payload()) == sent


def test_answers_become_findings() -> None:
    asked = list(questions(view()))
    seen = {item.check.id: {"answer": ""} for item in asked}
    well = list(answered(asked, {"node-1": seen}))
    assert {item.level for item in well} == {Level.OK}
    broken = next(item for item in asked if item.component)
    seen[broken.check.id] = {"answer": "the database answers 'non-Primary'"}
    (bad,) = [item for item in answered(asked, {"node-1": seen}) if item.level is Level.BAD]
    assert bad.subject == broken.component
    assert "non-Primary" in bad.what
    assert bad.next == f"scs logs {broken.component}"
    unasked = [item for item in answered(asked, {}) if item.level is Level.BAD]
    assert len(unasked) == len(asked)


def test_checks_are_asked_on_the_node() -> None:
    fine = Check(name="a", probe={"type": "says", "argv": ["echo", "all is well"], "words": "well"})
    bad = Check(name="b", probe={"type": "says", "argv": ["echo", "no"], "words": "well"})
    worse = Check(name="c", probe={"type": "succeeds", "argv": ["false"]})
    seen = observe_resources([fine, bad, worse])
    assert fine.compare(seen[fine.id]) is None
    assert bad.compare(seen[bad.id]) == "echo no says 'no'"
    assert worse.compare(seen[worse.id])


def test_one_that_fails_does_not_spoil_the_others() -> None:
    def fine() -> Iterator[Finding]:
        yield Finding("fine", Level.OK, "is")

    def refused() -> Iterator[Finding]:
        raise ScsError(Problem("there", "no", "do this"))

    def crashes() -> Iterator[Finding]:
        raise ZeroDivisionError("oh")

    found = examined((("a", refused), ("b", fine), ("c", crashes)))
    assert [(item.subject, item.level) for item in found] == [
        ("a", Level.BAD),
        ("fine", Level.OK),
        ("c", Level.BAD),
    ]
    assert found[0].next == "do this"
    assert "ZeroDivisionError: oh" in found[2].what


def test_a_cloud_that_never_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole command; what it says of this machine depends on the machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCS_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("SCS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cloud.yaml").write_text("name: paper\n")
    monkeypatch.setattr("sys.argv", ["scs", "--json", "doctor"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    found = json.loads(capsys.readouterr().out)
    assert int(ended.value.code or 0) == (6 if any(x["level"] == "bad" for x in found) else 0)
    assert {"disk", "memory", "clock", "cloud", "runs", "left over"} <= {
        item["subject"] for item in found
    }
    assert all(item["next"] for item in found if item["level"] != "ok")
    assert not (tmp_path / "state").exists()
