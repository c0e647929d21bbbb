# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The store of images: found by name and recipe, whole or not at all."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scs.images.image import BuiltImage
from scs.images.store import Draft, Store, recipe_of

NOW = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)


def put(store: Store, content: bytes, built: datetime = NOW, recipe: str = "r") -> BuiltImage:
    with store.workspace("img") as work:
        made = work / "made"
        made.write_bytes(content)
        return store.add("img", recipe, made, work, Draft(1, 128, built, {"a": "b"}))


def test_an_image_is_found_by_name_and_recipe(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.find("img", "r") is None
    image = put(store, b"one")
    assert image.sha256 == hashlib.sha256(b"one").hexdigest()
    assert image.sha512 == hashlib.sha512(b"one").hexdigest()
    assert image.path.parent.name == f"img-{image.sha256[:12]}"
    assert image.size == 3
    assert store.find("img", "r") == image
    assert store.find("img", "other") is None
    assert store.find("im", "r") is None


def test_the_newest_wins_and_the_one_before_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number in range(4):
        put(store, b"%d" % number, NOW + timedelta(days=number))
    found = store.find("img", "r")
    assert found is not None
    assert found.path.read_bytes() == b"3"
    left = sorted(path.read_bytes() for path in tmp_path.glob("images/img-*/disk.qcow2"))
    assert left == [b"2", b"3"]


def test_the_same_bytes_again_are_one_image_with_the_newer_date(tmp_path: Path) -> None:
    store = Store(tmp_path)
    put(store, b"same")
    again = put(store, b"same", NOW + timedelta(days=1))
    assert again.built == NOW + timedelta(days=1)
    assert len(list(tmp_path.glob("images/img-*"))) == 1


def test_a_build_that_failed_or_died_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def broken_build() -> None:
        with store.workspace("img") as work:
            (work / "half").write_text("half")
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        broken_build()
    dead = tmp_path / "images/.new-img-dead"
    (dead / "ready").mkdir(parents=True)
    (dead / "ready/metadata.json").write_text("{}")
    assert store.find("img", "r") is None
    with store.workspace("img"):
        assert not dead.exists()
    assert not list(tmp_path.glob("images/.new-*"))


@pytest.mark.parametrize("damage", ["truncate", "garbage", "gone"])
def test_a_damaged_image_is_not_found(tmp_path: Path, damage: str) -> None:
    image = put(Store(tmp_path), b"content")
    if damage == "truncate":
        image.path.write_bytes(b"con")
    elif damage == "garbage":
        (image.path.parent / "metadata.json").write_text("not json")
    else:
        image.path.unlink()
    assert Store(tmp_path).find("img", "r") is None


def test_a_recipe_changes_with_every_part_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "guest"
    folder.mkdir()
    (folder / "a").write_text("1")
    before = recipe_of(folder, "x")
    assert recipe_of(folder, "x") == before
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__/a.pyc").write_text("1")
    assert recipe_of(folder, "x") == before
    assert recipe_of(folder, "y") != before
    (folder / "a").write_text("2")
    assert recipe_of(folder, "x") != before
    assert recipe_of("ab", "c") != recipe_of("a", "bc")
