# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A folder with backups: `CLOUD/ID/`, each whole as soon as it has a manifest."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from scs.engine.backup.manifest import NAME, Manifest
from scs.errors import BadInput, Problem, ScsError

ID = re.compile(r"\d{8}T\d{6}Z")
LATEST = "latest"


class Place:
    """The backups of one cloud in a folder."""

    def __init__(self, folder: Path, cloud: str) -> None:
        self.root = folder
        self.cloud = cloud
        self.folder = folder / cloud

    def check(self) -> None:
        """Raises BadInput when there is no such folder: what is not mounted must not be filled."""
        if not self.root.is_dir():
            hint = f"mkdir {self.root}, mount it, or name another: --to FOLDER"
            raise BadInput(Problem(f"backup {self.root}", "is no folder that is there", hint))

    def ids(self) -> Sequence[str]:
        """All that is there, also what is not whole; the oldest first."""
        try:
            found = [path.name for path in self.folder.iterdir() if path.is_dir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ScsError(Problem(str(self.folder), f"{error.strerror}")) from error
        return sorted(name for name in found if ID.fullmatch(name))

    def path(self, name: str) -> Path:
        return self.folder / name

    def whole(self) -> Sequence[str]:
        """Those that were made to their end."""
        return [name for name in self.ids() if (self.path(name) / NAME).is_file()]

    def manifests(self) -> dict[str, Manifest]:
        """ID → manifest of each that is whole and can be read, the oldest first."""
        found = {}
        for name in self.whole():
            try:
                found[name] = Manifest.read(self.path(name))
            except ScsError:
                continue  # told by `list` and `verify`
        return found

    def find(self, name: str) -> Manifest:
        """The backup of that ID, or the latest; raises BadInput."""
        there = self.whole()
        hint = f"there are: {', '.join(there[-5:])}" if there else "scs backup create"
        wanted = there[-1] if name == LATEST and there else name
        if wanted not in there:
            what = "was not made to its end" if wanted in self.ids() else "is not there"
            raise BadInput(Problem(f"backup {self.folder}/{wanted}", what, hint))
        found = Manifest.read(self.path(wanted))
        if found.cloud != self.cloud or found.id != wanted:
            what = f"says that it is {found.id} of cloud {found.cloud}"
            raise BadInput(Problem(f"backup {self.folder}/{wanted}", what, "it was moved here"))
        return found

    def new(self) -> str:
        """A folder for a new backup, named after this second or the next that is free."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        now = time.time()
        while True:
            name = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
            try:
                self.path(name).mkdir(mode=0o700)
            except FileExistsError:
                now += 1
                continue
            return name

    def clean(self) -> Sequence[str]:
        """Remove what killed runs have left; to be called by who alone may write here."""
        broken = [name for name in self.ids() if not (self.path(name) / NAME).exists()]
        for name in broken:
            self.remove(name)
        return broken

    def remove(self, name: str) -> None:
        """Remove one; killed in the middle, it is one that is not whole."""
        (self.path(name) / NAME).unlink(missing_ok=True)
        shutil.rmtree(self.path(name))

    def prune(self, mark: str, keep: int) -> Sequence[str]:
        """Remove all of this cloud's but the newest `keep`; those of others stay."""
        mine = [name for name, found in self.manifests().items() if found.mark == mark]
        going = mine[: max(len(mine) - keep, 0)]
        for name in going:
            self.remove(name)
        return going

    def settle(self, name: str) -> None:
        """Have the disk know the names in a backup's folder, and its own."""
        for path in (self.path(name), self.folder):
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
