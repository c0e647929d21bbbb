# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""`scs evacuate` and `scs watch`: what a person reads, exit codes, journal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evacuations import Cloud
from paper.world import World
from scs.cli import main as cli
from scs.engine.evacuation.looking import Ways
from scs.engine.journal import Result
from scs.errors import BadInput, Exit


class Scs:
    """Runs commands against a cloud on paper with a lost node."""

    def __init__(
        self, world: World, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]
    ) -> None:
        self.cloud = Cloud(world)
        self.world = world
        self._capture = capture
        (world.state / "ca.pem").parent.mkdir(parents=True, exist_ok=True)
        (world.state / "ca.pem").write_text("")
        patch.setattr(cli, "_session", lambda _options, command: world.session(command))
        patch.setattr(Ways, "of", lambda _session, _view: self.cloud.ways)
        patch.setattr("scs.api.evacuation.PACE", 0.0)
        for name in ("web", "database"):
            self.cloud.nova.boot(name, "node-3")
        self.cloud.nova.lose("node-3")

    def __call__(self, *words: str) -> tuple[int, str]:
        code = 0
        try:
            cli.scs.main(list(words), standalone_mode=False)
        except SystemExit as ended:
            code = int(ended.code or 0)
        return code, self._capture.readouterr().out


@pytest.fixture
def scs(empty: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Scs:
    return Scs(empty, monkeypatch, capsys)


def test_a_dry_run_tells_all_and_writes_nothing(scs: Scs) -> None:
    scs.cloud.nova.boot("paused", "node-3", status="PAUSED")
    code, text = scs("evacuate", "node-3", "--dry-run")
    assert code == Exit.OK
    assert "node-3 is lost: power: is off; from here: sshd at 10.21.0.13 does not answer" in text
    assert "Guests could go to: node-1, node-2" in text
    assert "paused    PAUSED  stay" in text
    assert "refused" not in text
    assert not scs.cloud.nova.changes
    assert not scs.world.session().journal.runs()


def test_a_dry_run_tells_what_speaks_against_it(scs: Scs) -> None:
    scs.cloud.nova.silent.clear()
    code, text = scs("evacuate", "node-3", "--dry-run")
    assert code == Exit.OK
    assert "Would be refused: node node-3: is not lost for sure: from here: sshd" in text
    _, text = scs("--json", "evacuate", "node-3", "--dry-run")
    values = json.loads(text)
    assert not values["lost"]
    assert len(values["refused"]) == 1
    assert [item["moves"] for item in values["guests"]] == [True, True]


def test_a_dry_run_tells_who_would_find_no_room(scs: Scs) -> None:
    scs.cloud.nova.room = {"node-1": 1, "node-2": 0, "node-3": 9}
    _, text = scs("--json", "evacuate", "node-3", "--dry-run")
    rooms = {item["name"]: item["room"] for item in json.loads(text)["guests"]}
    assert rooms == {"web": True, "database": False}
    _, text = scs("evacuate", "node-3", "--dry-run")
    assert "database  ACTIVE  find no room" in text


def test_it_is_done_and_noted(scs: Scs) -> None:
    code, text = scs("evacuate", "node-3", "--yes")
    assert code == Exit.OK
    assert "web       node-1" in text
    assert "node-3 is evacuated: 2 of 2 guests run elsewhere." in text
    (run,) = scs.world.session().journal.runs()
    assert run.result == Result.DONE
    assert [entry.step for entry in run.steps][:2] == ["fence:node-3", "forced-down:node-3"]
    assert {entry.step for entry in run.steps[2:]} == {"evacuated:web", "evacuated:database"}


def test_what_could_not_be_moved_is_an_error_with_its_reason(scs: Scs) -> None:
    scs.cloud.nova.room = dict.fromkeys(scs.cloud.nova.room, 0)
    code, text = scs("--json", "evacuate", "node-3", "--yes")
    assert code == Exit.FAILED
    (run,) = scs.world.session().journal.runs()
    assert run.result == Result.FAILED
    assert run.steps[-1].error == "No valid host was found."
    assert {item["why"] for item in json.loads(text)["guests"]} == {"No valid host was found."}


def test_nobody_is_there_to_say_yes(scs: Scs) -> None:
    with pytest.raises(BadInput, match="scs evacuate node-3 --yes"):
        scs("evacuate", "node-3")
    with pytest.raises(BadInput, match="there are: node-1, node-2, node-3"):
        scs("evacuate", "node-4", "--yes")
    assert not scs.cloud.nova.changes


def test_a_refused_run_touches_nothing(scs: Scs) -> None:
    scs.cloud.nova.silent.clear()
    with pytest.raises(BadInput, match="is not lost for sure"):
        scs("evacuate", "node-3", "--yes")
    assert not scs.cloud.nova.changes
    assert not scs.world.session().journal.runs()


def test_the_watcher_does_it_by_itself(scs: Scs, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended(Exception):
        pass

    rounds: list[float] = []

    def sleep(seconds: float) -> None:
        rounds.append(seconds)
        if len(rounds) == 3:
            raise Ended
        scs.cloud.nova.pass_by(5)

    monkeypatch.setattr("scs.cli.evacuate.time.sleep", sleep)
    with pytest.raises(Ended):
        cli.scs.main(["--json", "watch", "--evacuate"], standalone_mode=False)
    lines: list[dict[str, Any]] = [
        json.loads(line) for line in scs._capture.readouterr().out.splitlines()
    ]
    assert [line["event"] for line in lines] == ["lost", "evacuated", "watching"]
    assert [item["moved"] for item in lines[1]["guests"]] == [True, True]
    (run,) = scs.world.session().journal.runs()
    assert run.result == Result.DONE
