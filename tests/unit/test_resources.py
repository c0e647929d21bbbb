# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Resources: looked at, compared, converged; for real where that needs no root."""

from __future__ import annotations

import grp
import json
import os
import pwd
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scs.plan.plan import node_steps
from scs.resources import (
    Account,
    ConvergeError,
    Database,
    Directory,
    File,
    Gate,
    HypervisorSecret,
    Keys,
    Link,
    Migration,
    Packages,
    QueueAccounts,
    Resource,
    Restored,
    Unit,
    account,
    build,
    database,
    graph,
    hypervisor,
    migration,
    observe,
    package,
    probe,
    queue,
    restored,
    unit,
)
from scs.resources.base import command

ME = pwd.getpwuid(os.getuid()).pw_name
MINE = grp.getgrgid(os.getgid()).gr_name


class Commands:
    """Stands for the node's commands: answers from a table, remembers what was run."""

    def __init__(self, answers: Mapping[str, str | ConvergeError]) -> None:
        self.answers = answers
        self.ran: list[str] = []

    def __call__(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 0,
        check: bool = True,
    ) -> str:
        line = " ".join(argv) + (f" < {stdin}" if stdin else "")
        self.ran.append(line)
        for start, answer in self.answers.items():
            if line.startswith(start):
                if isinstance(answer, ConvergeError):
                    raise answer
                return answer
        return ""


@pytest.fixture(autouse=True)
def calm() -> None:
    """A step that fails tells all others of its process to hurry; not those of other tests."""
    probe.hurry.clear()


def replace_command(
    monkeypatch: pytest.MonkeyPatch, module: Any, answers: Mapping[str, str | ConvergeError]
) -> Commands:
    commands = Commands(answers)
    monkeypatch.setattr(module, "command", commands)
    return commands


# --- files, directories, links: the real thing


def file(path: Path, content: str = "wanted\n", **values: Any) -> File:
    return File(name=str(path), content=content, owner=ME, group=MINE, **values)


def directory(path: Path) -> Directory:
    return Directory(name=str(path), owner=ME, group=MINE, mode=0o750)


def link(path: Path) -> Link:
    return Link(name=str(path), target="wanted/target")


def nothing(_path: Path) -> None:
    """Leaves it missing."""


def other_file(path: Path) -> None:
    path.write_text("something else")


def other_mode(path: Path) -> None:
    path.write_text("wanted\n")
    path.chmod(0o600)


def other_link(path: Path) -> None:
    path.symlink_to("somewhere/else")


def own_directory(path: Path) -> None:
    path.mkdir(mode=0o700)
    (path / "content").write_text("stays")


@pytest.mark.parametrize(
    ("make", "before", "reason"),
    [
        (file, nothing, "is missing"),
        (file, other_file, "has other content"),
        (file, other_mode, "mode 0o600 instead of 0o644"),
        (file, other_link, "is missing"),
        (directory, nothing, "is missing"),
        (directory, own_directory, "mode 0o700 instead of 0o750"),
        (link, nothing, "is missing"),
        (link, other_link, "points to somewhere/else"),
        (link, other_file, "is missing"),
    ],
)
def test_converged_once_there_is_nothing_to_do(
    tmp_path: Path, make: Callable[[Path], Resource], before: Callable[[Path], None], reason: str
) -> None:
    path = tmp_path / "sub" / "it"
    path.parent.mkdir()
    before(path)
    wanted = [make(path)]
    ((step, item),) = node_steps("node-1", wanted, observe(wanted))
    assert step.reason == reason
    item.converge()
    seen = observe(wanted)
    assert item.compare(seen[item.id]) is None
    assert node_steps("node-1", wanted, seen) == ()
    item.converge()
    assert observe(wanted) == seen
    if before is own_directory:
        assert (path / "content").read_text() == "stays"


@pytest.mark.parametrize("make", [file, directory, link])
def test_folders_above_are_made(tmp_path: Path, make: Callable[[Path], Resource]) -> None:
    item = make(tmp_path / "a/b/c")
    item.converge()
    assert item.compare(observe([item])[item.id]) is None


def test_a_file_that_is_interrupted_leaves_the_old_one_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "conf"
    path.write_text("old\n")
    path.chmod(0o600)
    item = file(path)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            item.converge()
    assert path.read_text() == "old\n"
    assert path.stat().st_mode & 0o777 == 0o600
    item.converge()
    assert path.read_text() == "wanted\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["conf"]


def test_a_secret_file_is_never_readable_by_others_on_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[int] = []
    real = os.fchown

    def recorded(descriptor: int, user: int, group: int) -> None:
        modes.append(os.fstat(descriptor).st_mode & 0o777)
        real(descriptor, user, group)

    monkeypatch.setattr(os, "fchown", recorded)
    file(tmp_path / "key", mode=0o400, secret=True).converge()
    assert modes == [0o600]
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o400


def test_a_service_cannot_lead_a_file_of_its_folder_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "shadow").write_text("precious")
    (tmp_path / ".conf.scs").symlink_to(tmp_path / "shadow")
    file(tmp_path / "conf").converge()
    assert (tmp_path / "shadow").read_text() == "precious"
    assert (tmp_path / "conf").read_text() == "wanted\n"


def test_an_unknown_owner_is_an_error_that_names_it(tmp_path: Path) -> None:
    item = File(name=str(tmp_path / "conf"), content="", owner="nobody-of-that-name")
    with pytest.raises(ConvergeError, match="nobody-of-that-name"):
        item.converge()
    assert not (tmp_path / "conf").exists()


def test_what_is_seen_of_a_secret_file_does_not_hold_it(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("old secret")
    open_, secret = (file(tmp_path / "key", secret=value) for value in (False, True))
    assert observe([open_])[open_.id]["content"] == "old secret"
    assert "old secret" not in json.dumps(observe([secret]))


def test_a_directory_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    item = file(tmp_path)
    assert item.compare(observe([item])[item.id]) == "has other content"


def test_payloads_are_plain_and_come_back_equal(tmp_path: Path) -> None:
    wanted: list[Resource] = [
        file(tmp_path, after=("directory:/x",)),
        directory(tmp_path),
        link(tmp_path),
        Packages(name="p", packages=("a", "b"), component="c"),
        QueueAccounts(name="q", host="h", port=1, accounts=(("user", "password", "user"),)),
        Unit(name="u", reads=("/a",), ready={"type": "tcp", "host": "h", "port": 1}),
    ]
    for item in wanted:
        assert build(json.loads(json.dumps(item.payload()))) == item


# --- packages, accounts


DPKG = """\
Package: alpha
Status: install ok installed
Version: 1.0
Description: first

Package: beta
Status: deinstall ok config-files
Version: 2.0

Package: gamma
Status: install ok unpacked
Version: 3.0
"""


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (("alpha",), None),
        (("alpha", "beta"), "not installed: beta"),
        (("gamma", "delta"), "not installed: gamma, delta"),
    ],
)
def test_packages_are_there_when_fully_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], reason: str | None
) -> None:
    monkeypatch.setattr(package, "STATUS", tmp_path / "status")
    item = Packages(name="part", packages=names)
    assert item.compare(observe([item])[item.id]) == f"not installed: {', '.join(names)}"
    (tmp_path / "status").write_text(DPKG)
    assert item.compare(observe([item])[item.id]) == reason


def test_accounts_are_looked_up() -> None:
    root = Account(name="root")
    nobody = Account(name="no-such-account")
    seen = observe([root, nobody])
    assert seen[root.id]["home"] == pwd.getpwnam("root").pw_dir
    assert root.compare(seen[root.id]) is None
    assert nobody.compare(seen[nobody.id]) == "is missing"
    more = Account(name="root", groups=("no-such-group",))
    assert more.compare(seen[root.id]) == "not in no-such-group"


def test_an_account_is_made_once_and_its_groups_always(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = replace_command(monkeypatch, account, {})
    Account(name="no-such-account", groups=("a", "b")).converge()
    assert [line.split()[0] for line in commands.ran] == [
        "groupadd",
        "useradd",
        "groupadd",
        "groupadd",
        "usermod",
    ]
    commands.ran.clear()
    Account(name="root", groups=("a",)).converge()
    assert commands.ran == ["groupadd --system --force a", "usermod --append --groups a root"]


# --- MariaDB, with its client replaced

HASH = "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"
"""What `SELECT PASSWORD('password')` answers."""
SHOW, USERS, GRANTS = "SHOW DATABASES", "SELECT user, CONCAT", "SELECT user, db"
NO_SERVER = ConvergeError("no server")
NOVA = Database(name="nova", accounts=(("nova", "password"),), databases=("nova", "nova_api"))
FILLED: Mapping[str, str | ConvergeError] = {
    SHOW: "nova\nnova_api\nmysql\n",
    USERS: f"nova\t{HASH} ANY\nother\t*00 \n",
    GRANTS: "nova\tnova\nnova\tnova\\\\_api\n",
}


def replace_client(
    monkeypatch: pytest.MonkeyPatch, answers: Mapping[str, str | ConvergeError]
) -> None:
    """MariaDB's client: answers by the beginning of a query; what fails is passed over."""

    def client(argv: Sequence[str], *, stdin: str) -> str:
        assert "--force" in argv[-1]
        told = ""
        for mark, query in re.findall(r"SELECT '(scs-answer-\d+)';\n(.+);", stdin):
            answer = next(text for start, text in answers.items() if query.startswith(start))
            if answer is NO_SERVER:
                raise answer
            told += f"{mark}\n" + ("" if isinstance(answer, ConvergeError) else answer)
        return told

    monkeypatch.setattr(database, "command", client)


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


# --- keys


def test_keys_are_readable_from_the_moment_they_appear(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "1").write_text("one")
    (folder / "1").chmod(0o400)
    (folder / "7").write_text("left")
    steps: list[str] = []

    def owned(path: Path, *_: str) -> None:
        assert path.parent == tmp_path, "a service would open it"
        steps.append(path.name)

    monkeypatch.setattr(shutil, "chown", owned)
    item = Keys(name=str(folder), keys=((0, "next"), (1, "one"), (2, "two")), owner="k", group="k")
    assert item.compare(observe([item])[item.id]) == "has no key 0, 2"
    item.converge()
    assert steps == [".keys.2.scs", ".keys.1.scs", ".keys.0.scs"], "the next one last"
    seen = observe([item])[item.id]
    assert item.compare(seen) is None
    assert "two" not in json.dumps(seen) + item.diff({})
    (folder / "2").chmod(0o644)
    assert item.compare(observe([item])[item.id]) == "has another key 2"
    assert item.compare({}) == "is missing"


# --- migrations: the proof is in the database

DONE = Migration(
    name="nova",
    argv=("nova-manage", "sync"),
    user="nova",
    env={"PASSWORD": "secret"},
    proofs={"nova": "nova", "nova_cell0": "nova"},
    rows={"SELECT COUNT(*) FROM nova.cells": "2"},
)
PROVEN: Mapping[str, str | ConvergeError] = {
    "SELECT version_num FROM `nova_cell0`": "b2\na1\n",
    "SELECT version_num FROM `nova`": "a1\nb2\n",
    "SELECT COUNT(*) FROM nova.cells": "2\n",
}
VERSION, ROWS = list(PROVEN)[1:]


@pytest.fixture
def heads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "heads.json"
    path.write_text(json.dumps({"nova": ["a1", "b2"]}))
    monkeypatch.setattr(migration, "HEADS", path)
    return path


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
    heads: Path,
    answers: Mapping[str, str | ConvergeError],
    reason: str | None,
) -> None:
    replace_client(monkeypatch, {**PROVEN, **answers})
    assert DONE.why(observe([DONE])[DONE.id]) == reason


@pytest.mark.parametrize("content", [None, "{}"])
def test_without_known_heads_nothing_is_proven(
    monkeypatch: pytest.MonkeyPatch, heads: Path, content: str | None
) -> None:
    replace_client(monkeypatch, PROVEN)
    heads.unlink() if content is None else heads.write_text(content)
    assert DONE.compare(observe([DONE])[DONE.id]) == "was never done"


def test_a_migration_that_ends_well_must_also_have_worked(
    monkeypatch: pytest.MonkeyPatch, heads: Path
) -> None:
    replace_client(monkeypatch, {**PROVEN, ROWS: "1\n"})
    commands = replace_command(monkeypatch, migration, {})
    with pytest.raises(ConvergeError, match="ended well, but its first rows are missing"):
        DONE.converge()
    assert commands.ran == ["nice -n -10 runuser -u nova -- nova-manage sync"]
    replace_client(monkeypatch, PROVEN)
    DONE.converge()


# --- what migrations made, restored before the first start

RESTORED = Restored(name="mariadb", migrations=("nova",), databases=("nova", "nova_cell0"))


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heads: Path) -> Path:
    """MariaDB's folder, and a kept dump of one migration."""
    folder = tmp_path / "mysql"
    folder.mkdir()
    monkeypatch.setattr(restored, "DATA", folder)
    monkeypatch.setattr(restored, "BEGUN", folder / ".begun")
    monkeypatch.setattr(restored, "SOCKET", tmp_path / "socket")
    monkeypatch.setattr(migration, "ARTIFACTS", tmp_path / "artifacts")
    path = migration.kept("nova")
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
        migration.kept("nova").unlink()
    elif hindrance == "a part is kept":
        path = migration.kept("nova")
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
    (data / "nova").mkdir()
    restored.BEGUN.touch()
    with pytest.raises(ConvergeError, match=r"does not start\nno room"):
        RESTORED.converge()
    assert RESTORED.compare(observe([RESTORED])[RESTORED.id]) == "starts empty"


# --- units

STATE = """\
Id=a.service
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
ExecMainStartTimestampMonotonic={started}
StateChangeTimestampMonotonic={changed}
"""


@pytest.mark.parametrize(
    ("started", "changed", "reload", "late"),
    [
        (-10, -10, False, True),
        (10, 10, False, False),
        (-10, 10, False, True),
        (-10, 10, True, False),
    ],
)
def test_a_unit_must_be_younger_than_what_it_reads(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    started: int,
    changed: int,
    reload: bool,
    late: bool,
) -> None:
    """Times in seconds, counted from the change of the file."""
    path = tmp_path / "conf"
    path.write_text("")
    written = time.monotonic() - 100
    os.utime(path, (time.time() - 100,) * 2)
    text = STATE.format(
        started=int((written + started) * 1e6), changed=int((written + changed) * 1e6)
    )
    replace_command(monkeypatch, unit, {"systemctl show": text})
    item = Unit(name="a.service", reads=(str(path), str(tmp_path / "missing")), reload=reload)
    assert item.compare(observe([item])[item.id]) == (
        f"runs with an older {path}" if late else None
    )


@pytest.mark.parametrize(
    ("state", "active", "reload", "reloads", "expected"),
    [
        ("disabled", False, False, False, ["enable --no-reload", "reset-failed", "restart"]),
        ("enabled", True, False, False, ["reset-failed", "restart"]),
        ("enabled", True, True, False, ["reset-failed", "reload"]),
        ("enabled", True, False, True, ["reset-failed", "reload"]),
        ("static", True, True, False, ["reset-failed", "reload"]),
        ("enabled", False, True, True, ["reset-failed", "restart"]),
    ],
)
def test_a_unit_is_enabled_and_started(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    state: str,
    active: bool,
    reload: bool,
    reloads: bool,
    expected: list[str],
) -> None:
    """A running one is reloaded when that is enough for the file that has changed."""
    (tmp_path / "conf").write_text("")
    now = "inactive" if not active else "active"
    shown = f"ActiveState={now}\nUnitFileState={state}\nExecMainStartTimestampMonotonic=1\n"
    shown += "StateChangeTimestampMonotonic=1\n"
    commands = replace_command(monkeypatch, unit, {"systemctl show": shown})
    Unit(
        name="a.service",
        reads=(str(tmp_path / "conf"),),
        reload=reload,
        reloads=(f"{tmp_path}/",) if reloads else (),
    ).converge()
    assert commands.ran[1:] == [f"systemctl {verb} a.service" for verb in expected]


def test_a_unit_restarts_when_a_file_changed_that_a_reload_does_not_take_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("conf", "certificate"):
        (tmp_path / name).write_text("")
    shown = "ActiveState=active\nUnitFileState=enabled\nExecMainStartTimestampMonotonic=1\n"
    commands = replace_command(monkeypatch, unit, {"systemctl show": shown})
    both = (str(tmp_path / "conf"), str(tmp_path / "certificate"))
    Unit(name="a.service", reads=both, reloads=(both[1],)).converge()
    assert commands.ran[-1] == "systemctl restart a.service"


@pytest.mark.parametrize(
    ("age", "states", "answers", "restarted"),
    [
        (5, ["active"], [""], False),
        (5, ["activating", "activating", "active"], [""], False),
        (5, ["active"], ["http: timed out", ""], False),
        (5, ["activating", "failed"], [], True),
        (500, ["active"], [], True),
    ],
    ids=["is up", "starts", "loads", "fails", "is old"],
)
def test_a_unit_that_was_started_a_moment_ago_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
    age: int,
    states: list[str],
    answers: list[str],
    restarted: bool,
) -> None:
    born = int((time.monotonic() - age) * 1e6)
    left = list(states)

    def shown(argv: Sequence[str], **_: object) -> str:
        ran.append(" ".join(argv))
        state = left.pop(0) if len(left) > 1 else left[0]
        text = f"ActiveState={state}\nUnitFileState=enabled\n"
        return f"{text}ExecMainStartTimestampMonotonic={born}\n" if "show" in argv else ""

    ran: list[str] = []
    monkeypatch.setattr(unit, "command", shown)
    monkeypatch.setattr(unit, "ask", lambda *_: answers.pop(0))
    monkeypatch.setattr(unit, "wait", lambda *_: None)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    Unit(name="a.service", ready={"type": "http", "url": ""}).converge()
    assert ("systemctl restart a.service" in ran) == restarted
    assert not answers


def test_a_unit_that_fails_tells_the_end_of_its_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: dict[str, str | ConvergeError] = {
        "systemctl restart": ConvergeError("Job for a.service failed"),
        "journalctl": "cannot open database",
    }
    replace_command(monkeypatch, unit, answers)
    with pytest.raises(ConvergeError, match=r"(?s)Job for a.service failed.*cannot open database"):
        Unit(name="a.service").converge()


# --- the queue's accounts


def test_queue_accounts_reach_the_server_by_a_private_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "definitions.json"
    monkeypatch.setattr(queue, "DEFINITIONS", path)
    monkeypatch.setattr(shutil, "chown", lambda *_: None)
    seen: dict[str, Any] = {}

    def imported(argv: Sequence[str], **_: object) -> str:
        seen.update(json.loads(path.read_text()), mode=path.stat().st_mode & 0o777, argv=argv)
        raise ConvergeError("no server")

    monkeypatch.setattr(queue, "command", imported)
    item = QueueAccounts(name="accounts", host="h", port=1, accounts=(("nova", "secret", "nova"),))
    with pytest.raises(ConvergeError):
        item.converge()
    assert seen["users"][0]["password"] == "secret"
    assert seen["vhosts"] == [{"name": "nova", "default_queue_type": "quorum"}]
    assert seen["mode"] == 0o600
    assert "secret" not in " ".join(seen["argv"])
    assert not path.exists(), "the passwords must not stay behind"
    assert item.compare({}) == "cannot be used: nova"
    assert item.compare({"nova": ""}) is None


# --- commands


@pytest.mark.parametrize(
    ("argv", "options", "message"),
    [
        (["no-such-command-here"], {}, "no-such-command-here: no such command"),
        (["sh", "-c", "seq 100; exit 3"], {}, r"(?s)ended with 3\n86\n.*\n100$"),
        (["sh", "-c", "echo so far; exec sleep 60"], {"timeout": 0.3}, r"(?s)longer.*so far"),
    ],
)
def test_commands_that_fail_tell_how_they_ended(
    argv: list[str], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConvergeError, match=message):
        command(argv, **options)


# --- running the steps of a plan

Order = Mapping[str, set[str]]


def run(
    after: Order, *, width: int = 8, failing: frozenset[str] = frozenset(), pause: float = 0
) -> tuple[list[str], list[str], int]:
    """What was started, in this order; what went well; how many ran at once at most."""
    lock = threading.Lock()
    started: list[str] = []
    running = most = 0

    def work(name: str) -> graph.Outcome:
        nonlocal running, most
        with lock:
            started.append(name)
            running += 1
            most = max(most, running)
        time.sleep(pause)
        with lock:
            running -= 1
        return graph.Outcome(name, name not in failing, 0.0, 0.0)

    outcomes = graph.schedule(after, work, width)
    return started, [outcome.id for outcome in outcomes if outcome.ok], most


CHAIN: Order = {"c": {"b"}, "b": {"a"}, "a": set()}
TWO: Order = {"b": {"a"}, "a": set(), "y": {"x"}, "x": set(), "z": {"b", "y"}}


def test_each_step_comes_after_those_before_it() -> None:
    assert run(CHAIN)[0] == ["a", "b", "c"]
    started, well, _ = run(TWO)
    assert sorted(well) == sorted(TWO)
    for name, others in TWO.items():
        assert all(started.index(other) < started.index(name) for other in others)


def test_what_is_no_step_is_right_already() -> None:
    assert run({"a": {"file:/is/there"}})[1] == ["a"]


@pytest.mark.parametrize(
    ("after", "failing", "started"),
    [
        (CHAIN, {"a"}, {"a"}),
        (CHAIN, {"b"}, {"a", "b"}),
        (TWO, {"a"}, {"a", "x", "y"}),
        (TWO, {"a", "x"}, {"a", "x"}),
    ],
)
def test_a_failure_stops_what_depends_on_it_and_nothing_else(
    after: Order, failing: set[str], started: set[str]
) -> None:
    found, well, _ = run(after, failing=frozenset(failing))
    assert set(found) == started
    assert set(well) == started - failing


@pytest.mark.parametrize(("width", "most"), [(1, 1), (3, 3), (20, 8)])
def test_steps_run_side_by_side_as_wide_as_allowed(width: int, most: int) -> None:
    independent: Order = {str(number): set() for number in range(8)}
    assert run(independent, width=width, pause=0.1)[2] == most


def test_converging_tells_of_each_step_and_survives_surprises(tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("")
    good = file(tmp_path / "good")
    bad = file(tmp_path / "in the way" / "bad", after=(good.id,))
    never = file(tmp_path / "never", after=(bad.id,))
    events: list[Mapping[str, Any]] = []
    outcomes = graph.run([never, bad, good], events.append)
    assert [(item.id, item.ok) for item in outcomes] == [(good.id, True), (bad.id, False)]
    assert "in the way" in outcomes[1].error
    assert [(event["event"], event["id"]) for event in events] == [
        ("start", good.id),
        ("end", good.id),
        ("start", bad.id),
        ("end", bad.id),
    ]
    assert not (tmp_path / "never").exists()


# --- gates


def test_a_gate_opens_when_its_probe_answers(tmp_path: Path) -> None:
    path = tmp_path / "there"
    gate = Gate(name="g", probe={"type": "succeeds", "argv": ["test", "-e", str(path)]}, seconds=20)
    timer = threading.Timer(0.2, path.touch)
    timer.start()
    gate.converge()
    assert path.exists()
    timer.join()


def test_a_gate_that_stays_shut_tells_why() -> None:
    gate = Gate(name="g", probe={"type": "succeeds", "argv": ["false"]}, seconds=0.1)
    with pytest.raises(ConvergeError, match=r"not ready after 0 s: succeeds: false\nended with 1"):
        gate.converge()


def test_after_a_failure_elsewhere_nobody_waits_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "GRACE", 0.1)
    probe.hurry.set()
    gate = Gate(name="g", probe={"type": "succeeds", "argv": ["false"]}, seconds=600)
    with pytest.raises(ConvergeError, match="not ready"):
        gate.converge()


# --- the hypervisor's keys

UUID = "0e8bfc1c-5b1d-5c8c-9c0e-6f2d3a1b4c5d"
KEYRING = "[client.cinder]\n\tkey = AQBkZXk=\n"
VIRSH = "virsh --quiet --connect qemu:///system"
LIST, VALUE = f"{VIRSH} secret-list", f"{VIRSH} secret-get-value"


def secret(folder: Path, keyring: str | None = KEYRING) -> HypervisorSecret:
    path = folder / "keyring"
    if keyring is not None:
        path.write_text(keyring)
    return HypervisorSecret(name=UUID, usage="client.cinder", keyring=str(path))


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({LIST: f"{UUID}  ceph client.cinder\n", VALUE: "AQBkZXk=\n"}, None),
        ({LIST: ""}, "is missing"),
        ({LIST: f"{UUID}  ceph client.cinder\n", VALUE: "AQother=\n"}, "is not the key in "),
        ({LIST: f"{UUID}  x\n", VALUE: ConvergeError("secret does not have a value")}, "is not"),
        ({LIST: ConvergeError("failed to connect to the hypervisor")}, "can't be seen"),
        ({LIST: ConvergeError("virsh: no such command")}, "is missing"),
    ],
)
def test_a_hypervisors_key_is_the_one_in_the_keyring(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answers: Mapping[str, str | ConvergeError],
    reason: str | None,
) -> None:
    replace_command(monkeypatch, hypervisor, answers)
    want = secret(tmp_path)
    found = want.why(HypervisorSecret.observe([want])[want.id])
    assert found == reason if reason is None else str(found).startswith(reason)


def test_a_key_is_in_no_command_line_and_in_nothing_that_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = replace_command(monkeypatch, hypervisor, {})
    want = secret(tmp_path)
    want.converge()
    defined, given = commands.ran
    assert f"<uuid>{UUID}</uuid>" in defined
    assert given.endswith(" < AQBkZXk=")
    assert "AQBkZXk=" not in given.partition(" < ")[0]
    assert "AQBkZXk=" not in str(want.payload())
    assert build(want.payload()) == want


@pytest.mark.parametrize("keyring", [None, "", "[client.cinder]\n"])
def test_without_a_key_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keyring: str | None
) -> None:
    commands = replace_command(monkeypatch, hypervisor, {})
    with pytest.raises(ConvergeError, match="holds no key"):
        secret(tmp_path, keyring).converge()
    assert commands.ran == []
