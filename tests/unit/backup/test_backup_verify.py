# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Backups of a cloud on paper, proven: what is damaged or forged is found."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyrage
import pytest

from backups import DATABASES, flip, made, proven
from paper.world import World
from scs.engine.backup.manifest import NAME, SEAL
from scs.engine.backup.note import unfinished
from scs.engine.backup.place import Place
from scs.engine.backup.restore import check, check_cloud
from scs.engine.backup.verify import verify
from scs.errors import BadInput, ScsError


def _values(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / NAME
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def _forged(folder: Path) -> None:
    """Another dump, encrypted for the same people, with sums that fit."""
    from hashlib import sha256

    values = json.loads((folder / NAME).read_text())
    public = [pyrage.x25519.Recipient.from_str(text) for text in values["recipients"]]
    data = pyrage.encrypt(gzip.compress(b"evil\n-- Dump completed\n"), public)
    (folder / "mariadb.databases.age").write_bytes(data)
    for item in values["items"]:
        if item["component"] == "mariadb":
            item |= {"size": len(data), "sha256": sha256(data).hexdigest(), "clear_size": 23}
    (folder / NAME).write_text(json.dumps(values))


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a bit": (
        lambda folder: flip(folder / "mariadb.databases.age"),
        f"{DATABASES}: was altered",
    ),
    "cut off": (
        # Shorter than any header: age makes headers of different lengths by chance.
        lambda folder: os.truncate(folder / "mariadb.databases.age", 30),
        f"{DATABASES}: has 30 bytes instead of",
    ),
    "gone": (
        lambda folder: (folder / "scs.state.age").unlink(),
        "scs state: cannot be read: No such file",
    ),
    "an item less": (
        lambda folder: _values(folder, lambda values: values["items"].pop()),
        "manifest: was altered",
    ),
    "another time": (
        lambda folder: _values(folder, lambda values: values.update(made=1.0)),
        "manifest: was altered",
    ),
    "forged": (_forged, "manifest: was altered"),
}


def _checked(world: World, place: Place) -> None:
    """What the command `restore` looks at before it touches anything."""
    found = place.find("latest")
    check(place, found)
    with world.session("restore") as session:
        check_cloud(session, place, found)


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found_and_not_restored(world: World, place: Place, name: str) -> None:
    found = made(world, place)
    damage, told = DAMAGE[name]
    damage(place.path(found.id))
    assert any(text.startswith(told) for text in proven(world, place))
    before = dict(world.cloud.data["node-1"])
    with pytest.raises(BadInput):
        _checked(world, place)
    assert world.cloud.data["node-1"] == before
    assert not unfinished(world.session().paths)


def test_a_wrong_key_is_told(
    world: World, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = made(world, place)
    other = tmp_path / "other"
    other.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    with world.session() as session:
        assert session.secrets(SEAL)  # they were opened before
        session.vault.identity = other
        session.vault.__dict__.pop("_identities", None)
        wrong = [item for item in verify(session, place, found, offline=True) if not item.ok]
    assert {item.what for item in wrong} == {item.label for item in found.items}
    assert all("cannot be opened with the identity" in item.told for item in wrong)


def test_what_cannot_be_loaded_is_found_in_the_scratch_place(world: World, place: Place) -> None:
    made(world, place)
    world.cloud.broken = {DATABASES}
    assert proven(world, place) == {f"{DATABASES}: ended with 1\n{DATABASES} does not want to"}
    assert proven(world, place, offline=True) == set()


def test_a_manifest_that_points_elsewhere_is_refused(world: World, place: Place) -> None:
    found = made(world, place)
    _values(place.path(found.id), lambda values: values["items"][0].update(file="../../etc/passwd"))
    with pytest.raises(ScsError, match="names files elsewhere"):
        place.find("latest")
