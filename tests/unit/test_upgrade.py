# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""From one release to the next and back, on a cloud on paper, and what is refused."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from clouds import EQUALS, ONE, ONE_FULL, expanded, expander_of, view_of
from paper.world import World
from scs import components
from scs.cli import main
from scs.engine.apply import apply
from scs.engine.recording import Recording
from scs.engine.upgrade import look_to_finish
from scs.errors import BadInput, StepFailed
from scs.model.topology import Role
from scs.plan.upgrade import LINK, refusals, staged, unfinished
from scs.plan.waves import waves
from scs.resources import File, Link, Migration, Resource, Seen, Unit, probe

OLD, NEW = "2026.1", "2026.2"
NODE = "node-1"
RELEASES = ["2026.1", "2026.2", "2027.1"]


@pytest.fixture
def old(empty: World) -> World:
    """A cloud that is up in the release before the newest."""
    empty.yaml["release"] = OLD
    empty.up()
    return empty


def finish(world: World) -> None:
    with world.session("upgrade finish") as session, Recording(session, time.time()) as recording:
        apply(session, look_to_finish(session), recording)


def done(world: World) -> list[str]:
    """From now on: the steps on nodes, in the order in which they are done."""
    steps: list[str] = []
    world.cloud.at_step = lambda where, step: steps.append(f"{where} {step}")
    return steps


def at(world: World, name: str) -> tuple[list[str], str]:
    """The revisions of a database, and the release that leads back."""
    thing = world.node[f"migration:{name}"]
    return thing["revisions"], thing["held"]


def runs(world: World) -> str:
    target: str = world.node[LINK]["target"]
    return target.rpartition("/")[2].partition("-")[0]


# --- the way there


def test_an_upgrade_expands_then_rolls_and_leaves_the_rest(old: World) -> None:
    assert unfinished(old.plan().view, old.plan().observed) == ()
    old.yaml["release"] = NEW
    plan = old.plan().plan
    assert plan.refusals == ()
    announced = {step.id: step.number for step in plan.changes}
    steps = done(old)
    old.up()
    assert {step.partition(" ")[2] for step in steps if step.startswith(NODE)} >= set(announced)
    place = {step: number for number, step in enumerate(steps)}
    schemas = [f"{NODE} migration:{name}" for name in ("keystone", "glance", "nova", "neutron")]
    link, units = f"{NODE} {LINK}", [step for step in steps if " unit:" in step]
    assert max(map(place.__getitem__, schemas)) < place[link] < min(map(place.__getitem__, units))
    assert max(announced[f"migration:{name}"] for name in ("keystone", "nova")) < announced[LINK]
    last = place[f"{NODE} unit:nova-compute.service"]
    assert all(
        place[f"{NODE} unit:{name}.service"] < last for name in ("nova-conductor", "glance-api")
    )
    # What runs in the environment starts anew, and nothing else.
    assert f"{NODE} unit:nova-conductor.service" in units
    assert not any("mariadb" in step or "haproxy" in step or "libvirtd" in step for step in units)
    assert at(old, "keystone") == (["expand-2026.2", "contract-2026.1"], OLD)
    assert runs(old) == NEW
    look = old.plan()
    assert not look.plan
    (told,) = unfinished(look.view, look.observed)
    assert told.where == "upgrade from 2026.1 to 2026.2"
    assert told.hint == "scs upgrade finish"


def test_apis_keep_their_sockets(old: World) -> None:
    old.yaml["release"] = NEW
    effects = {step.id: step.effect for step in old.plan().plan.changes}
    for name in ("keystone", "glance-api", "placement-api", "nova-api", "neutron-api"):
        assert effects[f"unit:{name}.service"] == "reload"
    assert effects["unit:nova-conductor.service"] == "restart"


def test_the_end_of_an_upgrade_restarts_nothing(old: World) -> None:
    old.yaml["release"] = NEW
    old.up()
    steps = done(old)
    finish(old)
    kinds = {step.partition(" ")[2].partition(":")[0] for step in steps}
    assert kinds == {"migration", "gate"}
    assert at(old, "keystone") == (["expand-2026.2", "contract-2026.2"], "")
    assert not old.plan().plan
    with pytest.raises(BadInput, match="there is no upgrade to finish"):
        finish(old)


def test_only_what_has_arrived_is_finished(old: World) -> None:
    old.yaml["release"] = NEW
    with pytest.raises(BadInput, match="is not yet what"):
        finish(old)


def test_a_new_cloud_has_nothing_to_finish(world: World) -> None:
    look = world.plan()
    assert unfinished(look.view, look.observed) == ()
    assert at(world, "keystone") == (["expand-2026.2", "contract-2026.2"], "")


@pytest.mark.parametrize("release", [NEW, OLD])
@pytest.mark.parametrize(
    "step",
    [
        "migration:glance",
        LINK,
        "unit:keystone.service",
        "unit:nova-compute.service",
    ],
)
def test_an_upgrade_that_was_ended_goes_on_in_either_direction(
    old: World, step: str, release: str
) -> None:
    old.yaml["release"] = NEW
    old.cloud.broken = {step}
    with pytest.raises(StepFailed):
        old.up()
    old.cloud.broken = set()
    probe.hurry.clear()
    old.yaml["release"] = release
    assert old.plan().plan.refusals == ()
    old.up()
    assert runs(old) == release
    assert not old.plan().plan


def test_three_control_nodes_take_turns_before_services_that_ask_them(empty: World) -> None:
    empty.yaml |= {
        "release": OLD,
        "storage": "ceph",
        "nodes": [{"name": f"node-{number}", "roles": list(Role)} for number in (1, 2, 3)],
    }
    empty.up()
    empty.yaml["release"] = NEW
    steps = done(empty)
    empty.up()
    asking = {"unit:nova-compute.service", "unit:neutron-ovn-agent.service"}
    turns: dict[str, list[int]] = {}
    last: list[int] = []
    for number, step in enumerate(steps):
        node, _, name = step.partition(" ")
        (last if name in asking else turns.setdefault(node, [])).append(number)
    first, second, third = (turns[f"node-{number}"] for number in (1, 2, 3))
    assert max(first) < min(second) < max(second) < min(third) < max(third) < min(last)
    assert len(last) == 6
    assert not empty.plan().plan


# --- the way back


def test_until_it_is_finished_an_upgrade_leads_back(old: World) -> None:
    old.yaml["release"] = NEW
    old.up()
    old.yaml["release"] = OLD
    plan = old.plan().plan
    assert plan.refusals == ()
    assert {step.id for step in plan.changes if step.data} == {"migration:nova"}
    steps = done(old)
    old.up()
    place = {step: number for number, step in enumerate(steps)}
    compute = place[f"{NODE} unit:nova-compute.service"]
    assert place[f"{NODE} migration:nova"] < place[f"{NODE} {LINK}"] < compute
    assert compute < place[f"{NODE} unit:nova-conductor.service"]
    assert runs(old) == OLD
    assert at(old, "keystone") == (["expand-2026.2", "contract-2026.1"], OLD)
    look = old.plan()
    assert not look.plan
    assert unfinished(look.view, look.observed) == ()
    with pytest.raises(BadInput, match="no upgrade to finish"):
        finish(old)
    old.yaml["release"] = NEW
    old.up()
    finish(old)
    assert not old.plan().plan


def test_once_it_is_finished_only_a_backup_leads_back(old: World) -> None:
    old.yaml["release"] = NEW
    old.up()
    finish(old)
    before = old.cloud.snapshot()
    old.yaml["release"] = OLD
    with pytest.raises(
        BadInput, match=r"(?s)release: there is no way back to 2026\.1.*scs restore ID"
    ):
        old.up()
    assert old.cloud.snapshot() == before
    assert old.plan().plan.refusals


# --- refused before anything is touched


def seen(
    running: str, held: str = "", ahead: str = "", unseen: str = "", other: str | None = None
) -> Mapping[str, Any]:
    """What was seen on a node whose databases of Nova and Cinder say that."""
    migration: dict[str, str] = {"held": held, "ahead": ahead, "wrong": ahead}
    if unseen:
        migration = {"unseen": unseen}
    link = {"target": f"/opt/scs/releases/{running}-a"} if running else {}
    there = {LINK: link, "migration:nova": migration}
    if other is not None:
        there["migration:cinder"] = {"held": other, "ahead": "", "wrong": ""}
    return there


@pytest.mark.parametrize(
    ("wanted", "nodes", "words"),
    [
        ("2026.1", [], ""),
        ("2026.1", [seen("")], ""),
        ("2026.2", [seen("2026.1")], ""),
        ("2026.2", [seen("2026.2", held="2026.1"), seen("2026.1", held="2026.1")], ""),
        ("2026.1", [seen("2026.2", held="2026.1"), seen("2026.1", held="2026.1")], ""),
        # Ended while the databases were expanded, or while the upgrade was finished.
        ("2026.1", [seen("2026.1", held="2026.1", other="")], ""),
        ("2026.2", [seen("2026.2", held="2026.1", other="")], ""),
        ("2026.1", [seen("2026.2", held="2026.1", other="")], "finishing the upgrade to 2026.2"),
        # A backup of the older release has just been loaded.
        ("2026.1", [seen("2026.2")], ""),
        ("2027.1", [seen("2026.1")], "2027.1 can't follow 2026.1"),
        ("2027.1", [seen("2026.2"), seen("2026.1")], "2027.1 can't follow 2026.1"),
        (
            "2027.1",
            [seen("2026.2", held="2026.1")],
            "upgrade from 2026.1 to 2026.2 is not finished",
        ),
        (
            "2026.1",
            [seen("2027.1", held="2026.2")],
            "upgrade from 2026.2 to 2027.1 is not finished",
        ),
        ("2026.1", [seen("2026.2", ahead="nova is at b")], "there is no way back to 2026.1: nova"),
        ("2026.1", [seen("2026.2", unseen="silent")], "the databases, which know, do not answer"),
        ("2026.2", [seen("2026.2", unseen="silent")], ""),
    ],
)
def test_refusals(wanted: str, nodes: list[Mapping[str, Seen]], words: str) -> None:
    spec = ONE.model_copy(update={"release": wanted})
    view = view_of(spec, components.discover(), container=True, datapath="netdev", virt_type="qemu")
    observed = {f"node-{number}": there for number, there in enumerate(nodes, 1)}
    told = list(refusals(view, observed, RELEASES))
    assert len(told) == bool(words)
    for problem in told:
        assert words in problem.what
        assert problem.where == "release"
        assert "scs up" in problem.hint


# --- what comes before what


def test_migrations_run_in_the_wanted_environment_and_not_by_the_link() -> None:
    for items in expanded(expander_of(ONE_FULL)).values():
        found = [item for item in items if isinstance(item, Migration) and item.proofs]
        assert len(found) > 8
        for item in found:
            assert item.environment == "/opt/scs/releases/paper-openstack"
            commands = [item.argv, item.expand, item.back, *item.finish]
            assert all(argv[0].startswith(f"{item.environment}/bin/") for argv in commands if argv)
            assert LINK not in item.after
        units = [item for item in items if isinstance(item, Unit) and LINK in item.after]
        assert len(units) > 20


def test_only_a_link_that_is_turned_waits_for_migrations() -> None:
    (items,) = expanded(expander_of(ONE)).values()
    pairs: Any = tuple((None, item) for item in items)
    schemas = {item.id for item in items if isinstance(item, Migration) and item.proofs}

    def after(observed: Mapping[str, Seen]) -> set[str]:
        return next(set(item.after) for _, item in staged(pairs, observed) if item.id == LINK)

    assert not after({}) & schemas
    assert schemas <= after({LINK: {"target": "/opt/scs/releases/2026.1-a"}})


CONDUCTOR = Unit(name="nova-conductor.service", component="nova")
COMPUTE = Unit(name="nova-compute.service", component="nova-compute")
READY = Migration(
    name="nova", component="nova", environment="", argv=(), user="nova", back=("back",)
)
CACHE = Unit(name="memcached.service", component="memcached")


def rolled(
    running: str, wanted: str, *more: Resource, active: tuple[str, ...] = (CONDUCTOR.id, COMPUTE.id)
) -> list[dict[str, list[str]]]:
    """The waves of three control nodes that also run guests, and of one node that only does.

    `more` is to be done on the first node, too.
    """
    spec = EQUALS.model_validate(
        EQUALS.model_dump(exclude_unset=True, by_alias=True)
        | {
            "nodes": [
                *({"name": f"node-{number}", "roles": list(Role)} for number in (1, 2, 3)),
                {"name": "compute-4", "roles": ["compute"]},
            ]
        }
    )
    link = Link(
        name=LINK.partition(":")[2], target=f"/opt/scs/releases/{wanted}-b", component="environment"
    )
    there: Mapping[str, Seen] = {
        LINK: {"target": f"/opt/scs/releases/{running}-a"},
        **{name: {"active": "active"} for name in active},
    }
    conductor, compute = (
        replace(unit, after=(link.id,), reads=(link.name,)) for unit in (CONDUCTOR, COMPUTE)
    )
    work: dict[str, list[Resource]] = {
        f"node-{number}": [link, conductor, compute] for number in (1, 2, 3)
    }
    work["node-1"] = [READY, *more, *work["node-1"]]
    work["compute-4"] = [link, compute]
    found = waves(
        spec.nodes(), work, dict.fromkeys(work, there), {"nova", "environment", "memcached"}
    )
    short = {link.id: "link", CONDUCTOR.id: "conductor", COMPUTE.id: "compute", READY.id: "ready"}
    short[CACHE.id] = "cache"
    return [
        {name: [short[item.id] for item in items] for name, items in wave.items()} for wave in found
    ]


def test_control_nodes_come_first_one_after_another() -> None:
    assert rolled("2026.1", "2026.2") == [
        {"node-1": ["ready", "link", "conductor"]},
        {"node-2": ["link", "conductor"]},
        {"node-3": ["link", "conductor"]},
        {
            "node-1": ["compute"],
            "node-2": ["compute"],
            "node-3": ["compute"],
            "compute-4": ["link", "compute"],
        },
    ]


def test_and_go_back_last() -> None:
    assert rolled("2026.2", "2026.1") == [
        {"node-1": ["ready"]},
        {
            "node-1": ["link", "compute"],
            "node-2": ["link", "compute"],
            "node-3": ["link", "compute"],
            "compute-4": ["link", "compute"],
        },
        {"node-1": ["conductor"]},
        {"node-2": ["conductor"]},
        {"node-3": ["conductor"]},
    ]


@pytest.mark.parametrize(("running", "wanted"), [("2026.1", "2026.2"), ("2026.2", "2026.1")])
def test_what_stands_still_is_there_before_those_that_wait_for_it(
    running: str, wanted: str
) -> None:
    """As after a restore, which stops what uses databases: the cache was one of them."""
    first, *rest = rolled(running, wanted, CACHE, active=())
    assert "cache" in first["node-1"]
    assert "conductor" not in first["node-1"]
    assert rest
    # What runs takes its turn with the others.
    touched = rolled(running, wanted, CACHE, active=(CACHE.id, CONDUCTOR.id))
    assert ("cache" in touched[0].get("node-1", ())) == (wanted > running)


def test_designate_forgets_a_word_that_its_older_release_can_not_read() -> None:
    texts = {}
    for release in (OLD, NEW):
        spec = ONE_FULL.model_copy(update={"release": release})
        (items,) = expanded(expander_of(spec)).values()
        files = {item.name: item.content for item in items if isinstance(item, File)}
        texts[release] = files["/usr/local/lib/scs/designate-forget"]
        compile(texts[release], "forget", "exec")
    assert "DELETE FROM service_statuses" in texts[OLD]
    assert "import" not in texts[NEW], "what does nothing costs nothing"


# --- the command


def said(world: World, monkeypatch: pytest.MonkeyPatch, *words: str) -> Result:
    monkeypatch.setattr(main, "_session", lambda _options, command, **_more: world.session(command))
    return CliRunner().invoke(main.scs, ["--file", str(world.folder / "cloud.yaml"), *words])


def test_the_command_tells_what_is_given_up_and_asks(
    old: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    old.yaml["release"] = NEW
    told = said(old, monkeypatch, "up", "--yes")
    assert told.exit_code == 0, told.output
    assert "upgrade from 2026.1 to 2026.2: is not finished" in told.output
    assert "scs upgrade finish" in said(old, monkeypatch, "up").output
    refused = said(old, monkeypatch, "upgrade", "finish")
    assert isinstance(refused.exception, BadInput)
    assert "gives up the way back to 2026.1" in str(refused.exception)
    assert at(old, "keystone")[1] == OLD
    told = said(old, monkeypatch, "upgrade", "finish", "--yes")
    assert told.exit_code == 0, told.output
    assert at(old, "keystone")[1] == ""
    assert "not finished" not in said(old, monkeypatch, "up").output


def test_a_plan_shows_what_is_refused(old: World, monkeypatch: pytest.MonkeyPatch) -> None:
    old.yaml["release"] = NEW
    old.up()
    finish(old)
    old.yaml["release"] = OLD
    assert "there is no way back to 2026.1" in said(old, monkeypatch, "plan").output
    refused = said(old, monkeypatch, "up", "--yes")
    assert isinstance(refused.exception, BadInput)
