# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What unit tests share: clouds on paper, one that is up (copied for each test) and none yet."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyrage
import pytest
import yaml

from paper.cloud import PaperCloud
from paper.world import World
from scs.resources import probe
from scs.spec import document


@pytest.fixture(autouse=True)
def calm() -> None:
    """A step that fails tells all others of its process to hurry; not those of other tests."""
    probe.hurry.clear()


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What opens the encrypted files of all clouds on paper: they are copied."""
    path = tmp_path_factory.mktemp("identity") / "key"
    path.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    return path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, identity: Path) -> World:
    """A cloud that is up; not to be changed."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCS_STATE", str(folder / "state"))
        patch.setenv("SCS_CACHE", str(folder / "cache"))
        patch.setenv("SCS_IDENTITY", str(identity))
        world = World(PaperCloud(), folder)
        world.up()
    return world


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, identity: Path) -> World:
    """A cloud.yaml, and nothing else."""
    monkeypatch.setenv("SCS_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("SCS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SCS_IDENTITY", str(identity))
    return World(PaperCloud(), tmp_path)


@pytest.fixture
def world(finished: World, empty: World) -> World:
    """A copy of the cloud that is up."""
    shutil.copytree(finished.folder / "state", empty.folder / "state")
    empty.cloud = finished.cloud.copied()
    return empty


@pytest.fixture(params=["libyaml", "python"])
def each_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML comes with and without libyaml, and both must find the same."""
    loaders = {"libyaml": getattr(yaml, "CBaseLoader", None), "python": yaml.BaseLoader}
    if loaders[request.param] is None:
        pytest.skip("PyYAML without libyaml")
    monkeypatch.setattr(document, "PARSER", loaders[request.param])
