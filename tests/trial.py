# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What trials with whole clouds share that are run by hand: steps, commands of scs, the end."""

from __future__ import annotations

import argparse
import os
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scs.errors import Exit

ROOT = Path(__file__).parents[1]


def scs(folder: Path, state: Path, *words: str, code: int = Exit.OK) -> tuple[str, str]:
    """What a command has put out and said beside, in a cloud's folder; it must end with `code`."""
    done = subprocess.run(
        [ROOT / "scs", *words],
        cwd=folder,
        env={**os.environ, "SCS_STATE": str(state)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    said = f"{done.stdout}\n{done.stderr}"
    assert done.returncode == code, f"{words} in {folder} ended {done.returncode}\n{said}"
    return done.stdout, done.stderr


class Trial(ABC):
    """Clouds, and what is done with them, step by step."""

    @abstractmethod
    def run(self) -> None:
        """All of it; raises AssertionError where something is not as it should be."""

    @abstractmethod
    def down(self) -> None:
        """Remove what is left of it."""

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Tell when something begins, and how long it took."""
        print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)
        begun = time.monotonic()
        yield
        print(f"         well after {time.monotonic() - begun:.0f} s", flush=True)


def arguments(prog: str, description: str | None) -> argparse.ArgumentParser:
    """What each trial may be told."""
    parser = argparse.ArgumentParser(
        prog=prog, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keep", action="store_true", help="leave all as it is")
    parser.add_argument("--down", action="store_true", help="only remove what is left")
    return parser


def carry_out(trial: Trial, options: argparse.Namespace) -> int:
    """Do what was asked for; the exit code."""
    if options.down:
        trial.down()
        return 0
    try:
        trial.run()
    except AssertionError as error:
        print(f"does not hold: {error}\nAll is as it was then; --down removes it.")
        return 1
    if not options.keep:
        with trial.step("all is removed"):
            trial.down()
    return 0
