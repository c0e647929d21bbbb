# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Volume types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scs.api.clients import Clients, checked
from scs.api.kinds import Kind, lines
from scs.model.objects import VolumeType

ENCRYPTION = ("encryption_id", "provider", "cipher", "key_size", "control_location")
IN_USE = 400
"""What Cinder answers when volumes of a type forbid a change."""


class VolumeTypes(Kind[VolumeType]):
    """Kinds of volumes with their extra specs; others than those that are wanted may be there."""

    def observe(self, clients: Clients, wanted: Sequence[VolumeType]) -> dict[str, Any]:
        listed = clients.rest("block-storage", "/types?is_public=None", "volume_types")
        there = {item["name"]: item for item in listed}
        return {
            want.id: _seen(clients, want, there[want.name]) if want.name in there else {}
            for want in wanted
        }

    def compare(self, want: VolumeType, seen: Mapping[str, Any]) -> str | None:
        if not seen:
            return "is missing"
        wrong = [key for key in ("description", "public") if seen[key] != getattr(want, key)]
        specs = seen["extra_specs"]
        wrong += [key for key, value in want.extra_specs.items() if specs.get(key) != value]
        wrong += ["encryption"] if _encryption(want, seen) else []
        return f"has another {', '.join(wrong)}" if wrong else None

    def diff(self, want: VolumeType, seen: Mapping[str, Any]) -> str:
        plain = [(key, seen[key], getattr(want, key)) for key in ("description", "public")]
        pairs = [(want.extra_specs, seen["extra_specs"]), (want.encryption, seen["encryption"])]
        more = [
            (key, there.get(key, "nothing"), value)
            for wanted, there in pairs
            for key, value in wanted.items()
        ]
        return lines([*plain, *more])

    def converge(self, clients: Clients, want: VolumeType, seen: Mapping[str, Any]) -> None:
        storage = clients.admin.block_storage
        what = f"volume type {want.name}"
        values: dict[str, Any] = {"name": want.name, "description": want.description}
        # Nobody is to find it before it encrypts.
        public = want.public and not (want.encryption and not seen)
        if not seen:
            body = {
                **values,
                "os-volume-type-access:is_public": public,
                "extra_specs": dict(want.extra_specs),
            }
            made = checked(storage.post("/types", json={"volume_type": body}), what)
            seen = {
                "id": made["volume_type"]["id"],
                "description": want.description,
                "public": public,
                "extra_specs": want.extra_specs,
                "encryption": {},
            }
        known = f"/types/{seen['id']}"
        missing = {
            key: value
            for key, value in want.extra_specs.items()
            if seen["extra_specs"].get(key) != value
        }
        if missing:
            body = {"extra_specs": missing}
            checked(storage.post(f"{known}/extra_specs", json=body), what)
        if other := _encryption(want, seen):
            body = {"encryption": other}
            path = f"{known}/encryption"
            if seen["encryption"]:
                answer = storage.put(f"{path}/{seen['encryption']['encryption_id']}", json=body)
            else:
                answer = storage.post(path, json=body)
            _unless_in_use(answer, what, "how they are encrypted can't change")
        if seen["description"] != want.description or seen["public"] != want.public:
            # A type that is used can still be described anew.
            body = {"volume_type": {**values, "is_public": want.public}}
            checked(storage.put(known, json=body), what)

    def remove(self, clients: Clients, want: VolumeType, seen: Mapping[str, Any]) -> None:
        if seen:
            answer = clients.admin.block_storage.delete(f"/types/{seen['id']}")
            _unless_in_use(answer, f"volume type {want.name}", "so it can't go: delete them first")


def _seen(clients: Clients, want: VolumeType, there: Mapping[str, Any]) -> dict[str, Any]:
    """What there is of a type; how it encrypts is a request of its own, made where it counts."""
    encryption: Mapping[str, Any] = {}
    if want.encryption:
        encryption = clients.whole("block-storage", f"/types/{there['id']}/encryption")
    return {
        "id": there["id"],
        "description": there["description"] or "",
        "public": there["is_public"],
        "extra_specs": there.get("extra_specs", {}),
        "encryption": {key: encryption[key] for key in ENCRYPTION if key in encryption},
    }


def _encryption(want: VolumeType, seen: Mapping[str, Any]) -> Mapping[str, str | int]:
    """All that is wanted of its encryption, when something of it is not so."""
    there = seen["encryption"]
    same = all(there.get(key) == value for key, value in want.encryption.items())
    return {} if same else want.encryption


def _unless_in_use(answer: Any, what: str, therefore: str) -> None:
    """Raise RuntimeError for an error; where volumes are the reason, in words that say so."""
    if answer.status_code == IN_USE and "in use" in answer.text.lower():
        raise RuntimeError(f"{what}: volumes of this type are there, {therefore}")
    checked(answer, what)
