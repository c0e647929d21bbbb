# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Running the steps of a plan: their order, side by side, past failures; gates."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from own_files import file
from scs.resources import ConvergeError, Gate, graph, probe

# --- running the steps of a plan

Order = Mapping[str, set[str]]


def run(
    after: Order, *, width: int = 8, failing: frozenset[str] = frozenset(), pause: float = 0
) -> tuple[list[str], list[str], int]:
    """What was started, in this order; what went well; how many ran at once at most."""
    lock = threading.Lock()
    started: list[str] = []
    running = most = 0

    def work(name: str) -> graph.Outcome:
        nonlocal running, most
        with lock:
            started.append(name)
            running += 1
            most = max(most, running)
        time.sleep(pause)
        with lock:
            running -= 1
        return graph.Outcome(name, name not in failing, 0.0, 0.0)

    outcomes = graph.schedule(after, work, width)
    return started, [outcome.id for outcome in outcomes if outcome.ok], most


CHAIN: Order = {"c": {"b"}, "b": {"a"}, "a": set()}
TWO: Order = {"b": {"a"}, "a": set(), "y": {"x"}, "x": set(), "z": {"b", "y"}}


def test_each_step_comes_after_those_before_it() -> None:
    assert run(CHAIN)[0] == ["a", "b", "c"]
    started, well, _ = run(TWO)
    assert sorted(well) == sorted(TWO)
    for name, others in TWO.items():
        assert all(started.index(other) < started.index(name) for other in others)


def test_what_is_no_step_is_right_already() -> None:
    assert run({"a": {"file:/is/there"}})[1] == ["a"]


@pytest.mark.parametrize(
    ("after", "failing", "started"),
    [
        (CHAIN, {"a"}, {"a"}),
        (CHAIN, {"b"}, {"a", "b"}),
        (TWO, {"a"}, {"a", "x", "y"}),
        (TWO, {"a", "x"}, {"a", "x"}),
    ],
)
def test_a_failure_stops_what_depends_on_it_and_nothing_else(
    after: Order, failing: set[str], started: set[str]
) -> None:
    found, well, _ = run(after, failing=frozenset(failing))
    assert set(found) == started
    assert set(well) == started - failing


@pytest.mark.parametrize(("width", "most"), [(1, 1), (3, 3), (20, 8)])
def test_steps_run_side_by_side_as_wide_as_allowed(width: int, most: int) -> None:
    independent: Order = {str(number): set() for number in range(8)}
    assert run(independent, width=width, pause=0.1)[2] == most


def test_converging_tells_of_each_step_and_survives_surprises(tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("")
    good = file(tmp_path / "good")
    bad = file(tmp_path / "in the way" / "bad", after=(good.id,))
    never = file(tmp_path / "never", after=(bad.id,))
    events: list[Mapping[str, Any]] = []
    outcomes = graph.run([never, bad, good], events.append)
    assert [(item.id, item.ok) for item in outcomes] == [(good.id, True), (bad.id, False)]
    assert "in the way" in outcomes[1].error
    assert [(event["event"], event["id"]) for event in events] == [
        ("start", good.id),
        ("end", good.id),
        ("start", bad.id),
        ("end", bad.id),
    ]
    assert not (tmp_path / "never").exists()


# --- gates


def test_a_gate_opens_when_its_probe_answers(tmp_path: Path) -> None:
    path = tmp_path / "there"
    gate = Gate(name="g", probe={"type": "succeeds", "argv": ["test", "-e", str(path)]}, seconds=20)
    timer = threading.Timer(0.2, path.touch)
    timer.start()
    gate.converge()
    assert path.exists()
    timer.join()


def test_a_gate_that_stays_shut_tells_why() -> None:
    gate = Gate(name="g", probe={"type": "succeeds", "argv": ["false"]}, seconds=0.1)
    with pytest.raises(ConvergeError, match=r"not ready after 0 s: succeeds: false\nended with 1"):
        gate.converge()


def test_after_a_failure_elsewhere_nobody_waits_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "GRACE", 0.1)
    probe.hurry.set()
    gate = Gate(name="g", probe={"type": "succeeds", "argv": ["false"]}, seconds=600)
    with pytest.raises(ConvergeError, match="not ready"):
        gate.converge()


def test_who_is_to_stop_starts_nothing_more_and_ends_what_it_began() -> None:
    asked: list[str] = []

    def work(name: str) -> graph.Outcome:
        asked.append(name)
        return graph.Outcome(name, True, 0.0, 0.0)

    outcomes = graph.schedule(CHAIN, work, 8, stop=lambda: bool(asked))
    assert asked == ["a"]
    assert [outcome.id for outcome in outcomes] == ["a"]
    probe.hurry.clear()
