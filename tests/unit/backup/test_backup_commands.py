# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""`scs backup` and `scs restore`, as people and programs use them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from backups import DATABASES, PARTS, flip
from paper.cloud import PaperCloud
from paper.world import PaperSession, World
from scs.cli import changing, policy
from scs.cli import main as cli
from scs.engine.backup.manifest import STATE
from scs.errors import BadInput


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs a command on the cloud on paper; answers what it printed as JSON."""
    file = world.folder / "cloud.yaml"
    world.yaml["backup"] = {"to": "backups"}
    file.write_text(yaml.safe_dump(world.yaml))
    (world.folder / "backups").mkdir()

    @contextmanager
    def session(_options: Any, command: str, **_words: bool) -> Iterator[PaperSession]:
        found = world.session(command)
        found.file = file
        with found:
            yield found

    monkeypatch.setattr(cli, "_session", session)
    monkeypatch.setattr(changing, "preflight", lambda _: None)

    def work(*words: str, code: int = 0) -> Any:
        argv = ["--file", str(file), "--json", *words]
        done = CliRunner().invoke(cli.scs, argv)
        if code == 3:
            assert isinstance(done.exception, BadInput)
            return str(done.exception)
        assert done.exit_code == code, (done.output, done.exception)
        return json.loads(done.stdout)

    return work


def test_the_commands(run: Callable[..., Any], world: World) -> None:
    first = run("backup", "create")
    assert Path(first["folder"]).parent == world.folder / "backups" / "paper"
    second = run("backup", "create")
    assert [item["id"] for item in run("backup", "list")] == [first["id"], second["id"]]
    assert run("backup", "verify")["id"] == second["id"]
    assert "--yes" in run("restore", first["id"], code=3)
    world.cloud.data["node-1"][DATABASES] = "later\n-- Dump completed\n"
    assert run("restore", first["id"], "--yes")["not_loaded"] == []
    assert world.cloud.data["node-1"][DATABASES].startswith("the first")
    assert run("backup", "prune", "--keep", "1") == {"removed": [first["id"]]}
    assert "is not there" in run("restore", first["id"], "--yes", code=3)
    flip(Path(second["folder"]) / "scs.state.age")
    assert run("backup", "verify", code=6)["ok"] is False
    commands = [item.start.command for item in world.session().journal.runs()]
    assert commands[:3] == ["restore", "backup create", "backup create"]


def test_what_a_person_reads(run: Callable[..., Any], world: World) -> None:
    name = run("backup", "create")["id"]

    def said(*words: str) -> str:
        argv = ["--file", str(world.folder / "cloud.yaml"), *words]
        return CliRunner().invoke(cli.scs, argv, catch_exceptions=False).output

    text = said("backup", "create")
    assert "Not in it: /var/lib/nova/instances of nova-compute (disks of servers" in text
    assert "Prove it: scs backup verify" in text
    (world.folder / "backups/paper/20260101T000000Z").mkdir()
    lines = said("backup", "list").splitlines()
    assert lines[1].split()[0] == "20260101T000000Z"
    assert "was not made to its end" in lines[1]
    assert lines[2].split()[0] == name
    assert "is well" in said("backup", "verify", name)
    text = said("restore", name, "--yes")
    assert f"Cloud paper is as of {name}" in text
    assert "Was not in it: /var/lib/nova/instances" in text
    assert said("backup", "prune", "--keep", "1").startswith("Removed: 20260101T000000Z, ")
    assert not any(secret in text for secret in world.secrets())


def test_older_ones_go_when_a_new_one_is_there(run: Callable[..., Any], world: World) -> None:
    world.yaml["backup"]["keep"] = 2
    (world.folder / "cloud.yaml").write_text(yaml.safe_dump(world.yaml))
    made_ones = [run("backup", "create") for _ in range(3)]
    assert made_ones[2]["pruned"] == [made_ones[0]["id"]]
    assert len(run("backup", "list")) == 2


def test_with_nothing_but_the_backup_and_the_key(run: Callable[..., Any], world: World) -> None:
    (world.folder / "config").mkdir()
    (world.folder / "config/nova.conf").write_text("[DEFAULT]\nreserved_host_memory_mb = 1\n")
    world.up()
    found = run("backup", "create")
    shutil.rmtree(world.state)
    shutil.rmtree(world.folder / "config")
    (world.folder / "cloud.yaml").unlink()
    world.cloud = PaperCloud()
    assert "nothing says where" in run("restore", "latest", "--yes", code=3)
    to = str(world.folder / "backups")
    back = run("restore", "latest", "--yes", "--to", to)
    assert back["restored"] == found["id"]
    assert str(world.folder / "config/nova.conf") in back["back"]
    assert yaml.safe_load((world.folder / "cloud.yaml").read_text()) == world.yaml
    assert not world.plan().plan


def test_policies_judge_what_is_seen_once_the_nodes_run(
    run: Callable[..., Any], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("backup", "create")
    real, judged = policy.enforce, []

    def enforce(session: Any, look: Any, *words: Any, **more: Any) -> None:
        judged.append(bool(look.plan.machine))
        real(session, look, *words, **more)

    monkeypatch.setattr(policy, "enforce", enforce)
    shutil.rmtree(world.state)
    world.cloud = PaperCloud()
    run("restore", "latest", "--yes")
    # Before the nodes are made, when they can be seen, and before the API's things are.
    assert judged == [True, False, False]


def test_where_backups_may_not_be(run: Callable[..., Any], world: World) -> None:
    inside = world.state / "here"
    inside.mkdir()
    assert "state folder" in run("backup", "create", "--to", str(inside), code=3)
    assert "no folder" in run("backup", "create", "--to", str(world.folder / "no"), code=3)


def test_state_is_what_scs_keeps() -> None:
    assert STATE == ("scs", "state", "")
    assert "scs" not in PARTS
