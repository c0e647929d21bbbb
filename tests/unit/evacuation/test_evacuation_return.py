# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A node whose guests were evacuated comes back."""

from __future__ import annotations

from typing import Any

import pytest

from evacuations import Cloud
from scs.api import hosts
from scs.api.hosts import Hosts
from scs.model.objects import Host


def back(cloud: Cloud) -> dict[str, Any]:
    """What `up` sees of the host."""
    want = Host(name="node-3")
    seen: dict[str, Any] = Hosts().observe(cloud.nova, [want])[want.id]
    return seen


@pytest.fixture
def evacuated(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    cloud.nova.lose("node-3")
    cloud.evacuate()
    cloud.nova.changes.clear()
    monkeypatch.setattr(hosts, "UP_SECONDS", 0.2)
    monkeypatch.setattr(cloud.nova, "pause", lambda _seconds: cloud.nova.pass_by(10))
    return cloud


def test_it_is_down_until_up_takes_it_back(evacuated: Cloud) -> None:
    why = Hosts().compare(Host(name="node-3"), back(evacuated))
    assert why == "is down: its guests were evacuated"


def test_nova_counts_on_it_when_it_has_started_and_cleaned_up(evacuated: Cloud) -> None:
    nova = evacuated.nova
    nova.cloud.running.add("node-3")

    def clean(_seconds: float) -> None:
        nova.pass_by(10)
        for item in nova.migrations:
            item["status"] = "completed"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nova, "pause", clean)
        Hosts().converge(nova, Host(name="node-3"), back(evacuated))
    assert nova.changes == ["node-3: forced_down False", "node-3: status enabled"]
    assert Hosts().compare(Host(name="node-3"), back(evacuated)) is None


@pytest.mark.parametrize(
    ("runs", "told"),
    [(False, "has not told Nova that it is back"), (True, "has not cleared away web, database")],
)
def test_nova_does_not_count_on_it_before(evacuated: Cloud, runs: bool, told: str) -> None:
    if runs:
        evacuated.nova.cloud.running.add("node-3")
    with pytest.raises(RuntimeError, match=told):
        Hosts().converge(evacuated.nova, Host(name="node-3"), back(evacuated))
    assert not evacuated.nova.changes


def test_guests_that_are_gone_need_no_cleaning_up(evacuated: Cloud) -> None:
    evacuated.nova.cloud.running.add("node-3")
    for name in ("web", "database"):
        del evacuated.nova.servers[name]
    Hosts().converge(evacuated.nova, Host(name="node-3"), back(evacuated))
    assert "node-3: forced_down False" in evacuated.nova.changes


def test_what_somebody_else_forced_down_is_theirs(cloud: Cloud) -> None:
    cloud.nova.services["nova-compute-node-3"]["forced_down"] = True
    with pytest.raises(RuntimeError, match="not by scs: openstack compute service set --up node-3"):
        Hosts().converge(cloud.nova, Host(name="node-3"), back(cloud))
