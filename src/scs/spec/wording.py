# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""How messages put things into words: places, lists of names, the nearest right word."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

Loc = tuple[str | int, ...]
"""A place in the file, by keys and list positions: ("nodes", 0, "address")."""

LONGEST_WORD = 64
"""Characters. A longer word is no slip of the hand, and comparing it takes long."""


def dotted(loc: Loc) -> str:
    """A place as a person reads it: nodes[0].address."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{shorten(part)}" if text else shorten(part)
    return text


def shorten(text: str, length: int = 40) -> str:
    """The text, safe to print on one line of a terminal, and its middle left out if long."""
    text = text if len(text) <= length else f"{text[: length - 12]}…{text[-10:]}"
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "replace").decode()
        for char in text
    )


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, or None."""
    if len(word) > LONGEST_WORD:
        return None
    by_lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def listed(words: Iterable[str]) -> str:
    """Words as a person lists them: `a`, `b` or `c`."""
    quoted = [f"`{word}`" for word in words]
    return " or ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1] if quoted else ""]))
