# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Volume types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scs.api.clients import Clients, checked
from scs.api.kinds import Kind, lines
from scs.model.objects import VolumeType


class VolumeTypes(Kind[VolumeType]):
    """Kinds of volumes with their extra specs; others than those that are wanted may be there."""

    def observe(self, clients: Clients, wanted: Sequence[VolumeType]) -> dict[str, Any]:
        listed = clients.rest("block-storage", "/types?is_public=None", "volume_types")
        there = {item["name"]: item for item in listed}
        return {
            want.id: {
                "id": there[want.name]["id"],
                "description": there[want.name]["description"] or "",
                "public": there[want.name]["is_public"],
                "extra_specs": there[want.name].get("extra_specs", {}),
            }
            if want.name in there
            else {}
            for want in wanted
        }

    def compare(self, want: VolumeType, seen: Mapping[str, Any]) -> str | None:
        if not seen:
            return "is missing"
        wrong = [key for key in ("description", "public") if seen[key] != getattr(want, key)]
        specs = seen["extra_specs"]
        wrong += [key for key, value in want.extra_specs.items() if specs.get(key) != value]
        return f"has another {', '.join(wrong)}" if wrong else None

    def diff(self, want: VolumeType, seen: Mapping[str, Any]) -> str:
        plain = [(key, seen[key], getattr(want, key)) for key in ("description", "public")]
        there = seen["extra_specs"]
        specs = [(key, there.get(key, "nothing"), value) for key, value in want.extra_specs.items()]
        return lines([*plain, *specs])

    def converge(self, clients: Clients, want: VolumeType, seen: Mapping[str, Any]) -> None:
        storage = clients.admin.block_storage
        what = f"volume type {want.name}"
        values: dict[str, Any] = {"name": want.name, "description": want.description}
        if not seen:
            values |= {"os-volume-type-access:is_public": want.public}
            values |= {"extra_specs": dict(want.extra_specs)}
            checked(storage.post("/types", json={"volume_type": values}), what)
            return
        known = f"/types/{seen['id']}"
        # A type that is used can still be described anew; only its extra specs are then fixed.
        checked(
            storage.put(known, json={"volume_type": {**values, "is_public": want.public}}), what
        )
        missing = {
            key: value
            for key, value in want.extra_specs.items()
            if seen["extra_specs"].get(key) != value
        }
        if missing:
            body = {"extra_specs": missing}
            checked(storage.post(f"{known}/extra_specs", json=body), what)
