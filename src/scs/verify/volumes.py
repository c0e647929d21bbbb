# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Volumes for the proof: a guest writes to one, and a copy of its snapshot holds the same."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from scs.api.clients import checked
from scs.verify.run import API_SECONDS, Run
from scs.verify.server import Server
from scs.verify.steps import Finding, ProofFailed

MIB = 16
"""How much is written to a volume."""


class Volumes:
    """What is done with volumes: two steps, and what a step of others does with one."""

    def __init__(self, run: Run, server: Server) -> None:
        self._run = run
        self._server = server
        self._volume = ""

    def volume(self) -> Finding:
        """An empty volume of the default type."""
        start = time.monotonic()
        made = self.make({"size": 1})
        self._volume = made["id"]
        kind = made["volume_type"]
        return Finding(f"1 GiB of type {kind}, available after {time.monotonic() - start:.1f} s")

    def attachment(self) -> Finding:
        """Bytes that the guest has written to the volume are in a copy of its snapshot."""
        step = "attachment"
        start = time.monotonic()
        device = self.attach(self._volume, step)
        written = self.written(device, MIB)
        self.detach(self._volume, step)
        self._run.saying(step)("taking a snapshot")
        body = {"snapshot": {**self._run.marks, "volume_id": self._volume}}
        snapshot = self._asked("post", "snapshots", body)["snapshot"]["id"]
        self._await("snapshots", snapshot, "available")
        copy = self.make({"size": 1, "snapshot_id": snapshot})["id"]
        read = self.checksum(self.attach(copy, step), MIB)
        if read != written:
            raise ProofFailed(
                f"the copy's first {MIB * 2**20} bytes are {read}, written were {written}"
            )
        self.detach(copy, step)
        return Finding(
            f"{MIB} MiB that the guest wrote are the same in a copy of the snapshot,"
            f" all in {time.monotonic() - start:.1f} s"
        )

    # In the API.

    def make(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """A volume with these values, once it is available."""
        self._run.patience.check()
        body = {"volume": {**self._run.marks, **values}}
        made = self._asked("post", "volumes", body)["volume"]
        return self._await("volumes", made["id"], "available")

    def _asked(self, method: str, path: str, body: object = None) -> Any:
        """The answer of the block storage to one request."""
        answer = getattr(self._run.cloud.block_storage, method)(f"/{path}", json=body)
        return checked(answer, path.partition("/")[0])

    def _await(self, kind: str, known: str, wanted: str) -> dict[str, Any]:
        """A volume or snapshot once its status is this one."""
        last = [""]

        def probe() -> dict[str, Any] | None:
            seen: dict[str, Any] = self._asked("get", f"{kind}/{known}")[kind[:-1]]
            last[0] = seen["status"]
            if "error" in seen["status"]:
                raise ProofFailed(f"{kind[:-1]} {known} is {seen['status']}")
            return seen if seen["status"] == wanted else None

        what = f"{kind[:-1]} {known} is not {wanted}"
        return self._run.patience.until(probe, API_SECONDS, lambda: f"{what} but {last[0]}")

    # In the guest.

    def attach(self, volume: str, step: str) -> str:
        """Give the guest a volume; the name of its device there."""
        before = self._disks()
        self._run.saying(step)(f"attaching {volume}")
        self._run.cloud.compute.create_volume_attachment(self._server.id, volume_id=volume)
        self._await("volumes", volume, "in-use")
        found = self._run.patience.until(
            lambda: self._disks() - before, API_SECONDS, lambda: "the guest sees no new disk"
        )
        return found.pop()

    def detach(self, volume: str, step: str) -> None:
        """Take it away again."""
        self._run.saying(step)(f"detaching {volume}")
        before = self._disks()
        self._run.cloud.compute.delete_volume_attachment(self._server.id, volume)
        self._await("volumes", volume, "available")
        self._run.patience.until(
            lambda: before - self._disks(), API_SECONDS, lambda: "the guest still sees the disk"
        )

    def _disks(self) -> set[str]:
        return set(self._server.shell.run("ls /sys/block").split())

    def written(self, device: str, mib: int) -> str:
        """Write random bytes to a disk; their checksum as read back from it."""
        self._server.shell.run(f"dd if=/dev/urandom of=/dev/{device} bs=1M count={mib} && sync")
        return self.checksum(device, mib)

    def checksum(self, device: str, mib: int) -> str:
        """Of so many MiB, read from the disk itself."""
        drop = "echo 3 > /proc/sys/vm/drop_caches"
        told = self._server.shell.run(
            f"{drop}; dd if=/dev/{device} bs=1M count={mib} 2>/dev/null | sha256sum"
        )
        return told.split()[0]
