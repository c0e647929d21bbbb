# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A guest's random bytes on its console, where its kernel speaks, too."""

from __future__ import annotations

import subprocess

import pytest

from scs.standards.iaas.guests import BLOCKS, MARK, SCRIPT, SPARE, read
from scs.standards.randomness import BLOCK, wrong

MESSAGE = "[   93.4] clocksource: Long readout interval, skipping watchdog check"


@pytest.fixture(scope="module")
def console() -> list[str]:
    """What the script says, run here; a machine without /dev/hwrng says nothing of that."""
    text = SCRIPT.replace(">/dev/console", "")
    done = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def spoilt(console: list[str], count: int) -> str:
    """The console where the kernel has spoken in the middle of so many lines of random bytes."""
    lines = list(console)
    random = [n for n, line in enumerate(lines) if line.startswith(f"{MARK} = ")]
    for number in random[:count]:
        lines[number] = f"{lines[number][:40]}{MESSAGE}\n{lines[number][40:]}"
    return "\n".join(lines)


@pytest.mark.parametrize("count", [0, 1, SPARE])
def test_messages_of_the_kernel_do_not_spoil_the_rest(console: list[str], count: int) -> None:
    said, data = read(spoilt(console, count))
    assert len(data) == BLOCKS * BLOCK
    assert sum(bool(wrong(data[n * BLOCK : (n + 1) * BLOCK])) for n in range(BLOCKS)) <= 1
    assert int(said["cpus"]) > 0


def test_too_many_of_them_leave_less_to_judge(console: list[str]) -> None:
    assert len(read(spoilt(console, SPARE + 2))[1]) == (BLOCKS - 1) * BLOCK


def test_a_message_alone_takes_nothing(console: list[str]) -> None:
    lines = [line for pair in zip(console, [MESSAGE] * len(console), strict=True) for line in pair]
    assert len(read("\n".join(lines))[1]) == BLOCKS * BLOCK
