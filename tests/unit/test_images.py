# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What images say of themselves: the metadata that SCS-0102 demands, and when they are stale."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scs.images import debian, download, missing_metadata, tiny
from scs.images.image import BuiltImage
from scs.model.content import REPLACE_WITHIN

NOW = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)

COMPLETE = {
    "architecture": "x86_64",
    "hw_disk_bus": "virtio",
    "os_distro": "debian",
    "os_version": "13",
    "os_purpose": "generic",
    "image_build_date": "2026-11-23 19:00:00",
    "image_original_user": "debian",
    "image_source": "https://deb.debian.org/debian",
    "image_description": "Debian 13",
    "replace_frequency": "monthly",
    "provided_until": "none",
    "uuid_validity": "none",
}


def test_complete_metadata_has_no_faults() -> None:
    assert missing_metadata(COMPLETE) == []


@pytest.mark.parametrize("name", COMPLETE)
def test_each_property_is_demanded(name: str) -> None:
    assert missing_metadata({k: v for k, v in COMPLETE.items() if k != name}) == [
        f"{name} is missing"
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("architecture", "amd64"),
        ("hw_disk_bus", "ide"),
        ("os_distro", "Debian GNU/Linux"),
        ("os_version", " "),
        ("os_purpose", "any"),
        ("image_build_date", "yesterday"),
        ("image_build_date", "2026-02-30"),
        ("image_build_date", "2026-11-23 later"),
        ("image_original_user", ""),
        ("image_source", "ftp://old.example"),
        ("image_description", ""),
        ("replace_frequency", "often"),
        ("provided_until", "someday"),
        ("uuid_validity", "last-0"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    (fault,) = missing_metadata({**COMPLETE, name: value})
    assert fault.startswith(f"{name} is {value!r}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("image_build_date", "2026-11-23"),
        ("image_build_date", "2026-11-23T19:00Z"),
        ("image_source", "private"),
        ("provided_until", "2028-06-30"),
        ("provided_until", "notice"),
        ("uuid_validity", "last-3"),
        ("uuid_validity", "2027-01-01"),
        ("replace_frequency", "critical_bug"),
    ],
)
def test_every_form_that_the_standard_knows_is_accepted(name: str, value: str) -> None:
    assert missing_metadata({**COMPLETE, name: value}) == []


def test_our_own_images_meet_it() -> None:
    for properties in (
        tiny._properties(NOW, "6.12"),
        debian._properties(NOW, "13.2", "6.12"),
        download._properties(NOW, "https://images.example.org/x.qcow2"),
    ):
        assert missing_metadata(properties) == []
        # The image service computes these itself and refuses an image that brings them.
        assert not [name for name in properties if name.startswith("os_hash")]


@pytest.mark.parametrize(
    ("frequency", "days", "stale"),
    [
        ("monthly", 29, False),
        ("monthly", 31, True),
        ("daily", 2, True),
        ("never", 5000, False),
        ("critical_bug", 5000, False),
    ],
)
def test_staleness_is_what_the_image_promises(frequency: str, days: int, stale: bool) -> None:
    image = BuiltImage(
        path=Path("x"),
        name="x",
        sha256="",
        sha512="",
        size=0,
        min_disk=1,
        min_ram=1,
        built=NOW,
        properties={"replace_frequency": frequency},
    )
    assert frequency in REPLACE_WITHIN
    assert image.is_stale(NOW + timedelta(days=days)) is stale
