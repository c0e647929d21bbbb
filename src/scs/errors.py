# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The errors a person may meet, and what each exit code means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Self


class Exit(IntEnum):
    """Exit codes of every command; the only list of them (--help renders it)."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    OK = 0, "done, or nothing to do"
    FAILED = 1, "a step failed; run the command again and it goes on from there"
    CHANGES = 2, "`plan`: there are changes to make; `drift`: something was changed by hand"
    BAD_INPUT = (
        3,
        "cloud.yaml or the command line is wrong, or a policy forbids it; nothing was touched",
    )
    PREFLIGHT = 4, "this machine lacks something; nothing was touched"
    BUSY = 5, "another run is under way; nothing was touched"
    UNHEALTHY = (
        6,
        "`status`, `doctor`, `verify`, `backup verify`, `certify` or `policy verify` found"
        " something that does not work or soon will not, or `certificate` refuses one",
    )


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where, what, and what to do about it."""

    where: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        tail = f"\n    → {self.hint}" if self.hint else ""
        return f"{self.where}: {self.what}{tail}"


class ScsError(Exception):
    """An error with a place and a next step; printed without a traceback."""

    exit_code: Exit = Exit.FAILED

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class BadInput(ScsError):
    """cloud.yaml or the command line is wrong; raised before anything is touched."""

    exit_code = Exit.BAD_INPUT


class Denied(ScsError):
    """A policy forbids what a run would do; raised before anything is touched."""

    exit_code = Exit.BAD_INPUT


class PreflightFailed(ScsError):
    """The machine lacks something that the run needs; raised before anything is touched."""

    exit_code = Exit.PREFLIGHT


class Busy(ScsError):
    """Another run of the same cloud is under way."""

    exit_code = Exit.BUSY


class CommandFailed(ScsError):
    """A command on the host ended with an error; carries the end of its output."""


class StepFailed(ScsError):
    """A step of a plan failed; carries component, node, command and the end of its output."""
