# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Images that grow old make room for fresh ones, and stay as long as was promised."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scs.api.image import CHECKED, DIGEST, Images
from scs.images import BuiltImage
from scs.model.objects import Image

TODAY = datetime.now(UTC)
WANT = Image(name="Debian 13", recipe="debian")


def day(ago: int) -> str:
    return f"{TODAY - timedelta(days=ago):%Y-%m-%d}"


def answer(values: Mapping[str, Any] | None = None, status: int = 200) -> Any:
    text = json.dumps(values) if values is not None else ""
    return SimpleNamespace(
        status_code=status, text=text, content=text.encode(), json=lambda: values
    )


class Glance:
    """Images as Glance keeps them, and the clients that reach it."""

    def __init__(self) -> None:
        self.images: dict[str, dict[str, Any]] = {}
        self.used: set[str] = set()
        self.clock = 0

    # What scs asks of its clients.

    def of(self, _project: str) -> Any:
        return SimpleNamespace(image=self)

    def rest(self, _service: str, _path: str, _key: str, *, project: str = "") -> list[Any]:
        return [item for item in self.images.values() if not item["os_hidden"]]

    # What Glance answers.

    def get(self, path: str) -> Any:
        hidden = path.endswith("os_hidden=true")
        return answer(
            {"images": [item for item in self.images.values() if item["os_hidden"] == hidden]}
        )

    def post(self, _path: str, json: Mapping[str, Any]) -> Any:
        self.clock += 1
        known = str(self.clock)
        self.images[known] = {
            "id": known,
            "status": "queued",
            "os_hidden": False,
            "created_at": f"{day(0)}T00:00:{self.clock:02}Z",
            **json,
        }
        return answer(self.images[known])

    def put(self, path: str, **_more: Any) -> Any:
        self.images[path.split("/")[2]]["status"] = "active"
        return answer()

    def patch(self, path: str, data: str, headers: Mapping[str, str]) -> Any:
        assert headers["Content-Type"].endswith("json-patch")
        for change in json.loads(data):
            self.images[path.split("/")[2]][change["path"][1:]] = change["value"]
        return answer({})

    def delete(self, path: str) -> Any:
        known = path.split("/")[2]
        if known in self.used:
            return answer({"message": "is in use"}, 409)
        del self.images[known]
        return answer()

    def names(self) -> dict[str, bool]:
        """Name → whether it is hidden."""
        return {item["name"]: item["os_hidden"] for item in self.images.values()}


class Source:
    """What the recipe makes at the moment."""

    def __init__(self, folder: Path) -> None:
        path = folder / "disk.qcow2"
        path.write_bytes(b"x")
        self.image = BuiltImage(path, "x", "", "a" * 128, 1, 1, 1, TODAY, {})
        self.asked = 0

    def makes(self, digest: str, ago: int = 0, **more: str) -> None:
        properties = {
            "image_build_date": f"{day(ago)} 10:00:00",
            "replace_frequency": "monthly",
            "uuid_validity": "last-2",
            **more,
        }
        self.image = replace(self.image, sha512=digest, properties=properties)

    def __call__(self, _recipe: str) -> BuiltImage:
        self.asked += 1
        return self.image


@pytest.fixture
def source(tmp_path: Path) -> Source:
    made = Source(tmp_path)
    made.makes("a")
    return made


def up(glance: Any, source: Source, want: Image = WANT) -> str | None:
    """Make it as wanted if it is not; why it was not."""
    kind = Images(source)
    seen = kind.observe(glance, [want])[want.id]
    reason = kind.compare(want, seen)
    if reason is not None:
        kind.converge(glance, want, seen)
        assert kind.compare(want, kind.observe(glance, [want])[want.id]) is None
    return reason


def age(glance: Glance, known: str, days: int) -> None:
    glance.images[known]["image_build_date"] = f"{day(days)} 10:00:00"


def test_a_fresh_one_stays(source: Source) -> None:
    glance = Glance()
    assert up(glance, source) == "is missing"
    age(glance, "1", 29)
    assert up(glance, source) is None
    assert source.asked == 1, "no plan builds an image"


def test_an_old_one_makes_room_and_is_kept_as_promised(source: Source) -> None:
    glance = Glance()
    up(glance, source)
    for number, digest in enumerate("bcd", 1):
        age(glance, str(number), 40 - number)
        source.makes(digest)
        assert up(glance, source) == f"was built on {day(40 - number)} and is replaced monthly"
    # Two of them were promised: the one that is there, and the one before it.
    assert glance.names() == {"Debian 13": False, f"Debian 13 {day(37)}": True}
    assert glance.images["4"][DIGEST] == "d"


def test_what_machines_depend_on_stays(source: Source) -> None:
    glance = Glance()
    up(glance, source)
    glance.used = {"1"}
    for number, digest in enumerate("bc", 1):
        age(glance, str(number), 50 - number)
        source.makes(digest)
        up(glance, source)
    assert set(glance.images) == {"1", "2", "3"}
    glance.used = set()
    age(glance, "3", 45)
    source.makes("d")
    up(glance, source)
    assert set(glance.images) == {"3", "4"}


def test_a_run_that_ended_after_the_upload_is_finished(source: Source) -> None:
    glance = Glance()
    up(glance, source)
    age(glance, "1", 40)
    glance.post("/images", {**glance.images["1"], "id": "2", "image_build_date": day(0)})
    glance.images["2"] |= {"status": "active", "created_at": f"{day(0)}T00:00:09Z"}
    assert up(glance, source) == "has an older one under its name"
    assert glance.names() == {f"Debian 13 {day(40)}": True, "Debian 13": False}
    assert source.asked == 1


def test_an_upload_that_was_cut_off_goes_and_the_old_one_serves_meanwhile(source: Source) -> None:
    glance: Any = Glance()
    up(glance, source)
    glance.post("/images", {"name": "Debian 13"})
    seen = Images(source).observe(glance, [WANT])[WANT.id]
    assert (seen["id"], seen["status"]) == ("1", "active")
    assert up(glance, source) == "has an older one under its name"
    assert set(glance.images) == {"1"}


def test_a_vendor_without_a_newer_one_is_asked_again_after_its_time(source: Source) -> None:
    glance = Glance()
    source.makes("a", ago=33)
    source.image = replace(source.image, digest="v")
    assert up(glance, source) == "is missing"
    assert up(glance, source) is None
    glance.images["1"][CHECKED] = day(31)
    assert up(glance, source) == f"was built on {day(33)} and is replaced monthly"
    assert (set(glance.images), glance.images["1"][CHECKED]) == ({"1"}, day(0))


def test_another_sum_in_cloud_yaml_is_another_image(source: Source) -> None:
    glance = Glance()
    for digest in ("a", "b"):
        source.makes(digest, replace_frequency="never", uuid_validity="none")
        want = replace(WANT, digest=digest)
        assert up(glance, source, want) is not None
        assert up(glance, source, want) is None
    assert {item[DIGEST] for item in glance.images.values()} == {"b"}
