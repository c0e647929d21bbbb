# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""SCS-0114 (volume types) and SCS-0117 (volume backup, with its bytes compared)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scs.standards.model import (
    Check,
    Cloud,
    CouldNotRun,
    Finding,
    Needs,
    Outcome,
    Severity,
    Standard,
)

TYPES = "https://docs.scs.community/standards/scs-0114-v1-volume-type-standard"
BACKUP = "https://docs.scs.community/standards/scs-0117-v1-volume-backup-service"
ASPECTS = ("encrypted", "replicated")
SECONDS = 110
"""How long each of volume, backup and restored volume may take (the standard's)."""
SIZE = 1 << 20
"""Bytes that are written, backed up and read again."""


def aspects(description: str | None) -> Sequence[str] | None:
    """The aspects that a type's description begins with; None: it makes no such claim."""
    match = re.match(r"\[scs:([^\[\]]*)\]", description or "")
    return [aspect.strip() for aspect in match[1].split(",")] if match else None


def _types(cloud: Cloud) -> list[dict[str, Any]]:
    return cloud.items("block-storage", "/types", "volume_types")


def syntax(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """Claims are sorted, without doubles, and of the known kinds."""
    for kind in _types(cloud):
        found = aspects(kind.get("description"))
        wanted = sorted({aspect for aspect in found or () if aspect in ASPECTS})
        if found is not None and found != wanted:
            yield Finding(
                f"volume type {kind['name']}",
                f"aspects of {', '.join(ASPECTS)}, sorted, each once",
                f"[scs:{','.join(found)}]",
                f"openstack volume type set --description '[scs:{','.join(wanted)}] …'"
                f" {kind['name']}",
            )


def has_aspect(cloud: Cloud, parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """Some type claims this aspect."""
    known = _types(cloud)
    if not any(parameters["aspect"] in (aspects(kind.get("description")) or ()) for kind in known):
        yield Finding(
            "volume types",
            f"one that is {parameters['aspect']}",
            f"none of {', '.join(kind['name'] for kind in known) or '(there are none)'} says so",
            f"make one, described as '[scs:{parameters['aspect']}] …'",
        )


class _Failed(Exception):
    """A step of the way did not go as it must; holds what to tell."""

    def __init__(self, subject: str, expected: str, seen: str) -> None:
        super().__init__(subject)
        mend = "openstack volume service list; the logs of cinder-backup and cinder-volume"
        self.finding = Finding(subject, expected, seen, mend)


def backup(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """As a member: bytes into a volume, backed up, restored elsewhere, and they are the same."""
    try:
        _backup(cloud)
    except _Failed as failed:
        yield failed.finding


def _backup(cloud: Cloud) -> None:
    data = _bytes(cloud.marks["name"])
    image = _image(cloud, data)
    volume = _volume(cloud, "the volume", {"size": 1, "imageRef": image})
    made = cloud.send(
        "POST", "block-storage", "/backups", {"backup": {**cloud.marks, "volume_id": volume}}
    )
    if not made.ok:
        raise _Failed("a backup", "accepted", made.words)
    copy = made.body["backup"]["id"]
    _await(cloud, "the backup", f"/backups/{copy}", "backup")
    # Into a volume of ours: one that the service makes would not carry our marks.
    target = _volume(cloud, "the volume to restore into", {"size": 1})
    restored = cloud.send(
        "POST", "block-storage", f"/backups/{copy}/restore", {"restore": {"volume_id": target}}
    )
    if not restored.ok:
        raise _Failed("restoring", "accepted", restored.words)
    _await(cloud, "the backup after restoring", f"/backups/{copy}", "backup")
    _await(cloud, "the restored volume", f"/volumes/{target}", "volume")
    seen = _content(cloud, target)
    if seen[:SIZE] != data:
        where = next(
            (i for i, pair in enumerate(zip(seen, data, strict=False)) if pair[0] != pair[1]),
            len(seen),
        )
        raise _Failed(
            "the restored volume's bytes",
            f"the same as before (SHA-256 {hashlib.sha256(data).hexdigest()[:16]}…)",
            f"they differ from byte {where} on",
        )


def _bytes(seed: str) -> bytes:
    """Bytes that no other run writes, and that compress badly."""
    return b"".join(hashlib.sha256(f"{seed} {i}".encode()).digest() for i in range(SIZE // 32))


def _image(cloud: Cloud, data: bytes) -> str:
    values = {
        "name": cloud.marks["name"],
        "image_description": cloud.marks["description"],
        "disk_format": "raw",
        "container_format": "bare",
        "visibility": "private",
    }
    made = cloud.send("POST", "image", "/images", values)
    if not made.ok:
        raise CouldNotRun(f"no bytes for the volume: a private image was refused: {made.words}")
    known = str(made.body["id"])
    cloud.send("PUT", "image", f"/images/{known}/file", data=data).checked()
    return known


def _volume(cloud: Cloud, what: str, values: Mapping[str, Any]) -> str:
    made = cloud.send("POST", "block-storage", "/volumes", {"volume": {**cloud.marks, **values}})
    if not made.ok:
        raise _Failed(what, "accepted", made.words)
    known = str(made.body["volume"]["id"])
    _await(cloud, what, f"/volumes/{known}", "volume")
    return known


def _await(cloud: Cloud, what: str, path: str, key: str) -> None:
    seen = ["nothing"]

    def status() -> bool | None:
        answer = cloud.send("GET", "block-storage", path)
        seen[0] = answer.body[key]["status"] if answer.ok else answer.words
        return True if seen[0] == "available" or "error" in seen[0] else None

    try:
        cloud.until(status, SECONDS, what)
    except CouldNotRun:
        raise _Failed(what, f"available within {SECONDS} s", seen[0]) from None
    if seen[0] != "available":
        raise _Failed(what, "available", seen[0])


def _content(cloud: Cloud, volume: str) -> bytes:
    """A volume's bytes, by way of an image made from it."""
    name = cloud.marks["name"]
    values = {"os-volume_upload_image": {"image_name": name, "disk_format": "raw", "force": False}}
    made = cloud.send("POST", "block-storage", f"/volumes/{volume}/action", values).checked()
    image = made.body["os-volume_upload_image"]["image_id"]
    patch = [{"op": "add", "path": "/image_description", "value": cloud.marks["description"]}]
    cloud.send("PATCH", "image", f"/images/{image}", patch)

    def ready() -> bool | None:
        answer = cloud.send("GET", "image", f"/images/{image}").checked()
        if answer.body["status"] == "killed":
            raise CouldNotRun("the restored volume could not be read: its image was killed")
        return True if answer.body["status"] == "active" else None

    cloud.until(ready, SECONDS, "the image of the restored volume")
    return cloud.send("GET", "image", f"/images/{image}/file", first=SIZE).checked().content


TYPES_STANDARD = Standard(
    "scs-0114",
    "v1",
    "Volume types",
    TYPES,
    (
        Check(
            id="scs-0114-syntax-check",
            title="Claims of volume types are well-formed",
            rationale="Programs choose a type by what its description begins with.",
            ask=syntax,
            services=("block-storage",),
        ),
        *(
            Check(
                id=f"scs-0114-{aspect}-type",
                title=f"There is a volume type that is {aspect}",
                rationale="Users can ask for protection without knowing the cloud.",
                ask=has_aspect,
                severity=Severity.RECOMMENDED,
                parameters={"aspect": aspect},
                services=("block-storage",),
            )
            for aspect in ASPECTS
        ),
    ),
)

BACKUP_STANDARD = Standard(
    "scs-0117",
    "v1",
    "Volume backup",
    BACKUP,
    (
        Check(
            id="scs-0117-test-backup",
            title="A volume can be backed up and restored, to the byte",
            rationale="A backup that was never restored is a hope.",
            ask=backup,
            services=("block-storage", "image"),
            without=Outcome.FAIL,
            needs=frozenset({Needs.MAKES}),
            seconds=60,
        ),
    ),
)
