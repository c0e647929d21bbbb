# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Asking the switch: a dropped connection is tried again, a database that is off is not."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from scs.resources import SwitchSettings, ovs
from scs.resources.base import ConvergeError

WANTED = SwitchSettings(name="settings", external_ids={"system-id": "node-1"})
ROW = {
    "headings": ["external_ids", "other_config"],
    "data": [[["map", [["system-id", "node-1"]]], ["map", []]]],
}
OFF = "database connection failed (No such file or directory)"
BUSY = "database connection failed (Connection reset by peer)"


@pytest.mark.parametrize(
    ("failures", "asked", "seen"),
    [
        ([], 1, {"external_ids": {"system-id": "node-1"}, "other_config": {}}),
        ([BUSY], 2, {"external_ids": {"system-id": "node-1"}, "other_config": {}}),
        ([BUSY] * 3, 3, {"unseen": "the switch's database does not answer"}),
        ([OFF], 1, {"unseen": "the switch's database does not answer"}),
        (["no such command"], 1, {}),
    ],
    ids=["answers", "drops one", "drops all", "is off", "is not installed"],
)
def test_the_database_is_asked_again_only_where_that_may_help(
    monkeypatch: pytest.MonkeyPatch, failures: list[str], asked: int, seen: dict[str, object]
) -> None:
    left, calls = list(failures), []

    def command(words: Sequence[str]) -> str:
        calls.append(words)
        if left:
            raise ConvergeError(left.pop(0))
        return json.dumps(ROW)

    monkeypatch.setattr(ovs, "command", command)
    monkeypatch.setattr("scs.resources.ovs.time.sleep", lambda _: None)
    assert SwitchSettings.observe([WANTED]) == {WANTED.id: seen}
    assert len(calls) == asked
