# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Images: there, and as fresh as they promise to be."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from scs.api.clients import Clients, checked
from scs.api.kinds import Kind
from scs.images import BuiltImage
from scs.model.content import REPLACE_WITHIN
from scs.model.objects import Image
from scs.patience import patient

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter

IMPORT_SECONDS = 900
"""How long the image service may take to convert and store an image."""


DIGEST, CHECKED = "scs_digest", "scs_checked"
"""Properties of an image: what it was made from (SHA-512), and when that was last the newest."""
IN_USE = 409
"""What Glance answers when others depend on an image's data."""


class Images(Kind[Image]):
    """Images by name; `built` waits for the recipe's result.

    One that has grown old makes room: it stays under its name with its date behind, hidden from
    lists, for as long as its `uuid_validity` says and machines depend on it.
    """

    def __init__(self, built: Callable[[str], BuiltImage]) -> None:
        self._built = built

    def observe(self, clients: Clients, wanted: Sequence[Image]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for project in sorted({want.project for want in wanted}):
            listed = clients.rest("image", "/v2/images?limit=200", "images", project=project)
            for want in wanted:
                if want.project == project:
                    found[want.id] = _seen([item for item in listed if item["name"] == want.name])
        return found

    def compare(self, want: Image, seen: Mapping[str, Any]) -> str | None:
        if not seen:
            return "is missing"
        if seen["status"] != "active":
            return f"is {seen['status']}"
        if outdated := _outdated(want, seen):
            return outdated
        return "has an older one under its name" if seen.get("older") else None

    def converge(self, clients: Clients, want: Image, seen: Mapping[str, Any]) -> None:
        image = clients.of(want.project).image
        renewed = bool(seen) and seen["status"] == "active"
        if seen and not renewed:  # an upload that was cut off
            checked(image.delete(f"/images/{seen['id']}"), f"image {want.name}")
        if not renewed or _outdated(want, seen):
            built = self._built(want.recipe)
            if renewed and seen["digest"] == built.source:
                # The vendor has nothing newer.
                _set(image, want, seen["id"], {CHECKED: _today()})
            else:
                self._upload(image, want, built)
                if renewed:
                    self._retire(image, want, seen)
        for older in seen.get("older", ()):
            if older["status"] == "active":
                self._retire(image, want, older)
            else:
                checked(image.delete(f"/images/{older['id']}"), f"image {want.name}")
        if renewed:
            self._prune(image, want)

    def _upload(self, image: Adapter, want: Image, built: BuiltImage) -> None:
        values = {
            "name": want.name,
            "disk_format": "qcow2",
            "container_format": "bare",
            "visibility": "private" if want.project else "public",
            "min_disk": built.min_disk,
            "min_ram": built.min_ram,
            DIGEST: built.source,
            # What is of our own making is as old as it says.
            **({CHECKED: _today()} if built.digest else {}),
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

    def _retire(self, image: Adapter, want: Image, old: Mapping[str, Any]) -> None:
        """Take it out of the way of the one that has come."""
        _set(image, want, old["id"], {"name": f"{want.name} {old['built']}", "os_hidden": True})

    def _prune(self, image: Adapter, want: Image) -> None:
        """Delete the retired ones that nobody was promised any more, but for those in use."""
        listed: list[dict[str, Any]] = []
        for hidden in ("false", "true"):
            path = f"/images?limit=1000&os_hidden={hidden}"
            listed += checked(image.get(path), f"image {want.name}")["images"]
        now = next(item for item in listed if item["name"] == want.name and not item["os_hidden"])
        promised = re.fullmatch(r"last-([1-9]\d*)", now.get("uuid_validity", ""))
        if promised is None and now.get("uuid_validity") != "none":
            return
        keep = int(promised[1]) - 1 if promised else 0
        dated = re.compile(re.escape(want.name) + r" \d{4}-\d{2}-\d{2}")
        old = [item for item in listed if dated.fullmatch(item["name"]) and item["os_hidden"]]
        for item in sorted(old, key=itemgetter("created_at"), reverse=True)[keep:]:
            answer = image.delete(f"/images/{item['id']}")
            if answer.status_code != IN_USE:
                checked(answer, f"image {item['name']}")

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


def _seen(alike: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What counts of the images of one name: the newest, and which there are beside it."""
    if not alike:
        return {}
    whole = [item for item in alike if item["status"] == "active"]
    newest = max(whole or alike, key=itemgetter("created_at"))
    older = [item for item in alike if item["id"] != newest["id"]]
    return {
        "id": newest["id"],
        "status": newest["status"],
        "digest": newest.get(DIGEST, ""),
        "built": _built(newest),
        "stale": _stale(newest, datetime.now(UTC)),
        "older": [
            {"id": item["id"], "built": _built(item), "status": item["status"]} for item in older
        ],
    }


def _outdated(want: Image, seen: Mapping[str, Any]) -> str:
    """Why another one should be in the place of one that is whole; empty: none should."""
    if want.digest and seen.get("digest") != want.digest:
        return "is made from something else"
    return f"was {seen['stale']}" if seen.get("stale") else ""


def _built(item: Mapping[str, Any]) -> str:
    """The day that an image is of: YYYY-MM-DD."""
    return str(item.get("image_build_date") or item["created_at"])[:10]


def _stale(item: Mapping[str, Any], now: datetime) -> str:
    """Why an image should be replaced; empty: it is as fresh as it promises."""
    promised = item.get("replace_frequency", "")
    allowed = REPLACE_WITHIN.get(promised)
    day = max(_built(item), item.get(CHECKED, ""))
    if allowed is None or now - datetime.fromisoformat(day).replace(tzinfo=UTC) <= allowed:
        return ""
    return f"built on {_built(item)} and is replaced {promised}"


def _today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"


def _set(image: Adapter, want: Image, known: str, values: Mapping[str, object]) -> None:
    """Set some of an image's values."""
    body = [{"op": "add", "path": f"/{name}", "value": value} for name, value in values.items()]
    headers = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
    answer = image.patch(f"/images/{known}", data=json.dumps(body), headers=headers)
    checked(answer, f"image {want.name}")
