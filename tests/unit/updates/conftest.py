# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Three equal nodes on paper that are up, and one alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from paper.cloud import PaperCloud
from paper.world import World
from scs.api import guests
from scs.engine.updates import run
from updating import EQUALS, Cloud


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits on paper."""
    monkeypatch.setattr(guests, "PACE", 0.0)
    monkeypatch.setattr(run, "PAUSE", 0.0)


@pytest.fixture(scope="session")
def equals(tmp_path_factory: pytest.TempPathFactory, identity: Path) -> World:
    """Three nodes that are up; not to be changed."""
    folder = tmp_path_factory.mktemp("equals")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCS_STATE", str(folder / "state"))
        patch.setenv("SCS_CACHE", str(folder / "cache"))
        patch.setenv("SCS_IDENTITY", str(identity))
        world = World(PaperCloud(), folder)
        world.yaml = EQUALS
        world.up()
    return world


@pytest.fixture
def cloud(equals: World, empty: World) -> Cloud:
    """A copy of them, with guests on the third."""
    shutil.copytree(equals.folder / "state", empty.folder / "state")
    found = Cloud(equals.cloud.copied(), empty.folder, EQUALS)
    found.nova.boot("web", "node-3")
    found.nova.boot("paused", "node-3", status="PAUSED")
    found.nova.boot("old", "node-3", status="SHUTOFF")
    found.nova.boot("elsewhere", "node-1")
    return found


@pytest.fixture
def alone(world: World) -> Cloud:
    """One node that is everything, with a guest."""
    found = Cloud(world.cloud, world.folder, world.yaml)
    found.nova.boot("web", "node-1")
    return found
