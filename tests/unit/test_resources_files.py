# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files, directories and links: looked at, compared, converged; for real."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from own_files import directory, file, link
from scs.plan.plan import node_steps
from scs.resources import ConvergeError, File, Resource, observe


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
