# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Commands on this machine: output, errors, time limits."""

from __future__ import annotations

import time

import pytest

from scs.errors import CommandFailed
from scs.shell import run


def test_output_and_standard_input() -> None:
    assert run(["cat"], stdin="hello") == "hello"


def test_lines_are_told_as_they_come() -> None:
    told: list[str] = []
    assert run(["printf", "a\\nb\\n"], say=told.append) == "a\nb\n"
    assert told == ["a", "b"]


def test_error_has_command_code_and_tail() -> None:
    with pytest.raises(CommandFailed) as error:
        run(["sh", "-c", "seq 30; exit 7"], where="here", hint="try that")
    text = str(error.value)
    assert "here: sh -c" in text
    assert "ended with 7" in text
    assert "30" in text
    assert "\n    1\n" not in text
    assert "try that" in text


def test_missing_command() -> None:
    with pytest.raises(CommandFailed, match="no-such-command"):
        run(["no-such-command"])


@pytest.mark.parametrize("listening", [False, True])
def test_time_limit_ends_children_too(listening: bool) -> None:
    start = time.monotonic()
    say = (lambda _: None) if listening else None
    with pytest.raises(CommandFailed, match="took longer than 1 s"):
        run(["sh", "-c", "sleep 300 & sleep 300"], timeout=1, say=say)
    assert time.monotonic() - start < 200
