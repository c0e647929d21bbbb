# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A disk's daemon or a monitor of Ceph that starts anew, while the cluster goes on serving."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from .base import ConvergeError, patient
from .ceph_osd import ACCOUNT, STALE_SECONDS, TOP, unserved
from .probe import until
from .rados import Command, ask

SPARED_SECONDS = 900.0
"""How long a cluster may take to make up for the member before; an hour's work is no restart's."""
ACTIVE_SECONDS = 600.0


@dataclass(frozen=True)
class DiskTurn:
    """The daemon of the disk in a slot. Until it is back, the cluster moves none of its data."""

    slot: str
    spared: bool = True
    """There are other copies: it waits until these serve everything without this disk."""

    @property
    def _number(self) -> str:
        return (TOP / self.slot / "whoami").read_text().strip()

    def hold(self, others: Sequence[Any] = ()) -> None:
        # Away for a moment, it would be given up in ten minutes only: no reason not to go on.
        with suppress(ConvergeError):
            self._mark("osd set-group")
        if self.spared:
            numbers = [
                self._number,
                *(item._number for item in others if isinstance(item, DiskTurn)),
            ]
            until(lambda: self._needed(numbers), SPARED_SECONDS)

    def settle(self) -> None:
        # What managers tell of placement groups may be from before the restart.
        time.sleep(patient(STALE_SECONDS))
        until(_unserved, ACTIVE_SECONDS)

    def release(self) -> None:
        self._mark("osd unset-group")

    def _mark(self, prefix: str) -> None:
        """Set or take back `noout`, of this disk only: an operator's own is left alone."""
        asked = {"prefix": prefix, "flags": "noout", "who": [f"osd.{self._number}"]}
        # Refused where the account is older than this, and has not been given the right yet.
        ask([asked], account=ACCOUNT, strict=False)

    def _needed(self, numbers: Sequence[str]) -> str:
        """Why these can't be spared; empty when everything is served without them."""
        asked = {"prefix": "osd ok-to-stop", "ids": numbers, "target": ["mon-mgr", ""]}
        names = ", ".join(f"osd.{number}" for number in numbers)
        return _why(asked, ACCOUNT, f"{names} can't be spared")


@dataclass(frozen=True)
class MonitorTurn:
    """One of several monitors: it goes when the others are a majority."""

    name: str

    def hold(self, others: Sequence[Any] = ()) -> None:
        del others  # no node has two
        asked = {"prefix": "mon ok-to-stop", "ids": [self.name]}
        until(
            lambda: _why(asked, "client.admin", f"monitor {self.name} can't be spared"),
            SPARED_SECONDS,
        )

    def settle(self) -> None:
        until(self._outside, ACTIVE_SECONDS)

    def release(self) -> None:
        """Nothing was told."""

    def _outside(self) -> str:
        try:
            (told,) = ask([{"prefix": "quorum_status"}])
        except ConvergeError as error:
            return str(error)
        there = told.values["quorum_names"]
        return "" if self.name in there else f"the quorum is {', '.join(there)}"


def _why(asked: Command, account: str, what: str) -> str:
    """Why Ceph refuses, in a line; empty when it does not."""
    try:
        (told,) = ask([asked], account=account, strict=False)
    except ConvergeError as error:
        return f"{what}: {error}"
    return f"{what}: {told.err.strip() or told.code}" if told.code else ""


def _unserved() -> str:
    try:
        return unserved()
    except ConvergeError as error:
        return str(error)
