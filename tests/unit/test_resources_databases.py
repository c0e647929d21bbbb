# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Databases, with MariaDB's client replaced: accounts, migrations, what is restored."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from commands import NO_SERVER, replace_client, replace_command
from scs.resources import (
    ConvergeError,
    Database,
    Migration,
    Restored,
    database,
    migration,
    observe,
    restored,
)
from scs.resources.schema import Schema

# --- MariaDB, with its client replaced

HASH = "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"
"""What `SELECT PASSWORD('password')` answers."""
SHOW, USERS, GRANTS = "SHOW DATABASES", "SELECT user, CONCAT", "SELECT user, db"
NOVA = Database(name="nova", accounts=(("nova", "password"),), databases=("nova", "nova_api"))
FILLED: Mapping[str, str | ConvergeError] = {
    SHOW: "nova\nnova_api\nmysql\n",
    USERS: f"nova\t{HASH} ANY\nother\t*00 \n",
    GRANTS: "nova\tnova\nnova\tnova\\\\_api\n",
}


def test_passwords_are_compared_as_mariadb_keeps_them() -> None:
    assert database.native_hash("password") == HASH


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({}, None),
        ({SHOW: "nova\nmysql\n"}, "no database nova_api"),
        ({USERS: ""}, "account nova is missing or has another password"),
        ({USERS: "nova\t*00 ANY\n"}, "account nova is missing or has another password"),
        ({USERS: f"nova\t{HASH} \n"}, "account nova is missing or has another password"),
        ({GRANTS: "nova\tnova\n"}, "account nova lacks rights"),
        ({SHOW: NO_SERVER}, "can't be seen: the database does not answer"),
    ],
)
def test_databases(
    monkeypatch: pytest.MonkeyPatch,
    answers: Mapping[str, str | ConvergeError],
    reason: str | None,
) -> None:
    replace_client(monkeypatch, {**FILLED, **answers})
    assert NOVA.why(observe([NOVA])[NOVA.id]) == reason


def test_a_database_account_may_use_its_own_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = replace_command(monkeypatch, database, {})
    NOVA.converge()
    line = commands.ran[-1]
    assert "password" not in line.partition(" < ")[0]
    assert "REQUIRE SSL;" in line
    assert "GRANT ALL PRIVILEGES ON `nova\\_api`.* TO 'nova'@'%';" in line


def test_an_account_that_was_only_out_of_sight_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replace_client(monkeypatch, FILLED)  # knows no query that changes something
    NOVA.converge()


def test_two_accounts_take_turns_without_a_moment_without_rights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = replace(NOVA, accounts=(("nova", "password"), ("nova-b", "password")))
    replace_client(monkeypatch, FILLED)
    assert both.compare(observe([both])[both.id]) == (
        "account nova-b is missing or has another password"
    )
    after = replace(NOVA, accounts=(("nova-b", "password"),), gone=("nova",))
    users = f"nova\t*00 ANY\nnova-b\t{HASH} ANY\n"
    grants = "nova-b\tnova\nnova-b\tnova\\\\_api\n"
    replace_client(monkeypatch, {**FILLED, USERS: users, GRANTS: grants})
    assert after.compare(observe([after])[after.id]) == "account nova is to be removed"
    commands = replace_command(monkeypatch, database, {})
    after.converge()
    assert "REPLACE" not in commands.ran[-1]
    assert commands.ran[-1].rstrip().endswith("DROP USER IF EXISTS 'nova'@'%';")


# --- migrations: the proof is in the database

WANTED = "/opt/scs/releases/2026.2-b"
DONE = Migration(
    name="nova",
    environment=WANTED,
    argv=("nova-manage", "sync"),
    user="nova",
    env={"PASSWORD": "secret"},
    proofs={"nova": "nova", "nova_cell0": "nova"},
    rows={"SELECT COUNT(*) FROM nova.cells": "2"},
)
COMMENT = "SELECT table_comment"
PROVEN: Mapping[str, str | ConvergeError] = {
    COMMENT: "\n",
    "SELECT version_num FROM `nova_cell0`": "b2\na1\n",
    "SELECT version_num FROM `nova`": "a1\nb2\n",
    "SELECT COUNT(*) FROM nova.cells": "2\n",
}
VERSION, ROWS = list(PROVEN)[2:]


TREES = {
    "nova": {
        "heads": ["a1", "b2"],
        "expanded": ["a1"],
        "follows": {"a1": ["a0"], "b2": ["b1"], "a0": [], "b1": []},
    }
}
"""A branch that comes (a) and one that takes something away (b)."""


@pytest.fixture
def done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Migration:
    """The migration of an environment that is on the node, and runs there."""
    environment = tmp_path / "2026.2-b"
    environment.mkdir()
    (environment / migration.HEADS).write_text(json.dumps(TREES))
    monkeypatch.setattr(migration, "ENVIRONMENT", tmp_path / "openstack")
    runs(tmp_path, environment.name)
    return replace(DONE, environment=str(environment))


def runs(folder: Path, environment: str) -> None:
    (folder / "openstack").unlink(missing_ok=True)
    (folder / "openstack").symlink_to(folder / environment)


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({}, None),
        ({VERSION: "a1\n"}, "nova is at a1"),
        ({VERSION: "a1\nb2\nc3\n"}, "nova is at a1 b2 c3"),
        ({VERSION: ""}, "nova is at nothing"),
        ({VERSION: ConvergeError("no such table")}, "nova is at nothing"),
        ({VERSION: NO_SERVER}, "can't be seen: the database does not answer"),
        ({ROWS: "1\n"}, "its first rows are missing"),
        ({ROWS: ConvergeError("no such table")}, "its first rows are missing"),
    ],
)
def test_a_migration_is_proven_by_the_database(
    monkeypatch: pytest.MonkeyPatch,
    done: Migration,
    answers: Mapping[str, str | ConvergeError],
    reason: str | None,
) -> None:
    replace_client(monkeypatch, {**PROVEN, **answers})
    assert done.why(observe([done])[done.id]) == reason


@pytest.mark.parametrize(
    ("runs_already", "content", "reason"),
    [
        (False, None, "was never done"),
        (True, None, "can't be seen: its environment is not on the node yet"),
        (True, "{}", "can't be seen: its environment is not on the node yet"),
        (True, '{"glance": {"heads": [], "expanded": [], "follows": {}}}', "was never done"),
    ],
)
def test_without_known_heads_nothing_is_proven(
    monkeypatch: pytest.MonkeyPatch,
    done: Migration,
    runs_already: bool,
    content: str | None,
    reason: str,
) -> None:
    replace_client(monkeypatch, PROVEN)
    heads = Path(done.environment) / migration.HEADS
    heads.unlink() if content is None else heads.write_text(content)
    if not runs_already:
        migration.ENVIRONMENT.unlink()
    assert done.why(observe([done])[done.id]) == reason


def test_a_migration_that_ends_well_must_also_have_worked(
    monkeypatch: pytest.MonkeyPatch, done: Migration
) -> None:
    replace_client(monkeypatch, {**PROVEN, ROWS: "1\n"})
    commands = replace_command(monkeypatch, migration, {})
    with pytest.raises(ConvergeError, match="ended well, but its first rows are missing"):
        done.converge()
    assert commands.ran == [" ".join([*migration.AHEAD, "runuser -u nova -- nova-manage sync"])]
    replace_client(monkeypatch, PROVEN)
    done.converge()


# --- migrations from release to release: what each state of the databases asks for

UP, OLD, NEW, FAR = ["a1", "b2"], ["a0", "b1"], ["a1", "b1"], ["a2", "b2"]
"""What all of the release has done; the one before; with what comes; a later one."""


@pytest.mark.parametrize(
    ("rows", "held", "running", "finishing", "does", "wrong"),
    [
        # A new cloud, and one that is as it should be.
        ([], "", "", False, "argv", "nova is at nothing"),
        (UP, "", "", False, "", ""),
        (UP, "", "2026.2", False, "", ""),
        (UP, "", "2026.2", True, "", ""),
        # The same release, with newer packages.
        (OLD, "", "2026.2", False, "argv", "nova is at a0 b1"),
        # From the release before: first what comes; noted even where nothing does.
        (OLD, "", "2026.1", False, "expand", "nova is at a0 b1"),
        (UP, "", "2026.1", False, "expand", "is that of release 2026.1"),
        # Ended between the note and the end of the expansion, and after it.
        (OLD, "2026.1", "2026.1", False, "expand", "nova is at a0 b1"),
        (NEW, "2026.1", "2026.1", False, "", ""),
        # The new release runs: the rest waits.
        (NEW, "2026.1", "2026.2", False, "", ""),
        (UP, "2026.1", "2026.2", False, "", ""),
        (NEW, "2026.1", "2026.2", True, "finish", "still leads back to release 2026.1"),
        (UP, "2026.1", "2026.2", True, "finish", "still leads back to release 2026.1"),
        # A service that comes along with the upgrade has new databases.
        ([], "", "2026.1", False, "argv", "nova is at nothing"),
        # Back here from a later release, and on with that.
        (FAR, "2026.2", "2027.1", False, "back", "release 2027.1 is at work on it"),
        (FAR, "2026.2", "2026.2", False, "", ""),
        # Its upgrade is finished.
        (FAR, "", "2027.1", False, "argv", "nova is at a2 b2"),
        # A backup of this release was loaded.
        (UP, "", "2027.1", False, "", ""),
    ],
)
def test_what_a_database_asks_for(
    rows: list[str], held: str, running: str, finishing: bool, does: str, wrong: str
) -> None:
    want = replace(DONE, proofs={"nova": "nova"}, rows={}, finishing=finishing, back=("back",))
    schemas = {"nova": Schema.of(TREES["nova"])}
    seen = want.judge(migration.Found(schemas, {"nova": rows}, (), held, running))
    assert seen["wrong"] == wrong
    if wrong:
        assert seen["do"] == does
    assert seen["ahead"] == ("nova is at a2 b2" if rows == FAR and not held else "")


def test_an_upgrade_is_noted_in_the_databases_before_it_begins_and_until_it_ends(
    monkeypatch: pytest.MonkeyPatch, done: Migration, tmp_path: Path
) -> None:
    done = replace(
        done, expand=("nova-manage", "expand"), finish=(("data",), ("contract",)), rows={}
    )
    said: list[str] = []
    held = migration.HELD + "2026.1"
    at = {"2026.1": "a0\nb1\n", "expanded": "a1\nb1\n", "2026.2": "a1\nb2\n"}

    def database(rows: str, comment: str) -> None:
        answers = {COMMENT: f"{comment}\n", "SELECT version_num": at[rows]}
        replace_client(monkeypatch, answers)

    def ran(argv: Sequence[str], **_more: object) -> str:
        said.append(argv[-1])
        if argv[-1] in ("expand", "contract"):
            database({"expand": "expanded", "contract": "2026.2"}[argv[-1]], held)
        return ""

    def sql(text: str) -> str:
        said.extend(text.splitlines())
        if "COMMENT = ''" in text:
            database("2026.2", "")
        return ""

    monkeypatch.setattr(migration, "command", ran)
    monkeypatch.setattr(migration, "sql", sql)
    note = "ALTER TABLE `{}`.alembic_version COMMENT = '{}';"
    runs(tmp_path, "2026.1-a")
    database("2026.1", "")
    done.converge()
    assert said == [note.format("nova", held), note.format("nova_cell0", held), "expand"]
    runs(tmp_path, "2026.2-b")
    said.clear()
    done.converge()
    assert said == []
    replace(done, finishing=True).converge()
    assert said == ["data", "contract", note.format("nova", ""), note.format("nova_cell0", "")]


def test_what_is_not_finished_still_leads_back(
    monkeypatch: pytest.MonkeyPatch, done: Migration
) -> None:
    held = f"{migration.HELD}2026.1\n"
    replace_client(monkeypatch, {COMMENT: held, "SELECT version_num": "a1\nb1\n"})
    replace_command(monkeypatch, migration, {})
    monkeypatch.setattr(migration, "sql", lambda text: pytest.fail(text))
    want = replace(done, rows={}, finishing=True, finish=(("contract",),))
    with pytest.raises(ConvergeError, match="finishing ended well, but nova is at a1 b1"):
        want.converge()


@pytest.mark.parametrize(("tables", "keeps"), [("", True), ("instances\n", False)])
def test_only_what_was_made_of_empty_databases_is_kept(
    monkeypatch: pytest.MonkeyPatch, done: Migration, tables: str, keeps: bool
) -> None:
    """What is in a cloud that is brought up to date belongs to nobody else's."""
    answers = {**PROVEN, "SHOW TABLES IN `nova`": tables, "SHOW TABLES": ""}
    replace_client(monkeypatch, {**answers, ROWS: "1\n"})
    replace_command(monkeypatch, migration, {})
    kept: list[str] = []
    monkeypatch.setattr(migration.Migration, "_keep", lambda self: kept.append(self.name))

    def ran(*_args: object, **_more: object) -> str:
        replace_client(monkeypatch, answers)
        return ""

    monkeypatch.setattr(migration, "command", ran)
    replace(done, snapshot=True).converge()
    assert kept == ([DONE.name] if keeps else [])


# --- what migrations made, restored before the first start

RESTORED = Restored(
    name="mariadb", environment=WANTED, migrations=("nova",), databases=("nova", "nova_cell0")
)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """MariaDB's folder, and a kept dump of one migration."""
    folder = tmp_path / "mysql"
    folder.mkdir()
    monkeypatch.setattr(restored, "DATA", folder)
    monkeypatch.setattr(restored, "BEGUN", folder / ".begun")
    monkeypatch.setattr(restored, "SOCKET", tmp_path / "socket")
    monkeypatch.setattr(migration, "ARTIFACTS", tmp_path / "artifacts")
    path = migration.kept(WANTED, "nova")
    path.parent.mkdir(parents=True)
    path.write_text(f"CREATE TABLE t;\n{migration.COMPLETE}")
    return folder


@pytest.mark.parametrize(
    ("folders", "reason"),
    [
        ([], "starts empty"),
        (["mysql"], "starts empty"),
        (["nova_cell0"], None),
        (["nova", ".begun"], "starts empty"),
    ],
)
def test_only_a_server_that_never_ran_is_filled(
    data: Path, folders: list[str], reason: str | None
) -> None:
    for name in folders:
        (data / name).mkdir()
    assert RESTORED.compare(observe([RESTORED])[RESTORED.id]) == reason
    assert RESTORED.compare({}) == "is missing"


@pytest.mark.parametrize(
    "hindrance", ["the server runs", "nothing is kept", "a part is kept", "it is there"]
)
def test_otherwise_the_migrations_do_it(
    data: Path, hindrance: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*words: object, **more: object) -> None:
        raise AssertionError(words)

    monkeypatch.setattr(subprocess, "Popen", never)
    if hindrance == "the server runs":
        restored.SOCKET.touch()
    elif hindrance == "nothing is kept":
        migration.kept(WANTED, "nova").unlink()
    elif hindrance == "a part is kept":
        path = migration.kept(WANTED, "nova")
        path.write_text(path.read_text()[:-3])
    else:
        (data / "nova").mkdir()
    RESTORED.converge()
    assert not restored.BEGUN.exists()


def test_a_server_that_does_not_start_tells_why_and_is_tried_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = tmp_path / "bin" / "mariadbd"
    server.parent.mkdir()
    server.write_text("#!/bin/sh\necho no room >&2\nexit 1\n")
    server.chmod(0o755)
    monkeypatch.setenv("PATH", f"{server.parent}:/usr/bin:/bin")
    monkeypatch.setattr(shutil, "chown", lambda *_: None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (data / "nova").mkdir()
    restored.BEGUN.touch()
    with pytest.raises(ConvergeError, match=r"does not start\nno room"):
        RESTORED.converge()
    assert list(tmp_path.glob("scs-restored-*")) == []
    assert RESTORED.compare(observe([RESTORED])[RESTORED.id]) == "starts empty"
