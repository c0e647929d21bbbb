# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The first project's server while it comes up: one that never says a word is started again."""

from __future__ import annotations

import itertools
import time
from types import SimpleNamespace
from typing import Any

import pytest

from scs.api import compute
from scs.model.objects import Server

WANTED = Server(
    name="hello",
    component="tenant",
    image="i",
    flavor="f",
    network="n",
    security_group="g",
    keypair="k",
    external="e",
)


class Nova:
    """A server that says this on its console, and answers once it was started so often."""

    def __init__(self, console: str, answers_after: int) -> None:
        self.console = console
        self.answers_after = answers_after
        self.reboots: list[str] = []

    def create_server(self, **_values: Any) -> Any:
        return SimpleNamespace(id="new")

    def find_flavor(self, *_: Any, **__: Any) -> Any:
        return SimpleNamespace(id="f")

    def get_server(self, _id: str) -> Any:
        return SimpleNamespace(status="ACTIVE", fault=None, task_state=None)

    def get_server_console_output(self, _id: str, length: int) -> Any:
        return {"output": self.console[:length]}

    def reboot_server(self, _id: str, how: str) -> None:
        self.reboots.append(how)


@pytest.mark.parametrize(
    ("console", "seen", "answers_after", "reboots"),
    [
        ("", {}, 0, []),
        ("", {}, 1, ["HARD"]),
        ("boots", {}, 1, []),
        ("", {"id": "old", "status": "ACTIVE", "floating": "192.0.2.1"}, 1, []),
    ],
    ids=["answers", "mute", "slow", "was there before"],
)
def test_a_new_server_that_never_says_a_word_is_started_again(
    monkeypatch: pytest.MonkeyPatch,
    console: str,
    seen: dict[str, Any],
    answers_after: int,
    reboots: list[str],
) -> None:
    nova = Nova(console, answers_after)
    tenant = SimpleNamespace(
        compute=nova,
        current_project_id="p",
        network=SimpleNamespace(networks=lambda **_: [SimpleNamespace(id="n")]),
        image=SimpleNamespace(find_image=lambda *_, **__: SimpleNamespace(id="i")),
    )
    clock = itertools.count(step=10)
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(compute, "ssh_answers", lambda _: len(nova.reboots) >= answers_after)
    kind = compute.Servers()
    monkeypatch.setattr(kind, "_floating_ip", lambda *_: "192.0.2.1")
    clients: Any = SimpleNamespace(tenant=tenant)
    if answers_after > len(reboots):
        with pytest.raises(RuntimeError, match="does not answer ssh"):
            kind.converge(clients, WANTED, seen)
    else:
        kind.converge(clients, WANTED, seen)
    assert nova.reboots == reboots
