# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Members of a cluster start anew in turns: what is asked and told around it, and after a kill."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clouds import EQUALS, ONE_CEPH, THREE_CEPH, expanded, expander_of
from commands import replace_command
from paper.cloud import PaperCloud
from paper.world import World
from scs.plan.waves import waves
from scs.resources import ConvergeError, Unit, ceph_turn, probe, turn, unit
from scs.resources.rados import Answer
from scs.spec import CloudSpec

DISK = {"type": "disk", "slot": "file-0"}
SHOWN = "ActiveState={}\nUnitFileState=enabled\nExecMainStartTimestampMonotonic=1\n"


class Ceph:
    """Answers what is asked around a restart, and remembers it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refuses: list[str] = []
        """Answers to `ok-to-stop`, the next one first; none left: it is."""
        self.inactive: list[str] = []
        """The same of placement groups."""
        self.silent = False

    def ask(self, commands: Any, *, account: str = "client.admin", strict: bool = True) -> Any:
        if self.silent:
            raise ConvergeError("no monitor answers")
        assert not strict or account == "client.admin"
        (item,) = commands
        more = item.get("who") or item.get("ids") or ""
        self.asked.append(f"{account} {item['prefix']} {' '.join(more)}".strip())
        if item["prefix"].endswith("ok-to-stop") and self.refuses:
            return [Answer(-16, "", self.refuses.pop(0))]
        return [Answer(0, '{"quorum_names": ["node-1", "node-2"]}', "")]

    def unserved(self) -> str:
        self.asked.append("unserved")
        if self.silent:
            raise ConvergeError("no monitor answers")
        return self.inactive.pop(0) if self.inactive else ""


@pytest.fixture
def ceph(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ceph:
    ceph = Ceph()
    monkeypatch.setattr(ceph_turn, "ask", ceph.ask)
    monkeypatch.setattr(ceph_turn, "unserved", ceph.unserved)
    monkeypatch.setattr(ceph_turn, "TOP", tmp_path / "osd")
    monkeypatch.setattr(ceph_turn, "STALE_SECONDS", 0.0)
    monkeypatch.setattr(turn, "HELD", tmp_path / "held")
    monkeypatch.setattr(probe, "hurry", threading.Event())
    for number in range(3):
        path = tmp_path / f"osd/file-{number}"
        path.mkdir(parents=True)
        (path / "whoami").write_text(f"{number + 3}\n")
    return ceph


HOLD = [
    "client.disks osd set-group osd.3",
    "client.disks osd ok-to-stop 3",
]
RELEASE = "client.disks osd unset-group osd.3"


def test_a_disk_is_away_only_while_it_can_be_spared_and_is_marked(ceph: Ceph) -> None:
    ceph.refuses = ["7 groups are degraded"]
    ceph.inactive = ["2 groups are peering"]
    with turn.taken("a.service", DISK):
        assert ceph.asked == [*HOLD, HOLD[1]]
        assert turn.held("a.service")
        ceph.asked.clear()
    assert ceph.asked == ["unserved", "unserved", RELEASE]
    assert not turn.held("a.service")


def test_a_disk_that_can_not_be_spared_is_left_alone(
    ceph: Ceph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ceph_turn, "SPARED_SECONDS", 0.0)
    ceph.refuses = ["7 groups are degraded"] * 9
    went = []
    with (
        pytest.raises(ConvergeError, match=r"osd\.3 can't be spared: 7 groups"),
        turn.taken("a.service", DISK),
    ):
        went.append("restarted")
    assert not went
    assert ceph.asked[-1] == RELEASE
    assert not turn.held("a.service")


def test_the_only_copy_waits_for_nobody(ceph: Ceph) -> None:
    with turn.taken("a.service", {**DISK, "spared": False}):
        assert ceph.asked == HOLD[:1]


def test_a_restart_that_fails_is_no_reason_to_wait(ceph: Ceph) -> None:
    with pytest.raises(ConvergeError, match="no"), turn.taken("a.service", DISK):
        raise ConvergeError("no")
    assert ceph.asked == [*HOLD, RELEASE]


def test_one_that_runs_and_does_not_serve_is_not_missed(
    ceph: Ceph, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answers = ["booting", ""]
    monkeypatch.setattr(unit, "ask", lambda *_: answers.pop(0))
    monkeypatch.setattr(unit, "wait", lambda *_: None)
    (tmp_path / "conf").write_text("")
    replace_command(monkeypatch, unit, {"systemctl show": SHOWN.format("active")})
    ready = {"type": "unix", "path": "/none"}
    Unit(name="a.service", reads=(str(tmp_path / "conf"),), turn=DISK, ready=ready).converge()
    assert ceph.asked == []


def restarted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, active: str) -> list[str]:
    """What a unit with an older file does, of the commands that matter."""
    (tmp_path / "conf").write_text("")
    commands = replace_command(monkeypatch, unit, {"systemctl show": SHOWN.format(active)})
    Unit(name="a.service", reads=(str(tmp_path / "conf"),), turn=DISK).converge()
    return [line for line in commands.ran if line.startswith("systemctl restart")]


@pytest.mark.parametrize(
    ("active", "asked"),
    [("active", [*HOLD, "unserved", RELEASE]), ("failed", [])],
)
def test_only_a_unit_that_runs_is_held(
    ceph: Ceph,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    active: str,
    asked: list[str],
) -> None:
    assert restarted(monkeypatch, tmp_path, active) == ["systemctl restart a.service"]
    assert ceph.asked == asked


def test_the_next_run_releases_what_a_killed_one_has_held(
    ceph: Ceph, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn.HELD.mkdir()
    (turn.HELD / "a.service").touch()
    started = int((time.monotonic() - 5) * 1e6)
    shown = f"Id=a.service\nLoadState=loaded\n{SHOWN.format('active')}"
    shown = shown.replace("Monotonic=1", f"Monotonic={started}")
    commands = replace_command(monkeypatch, unit, {"systemctl show": shown})
    item = Unit(name="a.service", turn=DISK)
    seen = Unit.observe([item])[item.id]
    assert item.compare(seen) == "was held for a restart by a run that did not come to its end"
    item.converge()
    assert ceph.asked == [RELEASE]
    assert not any(line.startswith("systemctl restart") for line in commands.ran)
    assert item.compare(Unit.observe([item])[item.id]) is None


def test_a_mark_that_nobody_took_back_is_remembered(
    ceph: Ceph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ceph_turn, "ACTIVE_SECONDS", 0.0)
    with pytest.raises(ConvergeError, match="no monitor answers"), turn.taken("a.service", DISK):
        ceph.silent = True
    assert turn.held("a.service")
    ceph.silent = False
    turn.release("a.service", DISK)
    assert not turn.held("a.service")


def test_disks_of_one_node_take_turns_where_copies_lie_there(ceph: Ceph) -> None:
    inside = []
    most = []

    def work(number: int) -> None:
        declared = {"type": "disk", "slot": f"file-{number}", "alone": True}
        with turn.taken(f"{number}.service", declared):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.05)
            inside.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1]


def test_a_monitor_goes_when_the_others_are_a_majority(ceph: Ceph) -> None:
    ceph.refuses = ["not enough monitors would be available"]
    with turn.taken("m.service", {"type": "monitor", "name": "node-2"}):
        assert ceph.asked == ["client.admin mon ok-to-stop node-2"] * 2
        ceph.asked.clear()
    assert ceph.asked == ["client.admin quorum_status"]


# --- what components declare


def turns(spec: CloudSpec) -> dict[str, set[tuple[tuple[str, Any], ...]]]:
    """Type of turn → the turns of the units in the cloud."""
    found: dict[str, set[tuple[tuple[str, Any], ...]]] = {}
    for items in expanded(expander_of(spec)).values():
        for item in items:
            if isinstance(item, Unit) and item.turn:
                values = tuple(sorted(item.turn.items()))
                found.setdefault(item.turn["type"], set()).add(values)
    return found


@pytest.mark.parametrize(
    ("spec", "monitors", "alone"),
    [(ONE_CEPH, 0, True), (THREE_CEPH, 0, False), (EQUALS, 3, False)],
    ids=["one node", "two nodes that store", "three equals"],
)
def test_turns_follow_the_domain_of_failures(spec: CloudSpec, monitors: int, alone: bool) -> None:
    found = turns(spec)
    assert len(found.get("monitor", ())) == monitors
    assert {dict(item)["alone"] for item in found["disk"]} == {alone}
    assert all(dict(item)["spared"] for item in found["disk"])
    assert all("%i" not in dict(item)["slot"] for item in found["disk"])


def test_the_only_copy_is_declared_as_such() -> None:
    spec = CloudSpec.model_validate({"storage": "ceph", "ceph": {"replicas": 1}})
    assert not any(dict(item)["spared"] for item in turns(spec)["disk"])


def test_nodes_that_store_take_turns_whatever_else_they_do() -> None:
    expander = expander_of(THREE_CEPH)
    work = {
        node: [item for item in items if isinstance(item, Unit) and item.turn]
        for node, items in expanded(expander).items()
    }
    work = {node: items for node, items in work.items() if items}
    runs = {node: {item.id: {"active": "active"} for item in work[node]} for node in work}
    assert list(map(list, waves(expander.view.nodes, work, runs))) == [["store-1"], ["store-2"]]
    assert list(map(list, waves(expander.view.nodes, work, {}))) == [["store-1", "store-2"]]


# --- on a cloud on paper


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("SCS_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("SCS_IDENTITIES", str(tmp_path / "identities"))
    world = World(PaperCloud(), tmp_path)
    world.yaml |= {
        "storage": "ceph",
        "nodes": [
            {"name": "node-1", "roles": ["control", "network", "compute"]},
            *({"name": f"store-{number}", "roles": ["storage"]} for number in (1, 2, 3)),
        ],
    }
    world.up()
    world.yaml["config"] = {"ceph": {"osd": {"osd_max_backfills": 2}}}
    return world


def disks(told: list[tuple[str, str]]) -> list[str]:
    """The nodes whose disks were restarted, in that order."""
    nodes = [node for node, step in told if step.startswith("unit:scs-ceph-osd@")]
    return [node for node, before in zip(nodes, ["", *nodes], strict=False) if node != before]


def noting(told: list[tuple[str, str]], fails: str = "") -> Callable[[str, str], None]:
    def at_step(node: str, step: str) -> None:
        told.append((node, step))
        if fails and (node, step) == ("store-2", f"held {fails}"):
            raise KeyboardInterrupt

    return at_step


def test_an_option_restarts_the_disks_of_one_node_at_a_time(world: World) -> None:
    told: list[tuple[str, str]] = []
    world.cloud.at_step = noting(told)
    world.up()
    assert disks(told) == ["store-1", "store-2", "store-3"]
    assert not world.plan().plan


def test_a_run_killed_in_the_middle_of_a_turn_is_completed(world: World) -> None:
    disk = "unit:scs-ceph-osd@file-1.service"
    told: list[tuple[str, str]] = []
    world.cloud.at_step = noting(told, fails=disk)
    with pytest.raises(KeyboardInterrupt):
        world.up()
    assert "store-3" not in disks(told)
    world.cloud.at_step = noting(told)
    steps = {(step.where, step.id): step.reason for step in world.plan().plan.changes}
    assert "was held" in steps["store-2", disk] or "older" in steps["store-2", disk]
    world.up()
    assert not world.plan().plan
    assert not any(thing.get("held") for thing in world.cloud.nodes["store-2"].values())
