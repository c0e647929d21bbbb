# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is seen of a cloud and kept of its runs: drift, journal, saved plans, what is degraded."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from clouds import CLOUDS, expander_of
from paper.world import World
from scs.engine.applied import Drift, accept, drift
from scs.engine.journal import Announced, End, Journal, Result, Start
from scs.engine.recording import Recording
from scs.engine.saved import SavedPlan
from scs.errors import BadInput, ScsError, StepFailed
from scs.plan.degraded import down
from scs.plan.impact import coming, loss
from scs.plan.plan import API
from scs.plan.why import why
from scs.resources import Unit

NODE = "node-1"
NOVA_CONF = "file:/etc/nova/nova.conf"


def drift_of(world: World) -> list[Drift]:
    with world.session("drift") as session:
        return drift(session, session.look())


def journal_of(world: World) -> Journal:
    return world.session().journal


# --- drift


def test_drift_is_what_somebody_changed_and_names_the_owner(world: World) -> None:
    assert drift_of(world) == []
    world.node[NOVA_CONF] |= {"content": "by hand", "time": world.cloud.now()}
    world.node["unit:glance-api.service"]["active"] = "inactive"
    world.node["packages:nova"]["novnc"] = "2.0"
    world.node["database:nova"]["grants"] = {"nova": ["nova"]}
    world.cloud.api["catalog:nova"]["urls"] = {}
    world.cloud.api["flavor:SCS-1V-4"]["ram"] = 1
    world.cloud.api["flavor:SCS-2V-4"]["extra_specs"]["mine"] = "1"
    world.cloud.api["user:demo"]["roles"] = ["admin", "member"]
    world.cloud.cores = 40
    found = {item.thing: item for item in drift_of(world)}
    assert {name: (item.component, item.declared) for name, item in found.items()} == {
        NOVA_CONF: ("nova", "files: nova.conf.j2"),
        "unit:glance-api.service": ("glance", "units: glance-api"),
        "packages:nova": ("nova", "packages"),
        "database:nova": ("mariadb", "nova needs Database(nova)"),
        "catalog:nova": ("nova", "objects: catalog nova"),
        "flavor:SCS-1V-4": ("flavors", "objects: flavor SCS-1V-4"),
        "flavor:SCS-2V-4": ("flavors", "objects: flavor SCS-2V-4"),
        "user:demo": ("tenant", "objects: user demo"),
        "quota:demo": ("nova", "objects: quota demo"),
        "network-quota:demo": ("neutron", "objects: network-quota demo"),
    }
    assert found["quota:demo"].what == "cores: 20 → 40"
    left = {"packages:nova", "flavor:SCS-2V-4", "user:demo", "quota:demo", "network-quota:demo"}
    assert {name for name, item in found.items() if not item.mended} == left
    assert found[NOVA_CONF].what == "has other content"
    assert "-by hand" in found[NOVA_CONF].diff
    assert found["packages:nova"].what == "novnc: 1.0 → 2.0"
    assert "extra_specs" in found["flavor:SCS-2V-4"].what
    assert found["user:demo"].where == API
    told = json.dumps([item.values() for item in found.values()])
    secrets = world.secrets()
    assert not any(secret in told for secret in secrets)


def test_what_up_leaves_alone_can_be_accepted(world: World) -> None:
    world.cloud.cores = 40
    world.node[NOVA_CONF]["mode"] = 0o666
    assert not any(step.id.startswith("quota:") for step in world.plan().plan.steps)
    with world.session("drift") as session:
        look = session.look()
        accept(session, look, drift(session, look))
    assert [item.thing for item in drift_of(world)] == [NOVA_CONF]


def test_a_changed_cloud_yaml_is_no_drift(world: World) -> None:
    world.yaml["config"] = {"nova": {"DEFAULT": {"cpu_allocation_ratio": 8.0}}}
    world.yaml["region"] = "Elsewhere"
    assert drift_of(world) == []
    world.node[NOVA_CONF]["mode"] = 0o666
    (item,) = drift_of(world)
    assert item.what == f"mode: {0o640} → {0o666}"


def test_what_an_unfinished_run_did_is_no_drift(world: World) -> None:
    world.yaml["config"] = {"nova": {"DEFAULT": {"cpu_allocation_ratio": 8.0}}}
    world.cloud.broken = {"unit:nova-scheduler.service"}
    with pytest.raises(StepFailed):
        world.up()
    world.cloud.broken = set()
    assert drift_of(world) == []


def test_a_unit_that_is_older_than_a_changed_file_is_not_told_again(world: World) -> None:
    path = "file:/etc/memcached.conf"
    world.node[path] |= {"content": "x", "time": world.cloud.now()}
    assert [item.thing for item in drift_of(world)] == [path]


def test_nothing_remembered(world: World) -> None:
    (world.state / "applied.json").unlink()
    with pytest.raises(BadInput, match="nothing to compare with"):
        drift_of(world)
    (world.state / "applied.json").write_text("{")
    with pytest.raises(BadInput, match="damaged"):
        drift_of(world)


def test_a_node_that_does_not_run_is_told(world: World) -> None:
    world.cloud.running.clear()
    assert [item.thing for item in drift_of(world)] == ["node:node-1"]


# --- a plan in a file


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.yaml.update(region="Elsewhere"), "cloud.yaml has changed"),
        (lambda w: w.yaml.update(region="Elsewhere"), "nova.conf on node-1 is wanted to be diff"),
        (
            lambda w: w.node[NOVA_CONF].update(content="another hand"),
            "nova.conf on node-1 has changed meanwhile",
        ),
        (
            lambda w: w.node["unit:keystone.service"].update(active="failed"),
            "unit:keystone.service on node-1 would be done as well: is failed",
        ),
        (
            lambda w: w.cloud.api.pop("flavor:SCS-1V-4"),
            "flavor:SCS-1V-4 on the cloud's API would be done as well: is missing",
        ),
        (World.up, "nova.conf on node-1 is no longer to be done"),
        (lambda w: w.cloud.running.clear(), "node:node-1 on this machine would be done as well"),
    ],
)
def test_a_plan_is_refused_when_the_cloud_has_moved(
    world: World, change: Callable[[World], object], message: str
) -> None:
    world.node[NOVA_CONF]["content"] = "by hand"
    with world.session("plan") as session:
        kept = SavedPlan.write(world.folder / "plan", session, session.look())
    assert kept.path.stat().st_mode & 0o777 == 0o600
    change(world)
    with world.session() as session, pytest.raises(BadInput) as refused:
        kept.check(session, session.look())
    assert message in str(refused.value)
    assert "nothing was done" in str(refused.value)


def test_a_plan_of_another_release_or_scs_or_cloud_is_refused(world: World) -> None:
    world.node[NOVA_CONF]["content"] = "by hand"
    path = world.folder / "plan"
    with world.session("plan") as session:
        look = session.look()
        SavedPlan.write(path, session, look)
        for key, message in (
            ("scs", "was made by scs other"),
            ("release", "release other has become"),
            ("cloud", "is a plan for cloud other"),
        ):
            values = json.loads(path.read_text()) | {key: "other"}
            with pytest.raises(BadInput, match=message):
                SavedPlan(path, values).check(session, look)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1}', '{"version": 7}'])
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plan"
    path.write_text(text)
    with pytest.raises(BadInput, match="plan"):
        SavedPlan.read(path)
    with pytest.raises(BadInput, match="cannot be read"):
        SavedPlan.read(tmp_path / "nothing")


# --- the journal


def test_a_run_has_a_start_its_steps_and_an_end(world: World) -> None:
    world.node[NOVA_CONF] |= {"content": "by hand", "time": world.cloud.now()}
    world.up()
    run, first = journal_of(world).runs()
    assert (run.result, first.result) == (Result.DONE, Result.DONE)
    assert run.start.process == os.getpid()
    assert run.start.versions.keys() == {"scs", "release", "ansible-core"}
    assert run.end is not None
    assert run.end.seconds >= max(entry.seconds for entry in run.steps)
    entry = next(entry for entry in run.steps if entry.step == NOVA_CONF)
    assert "-by hand" in entry.diff
    text = (world.state / "journal.jsonl").read_text()
    secrets = world.secrets()
    assert not any(secret in text for secret in secrets)


def test_a_failed_step_is_in_the_journal_with_its_error(world: World) -> None:
    world.node[NOVA_CONF]["content"] = "by hand"
    world.cloud.broken = {"unit:nova-scheduler.service"}
    with pytest.raises(StepFailed):
        world.up()
    run = journal_of(world).runs()[0]
    assert run.result == Result.FAILED
    (bad,) = [entry for entry in run.steps if not entry.ok]
    assert (bad.step, bad.error) == (
        "unit:nova-scheduler.service",
        "unit:nova-scheduler.service does not want to",
    )
    assert run.end is not None
    assert "does not want to" in run.end.error


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_killed_run_has_left_what_it_did(world: World) -> None:
    """A process of its own is ended with -9 in the middle of its steps."""
    world.yaml["config"] = {"nova": {"DEFAULT": {"cpu_allocation_ratio": 8.0}}}

    def kill(_where: str, step: str) -> None:
        if step == "unit:nova-api.service":
            time.sleep(0.5)  # the file before it has ended, and others are under way
            os.kill(os.getpid(), 9)

    child = os.fork()
    if child == 0:
        world.cloud.at_step = kill
        try:
            world.up()
        finally:
            os._exit(3)
    assert os.waitpid(child, 0)[1] == 9
    run = journal_of(world).runs()[0]
    assert run.start.process == child
    assert run.end is None
    assert run.result == Result.KILLED
    assert NOVA_CONF in {entry.step for entry in run.steps}
    assert "unit:nova-api.service" not in {entry.step for entry in run.steps}
    assert (NODE, "unit:nova-api.service") in run.announced
    world.up()
    assert [item.result for item in journal_of(world).runs()[:2]] == [Result.DONE, Result.KILLED]


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (None, Result.DONE),
        (BadInput(), Result.REFUSED),
        (ScsError(), Result.FAILED),
        (KeyboardInterrupt(), Result.INTERRUPTED),
        (RuntimeError(), Result.REFUSED),
    ],
)
def test_how_a_run_ends(world: World, error: BaseException | None, result: Result) -> None:
    def run() -> None:
        with world.session() as session, Recording(session, time.time()):
            if error:
                raise error

    if error:
        with pytest.raises(type(error)):
            run()
    else:
        run()
    assert journal_of(world).runs()[0].result == result


def test_records_of_all_kinds_are_read_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    start = Start(run="r", command="up", at=1.0, by="me", host="h", process=1, versions={"a": "1"})
    plan = Announced(run="r", at=2.0, steps=((NODE, "a"), (NODE, "b")))
    end = End(run="r", at=3.0, result=Result.FAILED, seconds=2.0, error="x")
    journal.add([start, plan], lasting=True)
    journal.add([end])
    assert journal.records() == [start, plan, end]


# --- impact


@pytest.mark.parametrize("name", CLOUDS)
def test_impact_follows_needs(name: str) -> None:
    spec, facts = CLOUDS[name]
    view = expander_of(spec, **facts).view
    queue = loss(view, "rabbitmq")
    assert {link.component for link in queue.links} >= {"nova", "neutron"}
    assert {link.needs for link in queue.links if link.giver == "rabbitmq"} == {"queue"}
    assert {"compute", "network"} <= {point.type for point in queue.endpoints}
    base = {point.type for point in loss(view, "mariadb").endpoints}
    assert {"identity", "image", "compute", "network", "placement"} <= base
    front = {point.name for point in loss(view, "haproxy").endpoints}
    assert {"keystone", "nova", "glance"} <= front
    assert not loss(view, "memcached"), "whoever needs a cache goes on without it"
    types = {point.type for _, point in view.endpoints if point.type}
    assert coming(view, ["haproxy"]) == coming(view, ["keystone"]) == types
    assert coming(view, ["glance", "memcached"]) == {"image"} | coming(view, ["glance"]) < types
    assert not coming(view, ["libvirt", "nobody"])


def test_only_the_unit_that_serves_an_endpoint_takes_it_away() -> None:
    expander = expander_of()
    desired = expander.node(expander.view.nodes[0])
    units = {item.name: item for item in desired if isinstance(item, Unit)}

    def points(name: str) -> set[str]:
        unit = units[f"{name}.service"]
        impact = loss(expander.view, unit.component, unit, units.values())
        return {point.name for point in impact.endpoints}

    assert points("nova-api") == {"nova"}
    assert points("nova-novncproxy") == {"nova-novncproxy"}
    assert points("nova-conductor") == set()
    assert "nova" in points("rabbitmq-server")


def test_why_a_unit_restarts() -> None:
    expander = expander_of()
    desired = expander.node(expander.view.nodes[0])
    unit = next(item for item in desired if item.id == "unit:nova-api.service")
    assert isinstance(unit, Unit)
    found = why(expander.view, NODE, desired, unit)
    assert ("/etc/nova/nova.conf", "nova", "files: nova.conf.j2") in found.reads
    assert ("Database nova", "mariadb") in found.needs
    assert "database:nova" in found.after
    assert [path for path, _, _ in found.reads] == list(dict.fromkeys(unit.reads))


def test_what_is_down_and_what_that_means(world: World) -> None:
    world.node["unit:rabbitmq-server.service"]["active"] = "failed"
    world.node["unit:nova-scheduler.service"]["active"] = "inactive"
    with world.session("status") as session:
        look = session.look()
    queue, scheduler = down(look.view, look.desired, look.observed)
    assert (queue.unit, queue.nodes) == ("rabbitmq-server.service", (NODE,))
    assert queue.since > 0
    assert "affects neutron, nova" in queue.meaning
    assert "compute" in queue.meaning
    assert scheduler.unit == "nova-scheduler.service"
    assert scheduler.meaning == "no other component is affected at once"
