# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The restart of a whole node, when those who would miss it know."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from .base import ConvergeError, Resource, Seen, command, patient
from .turn import away
from .updates import PROC, mapped

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Another one after each start, also in a container."""
BOOT = Path("/boot")
REQUIRED = Path("/run/reboot-required")
"""Made by scripts of packages that know it."""
DELAY = 5
"""Seconds until it goes down: until then it tells whoever has asked that it will."""
STARTING = ("initializing", "starting")
"""What systemd says of itself until all has started that is to start."""
NAMED = 4
"""How many processes are named."""


def boot_id() -> str:
    return BOOT_ID.read_text().strip()


def behind() -> list[str]:
    """What runs on here and is not what is installed any more: kernel, processes."""
    found = []
    kernel = BOOT / f"vmlinuz-{platform.release()}"
    # A container has no kernel of its own.
    newer = [path for path in BOOT.glob("vmlinuz-*") if path.lstat().st_ctime > _booted()]
    if newer and (kernel.exists() or kernel in newer):
        found.append(f"the kernel {platform.release()}")
    stale = sorted({name for name, _, gone in mapped() if gone})
    if stale:
        more = f" and {len(stale) - NAMED} more" if len(stale) > NAMED else ""
        found.append(f"{', '.join(stale[:NAMED])}{more} with files that were replaced")
    if REQUIRED.exists() and not found:
        found.append("something that asks for a restart")
    return found


def _booted() -> float:
    """When the machine has started, in seconds since 1970."""
    return time.time() - float((PROC / "uptime").read_text().split()[0])


@dataclass(frozen=True, kw_only=True)
class Reboot(Resource):
    """A restart of the node, once; the name is the node's."""

    kind: ClassVar[str] = "reboot"
    was: str = ""
    """The id of the boot that is to end: with another one it is done."""
    turns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Unit → its turn (see turn.py): members of clusters that must be able to do without all of
    them. Each unit ends its own when it is back."""
    aside: tuple[tuple[str, ...], ...] = ()
    """Commands with the endpoints that they keep new requests from (see Unit.aside). The new
    system has not heard of that."""

    @classmethod
    def observe(cls, wanted: Sequence[Reboot]) -> dict[str, Seen]:
        if not wanted:
            return {}
        state = command(["systemctl", "is-system-running"], check=False).strip()
        seen = {"boot": boot_id(), "starts": state in STARTING, "behind": behind()}
        return {want.id: seen for want in wanted}

    def compare(self, seen: Seen) -> str | None:
        return "has not restarted" if seen.get("boot") == self.was else None

    def converge(self) -> None:
        if boot_id() != self.was:
            return
        away(self.turns)
        for tool, *endpoints in self.aside:
            command([tool, "hold", *endpoints], check=False)
        timer = [f"--on-active={patient(DELAY):.0f}", "--timer-property=AccuracySec=100ms"]
        try:
            command(["systemd-run", "--quiet", "--collect", *timer, "systemctl", "reboot"])
        except ConvergeError:
            for tool, *endpoints in self.aside:
                with suppress(ConvergeError):
                    command([tool, "release", *endpoints], check=False)
            raise
