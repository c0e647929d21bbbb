# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The nearest right word, for hints."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST = 64
"""Characters. A longer word is no slip of the hand, and comparing it takes long."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, or None."""
    by_lower = {name.lower(): name for name in known}
    if len(word) > LONGEST:
        return None
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def hint(word: str, known: Iterable[str]) -> str:
    """`did you mean X?`, or what there is, if that is not too much."""
    names = sorted(set(known))
    if guess := nearest(word, names):
        return f"did you mean {guess}?"
    return f"there are: {', '.join(names)}" if 0 < len(names) <= 40 else ""
