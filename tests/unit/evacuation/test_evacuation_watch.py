# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A watcher finds lost nodes by itself."""

from __future__ import annotations

from collections.abc import Sequence

from evacuations import NODES, Cloud
from scs.api.evacuation import EVACUATED
from scs.engine.evacuation.run import Outcome
from scs.engine.evacuation.watching import News, Watch
from scs.errors import Busy, Problem


def events(cloud: Cloud, watch: Watch) -> list[tuple[str, str]]:
    return [(news.event, news.node) for news in told(cloud, watch)]


def told(cloud: Cloud, watch: Watch) -> list[News]:
    return list(watch.round(cloud.session, cloud.view, cloud.ways))


def test_a_watcher_tells_each_thing_once_and_acts(cloud: Cloud) -> None:
    watch = Watch(cloud.evacuate)
    assert events(cloud, watch) == []
    cloud.nova.lose("node-3", seconds=5)
    assert events(cloud, watch) == [("silent", "node-3")]
    cloud.nova.pass_by(5)
    assert events(cloud, watch) == []
    cloud.nova.pass_by(5)
    assert events(cloud, watch) == [("lost", "node-3"), ("evacuated", "node-3")]
    assert cloud.where()["web"] == "node-1"
    cloud.nova.pass_by(5)
    assert events(cloud, watch) == []
    cloud.nova.silent.clear()
    assert events(cloud, watch) == [("back", "node-3")]
    # It is lost again, later.
    cloud.nova.boot("new", "node-3")
    cloud.nova.lose("node-3")
    assert events(cloud, watch) == [("lost", "node-3"), ("evacuated", "node-3")]


def test_a_lost_node_is_found_within_half_a_minute(cloud: Cloud) -> None:
    """Power off just after a sign of life, and just after a look."""
    watch, seconds = Watch(), 0.0
    cloud.nova.lose("node-3", seconds=0)
    while ("lost", "node-3") not in events(cloud, watch):
        cloud.nova.pass_by(5)
        seconds += 5
        assert seconds < 30
    assert seconds >= 15


def test_a_watcher_that_only_tells_changes_nothing(cloud: Cloud) -> None:
    cloud.nova.lose("node-3")
    assert events(cloud, Watch()) == [("lost", "node-3")]
    assert not cloud.nova.changes


def test_a_watcher_leaves_alone_what_somebody_has_disabled(cloud: Cloud) -> None:
    cloud.nova.services["nova-compute-node-3"] |= {
        "status": "disabled",
        "disabled_reason": "new fans",
    }
    cloud.nova.lose("node-3")
    (_, news) = told(cloud, Watch(cloud.evacuate))
    assert news.event == "refused"
    assert "new fans" in news.text
    assert not cloud.nova.changes


def test_a_watcher_goes_on_where_one_was_killed_before_nova_knew(cloud: Cloud) -> None:
    cloud.nova.services["nova-compute-node-3"] |= {
        "status": "disabled",
        "disabled_reason": EVACUATED,
    }
    cloud.nova.lose("node-3")
    assert events(cloud, Watch(cloud.evacuate)) == [("lost", "node-3"), ("evacuated", "node-3")]


def test_a_watcher_tries_again_and_says_so_once(cloud: Cloud) -> None:
    busy = [True]

    def act(node: str) -> Sequence[Outcome]:
        if busy:
            raise Busy(Problem("cloud paper", "`scs up` is under way"))
        return cloud.evacuate(node)

    cloud.nova.lose("node-3")
    watch = Watch(act)
    assert events(cloud, watch) == [("lost", "node-3"), ("waits", "node-3")]
    assert events(cloud, watch) == []
    busy.clear()
    assert events(cloud, watch) == [("evacuated", "node-3")]


def test_a_watcher_that_was_killed_goes_on(cloud: Cloud) -> None:
    cloud.nova.lose("node-3")
    cloud.nova.room = dict.fromkeys(NODES, 1)
    cloud.evacuate()
    cloud.nova.servers["web"] |= {"status": "ACTIVE", "OS-EXT-SRV-ATTR:host": "node-3"}
    cloud.nova.room["node-2"] = 9
    assert events(cloud, Watch(cloud.evacuate)) == [("lost", "node-3"), ("evacuated", "node-3")]
    assert cloud.where()["web"] == "node-2"
