# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an examination says of one thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    """It works, and will not for ever."""
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """One line of `scs doctor`: what was looked at, how it is, and what to do."""

    subject: str
    level: Level
    what: str
    next: str = ""
    """A command, or what else to do; there is one whenever all is not well."""
