# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Packages, the system's accounts and the queue's."""

from __future__ import annotations

import json
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from commands import replace_command
from scs.resources import (
    Account,
    ConvergeError,
    Packages,
    QueueAccounts,
    account,
    observe,
    package,
    queue,
)

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


def test_nothing_is_started_by_installing(monkeypatch: pytest.MonkeyPatch) -> None:
    """dpkg finds programs that do nothing before those that would enable and start units."""
    said: list[str] = []

    def command(argv: list[str], **_: object) -> str:
        if "install" in argv:
            path = next(word for word in argv if word.startswith("DPkg::Path="))
            stubs = Path(path.removeprefix("DPkg::Path=").split(":")[0])
            said.extend(sorted(item.name for item in stubs.iterdir()))
            assert subprocess.run([stubs / "invoke-rc.d", "x"], check=False).returncode == 0
        return ""

    monkeypatch.setattr(package, "command", command)
    Packages(name="part", packages=("a",)).converge()
    assert said == ["deb-systemd-helper", "deb-systemd-invoke", "invoke-rc.d", "update-rc.d"]


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
