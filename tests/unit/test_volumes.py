# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Volumes: their types in the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from scs.api.volume import VolumeTypes
from scs.model.objects import VolumeType

FAST = VolumeType(name="fast", description="[scs:replicated] fast", extra_specs={"a": "1"})
SEEN = {"id": "1", "description": FAST.description, "public": True, "extra_specs": {"a": "1"}}


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (SEEN, None),
        ({}, "is missing"),
        ({**SEEN, "extra_specs": {"a": "1", "mine": "2"}}, None),
        ({**SEEN, "extra_specs": {}}, "has another a"),
        ({**SEEN, "description": "quick"}, "has another description"),
        ({**SEEN, "public": False, "extra_specs": {"a": "2"}}, "has another public, a"),
    ],
)
def test_a_volume_type_is_what_it_says(seen: Mapping[str, Any], reason: str | None) -> None:
    assert VolumeTypes().compare(FAST, seen) == reason
