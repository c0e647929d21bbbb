# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Three equal nodes on paper, with guests on the third."""

from __future__ import annotations

import pytest

from evacuations import Cloud
from paper.world import World
from scs.api import evacuation as nova


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits on paper."""
    monkeypatch.setattr(nova, "PACE", 0.0)
    monkeypatch.setattr(nova, "AGAIN_SECONDS", 0.2)


@pytest.fixture
def cloud(empty: World) -> Cloud:
    found = Cloud(empty)
    found.nova.boot("web", "node-3")
    found.nova.boot("database", "node-3", image="")
    found.nova.boot("elsewhere", "node-1")
    return found
