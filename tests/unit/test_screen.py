# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Progress: plain lines for programs and files, a block that lives on a terminal."""

from __future__ import annotations

import io
import re
import sys
import time
from collections.abc import Mapping
from typing import Any

import pytest

from paper.world import World
from scs.cli import screen as screens
from scs.cli.screen import Screen, ago_text, cut, seconds_text
from scs.engine.apply import apply
from scs.engine.recording import Recording

OPTIONS = {"quiet": False, "as_json": False, "verbose": False}


class Terminal(io.StringIO):
    """Standard error as a terminal, or not."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def shown(
    world: World, patch: pytest.MonkeyPatch, options: Mapping[str, Any], *, terminal: bool
) -> str:
    """What `up` writes to standard error when a file was changed by hand."""
    world.node["file:/etc/nova/nova.conf"] |= {"content": "x", "time": world.cloud.now()}
    world.cloud.at_step = lambda _where, step: time.sleep(0.3 if "conductor" in step else 0.01)
    stream = Terminal(terminal=terminal)
    patch.setattr(sys, "stderr", stream)
    patch.setenv("TERM", "xterm")
    patch.setenv("COLUMNS", "100")
    with world.session() as session, Recording(session, time.time()) as recording:
        screen = Screen(session, options, time.time())
        look = session.look()
        screen.plan(look.plan)
        screen.start()
        try:
            apply(session, look, recording, lambda seen: screen.plan(seen.plan))
        finally:
            screen.close()
    return stream.getvalue()


def test_without_a_terminal_there_are_plain_lines(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screens, "NOTEWORTHY", 0.2)
    text = shown(world, monkeypatch, OPTIONS, terminal=False)
    assert "\x1b" not in text
    assert re.match(r"\d+ changes to make(, about [\d.]+ s expected)?\.\n", text)
    assert "✓ node-1: unit:nova-conductor.service (0." in text


def test_verbose_tells_every_step(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(world, monkeypatch, {**OPTIONS, "verbose": True}, terminal=False)
    assert "✓ node-1: file:/etc/nova/nova.conf (" in text
    assert "✓ node-1: unit:nova-conductor.service (" in text


@pytest.mark.parametrize("name", ["quiet", "as_json"])
def test_quiet_tells_nothing(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert shown(world, monkeypatch, {**OPTIONS, name: True}, terminal=True) == ""


def test_a_terminal_shows_what_runs_now(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(world, monkeypatch, OPTIONS, terminal=True)
    assert re.search(r"› ?\x1b\[0m node-1: unit:nova-conductor.service [\d.]+ s", text)
    assert re.search(r"\d+ of \d+ steps", text)
    up = sum(map(int, re.findall(r"\x1b\[(\d+)A", text)))
    blocks = sum(
        len(block.splitlines()) for block in re.findall(r"(?s)\S[^✓]*?(?=\x1b\[\d+A)", text)
    )
    assert 0 < up <= blocks, "the block is taken away as high as it is"
    assert text.endswith("\x1b[J"), "nothing of the block is left"


def test_no_color(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text = shown(world, monkeypatch, OPTIONS, terminal=True)
    assert "\x1b[32m" not in text
    assert "\x1b[J" in text


def test_lines_are_cut_by_what_is_seen_of_them() -> None:
    assert cut("\x1b[32mabc\x1b[0mdef", 4) == "\x1b[32mabc\x1b[0md"
    assert cut("a\nb", 9) == "a b"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (99.9, "99.9 s"), (100, "1 min 40 s")],
)
def test_seconds(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200_000, "2 days")],
)
def test_ages(seconds: float, text: str) -> None:
    assert ago_text(seconds) == text
