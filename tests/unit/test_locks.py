# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The locks fit pyproject.toml, have a hash for everything, and name no server."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from scs import release

LOCKS = ("requirements.lock", "requirements-dev.lock")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(path: Path) -> set[tuple[str, str]]:
    """The names and versions in a lock."""
    found = re.findall(r"^([a-z0-9-]+)==(\S+)", path.read_text(), re.MULTILINE)
    return {(name, version) for name, version in found}


TOOLS = ("src/scs/engine/records/ara.lock", "src/scs/release/2026.2/here/tempest.lock")
RELEASES = [
    f"src/scs/release/{name}/{part}.lock"
    for name in release.names()
    for part in (*release.load(name).parts, "build")
]


@pytest.mark.parametrize("lock", [*LOCKS, *TOOLS, *RELEASES])
def test_everything_has_a_hash_and_no_server_is_named(checkout: Path, lock: str) -> None:
    text = (checkout / lock).read_text()
    assert "://" not in text
    entries = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]
    assert entries
    for entry in entries:
        assert "--hash=sha256:" in entry, entry


def test_all_that_is_demanded_is_locked(checkout: Path) -> None:
    project = tomllib.loads((checkout / "pyproject.toml").read_text())
    demanded = {
        "requirements.lock": project["project"]["dependencies"],
        "requirements-dev.lock": project["dependency-groups"]["dev"],
    }
    for lock, requirements in demanded.items():
        names = {normal(re.split(r"[^A-Za-z0-9_.-]", line)[0]) for line in requirements}
        assert names <= {name for name, _ in locked(checkout / lock)}, "run tools/lock"


def test_developers_run_what_users_run(checkout: Path) -> None:
    users, developers = (locked(checkout / lock) for lock in LOCKS)
    assert users <= developers
