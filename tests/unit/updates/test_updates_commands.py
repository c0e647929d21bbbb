# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""`scs nodes update`: what a person reads, exit codes, journal."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from scs.cli import main as cli
from scs.engine.journal import Result
from scs.errors import BadInput, Exit
from updating import NODES, Cloud

Scs = Callable[..., tuple[int, str]]


@pytest.fixture
def scs(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Scs:
    """Runs commands against the three nodes."""
    return _runs(cloud, monkeypatch, capsys)


def _runs(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Scs:
    def session(_options: object, command: str, **_more: object) -> object:
        return cloud.session(command)

    monkeypatch.setattr(cli, "_session", session)

    def run(*words: str) -> tuple[int, str]:
        code = 0
        try:
            cli.scs.main(list(words), standalone_mode=False)
        except SystemExit as ended:
            code = int(ended.code or 0)
        return code, capsys.readouterr().out

    return run


def test_a_dry_run_tells_all_and_changes_nothing(cloud: Cloud, scs: Scs) -> None:
    cloud.release("node-3", libc6="2")
    before = cloud.cloud.snapshot()
    code, text = scs("nodes", "update", "--dry-run")
    assert code == Exit.OK
    assert "1  node-3        1         libc6 in use  2 move, 1 stay off" in text
    assert "libc6    1   2      node-3" in text
    assert cloud.cloud.snapshot() == before
    assert not cloud.nova.changes
    assert len(cloud.session().journal.runs()) == 1, "the first up alone"


def test_a_dry_run_tells_what_speaks_against_it(cloud: Cloud, scs: Scs) -> None:
    cloud.nova.boot("rescued", "node-3", status="RESCUE")
    _, text = scs("nodes", "update", "--reboot=always", "--dry-run")
    assert "Would be refused: node node-3: restarts, and these guests run there" in text
    _, text = scs("--json", "nodes", "update", "--reboot=always", "--dry-run")
    values = json.loads(text)
    assert [item["node"] for item in values["nodes"]] == NODES
    lots = {guest["name"]: guest["becomes"] for guest in values["nodes"][2]["guests"]}
    assert lots == {"web": "moves", "paused": "moves", "old": "stays", "rescued": "stops"}
    assert len(values["refused"]) == 1


def test_it_is_done_and_noted(cloud: Cloud, scs: Scs) -> None:
    cloud.release(libc6="2")
    code, text = scs("nodes", "update", "node-3", "--yes")
    assert code == Exit.OK
    assert "web → node-1" in text
    assert "All nodes are updated." in text
    run = cloud.session().journal.runs()[0]
    assert run.result == Result.DONE
    assert run.start.command == "nodes update"
    steps = [entry.step for entry in run.steps]
    order = ["drained:node-3", "moved:web", "moved:paused", "updates:debian", "reboot:node-3"]
    order += ["boot:node-3", "host:node-3", "checks", "update:node-3"]
    assert [step for step in steps if step in order] == order


def test_what_is_left_is_told(cloud: Cloud, scs: Scs) -> None:
    _, text = scs("nodes", "update", "--reboot=always", "--pause-after=2", "--yes")
    assert "Paused. Left: node-3. Go on with the same command." in text
    _, text = scs("--json", "plan")
    (warning,) = [item for item in json.loads(text)["warnings"] if "update" in item["where"]]
    assert warning["what"] == "left to do: node-3"
    assert warning["hint"] == "scs nodes update"
    _, text = scs("--json", "nodes", "update", "--reboot=always", "--yes")
    assert [item["node"] for item in json.loads(text)["updated"]] == ["node-3"]
    _, text = scs("nodes", "update", "--yes")
    assert "Nothing to do on node-1, node-2, node-3." in text
    assert cloud.session().journal.runs()[0].result == Result.NOTHING


def test_nobody_is_there_to_say_yes(cloud: Cloud, scs: Scs) -> None:
    cloud.release(libc6="2")
    with pytest.raises(BadInput, match="3 nodes would be updated"):
        scs("nodes", "update")
    assert cloud.session().journal.runs()[0].result == Result.REFUSED
    assert not cloud.nova.changes


def test_alone_it_tells_what_nobody_has_meanwhile(
    alone: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = _runs(alone, monkeypatch, capsys)
    words = ("nodes", "update", "--reboot=always", "--stop-guests")
    _, text = run(*words, "--dry-run")
    assert "While node-1 restarts (how long is not known yet), nobody has: " in text
    assert "web on node-1 is stopped meanwhile: no other host is up and enabled" in text
    run(*words, "--yes")
    _, text = run(*words, "--dry-run")
    assert "While node-1 restarts (0.0 s), nobody has: " in text
