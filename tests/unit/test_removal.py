# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is no more wanted goes, its data only when somebody says so."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from clouds import ONE, expander_of
from paper.world import World
from scs.engine.made import Made
from scs.errors import StepFailed
from scs.model.component import CONTROL, Component
from scs.model.objects import CatalogEntry, Domain, Flavor, Host, Person
from scs.model.topology import Node, Role
from scs.plan.plan import gone_steps, leaving_step, removal_steps, size_text
from scs.plan.removal import record
from scs.resources import Account, Database, Directory, File, Record, Resource, Unit, build
from scs.resources import record as on_node
from scs.resources.graph import run

PART = Component(name="gadget", summary="", roles=CONTROL, keeps=("/var/lib/gadget",))
THINGS: tuple[Resource, ...] = (
    Account(name="gadget", component="gadget"),
    Directory(name="/etc/gadget", component="gadget"),
    Directory(name="/etc/gadget/parts", component="gadget"),
    File(name="/etc/gadget/a.conf", content="password = hidden", secret=True, component="gadget"),
    Database(
        name="gadget", accounts=(("gadget", "hidden"),), databases=("gadget",), component="gadget"
    ),
    Unit(name="gadget.service", component="gadget"),
)
OTHER = Database(name="nova", accounts=(("nova", "hidden"),), databases=("nova",), component="nova")
ACCESS = [
    "absent:unit:gadget.service",
    "absent:database:gadget",
    "absent:file:/etc/gadget/a.conf",
    "absent:directory:/etc/gadget/parts",
    "absent:directory:/etc/gadget",
]


def recorded(items: Sequence[Resource], *parts: Component) -> Record:
    """The record of a node with these components."""
    view = expander_of(ONE).view
    return record(items, replace(view, components=parts).on(view.nodes[0]))


def seen(wanted: Record, before: Record) -> dict[str, object]:
    gone = {name: item for name, item in before.items.items() if name not in wanted.items}
    sizes = {name: 2_500_000 for name, item in gone.items() if item.get("data")}
    return {"gone": gone, "bytes": sizes, "missing": 0}


def test_the_record_has_all_that_can_go_and_no_secret() -> None:
    made = recorded(THINGS, PART)
    assert set(made.items) == {
        *("account:gadget", "directory:/etc/gadget", "directory:/etc/gadget/parts"),
        *("file:/etc/gadget/a.conf", "database:gadget", "schema:gadget", "unit:gadget.service"),
        "data:/var/lib/gadget",
    }
    assert "hidden" not in str(made.payload())
    assert build(made.payload()) == made


@pytest.mark.parametrize(
    ("delete_data", "steps", "kept"),
    [
        pytest.param((), ACCESS, {"schema:gadget", "data:/var/lib/gadget"}, id="data stay"),
        pytest.param(("other",), ACCESS, {"schema:gadget", "data:/var/lib/gadget"}, id="another"),
        pytest.param(
            ("gadget",),
            [
                *ACCESS[:2],
                "absent:schema:gadget",
                ACCESS[2],
                "absent:data:/var/lib/gadget",
                *ACCESS[3:],
                "absent:account:gadget",
            ],
            set(),
            id="data go, and then their owner",
        ),
    ],
)
def test_a_component_taken_out(
    delete_data: Collection[str], steps: list[str], kept: set[str]
) -> None:
    before, now = recorded((*THINGS, OTHER), PART), recorded([OTHER])
    found, stays = removal_steps("node-1", [now], {now.id: seen(now, before)}, delete_data)
    assert [step.id for step, _ in found] == steps
    assert {item.id for item in stays} == kept
    effects = {step.id: step.effect for step, _ in found}
    assert effects["absent:unit:gadget.service"] == "stops"
    assert effects.get("absent:schema:gadget", "deletes 2.5 MB of data").endswith("2.5 MB of data")
    # Each comes after all that goes before it.
    places = {step.id: number for number, (step, _) in enumerate(found)}
    assert all(places[name] < places[item.id] for _, item in found for name in item.after)
    assert all(item.component == "gadget" for _, item in found)


def test_what_was_made_for_a_need_is_the_needys() -> None:
    view = expander_of(ONE).view
    expander = expander_of(ONE)
    node = view.nodes[0]
    items = record(expander.node(node), expander.view.on(node)).items
    assert items["schema:nova_api"]["component"] == "nova"
    assert items["queue:neutron"]["component"] == "neutron"
    assert items["data:/var/lib/mysql"]["component"] == "mariadb"


def test_what_lies_in_a_server_that_goes_is_not_asked_for() -> None:
    before, now = recorded(THINGS), recorded([])
    found, kept = removal_steps("node-1", [now], {now.id: seen(now, before)}, ())
    served = {step.id: item.payload()["served"] for step, item in found}
    assert served["absent:database:gadget"] is served["absent:schema:gadget"] is False
    assert kept == ()


def test_a_single_file_that_is_no_more_declared_goes() -> None:
    before = recorded(THINGS, PART)
    now = recorded([item for item in THINGS if item.kind != "file"], PART)
    found, kept = removal_steps("node-1", [now], {now.id: seen(now, before)}, ())
    assert [step.id for step, _ in found] == ["absent:file:/etc/gadget/a.conf"]
    assert kept == ()


def test_on_a_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record is written before anything is made; what goes is struck off it."""
    monkeypatch.setattr(on_node, "PATH", tmp_path / "managed.json")
    monkeypatch.setattr("scs.resources.graph.settle", lambda: None)
    folder, data = tmp_path / "etc", tmp_path / "data"
    folder.mkdir()
    data.mkdir()
    (data / "rows").write_text("x" * 5000)
    file = File(name=str(folder / "a.conf"), content="a", component="gadget")
    part = Component(name="gadget", summary="", roles=CONTROL, keeps=(str(data),))
    things = (Directory(name=str(folder), component="gadget"), file)
    before = recorded(things, part)
    assert before.compare(Record.observe([before])[before.id])
    run([before], lambda _: None)
    (folder / "a.conf").write_text("a")
    assert before.compare(Record.observe([before])[before.id]) is None
    assert (tmp_path / "managed.json").stat().st_mode & 0o777 == 0o600

    now = recorded([])
    look = Record.observe([now])
    assert look[now.id]["bytes"][f"data:{data}"] > 5000
    found, kept = removal_steps("node-1", [now], look, ())
    outcomes = run([build(item.payload()) for _, item in found], lambda _: None)
    assert all(outcome.ok for outcome in outcomes), outcomes
    assert not folder.exists()
    assert (data / "rows").exists()
    assert [item.id for item in kept] == [f"data:{data}"]

    found, kept = removal_steps("node-1", [now], Record.observe([now]), ("gadget",))
    run([build(item.payload()) for _, item in found], lambda _: None)
    assert not data.exists()
    assert on_node.read() == {}
    assert removal_steps("node-1", [now], Record.observe([now]), ()) == ((), ())


def test_in_the_api_only_what_was_made_goes_and_no_user_of_a_tenant(tmp_path: Path) -> None:
    service = Person(name="gadget", password="hidden", project="service", roles=("service",))
    tenant = Person(name="demo", password="hidden", project="demo", roles=("member",))
    flavor = Flavor(name="f", vcpus=1, ram=2, disk=3, component="gadget")
    entry = CatalogEntry(name="g", type="gadget", description="", urls={"internal": "https://x"})
    made = Made(tmp_path / "made.json")
    assert made.gone([]) == []
    made.note([service, tenant, flavor, entry])
    assert "hidden" not in (tmp_path / "made.json").read_text()
    again = Made(tmp_path / "made.json")
    assert {item.id for item in again.gone([flavor])} == {"user:gadget", "catalog:g"}
    gone = again.gone([])
    steps, kept = gone_steps(gone, {"flavor:f": {"id": "1"}, "user:gadget": {}})
    assert kept == ()
    assert [(step.id, step.component) for step, _ in steps] == [("absent:flavor:f", "gadget")]
    again.note([], [item for _, item in steps])
    assert {item.id for item in again.gone([])} == {"user:gadget", "catalog:g"}


def test_in_the_api_what_a_failed_run_made_goes_too(world: World) -> None:
    before = set(world.cloud.api)
    world.yaml["services"] = ["barbican"]
    world.cloud.broken = {"user:barbican"}
    with pytest.raises(StepFailed, match="user:barbican"):
        world.up()
    assert "catalog:barbican" in set(world.cloud.api) - before
    del world.yaml["services"]
    world.up()
    assert set(world.cloud.api) == before


def test_in_the_api_what_data_depend_on_goes_with_them(tmp_path: Path) -> None:
    domain = Domain(name="guests", data=True, component="gadget")
    owner = Person(
        name="gadget", password="hidden", domain="guests", roles=("admin",), component="gadget"
    )
    assert owner.id == "user:guests/gadget", "another one may have that name in the default domain"
    made = Made(tmp_path / "made.json")
    made.note([domain, owner])
    gone = Made(tmp_path / "made.json").gone([])
    there = {item.id: {"id": "1"} for item in gone}
    steps, kept = gone_steps(gone, there)
    assert [step.id for step, _ in steps] == ["absent:user:guests/gadget"]
    assert [(item.component, item.id) for item in kept] == [("gadget", "domain:guests")]
    steps, kept = gone_steps(gone, there, ["gadget"])
    assert {step.id for step, _ in steps} == {"absent:domain:guests", "absent:user:guests/gadget"}
    assert kept == ()


def test_files_of_ours_that_are_data_stay_with_them() -> None:
    part = replace(PART, keeps=("/etc/gadget/parts",))
    things = (
        Directory(name="/etc/gadget", component="gadget"),
        Directory(name="/etc/gadget/parts", component="gadget"),
        File(name="/etc/gadget/parts/key", content="hidden", secret=True, component="gadget"),
        File(name="/etc/gadget/a.conf", content="", component="gadget"),
    )
    before, now = recorded(things, part), recorded(())
    there = {now.id: seen(now, before)}
    steps, kept = removal_steps("node-1", [now], there, ())
    assert [step.id for step, _ in steps] == ["absent:file:/etc/gadget/a.conf"]
    assert [item.id for item in kept] == ["data:/etc/gadget/parts"]
    steps, kept = removal_steps("node-1", [now], there, ["gadget"])
    assert {step.id.removeprefix("absent:") for step, _ in steps} == set(before.items)
    assert kept == ()


@pytest.mark.parametrize(
    ("stakes", "effect", "stuck"),
    [
        ([], "deletes the node", ()),
        ([((), ()), (["hello"], [])], "moves hello; then deletes the node", ()),
        ([(["a"], ["b (is SHUTOFF)"])], "refused while these are on it: b (is SHUTOFF)", 1),
    ],
)
def test_a_node_that_goes_says_what_of_its_guests(
    stakes: list[tuple[list[str], list[str]]], effect: str, stuck: object
) -> None:
    node = Node("compute-2", frozenset({Role.COMPUTE}), {"management": IPv4Address("10.0.0.2")})
    found = leaving_step(node, "here", "local", [Host(name="compute-2", leaving=True)], stakes)
    assert (found.step.id, found.step.effect) == ("remove:compute-2", effect)
    assert bool(found.stuck) == bool(stuck)


def test_sizes() -> None:
    assert [size_text(n) for n in (0, 999, 1500, 2_000_000)] == [
        *("0 bytes", "999 bytes", "1.5 kB", "2.0 MB")
    ]
