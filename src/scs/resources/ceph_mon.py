# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The data of a monitor of Ceph: made once, never again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from .base import ConvergeError, Resource, Seen, command

MADE = Path("/var/lib/scs/ceph-monitor")
"""Says that this node once had one, and of which cluster; does not lie with its data."""


@dataclass(frozen=True, kw_only=True)
class Monitor(Resource):
    """A monitor's data folder. Without it nobody can read what is on the cluster's disks.

    So lost data are no reason to make new ones: that would begin another, empty cluster.
    """

    kind: ClassVar[str] = "monitor"
    data: ClassVar[bool] = True
    path: str
    fsid: str
    members: tuple[tuple[str, str], ...]
    """All monitors: name and `v2:ADDRESS:PORT`."""
    keyring: str = field(repr=False)
    """The accounts that are there from the first moment, with their rights."""

    @classmethod
    def observe(cls, wanted: Sequence[Monitor]) -> dict[str, Seen]:
        made = MADE.read_text().strip() if MADE.exists() else ""
        return {
            want.id: {"there": (Path(want.path) / "store.db/CURRENT").exists(), "made": made}
            for want in wanted
        }

    def compare(self, seen: Seen) -> str | None:
        if not seen or (not seen["there"] and (not seen["made"] or len(self.members) > 1)):
            return "is missing"
        return None if seen["there"] else f"has lost its data (of cluster {seen['made']})"

    def converge(self) -> None:
        seen = self.observe([self])[self.id]
        if seen["there"]:
            return
        if seen["made"] and len(self.members) == 1:
            raise ConvergeError(
                f"the monitor's data at {self.path} are gone; a new cluster could not read what is"
                " on the disks. Put the data back from a backup, or rebuild them from the disks"
                " (ceph-objectstore-tool --op update-mon-db). To begin anew and lose everything:"
                f" rm {MADE}"
            )
        final = Path(self.path)
        if final.exists():  # a package makes it, empty; anything else is not ours to delete
            final.rmdir()
        draft = final.with_name(f".{final.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        with TemporaryDirectory(prefix="scs-monitor-") as folder:
            ring, names = (Path(folder) / name for name in ("keyring", "map"))
            descriptor = os.open(ring, os.O_WRONLY | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "w") as stream:
                stream.write(self.keyring)
            command(
                [
                    *("monmaptool", "--create", "--fsid", self.fsid),
                    *(word for name, at in self.members for word in ("--addv", name, f"[{at}]")),
                    str(names),
                ]
            )
            command(
                [
                    *("ceph-mon", "--mkfs", "--id", self.name, "--fsid", self.fsid),
                    *("--monmap", str(names), "--keyring", str(ring), "--mon-data", str(draft)),
                ]
            )
        command(["chown", "-R", "ceph:ceph", str(draft)])
        # Whole or not at all, also when this is killed.
        draft.rename(final)
        MADE.parent.mkdir(parents=True, exist_ok=True)
        MADE.write_text(f"{self.fsid}\n")
