# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Units: younger than what they read; restarted, reloaded or waited for."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from commands import replace_command
from scs.resources import ConvergeError, Unit, observe, unit

STATE = """\
Id=a.service
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
ExecMainStartTimestampMonotonic={started}
StateChangeTimestampMonotonic={changed}
"""


@pytest.mark.parametrize(
    ("started", "changed", "reload", "late"),
    [
        (-10, -10, False, True),
        (10, 10, False, False),
        (-10, 10, False, True),
        (-10, 10, True, False),
    ],
)
def test_a_unit_must_be_younger_than_what_it_reads(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    started: int,
    changed: int,
    reload: bool,
    late: bool,
) -> None:
    """Times in seconds, counted from the change of the file."""
    path = tmp_path / "conf"
    path.write_text("")
    written = time.monotonic() - 100
    os.utime(path, (time.time() - 100,) * 2)
    text = STATE.format(
        started=int((written + started) * 1e6), changed=int((written + changed) * 1e6)
    )
    replace_command(monkeypatch, unit, {"systemctl show": text})
    item = Unit(name="a.service", reads=(str(path), str(tmp_path / "missing")), reload=reload)
    assert item.compare(observe([item])[item.id]) == (
        f"runs with an older {path}" if late else None
    )


@pytest.mark.parametrize(
    ("state", "active", "reload", "reloads", "expected"),
    [
        ("disabled", False, False, False, ["enable --no-reload", "reset-failed", "restart"]),
        ("enabled", True, False, False, ["reset-failed", "restart"]),
        ("enabled", True, True, False, ["reset-failed", "reload"]),
        ("enabled", True, False, True, ["reset-failed", "reload"]),
        ("static", True, True, False, ["reset-failed", "reload"]),
        ("enabled", False, True, True, ["reset-failed", "restart"]),
    ],
)
def test_a_unit_is_enabled_and_started(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    state: str,
    active: bool,
    reload: bool,
    reloads: bool,
    expected: list[str],
) -> None:
    """A running one is reloaded when that is enough for the file that has changed."""
    (tmp_path / "conf").write_text("")
    now = "inactive" if not active else "active"
    shown = f"ActiveState={now}\nUnitFileState={state}\nExecMainStartTimestampMonotonic=1\n"
    shown += "StateChangeTimestampMonotonic=1\n"
    commands = replace_command(monkeypatch, unit, {"systemctl show": shown})
    Unit(
        name="a.service",
        reads=(str(tmp_path / "conf"),),
        reload=reload,
        reloads=(f"{tmp_path}/",) if reloads else (),
    ).converge()
    assert commands.ran[1:] == [f"systemctl {verb} a.service" for verb in expected]


def test_a_unit_restarts_when_a_file_changed_that_a_reload_does_not_take_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("conf", "certificate"):
        (tmp_path / name).write_text("")
    shown = "ActiveState=active\nUnitFileState=enabled\nExecMainStartTimestampMonotonic=1\n"
    commands = replace_command(monkeypatch, unit, {"systemctl show": shown})
    both = (str(tmp_path / "conf"), str(tmp_path / "certificate"))
    Unit(name="a.service", reads=both, reloads=(both[1],)).converge()
    assert commands.ran[-1] == "systemctl restart a.service"


@pytest.mark.parametrize(
    ("age", "states", "answers", "restarted"),
    [
        (5, ["active"], [""], False),
        (5, ["activating", "activating", "active"], [""], False),
        (5, ["active"], ["http: timed out", ""], False),
        (5, ["activating", "failed"], [], True),
        (500, ["active"], [], True),
    ],
    ids=["is up", "starts", "loads", "fails", "is old"],
)
def test_a_unit_that_was_started_a_moment_ago_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
    age: int,
    states: list[str],
    answers: list[str],
    restarted: bool,
) -> None:
    born = int((time.monotonic() - age) * 1e6)
    left = list(states)

    def shown(argv: Sequence[str], **_: object) -> str:
        ran.append(" ".join(argv))
        state = left.pop(0) if len(left) > 1 else left[0]
        text = f"ActiveState={state}\nUnitFileState=enabled\n"
        return f"{text}ExecMainStartTimestampMonotonic={born}\n" if "show" in argv else ""

    ran: list[str] = []
    monkeypatch.setattr(unit, "command", shown)
    monkeypatch.setattr(unit, "ask", lambda *_: answers.pop(0))
    monkeypatch.setattr(unit, "wait", lambda *_: None)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    Unit(name="a.service", ready={"type": "http", "url": ""}).converge()
    assert ("systemctl restart a.service" in ran) == restarted
    assert not answers


def test_a_unit_that_fails_tells_the_end_of_its_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: dict[str, str | ConvergeError] = {
        "systemctl restart": ConvergeError("Job for a.service failed"),
        "journalctl": "cannot open database",
    }
    replace_command(monkeypatch, unit, answers)
    with pytest.raises(ConvergeError, match=r"(?s)Job for a.service failed.*cannot open database"):
        Unit(name="a.service").converge()


@pytest.mark.parametrize(("again", "turned_away"), [(0, 0), (2, 0), (2, 2), (0, 1), (2, 3)])
def test_a_member_that_is_turned_away_tries_again(
    monkeypatch: pytest.MonkeyPatch, again: int, turned_away: int
) -> None:
    left = [ConvergeError("turned away")] * turned_away

    def systemctl(argv: Sequence[str], **_: object) -> str:
        if "restart" in argv and left:
            raise left.pop()
        return ""

    monkeypatch.setattr(unit, "command", systemctl)
    member = Unit(name="a.service", again=again)
    if turned_away > again:
        with pytest.raises(ConvergeError, match="turned away"):
            member.converge()
    else:
        member.converge()
        assert not left


@pytest.mark.parametrize(
    ("active", "fails", "ran"),
    [
        ("active", False, ["aside hold a b", "systemctl restart a.service", "aside release a b"]),
        ("active", True, ["aside hold a b", "systemctl restart a.service", "aside release a b"]),
        ("failed", False, ["systemctl restart a.service"]),
    ],
    ids=["runs", "runs and does not come up", "does not run"],
)
def test_new_requests_stay_away_from_a_unit_that_starts_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, active: str, fails: bool, ran: list[str]
) -> None:
    (tmp_path / "conf").write_text("")
    shown = f"ActiveState={active}\nUnitFileState=enabled\nExecMainStartTimestampMonotonic=1\n"
    answers: dict[str, str | ConvergeError] = {"systemctl show": shown}
    if fails:
        answers["systemctl restart"] = ConvergeError("no")
    commands = replace_command(monkeypatch, unit, answers)
    item = Unit(name="a.service", reads=(str(tmp_path / "conf"),), aside=("aside", "a", "b"))
    with contextlib.suppress(ConvergeError):
        item.converge()
    assert [line for line in commands.ran if line.startswith(("aside", "systemctl restart"))] == ran
