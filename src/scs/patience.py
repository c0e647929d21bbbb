# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""How long is too long: the factor for all time limits on a machine that is slow.

Limits are chosen for a machine of today. On an emulated, old or overloaded one, what takes too
long is often just slow: SCS_PATIENCE=5 gives everything five times as long. Nothing gets slower by
it that goes well; a failure is only noticed later.
"""

from __future__ import annotations

import os

from scs.errors import BadInput, Problem

VARIABLE = "SCS_PATIENCE"
_expected = 1


def expect(factor: int) -> None:
    """Take that factor where the operator has not chosen one."""
    global _expected
    _expected = factor


def patience() -> int:
    """The factor: of the variable, else as expected, which is 1 for most clouds.

    Raises BadInput when the variable is no whole number from 1.
    """
    text = os.environ.get(VARIABLE) or str(_expected)
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise BadInput(
            Problem(
                VARIABLE, f"{text!r} is no factor", "set it to a whole number from 1, or unset it"
            )
        )
    return int(text)


def patient(seconds: float) -> float:
    """A time limit in seconds, as this machine needs it."""
    return seconds * patience()
