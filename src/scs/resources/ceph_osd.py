# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A disk of Ceph: a whole device, or a file. Made when it is empty, replaced when it is lost."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from .base import ConvergeError, Resource, Seen, command, patient
from .rados import ask

TOP = Path("/var/lib/ceph/osd")
ACCOUNT = "client.disks"
"""It may add, empty and remove disks."""
STALE_SECONDS = 10.0
"""Until then what is told of placement groups may be from before a disk went."""
DOWN_SECONDS = 60.0
DRAIN_SECONDS = 6 * 3600.0


@dataclass(frozen=True, kw_only=True)
class Osd(Resource):
    """A disk; the name is its slot's.

    A device that has anything on it is refused. A disk whose data are lost is made anew only
    when the cluster serves everything without it.
    """

    kind: ClassVar[str] = "osd"
    data: ClassVar[bool] = True
    uuid: str
    key: str = field(repr=False)
    fsid: str
    device: str = ""
    size: int = 0
    """GiB, of a file."""

    @property
    def path(self) -> Path:
        return TOP / self.name

    @property
    def draft(self) -> Path:
        """Its folder until it is whole."""
        return TOP / f".{self.name}.new"

    @property
    def _begun(self) -> bool:
        """Whether a run that was killed has begun to make it: what is on the device is ours."""
        block = self.draft / "block"
        return block.is_symlink() and str(block.readlink()) == self.device

    @property
    def paths(self) -> tuple[str, ...]:
        return (f"{self.path}/whoami",)

    @classmethod
    def observe(cls, wanted: Sequence[Osd]) -> dict[str, Seen]:
        return {want.id: want._look() for want in wanted}

    def _look(self) -> Seen:
        block = self.path / "block"
        whoami = self.path / "whoami"
        made = (self.path / "ready").exists() and whoami.exists()
        belongs = (self.path / "ceph_fsid").read_text().strip() if made else self.fsid
        seen: dict[str, Any] = {
            "number": whoami.read_text().strip() if made else "",
            "made": made,
            "foreign": "" if belongs == self.fsid else belongs,
            "block": block.exists(),
        }
        if self.device:
            seen["device"] = Path(self.device).exists()
            known = made or not seen["device"] or self._begun
            seen["holds"] = "" if known else holds(self.device)
        return seen

    def compare(self, seen: Seen) -> str | None:
        if not seen:
            return "is missing"
        if self.device and not seen["device"]:
            return f"is lost: there is no {self.device}"
        if seen.get("holds"):
            return f"holds {seen['holds']}: {self.device} must be empty"
        if seen["foreign"]:
            return f"belongs to another cluster, {seen['foreign']}"
        if not seen["made"]:
            return "is missing"
        return None if seen["block"] else "has lost its data"

    def converge(self) -> None:
        seen = self._look()
        reason = self.compare(seen)
        if reason is None:
            return
        if self.device and not seen["device"]:
            raise ConvergeError(f"there is no {self.device}: put a disk there, or take it out")
        if seen.get("holds"):
            hint = f"to lose that: wipefs --all {self.device}"
            raise ConvergeError(f"{self.device} {reason.partition(':')[0]}; {hint}")
        if seen["foreign"]:
            raise ConvergeError(f"{self.path} {reason}; to lose what is in it: rm -r {self.path}")
        self._give_up()
        secret = json.dumps({"cephx_secret": self.key})
        (answer,) = ask(
            [({"prefix": "osd new", "uuid": self.uuid}, secret)], account=ACCOUNT, seconds=60
        )
        self._make(str(answer.values["osdid"]))

    def _give_up(self) -> None:
        """Have the cluster forget what was on this disk, if it knows it and can do without."""
        known = {item["uuid"]: item for item in _disks()}
        mine = known.get(self.uuid)
        if mine is None or not mine["up_from"]:
            return  # never ran: nothing was on it
        number = str(mine["osd"])
        unit = f"scs-ceph-osd@{self.name}.service"
        command(["systemctl", "stop", unit], check=False, timeout=120)
        ask([{"prefix": "osd down", "ids": [number]}], account=ACCOUNT)
        end = time.monotonic() + patient(DOWN_SECONDS)
        time.sleep(patient(STALE_SECONDS))
        while bad := unserved():
            if time.monotonic() > end:
                raise ConvergeError(
                    f"disk {self.name} (osd.{number}) is lost, and the cluster can't serve"
                    f" everything without it: {bad}. Bring its data back, or another disk's. To"
                    f" give it up and lose what only it had: ceph osd purge {number}"
                    " --yes-i-really-mean-it"
                )
            time.sleep(1)
        ask(
            [{"prefix": "osd purge-actual", "id": int(number), "yes_i_really_mean_it": True}],
            account=ACCOUNT,
        )

    def _make(self, number: str) -> None:
        shutil.rmtree(self.path, ignore_errors=True)  # there is no data in it: see above
        draft = self.draft
        if self._begun:
            command(["wipefs", "--quiet", "--all", self.device])
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        block = draft / "block"
        if self.device:
            block.symlink_to(self.device)
            shutil.chown(self.device, "ceph", "ceph")
        else:
            with block.open("wb") as stream:
                os.truncate(stream.fileno(), self.size * 2**30)
        with TemporaryDirectory(prefix="scs-osd-") as folder:
            ring = draft / "keyring"
            descriptor = os.open(ring, os.O_WRONLY | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "w") as stream_of_key:
                stream_of_key.write(f"[osd.{number}]\nkey = {self.key}\n")
            command(["chown", "-R", "ceph:ceph", str(draft)])
            command(
                [
                    *("ceph-osd", "--mkfs", "--id", number, "--osd-data", str(draft)),
                    *("--osd-uuid", self.uuid, "--keyring", str(ring)),
                    *("--setuser", "ceph", "--setgroup", "ceph", "--log-to-stderr=true"),
                ],
                env={**os.environ, "TMPDIR": folder},
                timeout=120,
            )
        draft.rename(self.path)


def holds(device: str) -> str:
    """What is on a device, in a few words; empty when it is empty."""
    told = command(["lsblk", "--noheadings", "--list", "--output=NAME,MOUNTPOINT", device])
    lines = [line.split() for line in told.splitlines() if line.strip()]
    if mounts := [line[1] for line in lines if len(line) > 1]:
        return f"what is mounted at {', '.join(mounts)}"
    if len(lines) > 1:
        return f"{len(lines) - 1} partitions"
    found = command(["wipefs", "--noheadings", "--output=TYPE", device]).split()
    return ", ".join(dict.fromkeys(found))


def _disks() -> list[dict[str, Any]]:
    (dump,) = ask([{"prefix": "osd dump"}], account=ACCOUNT)
    found: list[dict[str, Any]] = dump.values["osds"]
    return found


def unserved() -> str:
    """What the cluster does not serve now; empty when it serves everything."""
    (status,) = ask([{"prefix": "status"}], account=ACCOUNT)
    bad = [
        f"{item['count']} placement groups are {item['state_name']}"
        for item in status.values["pgmap"].get("pgs_by_state", ())
        # What was active is stale where nobody is left who could say so.
        if "active" not in (states := item["state_name"].split("+")) or "stale" in states
    ]
    return ", ".join(bad)


def drain(slot: str) -> None:
    """Move all data off a disk, then stop and delete it; goes on where a killed run was."""
    path = TOP / slot
    whoami = path / "whoami"
    if whoami.exists():
        number = whoami.read_text().strip()
        ids = {"ids": [number]}
        end = time.monotonic() + patient(DRAIN_SECONDS)
        ask([{"prefix": "osd out", **ids}], account=ACCOUNT)
        asked = {"prefix": "osd safe-to-destroy", "target": ["mon-mgr", ""], **ids}
        while ask([asked], account=ACCOUNT, strict=False)[0].code:
            if time.monotonic() > end:
                raise ConvergeError(f"osd.{number} still holds data: run it again to go on")
            time.sleep(2)
        command(["systemctl", "disable", "--now", f"scs-ceph-osd@{slot}.service"], timeout=120)
        ask([{"prefix": "osd down", **ids}], account=ACCOUNT)
        ask(
            [{"prefix": "osd purge-actual", "id": int(number), "yes_i_really_mean_it": True}],
            account=ACCOUNT,
        )
    with suppress(FileNotFoundError):
        shutil.rmtree(path)


def purge(slot: str) -> None:
    """Delete a disk's data at once: the cluster goes with it."""
    command(["systemctl", "disable", "--now", f"scs-ceph-osd@{slot}.service"], check=False)
    with suppress(FileNotFoundError):
        shutil.rmtree(TOP / slot)
