# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What can be seen in the cloud's API, and what a plan says of what can't."""

from __future__ import annotations

import pytest
from keystoneauth1.exceptions import ConnectFailure
from openstack.exceptions import SDKException

from paper.api import PaperExecutor
from paper.world import World
from scs.cli import plans
from scs.model.objects import ApiObject
from scs.plan.plan import COMING, LOGINS, UNSEEN, Step

FLAVOR = "flavor:SCS-1V-4"


def api_of(world: World) -> dict[str, Step]:
    """The steps in the API that are planned."""
    return {step.id: step for step, _ in world.plan().plan.api}


def test_a_service_that_comes_hides_nothing_of_the_others(world: World) -> None:
    world.yaml["services"] = ["barbican", "heat"]
    steps = api_of(world)
    assert steps
    assert all("barbican" in name or "heat" in name for name in steps), steps.keys()
    assert all(step.sure for step in steps.values())


def test_a_missing_endpoint_hides_nothing(world: World) -> None:
    del world.cloud.api["catalog:glance"]
    del world.cloud.api[FLAVOR]
    steps = api_of(world)
    assert {name: step.reason for name, step in steps.items()} == {
        "catalog:glance": "is not in the catalog",
        FLAVOR: "is missing",
    }


@pytest.mark.parametrize("unit", ["keystone", "haproxy"])
def test_an_api_that_the_plan_brings_back_is_told_as_such(world: World, unit: str) -> None:
    world.node[f"unit:{unit}.service"]["active"] = "inactive"
    steps = api_of(world)
    assert {step.reason for step in steps.values()} == {COMING}
    assert FLAVOR in steps


def test_an_api_that_runs_and_does_not_answer_is_told_as_such(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PaperExecutor, "_answers", lambda _self, service: service != "compute")
    steps = api_of(world)
    assert FLAVOR in steps
    assert {step.reason for step in steps.values()} == {UNSEEN}
    assert not any(name.startswith(("user:", "image:", "network:")) for name in steps)
    # Somebody else's work does not bring it.
    world.node["unit:glance-api.service"]["active"] = "inactive"
    steps = api_of(world)
    assert steps[FLAVOR].reason == UNSEEN


def test_what_needs_a_user_that_is_to_be_made_is_told_as_such(world: World) -> None:
    del world.cloud.api["user:demo"]
    steps = api_of(world)
    assert steps["user:demo"].reason == "is missing"
    others = {name: step for name, step in steps.items() if name != "user:demo"}
    assert {"keypair:scs", "server:hello"} <= set(others)
    assert {step.reason for step in others.values()} == {LOGINS}
    assert not any(step.sure for step in others.values())
    assert FLAVOR not in others, "the administrator sees it"


def test_what_is_refused_is_told_in_the_words_of_who_refuses(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = world.session().secrets("user/admin")

    def refuse(*_: object) -> dict[str, object]:
        raise RuntimeError(f"compute /flavors: 500 no space, says {secret}\nmore")

    with world.session("plan") as session:
        executor = session.executor(session.seen_view())
        assert isinstance(executor, PaperExecutor)
        monkeypatch.setattr(type(executor.kinds["flavor"]), "observe", refuse)
        steps = [step for step, _ in session.look().plan.api]
    assert {step.reason for step in steps} == {
        "can't be seen: compute /flavors: 500 no space, says ••••••"
    }


@pytest.mark.parametrize(
    "error", [ConnectFailure("closed"), SDKException("500"), RuntimeError("?")]
)
def test_who_does_not_answer_a_change_is_asked_once_more(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    del world.cloud.api[FLAVOR]
    asked: list[Exception] = []

    def ask(_where: str, step: str) -> None:
        if step == FLAVOR and not asked:
            asked.append(error)
            raise error

    monkeypatch.setattr("scs.api.executor.AGAIN_SECONDS", 0.0)
    world.cloud.at_step = ask
    world.up()
    assert asked
    assert FLAVOR in world.cloud.api


def test_nothing_is_asked_for_where_nobody_answers(world: World) -> None:
    world.node["unit:keystone.service"]["active"] = "inactive"
    with world.session("plan") as session:
        view = session.seen_view()
        wanted: tuple[ApiObject, ...] = session.expander(view).objects()
        sight = session.executor(view).observe(wanted)
    assert not sight.things
    assert not sight.refused


def test_steps_are_told_together_only_for_the_same_reason(world: World) -> None:
    def told(*reasons: str) -> list[str]:
        steps = [
            Step(f"flavor:{number}", "API", "flavors", reason, sure=False, number=number)
            for number, reason in enumerate(reasons, 1)
        ]
        return [plans._together(group[0], group) for group in plans._alike(steps).values()]

    assert told(COMING, COMING) == [f"   1 ? flavors: 2 {COMING}, so looked at again (flavor)"]
    assert told(UNSEEN, COMING) == []
    assert told("is missing", "was never done") == ["   1 + flavors: 2 to make (flavor)"]
