# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""FIPS 140-2's statistical tests of random bytes (section 4.9.1, as of 2001)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

BLOCK = 2500
"""Bytes that are judged at once: 20,000 bits."""
LONGEST = 25
"""Bits in a row that may be equal."""
_RUNS: Mapping[int, tuple[int, int]] = {
    1: (2315, 2685),
    2: (1114, 1386),
    3: (527, 723),
    4: (240, 384),
    5: (103, 209),
    6: (103, 209),
}
"""Length of a run (6: and longer) → how many there may be, of zeros and of ones each."""


def wrong(block: bytes) -> list[str]:
    """The names of the tests that these 2,500 bytes do not pass."""
    if len(block) != BLOCK:
        raise ValueError(f"a block has {BLOCK} bytes, not {len(block)}")
    bits = f"{int.from_bytes(block, 'big'):0{BLOCK * 8}b}"
    found = []
    if not 9725 < bits.count("1") < 10275:
        found.append("monobit")
    nibbles = Counter(nibble for byte in block for nibble in (byte >> 4, byte & 15))
    poker = 16 / (BLOCK * 2) * sum(count**2 for count in nibbles.values()) - BLOCK * 2
    if not 2.16 < poker < 46.17:
        found.append("poker")
    lengths = [(run[0], len(run)) for run in re.findall("0+|1+", bits)]
    runs = Counter((bit, min(length, 6)) for bit, length in lengths)
    if any(not low <= runs[bit, n] <= high for n, (low, high) in _RUNS.items() for bit in "01"):
        found.append("runs")
    if any(length > LONGEST for _, length in lengths):
        found.append("long run")
    return found
