# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What tempest's guests are made from: two images and two flavors, chosen from what the cloud has.

Small images are copied into ones of the run's own that each project may use: so there are two,
also where the cloud has just one, and tests in other projects can boot what is private to ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scs.certify.cloud import Asked
from scs.standards.model import CouldNotRun

USERS: Mapping[str, str] = {
    "almalinux": "almalinux",
    "centos": "centos",
    "cirros": "cirros",
    "debian": "debian",
    "fedora": "fedora",
    "rocky": "rocky",
    "ubuntu": "ubuntu",
}
"""Who logs in to an image of a system, where the image does not say so itself."""
SMALL = 256 * 1024 * 1024
"""Bytes of an image that is still copied."""
KEPT = ("architecture", "hw_", "image_original_user", "img_", "os_")
"""How properties begin that a copy takes over."""
NOT_KEPT = ("os_glance", "os_hash", "os_hidden")
GIB = 1 << 30
SECONDS = 120

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Guests:
    """What to boot, and on what."""

    image: str
    other_image: str
    user: str
    """Who logs in; empty: nobody knows."""
    flavor: str
    other_flavor: str
    note: str


def choose(cloud: Asked, *, elsewhere: bool) -> Guests:
    """Images and flavors for tests; `elsewhere`: in other projects than ours.

    Raises CouldNotRun when there are none.
    """
    flavors = sorted(
        (one for one in cloud.items("compute", "/flavors/detail", "flavors") if one["disk"] > 0),
        key=lambda one: (one["ram"], one["disk"], one["vcpus"]),
    )
    if not flavors:
        raise CouldNotRun("no flavor has a disk: tempest's guests boot from images")
    for image in candidates(cloud):
        fit = [one for one in flavors if fits(image, one)]
        if not fit:
            continue
        pair = _usable(cloud, image, elsewhere=elsewhere)
        if pair is None:
            continue
        flavor = fit[0]
        other = next((one for one in fit[1:] if one["disk"] >= flavor["disk"]), flavor)
        how = "copies of " if pair[0] != image["id"] else ""
        note = f"guests: {how}image {image['name']} on {flavor['name']} and {other['name']}"
        return Guests(*pair, user_of(image), flavor["id"], other["id"], note)
    raise CouldNotRun("no image can be booted by tests: none is small enough, or all are private")


def candidates(cloud: Asked) -> Sequence[Json]:
    """Images that can be booted, those to which one can log in first, then by size."""
    seen: dict[str, Json] = {}
    for visibility in ("public", "private"):
        path = f"/images?visibility={visibility}"
        seen |= {one["id"]: one for one in cloud.items("image", path, "images")}
    fit = [
        one
        for one in seen.values()
        if one.get("status") == "active"
        and one.get("container_format", "bare") == "bare"
        and one.get("disk_format", "qcow2") not in {"iso", "aki", "ari", "ami"}
        and one.get("os_purpose") not in {"k8snode", "network"}
        and not str(one.get("os_type", "linux")).startswith("windows")
        and not one.get("block_device_mapping")
    ]
    return sorted(fit, key=lambda one: (not user_of(one), one.get("size") or 0, one["id"]))


def user_of(image: Json) -> str:
    """Who logs in to an image: what it says itself, else what its system is known for."""
    name = str(image.get("name", "")).lower()
    system = str(image.get("os_distro", "")).lower()
    known = USERS.get(system) or next((user for word, user in USERS.items() if word in name), "")
    return str(image.get("image_original_user") or known)


def fits(image: Json, flavor: Json) -> bool:
    """Whether an image runs on a flavor."""
    bytes_needed = int(image.get("virtual_size") or image.get("size") or 0)
    disk = max(int(image.get("min_disk") or 0), -(-bytes_needed // GIB), 1)
    ram = max(int(image.get("min_ram") or 0), 64)
    return bool(flavor["disk"] >= disk and flavor["ram"] >= ram)


def _usable(cloud: Asked, image: Json, *, elsewhere: bool) -> tuple[str, str] | None:
    """Ids of two images for this one; None: the tests' projects may not use it."""
    usable = image.get("visibility") == "public" or not elsewhere
    if int(image.get("size") or SMALL + 1) <= SMALL:
        try:
            first = image["id"] if usable else _copied(cloud, image)
            return first, _copied(cloud, image)
        except CouldNotRun:
            pass  # not everybody may offer images to all projects: then it has to do as it is
    return (image["id"], image["id"]) if usable else None


def _copied(cloud: Asked, image: Json) -> str:
    """The id of a copy that each project may use; raises CouldNotRun."""
    content = cloud.shared(
        f"image {image['id']}",
        lambda: cloud.send("GET", "image", f"/images/{image['id']}/file").checked().content,
    )
    values: dict[str, Any] = {
        key: value
        for key, value in image.items()
        if key.startswith(KEPT) and not key.startswith(NOT_KEPT) and isinstance(value, str)
    }
    values |= {
        **cloud.marks,
        "visibility": "community",
        "container_format": "bare",
        "disk_format": image.get("disk_format", "qcow2"),
        "min_disk": image.get("min_disk") or 0,
        "min_ram": image.get("min_ram") or 0,
    }
    made = cloud.send("POST", "image", "/images", values).checked().body
    cloud.send("PUT", "image", f"/images/{made['id']}/file", data=content).checked()

    def active() -> bool | None:
        status = cloud.send("GET", "image", f"/images/{made['id']}").checked().body["status"]
        return True if status == "active" else None

    cloud.until(active, SECONDS, "a copied image to be active")
    return str(made["id"])
