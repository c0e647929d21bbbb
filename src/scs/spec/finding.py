# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""What rules find in a cloud.yaml whose parts are right each for itself."""

from __future__ import annotations

from dataclasses import dataclass

from scs.spec.wording import Loc


@dataclass(frozen=True)
class Finding:
    """Values that are right each for itself, and can't be together."""

    reads: tuple[Loc, ...]
    """The values; the last that is really written in the file is the one shown."""
    what: str
    hint: str


class ContradictionError(ValueError):
    """The findings of all rules."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("; ".join(f"{finding.what} ({finding.hint})" for finding in findings))
        self.findings = findings
