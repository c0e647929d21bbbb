# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The cache of images: `<cache>/images/<name>-<first 12 of sha256>/`.

A folder that is there is complete: it is filled under another name and renamed as the last
step, so a kill at any moment leaves nothing that looks like an image.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from scs.images.image import BuiltImage

KEEP = 2
"""Images of one name that stay: the newest, and the one before it that may be in use."""

_PARTIAL = ".new-"
_DISK = "disk.qcow2"
_METADATA = "metadata.json"


@dataclass(frozen=True)
class Draft:
    """What a builder says about the disk that it has just made."""

    min_disk: int
    min_ram: int
    built: datetime
    properties: Mapping[str, str]


class Store:
    """The images of one cache folder."""

    def __init__(self, cache: Path) -> None:
        self.folder = cache / "images"

    def find(self, name: str, recipe: str) -> BuiltImage | None:
        """The newest image of that name made by exactly that recipe, if there is one."""
        found = [
            image for folder in self._folders(name) if (image := _load(folder, recipe)) is not None
        ]
        return max(found, key=lambda image: image.built, default=None)

    @contextmanager
    def workspace(self, name: str) -> Iterator[Path]:
        """A folder to build in, for one process at a time; gone afterwards in any case.

        It is beside the finished images, so that a rename is all that finishing takes.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f".{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Whoever holds the lock knows that other folders were left by a run that died.
            for old in self.folder.glob(f"{_PARTIAL}{name}-*"):
                shutil.rmtree(old, ignore_errors=True)
            work = Path(tempfile.mkdtemp(prefix=f"{_PARTIAL}{name}-", dir=self.folder))
            try:
                yield work
            finally:
                shutil.rmtree(work, ignore_errors=True)

    def add(self, name: str, recipe: str, disk: Path, work: Path, draft: Draft) -> BuiltImage:
        """Take a finished qcow2 into the store and return it measured; `work` is on its disk."""
        sha256, sha512 = digests(disk)
        ready = work / "ready"
        ready.mkdir()
        disk.rename(ready / _DISK)
        metadata = {
            "name": name,
            "recipe": recipe,
            "sha256": sha256,
            "sha512": sha512,
            "size": (ready / _DISK).stat().st_size,
            "min_disk": draft.min_disk,
            "min_ram": draft.min_ram,
            "built": draft.built.isoformat(),
            # No os_hash_*: the image service computes those and refuses to be told.
            "properties": dict(draft.properties),
        }
        (ready / _METADATA).write_text(json.dumps(metadata, indent=2) + "\n")
        _sync(ready / _DISK)
        _sync(ready / _METADATA)
        final = self.folder / f"{name}-{sha256[:12]}"
        if final.exists():  # the same bytes again: only what is said about them is newer
            (ready / _METADATA).replace(final / _METADATA)
        else:
            ready.chmod(0o755)
            ready.rename(final)
        self._prune(name)
        image = _load(final, recipe)
        assert image is not None
        return image

    def _folders(self, name: str) -> list[Path]:
        return [path for path in self.folder.glob(f"{name}-*") if (path / _METADATA).is_file()]

    def _prune(self, name: str) -> None:
        # By the name inside, not the folder's: "debian" must not prune "debian-13".
        dated = [
            (data["built"], folder)
            for folder in self._folders(name)
            if (data := _read(folder)) is not None and data.get("name") == name
        ]
        for _, folder in sorted(dated, reverse=True)[KEEP:]:
            shutil.rmtree(folder, ignore_errors=True)


def digests(path: Path) -> tuple[str, str]:
    """sha256 and sha512 of a file, in one reading."""
    sha256, sha512 = hashlib.sha256(), hashlib.sha512()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            sha256.update(block)
            sha512.update(block)
    return sha256.hexdigest(), sha512.hexdigest()


def recipe_of(*parts: str | bytes | Path) -> str:
    """A hash of everything that decides what a build makes; folders count with all files."""
    total = hashlib.sha256()

    def add(data: bytes) -> None:
        total.update(len(data).to_bytes(8, "big"))
        total.update(data)

    for part in parts:
        if isinstance(part, Path):
            files = sorted(part.rglob("*")) if part.is_dir() else [part]
            for file in files:
                if file.is_file() and "__pycache__" not in file.parts:
                    add(file.name.encode())
                    add(file.read_bytes())
        else:
            add(part.encode() if isinstance(part, str) else part)
    return total.hexdigest()


def _read(folder: Path) -> dict[str, object] | None:
    try:
        data = json.loads((folder / _METADATA).read_text())
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def _load(folder: Path, recipe: str) -> BuiltImage | None:
    """The image in that folder; None when it is another recipe's or has been tampered with."""
    data = _read(folder)
    disk = folder / _DISK
    if data is None or data.get("recipe") != recipe or not disk.is_file():
        return None
    properties = data["properties"]
    size = disk.stat().st_size
    if size != data["size"] or not isinstance(properties, dict):
        return None
    return BuiltImage(
        path=disk,
        name=str(data["name"]),
        sha256=str(data["sha256"]),
        sha512=str(data["sha512"]),
        size=size,
        min_disk=int(str(data["min_disk"])),
        min_ram=int(str(data["min_ram"])),
        built=datetime.fromisoformat(str(data["built"])),
        properties={str(key): str(value) for key, value in properties.items()},
    )


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
