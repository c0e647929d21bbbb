# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Nodes are updated one after the other: order, guests, members of clusters, what stops it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from paper.hand import PaperHand
from scs.engine.updates import run
from scs.engine.updates.looking import Wish
from scs.engine.updates.note import Note
from scs.engine.updates.run import Run
from scs.errors import BadInput, Problem, StepFailed
from scs.plan.updates import Lot, When, reboot
from scs.providers import Connection
from scs.resources import Resource, Seen
from updating import NODES, Cloud, Killed

ALWAYS = Wish(when=When.ALWAYS)


def order(cloud: Cloud) -> list[str]:
    return [where for where, step in cloud.steps if step == f"reboot:{where}"]


def test_nothing_new_is_nothing_to_do(cloud: Cloud) -> None:
    found = cloud.seen()
    assert found.updates == ()
    assert found.refusals == ()
    assert list(found.looked) == NODES


def test_each_node_is_drained_upgraded_restarted_and_put_back(cloud: Cloud) -> None:
    cloud.release(libc6="2")
    before = cloud.boots()
    done = cloud.update()
    assert [item.node for item in done] == NODES
    assert all(item.restarted and item.packages == 1 for item in done)
    assert all(before[node] != boot for node, boot in cloud.boots().items())
    assert order(cloud) == NODES
    assert cloud.wrong() == []
    assert all(item["status"] == "enabled" for item in cloud.nova.services.values())
    assert cloud.where()["old"] == "node-3", "what does not run stays"
    assert cloud.nova.servers["paused"]["status"] == "PAUSED"
    assert not Note.read(cloud.session().paths).begun
    assert cloud.seen().updates == ()


def test_the_next_one_goes_when_the_one_before_is_back(cloud: Cloud) -> None:
    def at(where: str, step: str) -> None:
        if step == f"reboot:{where}":
            services = cloud.nova.services
            closed = [item["host"] for item in services.values() if item["status"] != "enabled"]
            assert closed == [where]
            assert not any(
                values.get("held")
                for node, things in cloud.cloud.nodes.items()
                for name, values in things.items()
                if name.startswith("unit:") and node != where
            )

    cloud.at = at
    cloud.update(ALWAYS)
    assert order(cloud) == NODES


def test_members_of_clusters_are_held_and_endpoints_kept_aside(cloud: Cloud) -> None:
    with cloud.session() as session:
        look = session.look()
    item = reboot("node-2", "boot-1", look.desired["node-2"])
    kinds = sorted(turn["type"] for turn in item.turns.values())
    assert kinds == ["disk", "disk", "disk", "monitor"]
    ((tool, *endpoints),) = item.aside
    assert tool.endswith("/aside")
    assert set(endpoints) == {point.name for _, point in look.view.endpoints if point.http}


def test_what_is_not_in_use_needs_no_restart(cloud: Cloud) -> None:
    cloud.release(used=False, tzdata="2")
    (first, *_) = cloud.seen().updates
    assert first.packages
    assert not first.restarts
    done = cloud.update()
    assert not any(item.restarted for item in done)
    assert order(cloud) == []
    assert cloud.where()["web"] == "node-3"


def test_a_package_of_what_runs_there_needs_one(cloud: Cloud) -> None:
    cloud.release("node-1", used=False, **{"rabbitmq-server": "2"})
    (only,) = cloud.seen().updates
    assert only.restarts == "rabbitmq-server in use"


def test_what_nobody_could_tell_before_restarts_all_the_same(cloud: Cloud) -> None:
    cloud.release("node-3", used=False, tzdata="2")

    def at(where: str, step: str) -> None:
        if step == "updates:debian":
            cloud.cloud.systems[where]["behind"] = ["a process"]

    cloud.at = at
    (done,) = cloud.update()
    assert done.restarted
    assert done.moved == {"web": "node-1", "paused": "node-1"}


def test_never_is_never_and_what_runs_on_is_told(cloud: Cloud) -> None:
    cloud.release(libc6="2")
    done = cloud.update(Wish(when=When.NEVER))
    assert order(cloud) == []
    assert [list(item.behind) for item in done] == [["a process"]] * 3
    assert [update.restarts for update in cloud.seen().updates] == ["runs on with a process"] * 3


def test_without_packages_nodes_only_restart(cloud: Cloud) -> None:
    cloud.release(libc6="2")
    done = cloud.update(Wish(when=When.ALWAYS, packages=False))
    assert [item.packages for item in done] == [0, 0, 0]
    assert order(cloud) == NODES
    assert [len(update.packages) for update in cloud.seen().updates] == [1, 1, 1]


def test_the_canary_goes_first(cloud: Cloud) -> None:
    cloud.update(Wish(when=When.ALWAYS, canary="node-2"))
    assert order(cloud) == ["node-2", "node-1", "node-3"]


def test_unknown_nodes_are_refused(cloud: Cloud) -> None:
    with pytest.raises(BadInput, match="no node node-9"):
        cloud.seen(Wish(names=("node-9",)))
    with pytest.raises(BadInput, match="no node node-9"):
        cloud.seen(Wish(canary="node-9"))


def test_a_paused_run_is_gone_on_with(cloud: Cloud) -> None:
    assert [item.node for item in cloud.update(ALWAYS, pause=1)] == ["node-1"]
    note = Note.read(cloud.session().paths)
    assert note.left == ["node-2", "node-3"]
    assert note.at == ""
    # Also without saying again that all are to restart.
    assert [item.node for item in cloud.update()] == ["node-2", "node-3"]
    assert order(cloud) == NODES
    assert not Note.read(cloud.session().paths).begun


def test_named_nodes_do_not_end_what_is_left_of_others(cloud: Cloud) -> None:
    cloud.update(ALWAYS, pause=1)
    cloud.update(Wish(names=("node-3",), when=When.ALWAYS))
    assert Note.read(cloud.session().paths).left == ["node-2"]
    assert [item.node for item in cloud.update(ALWAYS)] == ["node-2"]


# Guests.


def test_a_guest_that_can_not_move_is_a_reason_not_to_begin(cloud: Cloud) -> None:
    cloud.nova.boot("rescued", "node-3", status="RESCUE")
    with pytest.raises(BadInput, match=r"rescued \(is RESCUE: [^\n]*\n.*--stop-guests"):
        cloud.update(ALWAYS)
    assert not cloud.nova.changes
    assert order(cloud) == []
    assert cloud.update(Wish(names=("node-1",), when=When.ALWAYS))


def test_nobody_has_room(cloud: Cloud) -> None:
    cloud.nova.room = dict.fromkeys(NODES, 0)
    found = cloud.seen(ALWAYS)
    lots = {fate.guest.name: fate.lot for update in found.updates for fate in update.fates}
    stop = ("web", "paused", "elsewhere")
    assert lots == {**dict.fromkeys(stop, Lot.STOPS), "old": Lot.STAYS}
    assert "finds no room elsewhere" in str(found.refusals[0])


def test_guests_that_can_not_move_are_stopped_and_started_again(cloud: Cloud) -> None:
    del cloud.nova.servers["paused"]
    cloud.nova.room = dict.fromkeys(NODES, 0)
    done = cloud.update(Wish(when=When.ALWAYS, stop_guests=True))
    assert {name: item["status"] for name, item in cloud.nova.servers.items()} == {
        "web": "ACTIVE",
        "elsewhere": "ACTIVE",
        "old": "SHUTOFF",
    }
    assert {item.node: item.stopped for item in done}["node-3"] == ["web"]


def test_one_that_was_deleted_meanwhile_is_no_reason_to_stop(cloud: Cloud) -> None:
    cloud.nova.room = dict.fromkeys(NODES, 0)
    del cloud.nova.servers["paused"]

    def at(where: str, step: str) -> None:
        if step == "reboot:node-3":
            del cloud.nova.servers["web"]

    cloud.at = at
    assert len(cloud.update(Wish(when=When.ALWAYS, stop_guests=True))) == 3


def test_a_guest_that_does_not_leave_stops_the_run_before_the_node_goes(cloud: Cloud) -> None:
    def at(where: str, step: str) -> None:
        if step == "os-migrateLive web":
            cloud.nova.room = dict.fromkeys(NODES, 0)

    cloud.at = at
    with pytest.raises(StepFailed, match="did not leave node-3: live-migration: No valid host"):
        cloud.update(ALWAYS)
    assert order(cloud) == ["node-1", "node-2"]
    cloud.at = lambda *_: None
    cloud.up()
    assert cloud.wrong() == []
    assert cloud.nova.services["nova-compute-node-3"]["status"] == "enabled"


def test_a_host_that_somebody_has_disabled_stays_so(cloud: Cloud) -> None:
    service = cloud.nova.services["nova-compute-node-3"]
    service |= {"status": "disabled", "disabled_reason": "broken fan"}
    cloud.update(ALWAYS)
    assert service["status"] == "disabled"
    assert service["disabled_reason"] == "broken fan"
    assert cloud.where()["web"] != "node-3"


# What stops it.


def test_a_cloud_that_is_not_whole_is_left_alone(cloud: Cloud) -> None:
    cloud.cloud.nodes["node-2"]["unit:haproxy.service"]["active"] = "failed"
    with pytest.raises(BadInput, match=r"unit:haproxy\.service is failed"):
        cloud.update(ALWAYS)
    assert order(cloud) == []


def test_a_node_that_does_not_run_is_told(cloud: Cloud) -> None:
    cloud.cloud.running.discard("node-2")
    with pytest.raises(BadInput, match="node node-2: does not run"):
        cloud.update(ALWAYS)
    assert order(cloud) == []


def test_a_node_that_can_not_be_seen_while_it_starts_is_waited_for(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, refused = PaperHand.observe, [0]

    def observe(
        hand: PaperHand,
        links: Mapping[str, Connection],
        wanted: Iterable[tuple[str, Sequence[Resource]]],
    ) -> Any:
        if len(links) == 1 and refused[0] < 5:
            refused[0] += 1
            raise StepFailed(Problem("node node-1", "no ssh"))
        return look(hand, links, wanted)

    def at(where: str, step: str) -> None:
        if step == "held for reboot:node-1":
            monkeypatch.setattr(PaperHand, "observe", observe)

    cloud.at = at
    assert len(cloud.update(ALWAYS)) == 3
    assert refused == [5]


def test_a_node_that_does_not_get_well_is_the_last_one(cloud: Cloud) -> None:
    cloud.cloud.broken.add("unit:haproxy.service")

    def at(where: str, step: str) -> None:
        if step == "held for reboot:node-1":
            cloud.cloud.nodes[where]["unit:haproxy.service"]["enabled"] = "disabled"

    cloud.at = at
    with pytest.raises(StepFailed, match="haproxy on node-1"):
        cloud.update(ALWAYS)
    assert order(cloud) == ["node-1"]
    assert Note.read(cloud.session().paths).at == "node-1"


def test_what_components_say_of_themselves_counts(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "WELL_SECONDS", 0.0)

    def at(where: str, step: str) -> None:
        if step == "reboot:node-1":
            cloud.cloud.nodes["node-2"]["wrong"] = {"check:ceph-mon/0": "HEALTH_WARN"}

    cloud.at = at
    with pytest.raises(StepFailed, match=r"ceph-mon on node-2: not so any more: .*HEALTH_WARN"):
        cloud.update(ALWAYS)
    assert order(cloud) == ["node-1"]
    cloud.at = lambda *_: None
    # It was not so when the update began, so it is waited for again.
    with pytest.raises(StepFailed, match="not so any more"):
        cloud.update(ALWAYS)
    cloud.cloud.nodes["node-2"]["wrong"] = {}
    assert [item.node for item in cloud.update(ALWAYS)] == NODES
    assert order(cloud) == NODES


def test_what_was_not_well_before_is_not_waited_for(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "WELL_SECONDS", 0.0)
    cloud.cloud.nodes["node-2"]["wrong"] = {"check:ceph-mon/0": "HEALTH_WARN"}
    with pytest.raises(BadInput, match=r"ceph-mon on node-2: not so.*--allow-unwell|HEALTH_WARN"):
        cloud.update(ALWAYS)
    assert order(cloud) == []
    assert len(cloud.update(Wish(when=When.ALWAYS, allow_unwell=True))) == 3


def test_a_node_that_does_not_come_back(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "BOOT_SECONDS", 0.0)
    monkeypatch.setattr(cloud.cloud, "boot", lambda _node: None)
    with pytest.raises(StepFailed, match="has not started anew in 0 s: still runs as before"):
        cloud.update(ALWAYS)


def test_what_starts_for_ever_is_left_to_the_look(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, looks = Run._seen, [0]

    def seen(run: Run, node: str) -> Seen:
        looks[0] += 1
        return {**look(run, node), "starts": True}

    monkeypatch.setattr(Run, "_seen", seen)
    monkeypatch.setattr(run, "REST_SECONDS", 0.01)
    assert len(cloud.update(Wish(names=("node-1",), when=When.ALWAYS))) == 1
    assert looks[0] > 2


# One node.


def test_alone_all_is_away_and_guests_are_stopped(alone: Cloud) -> None:
    (only,) = alone.seen(ALWAYS).updates
    assert "identity" in " ".join(only.interrupts)
    with pytest.raises(BadInput, match="no other host is up and enabled"):
        alone.update(ALWAYS)
    (done,) = alone.update(Wish(when=When.ALWAYS, stop_guests=True))
    assert done.stopped == ["web"]
    assert alone.nova.servers["web"]["status"] == "ACTIVE"
    assert alone.wrong() == []


def test_of_three_none_takes_endpoints_with_it(cloud: Cloud) -> None:
    assert [list(update.interrupts) for update in cloud.seen(ALWAYS).updates] == [[]] * 3


# A kill, wherever it comes.


def killed_at(cloud: Cloud, number: int, wish: Wish) -> str:
    """End a run at its step of that number; the step, or nothing when there is none."""
    count = [0]

    def at(where: str, step: str) -> None:
        count[0] += 1
        if count[0] == number:
            raise Killed(f"{where} {step}")

    cloud.at = at
    try:
        cloud.update(wish)
    except Killed as error:
        return str(error)
    finally:
        cloud.at = lambda *_: None
    return ""


@pytest.mark.parametrize(("first", "stride"), [("update", 7), ("up", 11)])
def test_a_killed_run_is_gone_on_with(cloud: Cloud, first: str, stride: int) -> None:
    """By the same command, also after an `up`, which puts back what is there."""
    del cloud.nova.servers["paused"]
    cloud.nova.boot("rescued", "node-3", status="ERROR")
    wish = Wish(when=When.ALWAYS, stop_guests=True)
    seen = set()
    number = 1
    while number < 60:
        cloud.release(libc6=str(number))
        before = cloud.boots()
        cloud.steps.clear()
        step = killed_at(cloud, number, wish)
        if not step:
            break
        seen.add(step)
        if first == "up":
            cloud.up()
            assert cloud.wrong() == [], step
        cloud.update(wish)
        assert cloud.wrong() == [], step
        assert all(boot != before[node] for node, boot in cloud.boots().items()), step
        assert cloud.nova.servers["web"]["status"] == "ACTIVE", step
        assert not Note.read(cloud.session().paths).begun, step
        assert cloud.seen().updates == (), step
        number += stride
    assert len(seen) >= 4, seen
