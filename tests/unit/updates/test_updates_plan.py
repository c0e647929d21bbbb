# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an update means, as tables: order, reasons to restart, guests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from typing import Any

import pytest

from scs.model.component import COMPUTE, Component, Packaged
from scs.model.evacuation import Guest
from scs.model.topology import Node, Role
from scs.plan.updates import Lot, When, cramped, fates, ordered, restarts


def nodes(*words: str) -> list[Node]:
    """Of `NAME ROLE ZONE`."""
    found = []
    for text in words:
        name, role, *zone = text.split()
        address = {"management": IPv4Address("10.0.0.1")}
        found.append(Node(name, frozenset({Role(role)}), address, zone="".join(zone)))
    return found


@pytest.mark.parametrize(
    ("first", "wanted"),
    [
        ((), ["b", "d", "f", "c", "e", "a"]),
        (("c",), ["c", "b", "d", "f", "e", "a"]),
        (("a", "f"), ["a", "f", "b", "d", "c", "e"]),
    ],
)
def test_one_zone_after_the_other_and_control_nodes_last(
    first: Sequence[str], wanted: list[str]
) -> None:
    cloud = nodes(
        *("b compute one", "c compute two", "a control one"),
        *("d storage one", "e compute two", "f compute one"),
    )
    assert [node.name for node in ordered(cloud, first)] == wanted


def test_without_zones_the_order_of_cloud_yaml_holds() -> None:
    cloud = nodes("c compute", "a compute", "x control", "b compute", "y control")
    assert [node.name for node in ordered(cloud)] == ["c", "a", "b", "x", "y"]


HAS_UNITS = Component(
    name="queue", summary="", roles=COMPUTE, packages=("queue",), units=(Packaged("queue"),)
)
HAS_NONE = Component(name="tools", summary="", roles=COMPUTE, packages=("tools",))


@pytest.mark.parametrize(
    ("when", "packages", "used", "behind", "noted", "why"),
    [
        pytest.param("needed", ["tzdata"], [], [], None, "", id="nothing is at work"),
        pytest.param("needed", ["libc6"], ["libc6"], [], None, "libc6 in use", id="mapped"),
        pytest.param("needed", ["queue"], [], [], None, "queue in use", id="a component's"),
        pytest.param("needed", ["tools"], [], [], None, "", id="of one without units"),
        pytest.param("needed", [], [], ["the kernel 1"], None, "runs on with the kernel 1", id="k"),
        pytest.param("needed", [], [], [], "now", "was to restart", id="a run was ended before"),
        pytest.param("needed", [], [], [], "then", "", id="a run was ended after"),
        pytest.param("always", [], [], [], None, "is to restart", id="always"),
        pytest.param("always", [], [], [], "then", "", id="always, and it has"),
        pytest.param("always", ["queue"], [], [], "then", "queue in use", id="something new"),
        pytest.param("never", ["queue"], ["queue"], ["a"], "now", "", id="never"),
        pytest.param("needed", [*"abcd"], [*"abcd"], [], None, "a, b, c and 1 more in use", id="4"),
    ],
)
def test_why_a_node_restarts(
    when: str, packages: list[str], used: list[str], behind: list[str], noted: str | None, why: str
) -> None:
    updates = {"packages": {name: ["1", "2"] for name in packages}, "used": used}
    reboot = {"boot": "now", "behind": behind}
    assert restarts(When(when), updates, reboot, noted, [HAS_UNITS, HAS_NONE]) == why


@pytest.mark.parametrize(
    ("values", "targets", "lot", "why"),
    [
        ({}, ["a"], Lot.MOVES, ""),
        ({"status": "PAUSED", "state": "paused"}, ["a"], Lot.MOVES, ""),
        ({"task": "migrating"}, [], Lot.MOVES, "on its way"),
        ({}, [], Lot.STOPS, "no other host"),
        ({"task": "resize_prep"}, ["a"], Lot.STOPS, "Nova is at it"),
        ({"status": "RESCUE", "state": "rescued"}, ["a"], Lot.STOPS, "only ACTIVE"),
        ({"status": "BUILD", "state": "building"}, ["a"], Lot.STOPS, "is BUILD"),
        ({"status": "SHUTOFF", "state": "stopped"}, [], Lot.STAYS, "is SHUTOFF"),
        ({"status": "SUSPENDED", "state": "suspended"}, ["a"], Lot.STAYS, "is SUSPENDED"),
    ],
)
def test_what_becomes_of_a_guest(
    values: Mapping[str, Any], targets: list[str], lot: Lot, why: str
) -> None:
    (fate,) = fates([Guest("id", "web", **{"status": "ACTIVE", "host": "x", **values})], targets)
    assert fate.lot is lot
    assert why in fate.why


def test_only_who_would_move_needs_room() -> None:
    guests = [
        Guest("1", "web", "ACTIVE", "x", created="1"),
        Guest("2", "old", "SHUTOFF", "x", state="stopped", created="2"),
    ]
    found = cramped(fates(guests, ["a"]), {"1", "2"})
    assert [fate.lot for fate in found] == [Lot.STOPS, Lot.STAYS]
