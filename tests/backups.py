# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Making, proving and bringing back backups of a cloud on paper, for tests."""

from __future__ import annotations

import gzip
import os
import time
from pathlib import Path

import pyrage

from paper.world import World
from scs import components
from scs.engine.apply import apply
from scs.engine.backup.create import create
from scs.engine.backup.manifest import Manifest
from scs.engine.backup.place import Place
from scs.engine.backup.restore import Unloaded, restore
from scs.engine.backup.verify import verify
from scs.engine.recording import Recording
from scs.model.component import Component

DATABASES = "mariadb databases"
PARTS: dict[str, Component] = {part.name: part for part, _ in components.discover().values()}


class Killed(BaseException):
    """Stands for kill -9: nobody catches it."""


def made(world: World, place: Place, *, bulk: bool = False) -> Manifest:
    with world.session("backup create") as session:
        return create(session, place, bulk=bulk)


def proven(world: World, place: Place, name: str = "latest", *, offline: bool = False) -> set[str]:
    """What is wrong with a backup: files and reasons; empty when it is well."""
    with world.session("backup verify") as session:
        found = verify(session, place, place.find(name), offline=offline)
    return {f"{item.what}: {item.told}" for item in found if not item.ok}


def restored(world: World, place: Place, name: str = "latest") -> list[Unloaded]:
    """What the command `restore` does, once the state is there."""
    with (
        world.session("restore") as session,
        Recording(session, time.time()) as recording,
    ):

        def up() -> None:
            look = session.look()
            if look.plan:
                apply(session, look, recording)

        return list(restore(session, place, place.find(name), up))


def opened(world: World, place: Place, manifest: Manifest, file: str) -> bytes:
    """A file as `age --decrypt` and `gunzip` open it."""
    identity = pyrage.x25519.Identity.from_str(Path(os.environ["SCS_IDENTITY"]).read_text().strip())
    data = (place.path(manifest.id) / file).read_bytes()
    return gzip.decompress(pyrage.decrypt(data, [identity]))


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
