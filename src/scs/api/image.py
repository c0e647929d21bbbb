# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Images."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from scs.api.clients import Clients, checked
from scs.api.kinds import Kind
from scs.images import BuiltImage
from scs.model.objects import Image
from scs.patience import patient

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter

IMPORT_SECONDS = 900
"""How long the image service may take to convert and store an image."""


class Images(Kind[Image]):
    """Images by name; `built` waits for the recipe's result."""

    def __init__(self, built: Callable[[str], BuiltImage]) -> None:
        self._built = built

    def observe(self, clients: Clients, wanted: Sequence[Image]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for project in sorted({want.project for want in wanted}):
            listed = clients.rest("image", "/v2/images?limit=200", "images", project=project)
            there = {item["name"]: item for item in listed}
            for want in wanted:
                if want.project == project:
                    item = there.get(want.name)
                    found[want.id] = (
                        {} if item is None else {key: item[key] for key in ("id", "status")}
                    )
        return found

    def compare(self, want: Image, seen: Mapping[str, Any]) -> str | None:
        if not seen:
            return "is missing"
        return None if seen["status"] == "active" else f"is {seen['status']}"

    def converge(self, clients: Clients, want: Image, seen: Mapping[str, Any]) -> None:
        built = self._built(want.recipe)
        image = clients.of(want.project).image
        if seen:  # an upload that was cut off
            checked(image.delete(f"/images/{seen['id']}"), f"image {want.name}")
        values = {
            "name": want.name,
            "disk_format": "qcow2",
            "container_format": "bare",
            "visibility": "private" if want.project else "public",
            "min_disk": built.min_disk,
            "min_ram": built.min_ram,
            **built.properties,
        }
        made = checked(image.post("/images", json=values), f"image {want.name}")["id"]
        place = "stage" if want.converted else "file"
        with built.path.open("rb") as stream:
            # A length instead of chunks: nothing on the way has to collect them.
            answer = image.put(
                f"/images/{made}/{place}",
                data=stream,
                headers={"Content-Type": "application/octet-stream"},
            )
        checked(answer, f"image {want.name}")
        if want.converted:
            self._import(image, want, made)

    def _import(self, image: Adapter, want: Image, known: str) -> None:
        """Have the image service take over what was uploaded; waits until it has."""
        body = {"method": {"name": "glance-direct"}}
        checked(image.post(f"/images/{known}/import", json=body), f"image {want.name}")
        end = time.monotonic() + patient(IMPORT_SECONDS)
        while True:
            seen = checked(image.get(f"/images/{known}"), f"image {want.name}")
            if seen["status"] == "active":
                return
            tasks = checked(image.get(f"/images/{known}/tasks"), f"image {want.name}")["tasks"]
            if failed := [task for task in tasks if task["status"] == "failure"]:
                raise RuntimeError(f"image {want.name}: import failed: {failed[0]['message']}")
            if time.monotonic() > end:
                raise RuntimeError(f"image {want.name}: is {seen['status']} long after its import")
            time.sleep(0.5)

    def remove(self, clients: Clients, want: Image, seen: Mapping[str, Any]) -> None:
        if seen:
            image = clients.of(want.project).image
            checked(image.delete(f"/images/{seen['id']}"), f"image {want.name}")
