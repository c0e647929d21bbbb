# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""After its steps `up` looks again, and waits for what comes by itself a moment later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from paper.api import PaperExecutor
from paper.hand import PaperHand
from paper.world import World
from scs.api.executor import Sight
from scs.errors import StepFailed
from scs.model.objects import ApiObject

NODE = "node-1"
NOVA_CONF = "file:/etc/nova/nova.conf"
OPTION = {"nova": {"DEFAULT": {"cpu_allocation_ratio": 9.0}}}
Patch = pytest.MonkeyPatch
IsBad = Callable[[], bool]
"""Whether what is looked at is not well yet; counts the looks."""


@pytest.fixture(autouse=True)
def at_once(monkeypatch: Patch) -> None:
    monkeypatch.setattr("scs.engine.apply.LOOK_PAUSE", 0.0)


def test_a_service_that_is_slow_to_answer_after_a_change_is_asked_again(
    world: World, monkeypatch: Patch
) -> None:
    real, silent = PaperExecutor._answers, [False] * 5

    def answers(executor: PaperExecutor, service: str) -> bool:
        if service == "compute" and silent and "9.0" in world.node[NOVA_CONF]["content"]:
            return silent.pop()
        return real(executor, service)

    monkeypatch.setattr(PaperExecutor, "_answers", answers)
    monkeypatch.setattr(PaperExecutor, "settle", lambda *_: None)
    world.yaml["config"] = OPTION
    world.up()
    assert not silent
    assert not world.plan().plan


def member_elects(monkeypatch: Patch, _world: World, is_bad: IsBad) -> None:
    """A member of the queue still agrees with the others on who leads."""
    unit, real = "unit:rabbitmq-server.service", PaperHand.observe

    def observe(hand: PaperHand, *words: Any) -> Any:
        found = real(hand, *words)
        if is_bad():
            found[NODE][unit] = {**found[NODE][unit], "wrong": "elects"}
        return found

    monkeypatch.setattr(PaperHand, "observe", observe)


def host_is_silent(monkeypatch: Patch, world: World, is_bad: IsBad) -> None:
    """A host gives no sign of life, and counts as down."""
    real = PaperExecutor.observe

    def observe(executor: PaperExecutor, wanted: Sequence[ApiObject]) -> Sight:
        world.cloud.api["host:node-1"]["state"] = "down" if is_bad() else "up"
        return real(executor, wanted)

    monkeypatch.setattr(PaperExecutor, "observe", observe)


@pytest.mark.parametrize(
    ("happens", "told"), [(member_elects, "elects"), (host_is_silent, "host:node-1 is down")]
)
@pytest.mark.parametrize("lasts", [True, False])
def test_what_is_not_well_for_a_moment_is_waited_for(
    world: World,
    monkeypatch: Patch,
    happens: Callable[[Patch, World, IsBad], None],
    told: str,
    lasts: bool,
) -> None:
    looks: list[int] = []

    def is_bad() -> bool:
        looks.append(1)
        return len(looks) in (2, 3) or (lasts and len(looks) > 1)

    happens(monkeypatch, world, is_bad)
    monkeypatch.setattr("scs.engine.apply.UNSEEN_SECONDS", 1.0 if lasts else 60.0)
    world.yaml["config"] = OPTION
    if lasts:
        with pytest.raises(StepFailed, match=told):
            world.up()
    else:
        world.up()
        assert len(looks) == 4
