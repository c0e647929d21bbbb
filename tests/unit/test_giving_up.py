# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What waits in the cloud's API ends soon when something on a node has failed."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from paper.world import World
from scs.api.clients import GIVEN_UP, Clients
from scs.api.executor import Executor
from scs.api.kinds import Kind
from scs.engine.apply import Converging
from scs.errors import Problem, StepFailed
from scs.model.objects import Project
from scs.plan.plan import Step
from scs.resources import probe

FIRST, NEXT = Project(name="first"), Project(name="next", after=("project:first",))


class Patient(Kind[Project]):
    """Waits for something that never comes; or, `hasty`, fails at once."""

    def __init__(self, *, hasty: bool) -> None:
        self.hasty = hasty
        self.tries = 0
        self.waits = threading.Event()

    def observe(self, clients: Clients, wanted: Sequence[Project]) -> dict[str, Any]:
        return {}

    def converge(self, clients: Clients, want: Project, seen: Mapping[str, Any]) -> None:
        self.tries += 1
        self.waits.set()
        if self.hasty:
            raise RuntimeError("is down after 180 s")
        while True:
            clients.pause(0.01)


class Answering(Executor):
    def _answers(self, service: str) -> bool:
        return True


@pytest.fixture
def executor(monkeypatch: pytest.MonkeyPatch) -> Answering:
    view: Any = type("NoView", (), {"url": lambda *_, **__: "https://192.0.2.1"})()
    return Answering(Clients(view, Path("/none")), lambda _: pytest.fail("no image is asked for"))


@pytest.mark.parametrize("hasty", [False, True], ids=["while it waits", "before its second try"])
def test_waiting_ends(executor: Answering, hasty: bool) -> None:
    kind = Patient(hasty=hasty)
    executor.kinds["project"] = kind

    def fail() -> None:
        assert kind.waits.wait(20)
        executor.stop.set()

    elsewhere = threading.Thread(target=fail)
    elsewhere.start()
    began = time.monotonic()
    outcomes = executor.run([FIRST, NEXT], lambda _: None, lambda _: False)
    elsewhere.join()
    assert time.monotonic() - began < 15
    assert [(item.id, item.ok, item.error) for item in outcomes] == [
        ("project:first", False, GIVEN_UP)
    ]
    assert kind.tries == 1


def test_nothing_else_makes_it_give_up(executor: Answering) -> None:
    """A failure in the API alone is tried again, as ever."""
    kind = Patient(hasty=True)
    executor.kinds["project"] = kind
    outcomes = executor.run([FIRST], lambda _: None, lambda _: False)
    assert kind.tries == 2
    assert [item.error for item in outcomes] == ["RuntimeError: is down after 180 s"]


def test_what_waits_for_a_node_is_not_begun_when_that_has_failed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.yaml["config"] = {"nova": {"DEFAULT": {"cpu_allocation_ratio": 9.0}}}
    world.cloud.api["flavor:SCS-1V-4"]["ram"] = 1
    world.cloud.broken = {"unit:nova-scheduler.service"}
    real = Converging._problem

    def slowly(converging: Converging, step: Step, error: str) -> Problem:
        time.sleep(1)  # whoever is let go too early has begun by then
        return real(converging, step, error)

    monkeypatch.setattr(Converging, "_problem", slowly)
    with pytest.raises(StepFailed) as caught:
        world.up()
    assert [item.where for item in caught.value.problems] == ["nova on node-1"]
    assert world.cloud.api["flavor:SCS-1V-4"]["ram"] == 1
    probe.hurry.clear()
