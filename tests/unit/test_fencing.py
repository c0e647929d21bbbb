# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Nodes are ended for sure, or it is said that they are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clouds import EQUALS
from scs.errors import ScsError
from scs.paths import Paths
from scs.providers.local import LocalProvider, names, network
from scs.providers.local.node import Container
from scs.providers.ssh import fence
from scs.providers.ssh.fence import Switch

NODE = EQUALS.nodes()[1]
Made = Callable[[str], Switch]


@pytest.fixture
def switch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Makes an operator's program of these lines; `$1` is what it shall do, `state` is its own."""
    monkeypatch.setattr(fence, "PACE", 0.01)
    monkeypatch.setattr(fence, "OFF_SECONDS", 0.1)

    def make(lines: str) -> Switch:
        program = tmp_path / "fence-node"
        program.write_text(f"#!/bin/sh\nset -e\ncd {tmp_path}\necho $* >> calls\n{lines}\n")
        program.chmod(0o755)
        return Switch(program)

    return make


def calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines()


def test_a_machine_is_ordered_off_and_looked_at_until_it_is(tmp_path: Path, switch: Made) -> None:
    # It is off at the third look.
    found = switch(
        "[ $1 = off ] || { echo x >> n; [ $(wc -l < n) -gt 2 ] && echo off || echo on; }"
    )
    assert not found.unusable()
    found.fence(NODE)
    status = f"status {NODE.name} {NODE.address}"
    assert calls(tmp_path) == [status, f"off {NODE.name} {NODE.address}", status, status]


def test_one_that_is_off_is_left_alone(tmp_path: Path, switch: Made) -> None:
    found = switch("echo Chassis Power is off")
    found.fence(NODE)
    assert calls(tmp_path) == [f"status {NODE.name} {NODE.address}"]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        pytest.param("echo on", "not proven off", id="it stays on"),
        pytest.param("echo unknown", "not proven off", id="nobody can tell"),
        pytest.param("[ $1 = status ] && exit 1; exit 0", "not proven off", id="no status"),
        pytest.param("[ $1 = status ] && { echo on; exit; }; exit 3", "ended with 3", id="refused"),
    ],
)
def test_what_is_not_proven_is_an_error(switch: Made, lines: str, told: str) -> None:
    with pytest.raises(ScsError, match=told):
        switch(lines).fence(NODE)


def test_a_program_that_is_none_is_told(tmp_path: Path) -> None:
    assert "no file" in Switch(tmp_path / "nothing").unusable()
    (tmp_path / "plain").write_text("")
    assert "chmod" in Switch(tmp_path / "plain").unusable()


def test_a_local_node_loses_its_cables_before_its_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    alive = [True]

    def stop(_self: Container, *, orderly: bool = True) -> None:
        done.append(f"stop, orderly: {orderly}")
        alive.clear()

    def batch(lines: Any, netns: str = "") -> None:
        done.extend(lines)

    monkeypatch.setattr(Container, "stop", stop)
    monkeypatch.setattr(Container, "empty", lambda _self: not alive)
    ports = [names.host_end("paper", NODE.name, name) for name in EQUALS.networks()]
    monkeypatch.setattr(network, "_links", lambda _netns="": {port: {} for port in ports})
    monkeypatch.setattr(network, "_batch", batch)
    paths = Paths(tmp_path / "state", tmp_path / "cache")
    provider = LocalProvider(paths, "paper", EQUALS.networks(), lambda _say: [])
    assert provider.off(NODE.name) is False
    provider.fence(NODE.name)
    assert done == [*(f"link set dev {port} down" for port in ports), "stop, orderly: False"]
    assert provider.off(NODE.name) is True
