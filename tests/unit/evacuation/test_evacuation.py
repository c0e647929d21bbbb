# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Guests of a lost node start elsewhere, and never while they may still run where they were."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from clouds import EQUALS, ONE, expander_of
from evacuations import NODES, Cloud
from paper.machine import PaperProvider
from paper.world import World
from scs.api import evacuation as nova
from scs.engine.evacuation.run import evacuate
from scs.errors import BadInput, ScsError
from scs.model.evacuation import Guest
from scs.model.objects import Host
from scs.model.overrides import Overrides, OwnText, Setting, SettingsFile
from scs.plan.evacuation import refusals, without_room
from scs.spec import CloudSpec


def test_guests_of_a_lost_node_run_elsewhere(cloud: Cloud) -> None:
    cloud.nova.lose("node-3")
    outcomes = cloud.evacuate()
    assert {item.guest.name: item.host for item in outcomes} == {
        "web": "node-1",
        "database": "node-1",
    }
    assert cloud.nova.changes[:3] == [
        "node-3: status disabled",
        "node-3: disabled_reason scs: evacuated",
        "node-3: forced_down True",
    ]
    assert cloud.where()["elsewhere"] == "node-1"
    steps = [event.step for event in cloud.session.events.ended]
    assert steps[:2] == ["fence:node-3", "forced-down:node-3"]
    # Nothing is left to do, and running it again does no harm.
    assert not cloud.evacuate()


def test_one_that_stopped_stays_stopped(cloud: Cloud) -> None:
    cloud.nova.boot("resting", "node-3", status="SHUTOFF")
    cloud.nova.lose("node-3")
    cloud.evacuate()
    assert cloud.nova.servers["resting"]["status"] == "SHUTOFF"
    assert cloud.where()["resting"] == "node-1"


def test_a_dry_run_changes_nothing(cloud: Cloud) -> None:
    cloud.nova.lose("node-3")
    steps: list[str] = []
    cloud.world.cloud.at_step = lambda _where, step: steps.append(step)
    found = cloud.seen()
    assert not list(refusals(found))
    assert [fate.guest.name for fate in found.fates if fate.moves] == ["web", "database"]
    assert found.targets == ("node-1", "node-2")
    assert not steps
    assert not cloud.nova.changes


# --- what is refused, before anything is touched


def _alive(cloud: Cloud) -> None:
    del cloud


def _just_now(cloud: Cloud) -> None:
    cloud.nova.lose("node-3", seconds=5)


def _silent_from_here_only(cloud: Cloud) -> None:
    cloud.nova.silent.add("node-3")
    cloud.nova.pass_by(60)


def _heard(what: str) -> Any:
    def happen(cloud: Cloud) -> None:
        cloud.nova.lose("node-3")
        cloud.nova.heard.add(("node-3", what))

    return happen


def _nobody_to_ask(cloud: Cloud) -> None:
    # It hangs: the machine is on, and nothing that runs on it says anything.
    cloud.nova.lose("node-3", seconds=120)
    cloud.world.cloud.running.add("node-3")
    cloud.nova.deaf |= {"node-1", "node-2"}


def _two_lost(cloud: Cloud) -> None:
    cloud.nova.lose("node-2", "node-3")


def _no_fence(cloud: Cloud) -> None:
    cloud.nova.lose("node-3")
    cloud.provider.no_fence = "cloud.yaml names no program"


def _nowhere(cloud: Cloud) -> None:
    cloud.nova.lose("node-3")
    for name in ("node-1", "node-2"):
        cloud.nova.services[f"nova-compute-{name}"]["status"] = "disabled"


@pytest.mark.parametrize(
    ("happens", "told"),
    [
        pytest.param(_alive, "sshd at 10.21.0.13 answers", id="alive after all"),
        pytest.param(_just_now, "last sign of life is 5 s old", id="heard a moment ago"),
        pytest.param(_silent_from_here_only, "last sign of life is 0 s old", id="cut off from us"),
        pytest.param(_heard("libvirt"), "libvirt of it answers node-1", id="its hypervisor lives"),
        pytest.param(
            _heard("ssh in the tunnel network"), "tunnel network of it", id="another network"
        ),
        pytest.param(_nobody_to_ask, "no other node could be asked", id="nobody to ask"),
        pytest.param(_two_lost, "2 nodes are silent at once (node-2, node-3)", id="several lost"),
        pytest.param(_no_fence, "cloud.yaml names no program", id="not fenced"),
        pytest.param(_nowhere, "no other host is up and enabled", id="nowhere to go"),
    ],
)
def test_what_is_not_sure_is_refused(cloud: Cloud, happens: Any, told: str) -> None:
    happens(cloud)
    before = dict(cloud.where())
    assert told in cloud.refused()
    with pytest.raises(BadInput, match="node-3"):
        cloud.evacuate()
    assert not cloud.nova.changes
    assert cloud.where() == before


def test_a_database_that_stands_still_makes_nobody_look_alive(cloud: Cloud) -> None:
    """The lost node had it: nobody's sign of life has been written since."""
    cloud.nova.lose("node-3", seconds=0)
    cloud.nova.now += timedelta(seconds=20)
    assert not cloud.refused()


def test_more_may_be_lost_where_cloud_yaml_says_so(empty: World) -> None:
    cloud = Cloud(empty, at_once=2)
    cloud.nova.lose("node-2", "node-3")
    assert not cloud.refused()


def test_one_that_was_evacuated_before_does_not_count(cloud: Cloud) -> None:
    cloud.nova.lose("node-3")
    cloud.evacuate()
    cloud.nova.lose("node-2")
    assert not cloud.refused("node-2")


def test_one_that_is_out_of_service_does_not_count(cloud: Cloud) -> None:
    cloud.nova.services["nova-compute-node-2"]["status"] = "disabled"
    cloud.nova.lose("node-2", "node-3")
    assert not cloud.refused()


def test_disks_in_files_stay_with_their_node(empty: World) -> None:
    cloud = Cloud(empty)
    nodes = [{"name": "node-1"}, *({"name": name, "roles": ["compute"]} for name in NODES[1:])]
    empty.yaml = {**empty.yaml, "storage": "files", "nodes": nodes}
    cloud.session = empty.session("evacuate")
    cloud.view = cloud.session.view()
    cloud.nova.boot("web", "node-3")
    cloud.nova.lose("node-3")
    assert "none of its 1 guests can start elsewhere: its disk is on the lost node" in (
        cloud.refused()
    )


def test_a_node_that_nova_does_not_know(cloud: Cloud) -> None:
    del cloud.nova.services["nova-compute-node-3"]
    cloud.nova.lose("node-3")
    assert "Nova knows no host of this name" in cloud.refused()


# --- guests


@pytest.mark.parametrize(
    ("values", "config", "moves", "told"),
    [
        ({"locked": True}, {}, True, "is locked"),
        ({"status": "ERROR"}, {}, True, "is in ERROR already"),
        ({"status": "PAUSED"}, {}, False, "is PAUSED"),
        ({"status": "VERIFY_RESIZE"}, {}, False, "is VERIFY_RESIZE"),
        ({"status": "REBOOT", "OS-EXT-STS:task_state": "rebooting"}, {}, True, ""),
        ({"OS-EXT-STS:task_state": "migrating"}, {}, False, "must not run twice"),
        ({"metadata": {"HA_Enabled": "False"}}, {}, False, "HA_Enabled is false"),
        ({"flavor": {"extra_specs": {"HA_Enabled": "no"}}}, {}, False, "HA_Enabled is false"),
        ({}, {"guests": "asked"}, False, "does not ask"),
        ({"metadata": {"HA_Enabled": "true"}}, {"guests": "asked"}, True, ""),
        ({"flavor": {"extra_specs": {"HA_Enabled": "1"}}}, {"guests": "asked"}, True, ""),
    ],
)
def test_what_becomes_of_a_guest(
    empty: World, values: Any, config: Any, moves: bool, told: str
) -> None:
    cloud = Cloud(empty, **config)
    cloud.nova.boot("it", "node-3", **values)
    cloud.nova.boot("other", "node-3", metadata={"HA_Enabled": "yes"})
    cloud.nova.lose("node-3")
    (fate,) = (fate for fate in cloud.seen().fates if fate.guest.name == "it")
    assert fate.moves == moves
    assert told in fate.why
    cloud.evacuate()
    assert cloud.where() == {"it": "node-1" if moves else "node-3", "other": "node-1"}


def test_a_guest_with_its_disk_in_a_file_stays_and_one_on_a_volume_moves(empty: World) -> None:
    cloud = Cloud(empty)
    config = {"nova": {"libvirt": {"images_type": "qcow2"}}}
    empty.yaml = {**empty.yaml, "config": config}
    cloud.session = empty.session("evacuate")
    cloud.view = cloud.session.view()
    cloud.nova.boot("in-a-file", "node-3")
    cloud.nova.boot("on-a-volume", "node-3", image="")
    cloud.nova.lose("node-3")
    assert [item.guest.name for item in cloud.evacuate()] == ["on-a-volume"]
    assert cloud.where() == {"in-a-file": "node-3", "on-a-volume": "node-1"}


def test_who_asks_for_it_comes_first(empty: World) -> None:
    cloud = Cloud(empty, parallel=1)
    cloud.nova.boot("old", "node-3")
    cloud.nova.boot("young", "node-3")
    cloud.nova.boot("asks", "node-3", metadata={"HA_Enabled": "True"})
    cloud.nova.lose("node-3")
    assert [item.guest.name for item in cloud.evacuate()] == ["asks", "old", "young"]


def test_what_finds_no_room_is_told_and_the_others_move(cloud: Cloud) -> None:
    cloud.nova.room = {"node-1": 1, "node-2": 0, "node-3": 5}
    cloud.nova.lose("node-3")
    outcomes = cloud.evacuate()
    left = [item for item in outcomes if not item.host]
    assert len(outcomes) == 2
    assert [item.why for item in left] == ["No valid host was found."]
    # When there is room again, the same command moves what is left.
    cloud.nova.room["node-2"] = 5
    assert [item.host for item in cloud.evacuate()] == ["node-2"]


def test_one_that_is_deleted_meanwhile_is_told(cloud: Cloud) -> None:
    cloud.nova.lose("node-3")
    found = cloud.seen()

    def deleted(_where: str, step: str) -> None:
        if step == "node-3 forced_down True":
            del cloud.nova.servers["web"]

    cloud.world.cloud.at_step = deleted
    outcomes = {item.guest.name: item for item in evacuate(cloud.session, cloud.ways, found)}
    assert outcomes["database"].host == "node-1"
    assert outcomes["web"].why


# --- what goes wrong on the way


def test_nothing_moves_when_the_fence_fails(cloud: Cloud) -> None:
    cloud.nova.lose("node-3", seconds=120)
    cloud.world.cloud.running.add("node-3")  # it hangs
    cloud.world.cloud.broken = {"fence:node-3"}
    assert not cloud.refused()
    with pytest.raises(ScsError, match="does not go off"):
        cloud.evacuate()
    assert not cloud.nova.changes


def test_nothing_moves_when_the_fence_only_says_so(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.nova.lose("node-3", seconds=120)
    cloud.world.cloud.running.add("node-3")
    monkeypatch.setattr(PaperProvider, "fence", lambda _self, _node: None)
    with pytest.raises(ScsError, match="is not proven off; no guest was started"):
        cloud.evacuate()
    assert not cloud.nova.changes


def test_a_node_that_hangs_is_ended_first(cloud: Cloud) -> None:
    cloud.nova.lose("node-3", seconds=120)
    cloud.world.cloud.running.add("node-3")
    assert len(cloud.evacuate()) == 2
    assert "node-3" not in cloud.world.cloud.running


def test_guests_stay_when_power_comes_back_meanwhile(
    empty: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = Cloud(empty, parallel=1)
    for name in ("first", "second"):
        cloud.nova.boot(name, "node-3")
    cloud.nova.lose("node-3")
    found = cloud.seen()
    off = [True, True]  # after the fence, and before the first guest

    monkeypatch.setattr(PaperProvider, "off", lambda _self, _node: bool(off and off.pop()))
    first, second = evacuate(cloud.session, cloud.ways, found)
    assert first.host == "node-1"
    assert second.why == "node-3 is on again, and may run it: scs up"
    assert cloud.where()["second"] == "node-3"


@pytest.mark.parametrize(
    "step",
    [
        "fence:node-3",
        "node-3 disabled_reason scs: evacuated",
        "node-3 forced_down True",
        "evacuate web",
        "evacuate database",
    ],
)
def test_a_run_that_was_killed_is_gone_on_with(empty: World, step: str) -> None:
    cloud = Cloud(empty, parallel=1)
    for name in ("web", "database"):
        cloud.nova.boot(name, "node-3")
    cloud.nova.lose("node-3")

    class Killed(BaseException):
        pass

    def kill(_where: str, name: str) -> None:
        if name == step:
            raise Killed

    empty.cloud.at_step = kill
    with pytest.raises(Killed):
        cloud.evacuate()
    empty.cloud.at_step = lambda _where, _step: None
    # Nova takes what scs has told it for a sign of life, unless it was that the host is down.
    cloud.nova.pass_by(20)
    cloud.evacuate()
    assert set(cloud.where().values()) == {"node-1"}
    assert cloud.nova.services["nova-compute-node-3"]["forced_down"]


def test_one_that_is_on_its_way_is_not_asked_for_twice(cloud: Cloud) -> None:
    cloud.nova.lose("node-3")
    known = Guest("web", "web", "ACTIVE", "node-3", task="rebuilding")
    cloud.nova.servers["web"]["OS-EXT-STS:task_state"] = "rebuilding"
    assert nova.evacuate(cloud.nova, known, seconds=9) == "node-1"
    assert not cloud.nova.changes


def test_the_api_may_be_away_for_a_moment(cloud: Cloud) -> None:
    cloud.nova.lose("node-3")
    cloud.nova.away = 2
    assert all(item.host for item in cloud.evacuate())


def test_cloud_yaml_says_nothing_of_it_by_default() -> None:
    said = CloudSpec().instance_ha
    assert (said.guests, said.fence, said.at_once) == ("all", "", 1)


@pytest.mark.parametrize(
    ("spec", "overrides", "shared"),
    [
        pytest.param(EQUALS, Overrides(), True, id="Ceph"),
        pytest.param(ONE, Overrides(), False, id="files"),
        pytest.param(
            EQUALS,
            Overrides(
                settings=(
                    SettingsFile(
                        "config/nova.conf",
                        "nova",
                        (Setting("libvirt", "images_type", ("qcow2",), "config/nova.conf:2"),),
                    ),
                )
            ),
            False,
            id="an option of the operator's",
        ),
        pytest.param(
            EQUALS,
            Overrides(templates={("nova-compute", "nova-compute.conf.j2"): OwnText("x", "")}),
            False,
            id="a template of the operator's",
        ),
    ],
)
def test_the_component_says_where_disks_are(
    spec: CloudSpec, overrides: Overrides, shared: bool
) -> None:
    view = replace(expander_of(spec).view, overrides=overrides)
    (part,) = (part for part in view.components if part.name == "nova-compute")
    assert part.objects is not None
    found = [item.shared for item in part.objects(view) if isinstance(item, Host)]
    assert found == [shared] * len(view.nodes)


def test_room_is_taken_by_who_comes_first_on_the_emptiest_host() -> None:
    def guest(name: str, memory: int) -> Guest:
        return Guest(name, name, "ACTIVE", "lost", size={"VCPU": 1, "MEMORY_MB": memory})

    free = {"a": {"VCPU": 9, "MEMORY_MB": 5}, "b": {"VCPU": 9, "MEMORY_MB": 4}}
    told = [guest("x", 3), guest("y", 4), guest("z", 3), guest("w", 2)]
    assert without_room(told, free) == {"z"}
    assert without_room(told[:1], {}) == {"x"}
    assert without_room(told[:1], {"a": {"VCPU": 0, "MEMORY_MB": 9}}) == {"x"}
