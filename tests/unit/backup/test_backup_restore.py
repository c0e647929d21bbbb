# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Backups of a cloud on paper, brought back, also after kills and on another machine."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from backups import DATABASES, Killed, made, restored
from paper.cloud import PaperCloud
from paper.world import World
from scs.engine.backup import own
from scs.engine.backup.manifest import SEAL, Manifest
from scs.engine.backup.note import refuse_unfinished, unfinished
from scs.engine.backup.place import Place
from scs.engine.backup.restore import Unloaded, bring_back, check_cloud, lost
from scs.errors import BadInput, ScsError, StepFailed


def test_data_come_back_while_who_writes_is_stopped(world: World, place: Place) -> None:
    made(world, place)
    was = dict(world.cloud.data["node-1"])
    world.cloud.data["node-1"] = dict.fromkeys(was, "later\n-- Dump completed\n")
    active: list[str] = []

    def at_step(_where: str, step: str) -> None:
        if step == f"feed {DATABASES}":
            things = world.node.items()
            active.extend(
                values["component"]
                for name, values in things
                if name.startswith("unit:") and values["active"] == "active"
            )

    world.cloud.at_step = at_step
    assert restored(world, place) == []
    assert world.cloud.data["node-1"] == was
    assert {"mariadb", "ovn-central"} <= set(active)
    assert not {"keystone", "nova", "neutron", "glance"} & set(active)
    assert not world.plan().plan, "all is at work again"
    assert not unfinished(world.session().paths)


def test_a_backup_leads_back_from_a_finished_upgrade(empty: World, place: Place) -> None:
    """No older service meets the newer databases: it is started when its own are back."""
    world = empty
    world.yaml["release"] = "2026.1"
    world.up()
    made(world, place)
    was = {name: dict(thing) for name, thing in world.node.items() if name.startswith("migration:")}
    world.yaml["release"] = "2026.2"
    world.up()
    for thing in was:
        world.node[thing] |= {"held": "", "revisions": ["expand-2026.2", "contract-2026.2"]}
    world.yaml["release"] = "2026.1"
    assert world.plan().plan.refusals
    steps: list[str] = []

    def at_step(_where: str, step: str) -> None:
        steps.append(step)
        if step == f"feed {DATABASES}":
            world.node.update({name: dict(thing) for name, thing in was.items()})

    world.cloud.at_step = at_step
    assert restored(world, place) == []
    assert steps.index(f"feed {DATABASES}") < steps.index("link:/opt/scs/openstack")
    assert "2026.1" in world.node["link:/opt/scs/openstack"]["target"]
    assert not world.plan().plan


def test_a_lost_machine_comes_back(world: World, place: Place) -> None:
    world.cloud.data["node-1"] = {DATABASES: "all rows\n-- Dump completed\n"}
    secrets = world.secrets()
    found = made(world, place)
    seal = world.session().secrets(SEAL)
    shutil.rmtree(world.state)
    world.cloud = PaperCloud()
    early: list[str] = []
    fed: list[str] = []

    def at_step(where: str, step: str) -> None:
        fed.extend([step] if step.startswith("fed ") else [])
        early.extend([step] if where == "the cloud's API" and not fed else [])

    world.cloud.at_step = at_step
    session = world.session("restore")
    assert lost(session.paths)
    told = bring_back(place, found, session.vault, world.folder / "cloud.yaml", session.paths)
    assert str(world.state) in told
    assert world.secrets() - {seal} == secrets - {seal}
    assert restored(world, place) == []
    assert world.cloud.data["node-1"][DATABASES] == "all rows\n-- Dump completed\n"
    assert fed
    assert early == [], "what is in the API comes with the data"
    assert not world.plan().plan
    assert (world.state / "secrets.age").stat().st_mode & 0o777 == 0o600


STEPS = (
    "systemctl stop",
    f"feed {DATABASES}",
    f"fed {DATABASES}",
    "fed ovn-central northbound",
)


@pytest.mark.parametrize("where", STEPS)
def test_a_killed_restore_is_gone_on_with(world: World, place: Place, where: str) -> None:
    found = made(world, place)
    was = dict(world.cloud.data["node-1"])
    world.cloud.data["node-1"] = dict.fromkeys(was, "later\n-- Dump completed\n")

    def at_step(_where: str, step: str) -> None:
        if step.startswith(where):
            raise Killed

    world.cloud.at_step = at_step
    with pytest.raises(Killed):
        restored(world, place)
    paths = world.session().paths
    assert unfinished(paths) == found.id
    with pytest.raises(BadInput, match=f"scs restore {found.id}"):
        refuse_unfinished(paths)
    world.cloud.at_step = lambda *_: None
    assert restored(world, place, found.id) == []
    assert world.cloud.data["node-1"] == was
    assert not world.plan().plan
    refuse_unfinished(paths)


def test_a_restore_whose_services_do_not_start_is_gone_on_with(world: World, place: Place) -> None:
    found = made(world, place)
    world.cloud.broken = {"unit:nova-api.service"}
    with pytest.raises(StepFailed, match="nova-api"):
        restored(world, place)
    assert unfinished(world.session().paths) == found.id
    world.cloud.broken = set()
    assert restored(world, place) == []
    assert not world.plan().plan


def test_a_state_that_came_back_in_half_is_brought_back_again(
    world: World, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = made(world, place)
    secrets = world.secrets()
    shutil.rmtree(world.state)
    session = world.session("restore")
    file = world.folder / "cloud.yaml"
    real = os.replace

    def replace(source: Any, target: Any) -> None:
        if Path(target) == world.state / "pki.age":
            raise Killed
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace)
        with pytest.raises(Killed):
            bring_back(place, found, session.vault, file, session.paths)
    assert lost(session.paths)
    bring_back(place, found, session.vault, file, session.paths)
    assert not lost(session.paths)
    assert not (world.state / ".restoring").exists()
    assert world.secrets() >= secrets


def test_another_clouds_backup_is_refused(
    world: World, empty: World, place: Place, tmp_path: Path
) -> None:
    found = made(world, place)
    shutil.rmtree(world.state)
    world.cloud = PaperCloud()
    world.up()
    made(world, place)
    with world.session() as session, pytest.raises(BadInput, match="is of another cloud"):
        check_cloud(session, place, found)
    with pytest.raises(BadInput, match="is of another cloud"):
        restored(world, place, found.id)
    assert place.prune(place.find("latest").mark, 1) == [], "those of others stay"


def test_another_release_is_refused(world: World, place: Place) -> None:
    made(world, place)
    seal = world.session().secrets(SEAL)
    found = place.find("latest")
    values = {**found.__dict__, "release": "2025.1"}
    with world.session() as session, pytest.raises(BadInput, match=r"release 2025\.1"):
        check_cloud(session, place, Manifest(**values).closed(seal))


def test_what_has_no_place_any_more_is_told(world: World, place: Place) -> None:
    world.yaml["nodes"] = [{"name": "node-1"}, {"name": "node-2", "roles": ["compute"]}]
    world.up()
    made(world, place)
    world.cloud.nodes.pop("node-2")
    world.cloud.running.discard("node-2")
    world.yaml.pop("nodes")
    assert restored(world, place) == [
        Unloaded("nova-compute identity node-2", "there is no node node-2")
    ]


def archive_of(members: dict[str, str]) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(mode="w|", fileobj=out) as tar:
        for name, text in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    out.seek(0)
    return out


def test_what_is_there_beside_cloud_yaml_stays(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/nova.conf").write_text("mine")
    members = {"beside/cloud.yaml": "name: x", "beside/config/nova.conf": "old", "state/x": "y"}
    found = own.bring_back(archive_of(members), None, tmp_path / "other.yaml")
    assert found == [str(tmp_path / "other.yaml")]
    assert (tmp_path / "config/nova.conf").read_text() == "mine"
    assert (tmp_path / "other.yaml").read_text() == "name: x"
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", ["state/../../x", "beside//etc/x", "beside/", "state"])
def test_an_archive_does_not_write_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(ScsError, match="does not belong"):
        own.bring_back(archive_of({name: "x"}), tmp_path / "state", tmp_path / "cloud.yaml")
