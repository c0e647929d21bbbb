# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""SCS_PATIENCE: one factor for all time limits, on this machine and on its nodes."""

from __future__ import annotations

import time

import pytest

from scs import patience
from scs.errors import BadInput, CommandFailed
from scs.resources import base, probe
from scs.shell import run


@pytest.mark.parametrize(("text", "factor"), [(None, 1), ("", 1), ("1", 1), ("15", 15)])
def test_factor(monkeypatch: pytest.MonkeyPatch, text: str | None, factor: int) -> None:
    monkeypatch.delenv(patience.VARIABLE, raising=False)
    if text is not None:
        monkeypatch.setenv(patience.VARIABLE, text)
    assert patience.patient(2.5) == 2.5 * factor
    assert base.patient(2.5) == 2.5 * factor


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "²"])
def test_no_factor(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(patience.VARIABLE, text)
    with pytest.raises(BadInput, match=patience.VARIABLE):
        patience.patience()


def test_both_ends_read_the_same_variable() -> None:
    assert patience.VARIABLE == base.PATIENCE


def test_commands_wait_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandFailed, match="took longer than 0 s"):
        run(["sleep", "0.5"], timeout=0.05)
    with pytest.raises(base.ConvergeError, match="took longer than 0 s"):
        base.command(["sleep", "0.5"], timeout=0.05)
    monkeypatch.setenv(patience.VARIABLE, "100")
    run(["sleep", "0.5"], timeout=0.05)
    base.command(["sleep", "0.5"], timeout=0.05)


def test_systemd_waits_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(patience.VARIABLE, raising=False)
    shown = ["printenv", "SYSTEMD_BUS_TIMEOUT"]
    assert base.command(shown) == "90\n"
    monkeypatch.setenv(patience.VARIABLE, "15")
    assert base.command(shown, env={"PATH": "/usr/bin:/bin"}) == "1350\n"


def test_probes_wait_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    never = {"type": "tcp", "host": "127.0.0.1", "port": 1}
    monkeypatch.setenv(patience.VARIABLE, "3")
    began = time.monotonic()
    with pytest.raises(base.ConvergeError):
        probe.wait(never, 0.1)
    assert time.monotonic() - began >= 0.3


def test_a_probe_is_not_patient_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = []

    def command(_argv: object, *, timeout: float) -> str:
        allowed.append(timeout)
        return ""

    monkeypatch.setenv(patience.VARIABLE, "3")
    monkeypatch.setattr(probe, "command", command)
    probe.ask({"type": "succeeds", "argv": ["true"]})
    assert allowed == [20]
