# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Backups of a cloud on paper, made: whole, shared, broken off."""

from __future__ import annotations

import errno
import gzip
import io
import os
import shutil
import tarfile
from pathlib import Path

import pyrage
import pytest

from backups import DATABASES, Killed, made, opened, proven
from paper.world import World
from scs.engine.backup import streams
from scs.engine.backup.create import create
from scs.engine.backup.manifest import NAME, SEAL
from scs.engine.backup.place import Place
from scs.errors import BadInput, ScsError, StepFailed


def test_a_backup_holds_state_and_data_and_nothing_in_clear(world: World, place: Place) -> None:
    world.cloud.data["node-1"] = {DATABASES: "all rows\n-- Dump completed\n"}
    found = made(world, place)
    folder = place.path(found.id)
    assert {item.label for item in found.items} == {
        "scs state",
        DATABASES,
        "nova-compute identity node-1",
        "ovn-central northbound",
    }
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [NAME, *(item.file for item in found.items)]
    )
    secrets = [value.encode() for value in world.secrets()]
    for path in folder.iterdir():
        data = path.read_bytes()
        assert path.stat().st_mode & 0o777 == 0o600
        assert not any(value in data for value in (*secrets, b"all rows"))
    assert folder.stat().st_mode & 0o777 == 0o700
    dump = opened(world, place, found, "mariadb.databases.age")
    assert dump == b"all rows\n-- Dump completed\n"
    with tarfile.open(fileobj=io.BytesIO(opened(world, place, found, "scs.state.age"))) as tar:
        names = set(tar.getnames())
    assert {"state/secrets.age", "state/pki.age", "state/journal.jsonl"} <= names
    assert not any("lock" in name or "nodes" in name for name in names)
    assert {item["path"] for item in found.left} >= {"/var/lib/nova/instances"}
    assert proven(world, place) == set()


def test_what_lies_beside_cloud_yaml_is_in_it(world: World, place: Place) -> None:
    (world.folder / "config").mkdir()
    (world.folder / "config/nova.conf").write_text("[DEFAULT]\nreserved_host_memory_mb = 1\n")
    (world.folder / "unrelated").write_text("no")
    (world.folder / "cloud.yaml").write_text("name: paper\n")
    with world.session("backup create") as session:
        session.file = world.folder / "cloud.yaml"
        found = create(session, place, bulk=False)
    with tarfile.open(fileobj=io.BytesIO(opened(world, place, found, "scs.state.age"))) as tar:
        beside = {name for name in tar.getnames() if name.startswith("beside/")}
    assert beside == {"beside/cloud.yaml", "beside/config/nova.conf"}


def test_unchanged_files_are_there_once(world: World, place: Place) -> None:
    first = made(world, place)
    world.cloud.data["node-1"][DATABASES] = "other rows\n-- Dump completed\n"
    second = made(world, place)
    third = made(world, place)
    assert len({first.id, second.id, third.id}) == 3
    shared = {item.label: item.since for item in third.items}
    assert shared["ovn-central northbound"] == first.id
    assert shared[DATABASES] == second.id
    same = [
        (place.path(name) / "ovn-central.northbound.age").stat().st_ino
        for name in (first.id, second.id, third.id)
    ]
    assert len(set(same)) == 1
    with world.session() as session:
        assert place.prune(third.mark, 1) == [first.id, second.id]
        assert session.secrets(SEAL)
    assert place.whole() == [third.id]
    assert proven(world, place) == set()


def test_a_damaged_file_is_not_shared(world: World, place: Place) -> None:
    first = made(world, place)
    path = place.path(first.id) / "ovn-central.northbound.age"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    second = made(world, place)
    assert all(not item.since for item in second.items if item.component == "ovn-central")
    assert proven(world, place) == set()
    assert proven(world, place, first.id)


def test_who_may_open_a_backup_may_open_all_of_it(world: World, place: Place) -> None:
    made(world, place)
    other = pyrage.x25519.Identity.generate()
    world.yaml["secrets"] = {"recipients": [str(other.to_public())]}
    found = made(world, place)
    assert str(other.to_public()) in found.recipients
    for item in found.items:
        data = (place.path(found.id) / item.file).read_bytes()
        assert gzip.decompress(pyrage.decrypt(data, [other]))


@pytest.mark.parametrize("broken", [DATABASES, "ovn-central northbound"])
def test_what_does_not_end_well_leaves_nothing(world: World, place: Place, broken: str) -> None:
    kept = made(world, place)
    world.cloud.broken = {broken}
    with pytest.raises(StepFailed, match="does not want to"):
        made(world, place)
    assert place.ids() == [kept.id]


def test_a_dump_without_its_end_is_refused(world: World, place: Place) -> None:
    world.cloud.data["node-1"] = {DATABASES: "half of all ro"}
    with pytest.raises(StepFailed, match="not whole"):
        made(world, place)
    assert place.ids() == []


def test_a_full_disk_is_one_error_and_older_backups_stay(
    world: World, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = made(world, place)
    there = 0
    real = streams.Written.write

    def write(self: streams.Written, data: bytes) -> int:
        nonlocal there
        there += len(data)
        if there > 3000:
            error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.error = error
            raise error
        return real(self, data)

    monkeypatch.setattr(streams.Written, "write", write)
    with pytest.raises(ScsError) as caught:
        made(world, place)
    assert len(caught.value.problems) == 1
    assert "No space left on device" in str(caught.value)
    assert "prune" in str(caught.value)
    assert place.ids() == [kept.id]
    monkeypatch.undo()


def test_a_full_disk_is_told_by_the_real_file(world: World, place: Place, tmp_path: Path) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        target = streams.Written(tmp_path / "x")
        os.dup2(full.fileno(), target._file)
        with pytest.raises(OSError, match="No space"):
            target.write(bytes(streams.BLOCK))
        assert target.error
        os.close(target._file)


def test_a_killed_backup_is_told_and_cleaned_by_the_next(
    world: World, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = made(world, place)

    def at_step(_where: str, step: str) -> None:
        if step == "save ovn-central northbound":
            raise Killed

    world.cloud.at_step = at_step
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda *_args, **_words: None)  # nobody cleans up
        with pytest.raises(Killed):
            made(world, place)
    assert len(place.ids()) == 2
    assert place.whole() == [kept.id]
    with pytest.raises(BadInput, match="not made to its end"):
        place.find(place.ids()[-1])
    world.cloud.at_step = lambda *_: None
    last = made(world, place)
    assert place.ids() == place.whole() == [kept.id, last.id]


def test_nothing_is_saved_of_a_cloud_that_does_not_run(world: World, place: Place) -> None:
    world.cloud.running.clear()
    with pytest.raises(ScsError, match="does not run"):
        made(world, place)
    assert place.ids() == []


def test_a_place_that_is_not_there_is_not_made(world: World, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is no folder"):
        made(world, Place(tmp_path / "not-mounted", "paper"))
    assert not (tmp_path / "not-mounted").exists()
