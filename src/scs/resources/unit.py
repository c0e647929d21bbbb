# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""systemd units: running, enabled, ready, and not older than what they read."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from .base import ConvergeError, Resource, Seen, command, patient
from .probe import PATIENCE, ask, ask_patiently, wait
from .turn import held, release, taken

SHOWN = (
    "Id,LoadState,ActiveState,SubState,UnitFileState,"
    "ExecMainStartTimestampMonotonic,StateChangeTimestampMonotonic,"
    "ActiveEnterTimestampMonotonic,InactiveEnterTimestampMonotonic"
)
STARTED = ("active", "activating")
UNIT_FILES = "/etc/systemd/system/"
_reloading = threading.Lock()
_reloaded = 0.0
"""When the manager last read the unit files, in seconds since 1970."""


def settle() -> None:
    """Let the manager take over which units are enabled, once after many were."""
    command(["systemctl", "daemon-reload"])


def _started(monotonic: str) -> float:
    """When a unit's main process started, in seconds since 1970, from systemd's monotonic µs."""
    # systemd's wall clock stamps are whole seconds in text form; the monotonic one is exact.
    return time.time() - (time.monotonic() - int(monotonic or "0") / 1e6)


def _since(state: Mapping[str, str]) -> float:
    """Since when a unit runs, or does not, in seconds since 1970; 0 when it never ran."""
    verb = "ActiveEnter" if state.get("ActiveState") == "active" else "InactiveEnter"
    stamp = state.get(f"{verb}TimestampMonotonic", "0")
    return round(_started(stamp)) if stamp not in ("", "0") else 0


def newest(paths: Sequence[str], started: float) -> list[str]:
    """Those of the paths that changed after the process had started."""
    late = []
    for name in paths:
        try:
            changed = Path(name).lstat().st_mtime
        except FileNotFoundError:
            continue
        if changed > started:
            late.append(name)
    return late


@dataclass(frozen=True, kw_only=True)
class Unit(Resource):
    """A systemd unit that runs with what its files say now.

    It needs no record of what it was started with: it must be younger than every path that
    it reads. So a run that was killed between writing a file and restarting a unit is
    completed by the next one.
    """

    kind: ClassVar[str] = "unit"
    volatile: ClassVar[frozenset[str]] = frozenset({"since", "sub", "wrong"})
    reads: tuple[str, ...] = ()
    """Paths that it reads at start; the unit file and its drop-ins belong to them."""
    reload: bool = False
    """It takes over all of these on `systemctl reload`, except its unit file."""
    reloads: tuple[str, ...] = ()
    """It takes over these (a folder ends with /) on a reload; others restart it."""
    ready: Mapping[str, Any] | None = None
    """A probe that tells that it really serves."""
    seconds: float = 120
    """How long it may take to be ready."""
    again: int = 0
    """How often it is started again when it does not come up."""
    aside: tuple[str, ...] = ()
    """A command, and the endpoints that it keeps new requests from while the unit starts anew
    (`Component.aside`): other nodes answer them meanwhile."""
    turn: Mapping[str, Any] | None = None
    """It is a member of a cluster that is restarted only when it can be spared; see turn.py."""

    @classmethod
    def observe(cls, wanted: Sequence[Unit]) -> dict[str, Seen]:
        if not wanted:
            return {}
        shown = command(
            ["systemctl", "show", f"--property={SHOWN}", "--", *[want.name for want in wanted]]
        )
        blocks = [
            dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
            for block in shown.split("\n\n")
        ]
        states = {want.id: state for want, state in zip(wanted, blocks, strict=True)}
        running = [want for want in wanted if states[want.id].get("ActiveState") == "active"]
        answers = ask_patiently({want.id: want.ready for want in running if want.ready})
        found: dict[str, Seen] = {}
        for want in wanted:
            state = states[want.id]
            late = want.late(state) if want in running else []
            found[want.id] = {
                "loaded": state.get("LoadState", ""),
                "active": state.get("ActiveState", ""),
                "sub": state.get("SubState", ""),
                "enabled": state.get("UnitFileState", ""),
                "since": _since(state),
                "late": late,
                "wrong": answers.get(want.id, ""),
                **({"held": True} if want.turn and held(want.name) else {}),
            }
        return found

    def reloadable(self, path: str) -> bool:
        """Whether it takes over a change of this path without a restart."""
        if path.startswith(UNIT_FILES):
            return False
        return self.reload or path.startswith(self.reloads or ("//",))

    def late(self, state: Mapping[str, str]) -> list[str]:
        """Those of the paths it reads that it does not know yet, from what systemd shows of it."""
        # A reload leaves the process as it is, but is a change of state.
        stamps = {True: "StateChange", False: "ExecMainStart"}
        return [
            path
            for soft, stamp in stamps.items()
            for path in newest(
                [path for path in self.reads if self.reloadable(path) == soft],
                _started(state.get(f"{stamp}TimestampMonotonic", "0")),
            )
        ]

    def compare(self, seen: Seen) -> str | None:
        if not seen or seen["active"] != "active":
            return f"is {seen.get('active') or 'missing'}"
        if seen["enabled"] not in ("enabled", "static", "alias", "indirect", "generated"):
            return "would not start at boot"
        if seen["late"]:
            return f"runs with an older {', '.join(seen['late'])}"
        if seen.get("held"):
            return "was held for a restart by a run that did not come to its end"
        return str(seen["wrong"]) or None

    def only_not_ready(self, seen: Seen) -> bool:
        """Whether it runs as it should, and only does not serve (yet)."""
        return bool(seen.get("wrong")) and self.compare(seen) == seen["wrong"]

    def _comes_up(self, state: Mapping[str, str]) -> bool:
        """Wait for one that was started a moment ago (the node has booted, systemd mends).

        To start it again would only cost the time that it has had.
        """
        born = _started(state.get("ExecMainStartTimestampMonotonic", "0"))
        end = born + patient(self.seconds)
        while state.get("ActiveState") in STARTED and time.time() < end:
            if state["ActiveState"] == "active" and not (self.ready and ask(self.ready, PATIENCE)):
                return True
            time.sleep(0.5)
            shown = command(["systemctl", "show", "--property=ActiveState", self.name])
            state = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
        return False

    def _reload_manager(self) -> None:
        """Have the manager read unit files again if this unit's are newer than its knowledge."""
        global _reloaded
        files = [path for path in self.reads if path.startswith(UNIT_FILES)]
        with _reloading:
            if newest(files, _reloaded):
                now = time.time()
                command(["systemctl", "daemon-reload"])
                _reloaded = now

    @contextlib.contextmanager
    def _aside(self, *, running: bool) -> Iterator[None]:
        """Keep new requests away meanwhile; where that can't be had, they wait in its socket."""
        tool, endpoints = self.aside[:1], self.aside[1:]
        if not (running and endpoints):
            yield
            return
        command([*tool, "hold", *endpoints], check=False)
        try:
            yield
        finally:
            command([*tool, "release", *endpoints], check=False)

    def _in_turn(self, *, running: bool) -> AbstractContextManager[None]:
        """Take a member of a cluster away only when it can be spared, and wait for it after.

        One that does not serve is not missed: to wait for the others would be in its way.
        """
        if self.turn and running and not (self.ready and ask(self.ready, PATIENCE)):
            return taken(self.name, self.turn)
        return contextlib.nullcontext()

    def _let_go(self) -> None:
        """End the turn that a killed run has left."""
        if self.turn and held(self.name):
            release(self.name, self.turn)

    def converge(self) -> None:
        self._reload_manager()
        shown = command(["systemctl", "show", f"--property={SHOWN}", self.name])
        state = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
        if state.get("UnitFileState", "") in ("disabled", ""):
            # Without a reload each: one at the end is enough (see settle).
            command(["systemctl", "enable", "--no-reload", self.name])
        late = self.late(state) if state.get("ActiveState") in STARTED else []
        if not late and self._comes_up(state):
            self._let_go()
            return
        verb = "reload" if late and all(map(self.reloadable, late)) else "restart"
        try:
            running = state.get("ActiveState") == "active"
            with self._in_turn(running=running), self._aside(running=running):
                self._start(verb)
                if self.ready:
                    wait(self.ready, self.seconds)
        except ConvergeError as error:
            log = command(
                ["journalctl", "--no-pager", "--output=cat", "--lines=15", "--unit", self.name],
                check=False,
            )
            raise ConvergeError(f"{error}\njournal of {self.name}:\n{log}") from error
        self._let_go()

    def _start(self, verb: str) -> None:
        """Start, restart or reload it, more than once where it is such a unit."""
        for left in range(self.again, -1, -1):
            command(["systemctl", "reset-failed", self.name], check=False)
            try:
                command(["systemctl", verb, self.name], timeout=self.seconds)
            except ConvergeError:
                if not left:
                    raise
            else:
                return
