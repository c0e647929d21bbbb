# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Units of this machine's systemd that run commands of scs by themselves: at times, or always."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scs.engine.vault import PASSPHRASE_FILE
from scs.errors import PreflightFailed, Problem, ScsError

UNITS = Path("/etc/systemd/system")
KEPT = ("SCS_STATE", "SCS_CACHE", "SCS_IDENTITY", "SCS_IDENTITIES", PASSPHRASE_FILE)
"""What a timer's command must know of the environment that it was made in."""
LASTING = ("Restart=always", "RestartSec=10")
"""A command that ends, for whatever reason, is started again."""


@dataclass(frozen=True)
class Timer:
    """A command of scs that a timer may run."""

    name: str
    summary: str
    words: tuple[str, ...]
    calendar: str
    """When, as systemd says it; empty: all the time."""
    cron: str
    """When, as cron says it."""
    well: tuple[int, ...] = (0,)
    """Exit codes that are no failure."""

    @property
    def lasting(self) -> bool:
        """Whether the command goes on until it is ended."""
        return not self.calendar


@dataclass(frozen=True)
class Job:
    """One timer for one cloud on this machine."""

    timer: Timer
    cloud: str
    program: str
    file: Path
    """The cloud.yaml."""
    environment: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, timer: Timer, cloud: str, program: str, file: Path) -> Job:
        found = tuple((key, os.environ[key]) for key in KEPT if os.environ.get(key))
        return cls(timer, cloud, program, file, found)

    @property
    def unit(self) -> str:
        return f"scs-{self.cloud}-{self.timer.name}"

    @property
    def started(self) -> str:
        """The unit that is to be started."""
        return f"{self.unit}.{'service' if self.timer.lasting else 'timer'}"

    @property
    def argv(self) -> tuple[str, ...]:
        return (self.program, "--file", str(self.file), *self.timer.words)

    def service(self) -> str:
        """The text of the service unit."""
        lines = [
            "[Unit]",
            f"Description=scs: {self.timer.summary} (cloud {self.cloud})",
            "After=network-online.target",
            "",
            "[Service]",
            *(("Type=exec", *LASTING) if self.timer.lasting else ("Type=oneshot",)),
            *(f"Environment={_quoted(f'{key}={value}')}" for key, value in self.environment),
            f"ExecStart={' '.join(map(_quoted, self.argv))}",
            f"SuccessExitStatus={' '.join(map(str, self.timer.well))}",
            *(("", "[Install]", "WantedBy=multi-user.target") if self.timer.lasting else ()),
        ]
        return "\n".join(lines) + "\n"

    def schedule(self) -> str:
        """The text of the timer unit."""
        lines = [
            "[Unit]",
            f"Description=scs: {self.timer.summary} (cloud {self.cloud})",
            "",
            "[Timer]",
            f"OnCalendar={self.timer.calendar}",
            "RandomizedDelaySec=15min",
            "Persistent=true",
            "",
            "[Install]",
            "WantedBy=timers.target",
        ]
        return "\n".join(lines) + "\n"

    def crontab(self) -> str:
        """The line for a crontab, or for what else supervises, where there is no systemd."""
        if self.timer.lasting:
            before = shlex.join(f"{key}={value}" for key, value in self.environment)
            return f"env {before} {shlex.join(self.argv)}"
        before = " ".join(f"{key}={shlex.quote(value)}" for key, value in self.environment)
        # In a crontab a % ends the command.
        return f"{self.timer.cron} {before} {shlex.join(self.argv)}".replace("%", r"\%")

    @property
    def files(self) -> tuple[tuple[Path, str], ...]:
        service = (UNITS / f"{self.unit}.service", self.service())
        if self.timer.lasting:
            return (service,)
        return (service, (UNITS / f"{self.unit}.timer", self.schedule()))

    @property
    def enabled(self) -> bool:
        return all(path.exists() for path, _ in self.files)

    def enable(self) -> None:
        """Write the units and start the timer; raises PreflightFailed without systemd."""
        if not Path("/run/systemd/system").is_dir():
            what = "systemd does not run this machine, so there are no timers"
            other = "what else keeps it running" if self.timer.lasting else "cron"
            hint = f"with {other}, this line does the same:\n      {self.crontab()}"
            raise PreflightFailed(Problem(f"timer {self.timer.name}", what, hint))
        for path, text in self.files:
            path.write_text(text)
        _systemctl("daemon-reload")
        _systemctl("enable", "--now", self.started)

    def disable(self) -> None:
        """Stop the timer and remove its units; nothing happens when there are none."""
        there = [path for path, _ in self.files if path.exists()]
        if not there:
            return
        running = Path("/run/systemd/system").is_dir()
        if running:
            _systemctl("disable", "--now", self.started)
        for path in there:
            path.unlink()
        if running:
            _systemctl("daemon-reload")


def _quoted(text: str) -> str:
    """A word as systemd reads it back."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def _systemctl(*words: str) -> None:
    argv: Sequence[str] = ["systemctl", *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ScsError(Problem(shlex.join(argv), done.stderr.strip()[-500:]))
