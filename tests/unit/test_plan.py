# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The planner: tables of what is wanted and what was seen, and the steps that follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from scs.model.objects import ApiObject, Flavor, Project
from scs.plan.announce import expected
from scs.plan.plan import (
    API,
    COMING,
    ELSEWHERE,
    LOGINS,
    UNSEEN,
    Plan,
    Step,
    api_steps,
    node_steps,
)
from scs.resources import (
    Absent,
    Database,
    Directory,
    File,
    Gate,
    Link,
    Migration,
    Packages,
    Resource,
    Unit,
)
from scs.resources.database import CLIENT

OWNED = {"owner": "root", "group": "root", "mode": 0o644}
RUNS = {"loaded": "loaded", "active": "active", "enabled": "enabled", "late": [], "wrong": ""}
STOPPED = {**RUNS, "active": "failed"}

CONF = File(name="/etc/a.conf", content="a = 1\n", component="a")
OTHER = File(name="/etc/b.conf", content="b = 1\n", component="b")
ENVIRONMENT = Link(name="/opt/environment", target="/opt/releases/2", component="a")
GATE = Gate(name="database", probe={"type": "tcp"}, component="a")
WAITED = (GATE.id, "is waited for", "")
UNIT = Unit(
    name="a.service",
    component="a",
    reads=(CONF.name, ENVIRONMENT.name),
    after=(CONF.id, ENVIRONMENT.id, GATE.id),
)
RELOADED = Unit(name="r.service", component="a", reads=(CONF.name,), reload=True)
UNRELATED = Unit(name="b.service", component="b", reads=(OTHER.name,), after=(OTHER.id,))

DESIRED: Sequence[Resource] = (CONF, OTHER, ENVIRONMENT, GATE, UNIT, RELOADED, UNRELATED)
WELL: Mapping[str, Mapping[str, Any]] = {
    CONF.id: {"sha256": CONF.sha256, **OWNED},
    OTHER.id: {"sha256": OTHER.sha256, **OWNED},
    ENVIRONMENT.id: {"target": ENVIRONMENT.target},
    UNIT.id: RUNS,
    RELOADED.id: RUNS,
    UNRELATED.id: RUNS,
}
EDITED = {"sha256": "other", "content": "a = 2\n", **OWNED}


@pytest.mark.parametrize(
    ("seen", "steps"),
    [
        pytest.param({}, [], id="all is well"),
        pytest.param(
            {CONF.id: EDITED},
            [
                (CONF.id, "has other content", ""),
                WAITED,
                (UNIT.id, "reads /etc/a.conf", "restart"),
                (RELOADED.id, "reads /etc/a.conf", "reload"),
            ],
            id="a changed file: its readers restart or reload, nobody else",
        ),
        pytest.param(
            {CONF.id: {"sha256": CONF.sha256, **OWNED, "mode": 0o666}},
            [
                (CONF.id, "mode 0o666 instead of 0o644", ""),
                WAITED,
                (UNIT.id, "reads /etc/a.conf", "restart"),
                (RELOADED.id, "reads /etc/a.conf", "reload"),
            ],
            id="a changed mode counts as well",
        ),
        pytest.param(
            {OTHER.id: {}},
            [(OTHER.id, "is missing", ""), (UNRELATED.id, "reads /etc/b.conf", "restart")],
            id="a missing file",
        ),
        pytest.param(
            {ENVIRONMENT.id: {"target": "/opt/releases/1"}},
            [
                (ENVIRONMENT.id, "points to /opt/releases/1", ""),
                WAITED,
                (UNIT.id, "reads /opt/environment", "restart"),
            ],
            id="a flipped link: an upgrade",
        ),
        pytest.param(
            {UNIT.id: STOPPED}, [WAITED, (UNIT.id, "is failed", "")], id="a start disturbs nobody"
        ),
        pytest.param(
            {UNIT.id: {**RUNS, "late": ["/etc/a.conf"]}},
            [WAITED, (UNIT.id, "runs with an older /etc/a.conf", "restart")],
            id="a run was killed between a file and its unit",
        ),
        pytest.param(
            {UNIT.id: {**RUNS, "enabled": "disabled"}},
            [WAITED, (UNIT.id, "would not start at boot", "restart")],
            id="not enabled",
        ),
        pytest.param(
            {OTHER.id: EDITED},
            [(OTHER.id, "has other content", ""), (UNRELATED.id, "reads /etc/b.conf", "restart")],
            id="a gate of somebody else is not waited for",
        ),
    ],
)
def test_steps_of_a_node(
    seen: Mapping[str, Mapping[str, Any]], steps: list[tuple[str, str, str]]
) -> None:
    found = node_steps("node-1", DESIRED, {**WELL, **seen})
    assert [(step.id, step.reason, step.effect) for step, _ in found] == steps
    for step, item in found:
        assert step.id == item.id
        assert step.where == "node-1"
        assert step.component == item.component


RIGHT: Mapping[str, Any] = {
    "databases": ["nova"],
    "wrong": [],
    "grants": {"nova": ["nova"]},
    "left": [],
}
THEIRS = Database(name="nova", accounts=(("nova", "x"),), databases=("nova",))
MIGRATED = Migration(name="nova", environment="", argv=(), user="nova", after=(THEIRS.id,))
IN_A_SERVER: Mapping[str, Mapping[str, Any]] = {THEIRS.id: RIGHT, MIGRATED.id: {"wrong": ""}}


def test_what_was_seen_in_another_server_proves_nothing() -> None:
    client = File(name=CLIENT, content="[client]")
    items = (client, THEIRS, MIGRATED)
    assert [step.id for step, _ in node_steps("n", items, {client.id: EDITED, **IN_A_SERVER})] == [
        item.id for item in items
    ]
    _, (step, item), (_, last) = node_steps("n", items, IN_A_SERVER)
    assert (step.reason, step.sure) == (ELSEWHERE, False)
    assert item.after == (client.id,)
    assert last.after == (THEIRS.id, client.id)
    right: Mapping[str, Mapping[str, Any]] = {
        client.id: {"sha256": client.sha256, **OWNED, "mode": client.mode},
        **IN_A_SERVER,
    }
    assert node_steps("n", items, right) == ()


def test_nor_does_it_when_the_other_server_is_given_up() -> None:
    gone = Absent(name=f"file:{CLIENT}", what="file", item=CLIENT)
    other = Absent(name="link:/x", what="link", item="/x")
    (step, item), (_, last) = node_steps("n", (THEIRS, MIGRATED), IN_A_SERVER, away=(other, gone))
    assert (step.reason, step.sure, item.after) == (ELSEWHERE, False, (gone.id,))
    assert last.after == (THEIRS.id, gone.id)
    assert node_steps("n", (THEIRS, MIGRATED), IN_A_SERVER, away=(other,)) == ()


def test_on_an_empty_node_everything_is_a_step_in_the_given_order() -> None:
    more = (
        Packages(name="a", packages=("a",)),
        Directory(name="/d"),
        Migration(name="m", environment="", argv=(), user="a"),
    )
    found = node_steps("node-1", (*more, *DESIRED), {})
    assert [step.id for step, _ in found] == [item.id for item in (*more, *DESIRED)]
    assert not any(step.effect for step, _ in found)


def test_a_gate_does_not_make_a_plan() -> None:
    gate = Step(GATE.id, "node-1", "a", "connection refused")
    unit = Step(UNIT.id, "node-1", "a", "is failed")
    assert not Plan((), {"node-1": ((gate, GATE),)}, ())
    both = Plan((), {"node-1": ((gate, GATE), (unit, UNIT))}, ())
    assert both
    assert both.changes == (unit,)
    assert both.steps == (gate, unit)


def test_steps_of_all_places_come_in_the_order_machine_nodes_api() -> None:
    node = Step("node:node-1", "this machine", "local", "does not exist")
    unit = Step(UNIT.id, "node-1", "a", "is failed")
    project = Project(name="service", component="keystone")
    made = Step(project.id, API, "keystone", "is missing")
    plan = Plan((node,), {"node-1": ((unit, UNIT),)}, ((made, project),))
    assert plan.steps == plan.changes == (node, unit, made)


def test_diffs_show_what_changes_but_no_secret() -> None:
    seen = {**WELL, CONF.id: EDITED}
    assert "-a = 2\n+a = 1\n" in node_steps("node-1", DESIRED, seen)[0][0].diff
    hidden = File(name="/etc/key", content="new key", secret=True)
    step = node_steps("node-1", [hidden], {hidden.id: {**EDITED, "content": "old key"}})[0][0]
    assert step.diff == "(secret)"


def test_steps_of_the_api() -> None:
    there, missing, wrong = (
        Project(name=name, component="keystone") for name in ("there", "missing", "wrong")
    )

    def compare(item: ApiObject, seen: Mapping[str, object]) -> str | None:
        return str(seen.get("reason", "is missing")) or None

    seen: dict[str, dict[str, object]] = {
        there.id: {"reason": ""},
        wrong.id: {"reason": "differs"},
        missing.id: {},
    }
    found = api_steps([there, missing, wrong], seen, compare)
    assert [step for step, _ in found] == [
        Step("project:missing", API, "keystone", "is missing"),
        Step("project:wrong", API, "keystone", "differs"),
    ]
    assert [item for _, item in found] == [missing, wrong]


FLAVOR = Flavor(name="f", component="flavors", vcpus=1, ram=1, disk=1)
PROJECT = Project(name="p", component="keystone")


@pytest.mark.parametrize(
    ("observed", "known", "reason"),
    [
        pytest.param({}, {}, UNSEEN, id="nobody answers"),
        pytest.param({}, {"reachable": False}, "is missing", id="there is no node yet"),
        pytest.param({}, {"coming": {"compute"}}, COMING, id="the plan brings who would answer"),
        pytest.param({}, {"coming": {"image"}}, UNSEEN, id="the plan brings somebody else"),
        pytest.param(
            {PROJECT.id: {"well": True}},
            {"refused": {FLAVOR.id: "compute /flavors: 500 disk full\nmore"}},
            "can't be seen: compute /flavors: 500 disk full",
            id="it answers with an error",
        ),
        pytest.param(
            {PROJECT.id: {}},
            {"refused": {FLAVOR.id: "compute /flavors: 401"}, "coming": {"compute"}},
            LOGINS,
            id="it answers with an error, and the plan makes users or endpoints",
        ),
        pytest.param({PROJECT.id: {}}, {}, UNSEEN, id="users do not make it answer"),
        pytest.param({FLAVOR.id: {}}, {"coming": {"compute"}}, "is missing", id="it was seen"),
    ],
)
def test_what_cannot_be_looked_for_is_not_called_missing(
    observed: dict[str, Any], known: dict[str, Any], reason: str
) -> None:
    def compare(_item: ApiObject, seen: Mapping[str, object]) -> str | None:
        return None if seen else "is missing"

    steps = {step.id: step for step, _ in api_steps([PROJECT, FLAVOR], observed, compare, **known)}
    assert steps[FLAVOR.id].reason == reason
    assert steps[FLAVOR.id].sure == (FLAVOR.id in observed)


def test_the_time_expected_is_that_of_the_longest_chain() -> None:
    def step(number: int, *after: int) -> Step:
        return Step(f"unit:{number}", "node-1", "a", "is failed", number=number, after=after)

    steps = (step(1), step(2, 1), step(3, 1), step(4, 2, 3))
    plan = Plan(steps, {}, ())
    seconds = {"unit:1": 1.0, "unit:2": 2.0, "unit:3": 5.0}
    assert expected(plan, seconds) == 6.0
    assert expected(plan, seconds, {("node-1", "unit:3")}) == 3.0
    assert expected(plan, seconds, {("node-1", "unit:1")}, {("node-1", "unit:3"): 2.0}) == 3.0
    assert expected(plan, seconds, (), {("node-1", "unit:3"): 99.0}) == 3.0
    assert expected(plan, {}) == 0.0
