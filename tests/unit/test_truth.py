# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plan tells the truth: what it announced is what `up` did, step for step, and no more.

Each row is a kind of change, made on a cloud on paper by hand or in cloud.yaml. The session, the
plan, the graph, both executors and the journal are real; see tests/paper.
"""

from __future__ import annotations

import difflib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from paper.hand import PaperHand
from paper.world import World
from scs.engine.apply import apply
from scs.engine.events import MACHINE
from scs.engine.journal import Entry, Result
from scs.engine.recording import Recording
from scs.engine.saved import SavedPlan
from scs.errors import StepFailed
from scs.plan.document import values
from scs.plan.plan import API
from scs.resources import probe

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "src/scs/plan/schemas/plan.json").read_text(encoding="utf-8")
)
ONE: dict[str, Any] = {"name": "paper"}
TWO = [
    {"name": "node-1", "roles": ["control", "network", "compute"]},
    {"name": "compute-2", "roles": ["compute"]},
]
NODE = "node-1"
NOVA_CONF = "file:/etc/nova/nova.conf"
SCHEDULER = "nova-scheduler.service"


Change = Callable[[World], object]


def sets(name: str, **new: Any) -> Change:
    """Something on the node is different; a file or link also has a new time of change."""

    def change(world: World) -> None:
        world.node[name].update(new)
        if "time" in world.node[name]:
            world.node[name]["time"] = world.cloud.now()

    return change


def gone(name: str) -> Change:
    return lambda world: world.node.pop(name)


def api_sets(name: str, **new: Any) -> Change:
    return lambda world: world.cloud.api[name].update(new)


def api_gone(name: str) -> Change:
    return lambda world: world.cloud.api.pop(name)


def spec(**new: Any) -> Change:
    return lambda world: world.yaml.update(new)


def stopped(unit: str) -> Change:
    return sets(f"unit:{unit}.service", active="inactive")


def edited(name: str) -> Change:
    return lambda world: sets(name, content=world.node[name]["content"] + "# by hand\n")(world)


def both(*changes: Change) -> Change:
    def change(world: World) -> None:
        for one in changes:
            one(world)

    return change


def own_component(world: World) -> None:
    folder = world.folder / "components" / "mine"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(
        "from scs.model.component import CONTROL, Component, Endpoint, Service, Text, User\n"
        "from scs.model.needs import Certificate, Database\n"
        "component = Component(\n"
        '    name="mine", summary="mine", roles=CONTROL,\n'
        '    needs=(Database("mine"), Certificate("mine")),\n'
        '    endpoints=(Endpoint("mine", port=9999, type="mine"),),\n'
        '    users=(User("mine", home="/var/lib/mine"),),\n'
        '    files=(Text("/etc/mine.conf", lambda view: view.secret("mine/a") + "\\n"),),\n'
        '    units=(Service("mine", exec="/bin/mine", description="mine", user="mine"),),\n'
        ")\n"
    )


def beside(name: str, text: str) -> Change:
    """A file of the operator's, beside cloud.yaml."""

    def change(world: World) -> None:
        path = world.folder / name
        path.parent.mkdir(parents=True)
        path.write_text(text)

    return change


def taken_away(name: str, text: str) -> Change:
    """Such a file that was there for a while."""

    def change(world: World) -> None:
        beside(name, text)(world)
        world.up()
        (world.folder / name).unlink()

    return change


def an_aggregate_that_goes(world: World) -> None:
    world.yaml["content"] = {"aggregates": [{"name": "fast", "nodes": ["node-1"]}]}
    world.up()
    del world.yaml["content"]


def half_done(world: World) -> None:
    """A run was ended between a file and the unit that reads it."""
    world.yaml["config"] = {"nova": {"DEFAULT": {"cpu_allocation_ratio": 9.0}}}
    world.cloud.broken = {"unit:nova-scheduler.service"}
    with pytest.raises(StepFailed):
        world.up()
    world.cloud.broken = set()
    probe.hurry.clear()


def half_first_run(world: World) -> None:
    world.cloud.broken = {"unit:mariadb.service", "unit:keystone.service"}
    world.cloud.nodes.clear()
    world.cloud.running.clear()
    world.cloud.api.clear()
    with pytest.raises(StepFailed):
        world.up()
    world.cloud.broken = set()
    probe.hurry.clear()


def rotated(world: World) -> None:
    secrets = world.session().secrets
    secrets.advance("database/nova")
    secrets.advance("database/nova")
    secrets.save()


def machine_off(world: World) -> None:
    world.cloud.running.clear()
    for name, thing in world.node.items():
        if name.startswith("unit:"):
            thing["active"] = "inactive"


@dataclass(frozen=True)
class Row:
    change: Change
    steps: set[str]
    """Some that must be among those announced, so that no row is empty."""
    effects: set[str] = frozenset()  # type: ignore[assignment]
    """All effects that are announced."""


RESTART = {"restart", "interruption"}
MIXED = {*RESTART, "reload"}
"""The console proxy of Nova restarts, its APIs take a change over."""
LINK = "link:/opt/scs/openstack"
KEY = "file:/etc/keystone/credential-keys/0"
DOMINO = {"unit:nova-api.service"}
ROWS: dict[str, Row] = {
    # On a node, by hand.
    "file edited, unit reloads": Row(
        edited("file:/etc/haproxy/haproxy.cfg"), {"unit:haproxy.service"}, {"reload"}
    ),
    "file edited, units restart or reload": Row(edited(NOVA_CONF), DOMINO, MIXED),
    "file removed": Row(gone(NOVA_CONF), DOMINO, MIXED),
    "file's mode": Row(sets(NOVA_CONF, mode=0o666), DOMINO, MIXED),
    "file's owner": Row(sets(NOVA_CONF, owner="nova"), DOMINO, MIXED),
    "secret file": Row(sets(KEY, content="x"), {KEY, "unit:keystone.service"}, {"reload"}),
    "unit file": Row(
        edited("file:/etc/systemd/system/nova-scheduler.service"),
        {"unit:nova-scheduler.service"},
        {"restart"},
    ),
    "drop-in": Row(
        gone("file:/etc/systemd/system/memcached.service.d/scs.conf"),
        {"unit:memcached.service"},
        {"restart"},
    ),
    "link to another target": Row(sets(LINK, target="/opt/other"), {LINK, *DOMINO}, MIXED),
    "directory removed": Row(gone("directory:/etc/nova"), {"directory:/etc/nova"}),
    "directory's mode": Row(sets("directory:/etc/nova", mode=0o777), {"directory:/etc/nova"}),
    "package removed": Row(lambda w: w.node["packages:nova"].pop("novnc"), {"packages:nova"}),
    "account removed": Row(gone("account:glance"), {"account:glance"}),
    "account's groups": Row(sets("account:nova", groups=["libvirt"]), {"account:nova"}),
    "unit stopped": Row(stopped("nova-scheduler"), {"unit:nova-scheduler.service"}),
    "unit failed": Row(
        sets("unit:nova-conductor.service", active="failed"), {"unit:nova-conductor.service"}
    ),
    "unit disabled": Row(
        sets("unit:glance-api.service", enabled="disabled"),
        {"unit:glance-api.service"},
        RESTART,
    ),
    "file touched": Row(sets(NOVA_CONF), {"unit:nova-conductor.service"}, MIXED),
    "database dropped": Row(
        both(
            sets("database:nova", databases=["nova", "nova_api"]),
            sets("migration:nova", wrong="nova_cell0 is at nothing"),
        ),
        {"database:nova", "migration:nova"},
        {"data"},
    ),
    "database password": Row(
        sets("database:nova", accounts={"nova": "x"}), {"database:nova"}, {"data"}
    ),
    "database rights": Row(
        sets("database:nova", grants={"nova": ["nova"]}), {"database:nova"}, {"data"}
    ),
    "schema behind": Row(
        sets("migration:glance", wrong="glance is at a1"), {"migration:glance"}, {"data"}
    ),
    "database server stopped": Row(stopped("mariadb"), {"unit:mariadb.service"}, {"data"}),
    "queue account": Row(lambda w: w.node["queue:accounts"].pop("nova"), {"queue:accounts"}),
    "queue stopped": Row(stopped("rabbitmq-server"), {"unit:rabbitmq-server.service"}),
    "switch's settings": Row(sets("switch:settings", external_ids={}), {"switch:settings"}),
    "bridge removed": Row(gone("bridge:br-ex"), {"bridge:br-ex"}),
    "bridge down": Row(sets("bridge:br-ex", up=False), {"bridge:br-ex"}),
    "load balancer stopped": Row(stopped("haproxy"), {"unit:haproxy.service"}),
    "identity stopped": Row(stopped("keystone"), {"unit:keystone.service"}),
    "machine restarted": Row(machine_off, {"node:node-1"}),
    "node lost": Row(
        both(
            lambda w: w.cloud.nodes.clear(),
            lambda w: w.cloud.running.clear(),
            lambda w: w.cloud.api.clear(),
        ),
        {"node:node-1", "server:hello", "floating-ip:hello"},
        {"data"},
    ),
    # In the API, by hand.
    "flavor deleted": Row(api_gone("flavor:SCS-1V-4"), {"flavor:SCS-1V-4"}),
    "flavor's size": Row(api_sets("flavor:SCS-1V-4", ram=1), {"flavor:SCS-1V-4"}),
    "flavor's extra specs": Row(api_sets("flavor:SCS-1V-4", extra_specs={}), {"flavor:SCS-1V-4"}),
    "endpoint changed": Row(api_sets("catalog:nova", urls={}), {"catalog:nova"}),
    "endpoint deleted": Row(api_gone("catalog:glance"), {"catalog:glance"}),
    "service user deleted": Row(api_gone("user:nova"), {"user:nova"}),
    "user's role": Row(api_sets("user:demo", roles=[]), {"user:demo"}),
    "image deleted": Row(api_gone("image:scs-verify"), {"image:scs-verify"}),
    "image cut off": Row(api_sets("image:scs-verify", status="queued"), {"image:scs-verify"}),
    "subnet deleted": Row(api_sets("network:demo", subnets=[]), {"network:demo"}),
    "router's gateway": Row(api_sets("router:demo", gateway=False), {"router:demo"}),
    "rules deleted": Row(api_sets("security-group:ssh", ingress=[]), {"security-group:ssh"}),
    "another key": Row(api_sets("keypair:scs", public_key="ssh-rsa B"), {"keypair:scs"}),
    "server deleted": Row(api_gone("server:hello"), {"server:hello"}),
    "address deleted": Row(api_gone("floating-ip:hello"), {"floating-ip:hello"}),
    "server in error": Row(api_sets("server:hello", status="ERROR"), {"server:hello"}),
    # In cloud.yaml.
    "one option": Row(
        spec(config={"nova": {"DEFAULT": {"cpu_allocation_ratio": 8.0}}}), {NOVA_CONF}, MIXED
    ),
    "two services' options": Row(
        spec(config={"glance": {"DEFAULT": {"a": 1}}, "keystone": {"token": {"expiration": 9}}}),
        {"unit:glance-api.service", "unit:keystone.service"},
        {"reload"},
    ),
    "region": Row(spec(region="Elsewhere"), {NOVA_CONF}, MIXED),
    "first user deleted": Row(api_gone("user:demo"), {"user:demo"}),
    "a service comes": Row(spec(services=["barbican"]), {"catalog:barbican"}, {*MIXED, "data"}),
    "first project": Row(spec(tenant={"project": "first", "user": "first"}), {"project:first"}),
    "quota of the first project": Row(
        spec(tenant={"quota": {"cores": 40, "floating_ips": 3}}),
        {"quota:demo", "network-quota:demo"},
    ),
    "a project of the provider's": Row(
        spec(content={"projects": [{"name": "shop", "quota": {"ram": 1024}}]}),
        {"project:shop", "quota:shop"},
    ),
    "an aggregate": Row(
        spec(content={"aggregates": [{"name": "fast", "nodes": ["node-1"]}]}), {"aggregate:fast"}
    ),
    "an aggregate that goes": Row(an_aggregate_that_goes, {"absent:aggregate:fast"}),
    "rules of new groups": Row(
        spec(content={"default_security_group_rules": []}), {"default-security-group-rules:all"}
    ),
    "a second node": Row(spec(nodes=TWO), {"node:compute-2"}),
    "a component more": Row(
        own_component, {"unit:mine.service", "database:mine", "catalog:mine"}, {"data", "reload"}
    ),
    # Beside cloud.yaml.
    "own option": Row(
        beside("config/nova/nova-compute.conf", "[DEFAULT]\nx = 1\n"),
        {"file:/etc/nova/nova-compute.conf", "unit:nova-compute.service"},
        {"restart"},
    ),
    "own policy": Row(
        beside("config/keystone/policy.yaml", '"a": "!"\n'),
        {"file:/etc/keystone/policy.yaml", "unit:keystone.service"},
        {"reload"},
    ),
    "own policy taken away": Row(
        taken_away("config/keystone/policy.yaml", '"a": "!"\n'),
        {"leftovers:/etc/keystone", "unit:keystone.service"},
        {"reload"},
    ),
    "own template": Row(
        beside("templates/memcached/memcached.conf.j2", "-m 1\n"),
        {"file:/etc/memcached.conf", "unit:memcached.service"},
    ),
    "own drop-in": Row(
        beside(f"systemd/{SCHEDULER}.d/x.conf", "[Unit]\n"),
        {f"file:/etc/systemd/system/{SCHEDULER}.d/zz-x.conf", f"unit:{SCHEDULER}"},
        {"restart"},
    ),
    "own drop-in taken away": Row(
        taken_away(f"systemd/{SCHEDULER}.d/x.conf", "[Unit]\n"),
        {f"leftovers:/etc/systemd/system/{SCHEDULER}.d", f"unit:{SCHEDULER}"},
        {"restart"},
    ),
    # Otherwise.
    "a run that was ended": Row(half_done, {"unit:nova-scheduler.service"}),
    "a first run that was ended": Row(half_first_run, {"unit:mariadb.service"}),
    "secret rotated": Row(rotated, {"database:nova", NOVA_CONF}, {*MIXED, "data"}),
    "several at once": Row(
        both(edited(NOVA_CONF), stopped("glance-api"), api_gone("flavor:SCS-1V-4")),
        {NOVA_CONF, "unit:glance-api.service", "flavor:SCS-1V-4"},
        MIXED,
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_what_was_announced_is_what_was_done(world: World, name: str) -> None:
    row = ROWS[name]
    row.change(world)
    with world.session("plan") as looking:
        look = looking.look()
        announced = values("paper", look.plan, looking.secrets.mask, looking.journal.expected())
        saved = SavedPlan.write(world.folder / "kept.plan", looking, look)
        secrets = world.secrets()
    jsonschema.validate(announced, SCHEMA)
    assert not any(secret in json.dumps(announced) for secret in secrets)
    assert not any(secret in saved.path.read_text() for secret in secrets)
    steps = {
        (step["where"], step["step"]): step for step in announced["changes"] + announced["waits"]
    }
    assert row.steps <= {step for _, step in steps}
    if row.effects:
        assert row.effects == {effect for step in steps.values() for effect in step["effects"]}

    before = world.cloud.snapshot()
    with world.session() as session, Recording(session, time.time()) as recording:
        fresh = session.look()
        kept = SavedPlan.read(saved.path)
        kept.check(session, fresh)
        apply(session, fresh, recording, lambda seen: kept.agree(seen.plan))
    after = world.cloud.snapshot()

    (run, *_) = session.journal.runs()
    assert run.result == Result.DONE
    seen_later = {"looking again", "looking at the nodes"}
    did = [entry for entry in run.steps if entry.step not in seen_later]
    keys = [(entry.where, entry.step) for entry in did]
    assert len(keys) == len(set(keys)), "each step is done once"
    sure = {key for key, step in steps.items() if step["sure"]}
    assert sure <= set(keys) <= set(steps), "what was announced was done, and nothing else"
    assert set(keys) == set(run.announced) | {key for key in keys if key[0] == MACHINE}

    _in_order(did, steps)
    _as_told(did, steps)
    _nothing_else(before, after, steps)
    _diffs(before, after, steps)


def _in_order(did: list[Entry], steps: dict[tuple[str, str], Any]) -> None:
    """Each began after those that it was announced to come after had ended."""
    ends = {
        steps[entry.where, entry.step]["number"]: entry.started + entry.seconds for entry in did
    }
    waves = {step["number"]: step["wave"] for step in steps.values()}
    assert sorted(waves) == list(range(1, len(steps) + 1))
    for entry in did:
        step = steps[entry.where, entry.step]
        for number in step["after"]:
            assert number < step["number"]
            assert waves[number] < step["wave"]
            if number in ends:
                # The journal's times are rounded to milliseconds.
                assert ends[number] <= entry.started + 0.002, (entry.step, number)


def _as_told(did: list[Entry], steps: dict[tuple[str, str], Any]) -> None:
    """The journal has the reason and the diff that the plan told, where that was to be seen."""
    for entry in did:
        step = steps[entry.where, entry.step]
        assert entry.ok
        assert entry.component == step["component"]
        if step["sure"]:
            assert (entry.reason, entry.diff) == (step["reason"], step["diff"])
            assert list(entry.effects) == step["effects"]


def _by_whom_taken_away(key: tuple[str, str]) -> tuple[str, str]:
    """A file goes because its folder is cleared of what is no longer wanted; an object of the
    API by itself.
    """
    node, name = key
    if node == "api":
        return (node, f"absent:{name}")
    kind, _, path = name.partition(":")
    return (node, f"leftovers:{path.rpartition('/')[0]}") if kind == "file" else key


def _nothing_else(
    before: dict[tuple[str, str], str],
    after: dict[tuple[str, str], str],
    steps: dict[tuple[str, str], Any],
) -> None:
    """What is different now was announced, and what was announced for sure is different now."""
    places = {API: "api"}
    told = {(places.get(where, where), name) for where, name in steps}
    changed = {
        key if key in after else _by_whom_taken_away(key)
        for key in before | after
        if before.get(key) != after.get(key) and not key[1].startswith("database-server:")
    }
    boot = any(where == MACHINE for where, _ in steps)
    restarted = {key for key in changed if key[1].startswith("unit:")}
    assert changed - (restarted if boot else set()) <= told
    for (where, name), step in steps.items():
        key = (places.get(where, where), name)
        if step["sure"] and where != MACHINE and not name.startswith("gate:"):
            assert key in changed, f"{key} was announced, and nothing came of it"
        if key in before and key in after and name.startswith("unit:") and step["sure"]:
            old, new = json.loads(before[key]), json.loads(after[key])
            started = old["started"] != new["started"]
            if step["effect"] == "reload":
                assert not started
                assert old["changed"] != new["changed"]
            else:
                assert started


def _diffs(
    before: dict[tuple[str, str], str],
    after: dict[tuple[str, str], str],
    steps: dict[tuple[str, str], Any],
) -> None:
    """The diff of a file is the one between what was there and what is there now."""
    for (where, name), step in steps.items():
        if not name.startswith("file:") or not step["sure"] or step["diff"].startswith("("):
            continue
        path = name.removeprefix("file:")
        old, new = (
            json.loads(side.get((where, name), "{}")).get("content", "").splitlines(keepends=True)
            for side in (before, after)
        )
        expected = "".join(difflib.unified_diff(old, new, path, path, n=1))
        # Secrets are blotted out, so that only the lines' number and signs can be compared.
        assert [line[:1] for line in step["diff"].splitlines()] == [
            line[:1] for line in expected.splitlines()
        ]
        if "••" not in step["diff"]:
            assert step["diff"] == expected


def test_there_are_many_kinds_of_change() -> None:
    assert len(ROWS) >= 30


def test_the_first_up(empty: World) -> None:
    look = empty.plan()
    assert not empty.state.exists(), "a plan leaves no trace"
    announced = {(step.where, step.id) for step in look.plan.steps}
    assert not any(step.sure for step, _ in look.plan.api)
    session = empty.up()
    run = session.journal.runs()[0]
    did = {(entry.where, entry.step) for entry in run.steps if not entry.step.startswith("look")}
    assert did == announced
    assert not empty.plan().plan
    assert isinstance(session.hand, PaperHand)
    calls = session.hand.calls
    assert calls == [("observe", (NODE,)), ("converge", (NODE,)), ("observe", (NODE,))]
