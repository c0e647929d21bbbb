# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Control nodes take turns where something that runs is touched."""

from __future__ import annotations

from collections.abc import Mapping

from clouds import EQUALS, THREE
from scs.model.topology import Node
from scs.plan.waves import waves
from scs.resources import File, Resource, Seen, Unit

UNIT = Unit(name="x.service")
FILE = File(name="/x", content="")
RUNS: Mapping[str, Seen] = {UNIT.id: {"active": "active"}}
OFF: Mapping[str, Seen] = {UNIT.id: {"active": "inactive"}}


def turns(
    nodes: tuple[Node, ...],
    steps: list[Resource],
    observed: Mapping[str, Mapping[str, Seen]],
    *,
    without: str = "",
) -> list[list[str]]:
    work = {node.name: steps for node in nodes if node.name != without}
    return [list(wave) for wave in waves(nodes, work, observed)]


def test_what_comes_up_comes_up_together() -> None:
    names = [node.name for node in EQUALS.nodes()]
    assert turns(EQUALS.nodes(), [UNIT], {}) == [names]
    assert turns(EQUALS.nodes(), [UNIT], dict.fromkeys(names, OFF)) == [names]


def test_what_runs_is_touched_on_one_control_node_at_a_time() -> None:
    observed = {node.name: RUNS for node in EQUALS.nodes()}
    assert turns(EQUALS.nodes(), [UNIT], observed) == [["node-1"], ["node-2"], ["node-3"]]
    assert turns(EQUALS.nodes(), [UNIT], observed, without="node-1") == [["node-2"], ["node-3"]]


def test_files_alone_touch_nothing_that_runs() -> None:
    observed = {node.name: RUNS for node in EQUALS.nodes()}
    assert turns(EQUALS.nodes(), [FILE], observed) == [["node-1", "node-2", "node-3"]]


def test_new_control_nodes_come_with_the_one_that_was_alone() -> None:
    """It waits for them, to found a cluster together."""
    (wave,) = turns(EQUALS.nodes(), [UNIT], {"node-1": RUNS})
    assert sorted(wave) == ["node-1", "node-2", "node-3"]


def test_other_nodes_need_no_turns() -> None:
    observed = {node.name: RUNS for node in THREE.nodes()}
    (wave,) = turns(THREE.nodes(), [UNIT], observed)
    assert sorted(wave) == ["compute-1", "compute-2", "control-1"]


def test_nothing_to_do_is_no_wave() -> None:
    assert waves(EQUALS.nodes(), {}, {}) == []
