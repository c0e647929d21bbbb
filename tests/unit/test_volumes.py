# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Volumes: their types in the API, also those that encrypt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scs.api.volume import VolumeTypes
from scs.engine.made import Made
from scs.model.objects import VolumeType

FAST = VolumeType(name="fast", description="[scs:replicated] fast", extra_specs={"a": "1"})
SEEN = {
    "id": "1",
    "description": FAST.description,
    "public": True,
    "extra_specs": {"a": "1"},
    "encryption": {},
}
HOW: Mapping[str, str | int] = {"provider": "luks", "key_size": 256}
SAFE = VolumeType(name="safe", description="[scs:encrypted] safe", encryption=HOW)


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


class Cinder:
    """Types of volumes by Cinder's rules; tells all changes in their order."""

    def __init__(self) -> None:
        self.types: dict[str, dict[str, Any]] = {}
        self.used: set[str] = set()
        self.told: list[str] = []
        self.admin = SimpleNamespace(block_storage=self)

    def rest(self, service: str, path: str, key: str) -> list[dict[str, Any]]:
        assert (service, path, key) == ("block-storage", "/types?is_public=None", "volume_types")
        return [
            {"id": known, **{key: item[key] for key in ("name", "description", "is_public")}}
            for known, item in self.types.items()
        ]

    def whole(self, service: str, path: str) -> dict[str, Any]:
        _, _, known, what = path.split("/")
        assert (service, what) == ("block-storage", "encryption")
        told: dict[str, Any] = self.types[known]["encryption"]
        return told

    def post(self, path: str, json: Mapping[str, Any]) -> Any:
        if path == "/types":
            item = dict(json["volume_type"])
            item["is_public"] = item.pop("os-volume-type-access:is_public")
            self.types["1"] = {**item, "encryption": {}}
            self.told.append(f"made, public {item['is_public']}")
            return answer({"volume_type": {"id": "1"}})
        return self.encrypt(path.split("/")[2], json["encryption"], {"encryption_id": "9"})

    def put(self, path: str, json: Mapping[str, Any]) -> Any:
        known = path.split("/")[2]
        if "encryption" in json:
            assert path == f"/types/{known}/encryption/9"
            return self.encrypt(known, json["encryption"], {})
        self.types[known] |= json["volume_type"]
        self.told.append(f"public {json['volume_type']['is_public']}")
        return answer({})

    def encrypt(self, known: str, values: Mapping[str, Any], more: Mapping[str, Any]) -> Any:
        if known in self.used:
            return answer({"badRequest": {"message": "Cannot update. Volume type in use."}}, 400)
        self.types[known]["encryption"] |= {**values, **more}
        self.told.append("encrypted")
        return answer({})

    def delete(self, path: str) -> Any:
        known = path.rpartition("/")[2]
        if known in self.used:
            message = "Target volume type is still in use."
            return answer({"badRequest": {"message": message}}, 400)
        del self.types[known]
        return answer({})


def answer(values: Mapping[str, Any], status: int = 200) -> Any:
    text = json.dumps(values)
    return SimpleNamespace(
        status_code=status, text=text, content=text.encode(), json=lambda: values
    )


def made(cinder: Any, want: VolumeType) -> str | None:
    """Make it as wanted; why it is not so afterwards."""
    kind = VolumeTypes()
    kind.converge(cinder, want, kind.observe(cinder, [want])[want.id])
    return kind.compare(want, kind.observe(cinder, [want])[want.id])


def test_nobody_finds_a_type_before_it_encrypts() -> None:
    cinder = Cinder()
    assert made(cinder, SAFE) is None
    assert cinder.told == ["made, public False", "encrypted", "public True"]


def test_how_a_type_encrypts_is_looked_at_and_put_right() -> None:
    cinder: Any = Cinder()
    made(cinder, SAFE)
    cinder.types["1"]["encryption"]["key_size"] = 128
    kind = VolumeTypes()
    seen = kind.observe(cinder, [SAFE])[SAFE.id]
    assert kind.compare(SAFE, seen) == "has another encryption"
    assert kind.diff(SAFE, seen) == "key_size: 128 → 256"
    assert made(cinder, SAFE) is None


def test_what_volumes_have_stays_and_is_said() -> None:
    cinder: Any = Cinder()
    made(cinder, SAFE)
    cinder.types["1"]["encryption"]["key_size"] = 128
    cinder.used.add("1")
    why = "volume type safe: volumes of this type are there, how they are encrypted can't change"
    with pytest.raises(RuntimeError, match=why):
        made(cinder, SAFE)
    kind = VolumeTypes()
    with pytest.raises(RuntimeError, match="are there, so it can't go: delete them first"):
        kind.remove(cinder, SAFE, kind.observe(cinder, [SAFE])[SAFE.id])
    cinder.used.clear()
    kind.remove(cinder, SAFE, kind.observe(cinder, [SAFE])[SAFE.id])
    assert cinder.types == {}


def test_an_encrypted_type_is_taken_away_again_and_no_other_is(tmp_path: Path) -> None:
    note = Made(tmp_path / "made.json")
    note.note([FAST, SAFE])
    assert [item.id for item in Made(tmp_path / "made.json").gone([])] == [SAFE.id]
