# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What runs of `scs certify` leave in a cloud until it is removed: found by marks.

Everything is found by listing, never from memory: so things are found whose making was not
answered, and those of a run that was killed. Where a thing can have no description (secrets,
images that Cinder makes), its exact name and its place in our own project have to do.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scs.certify.cloud import MARKS, Asked
from scs.standards.model import Answer, CouldNotRun

SECONDS = 120
"""How long the cloud may take to remove all."""

Item = Mapping[str, Any]


def _described(item: Item) -> str | None:
    return MARKS.run_of(item.get("name"), item.get("description"))


def _named(item: Item) -> str | None:
    match = re.fullmatch(f"{re.escape(MARKS.prefix)}([0-9a-f]{{8}})", item.get("name") or "")
    return match[1] if match else None


def _begins(item: Item) -> str | None:
    """Of a domain or a zone: its name may have something behind the run's."""
    run = MARKS.run_of(None, item.get("description"))
    return run if run and str(item.get("name", "")).startswith(MARKS.name_of(run)) else None


@dataclass(frozen=True)
class Kind:
    """How things of one kind are found and removed."""

    name: str
    service: str
    path: str
    key: str
    run_of: Callable[[Item], str | None] = _described
    query: str = ""
    microversion: str = ""
    owner: str = "project_id"
    """The field that names its project; empty: the list has the project's own only."""
    admin: bool = False
    inner: str = ""
    """The key below which each thing of the list has what it is."""
    known_by: str = "id"
    """The field that its address ends with."""
    tail: str = ""
    """What the address has behind that, when it is removed."""


def images(run_of: Callable[[Item], str | None]) -> Iterator[Kind]:
    """A project's images: a list has those of one visibility only.

    Who says nothing of it makes shared ones, as Cinder does of a volume.
    """
    for visibility in ("private", "shared", "community"):
        query = f"?visibility={visibility}"
        yield Kind("image", "image", "/images", "images", run_of, query, owner="owner")


# In this order things let go of each other.
KINDS = (
    Kind(
        "server",
        "compute",
        "/servers",
        "servers",
        query="/detail",
        microversion="2.19",
        owner="tenant_id",
    ),
    Kind("volume backup", "block-storage", "/backups", "backups", query="/detail", owner=""),
    Kind("volume", "block-storage", "/volumes", "volumes", query="/detail", owner=""),
    Kind("router", "network", "/routers", "routers"),
    Kind("network", "network", "/networks", "networks"),
    Kind("security group", "network", "/security-groups", "security_groups"),
    *images(_named),
    Kind("secret", "key-manager", "/secrets", "secrets", _named, "?limit=100", owner=""),
    Kind("zone", "dns", "/zones", "zones", _begins),
    Kind("domain", "identity", "/domains", "domains", _begins, owner="", admin=True),
)


@dataclass(frozen=True)
class Trace:
    """One thing in the cloud that a run made."""

    kind: Kind
    id: str
    run: str


def told(traces: Iterable[Trace]) -> str:
    """What they are, for people: "1 server, 2 networks"."""
    counts = Counter(trace.kind.name for trace in traces)
    return ", ".join(f"{count} {kind}{'s' * (count > 1)}" for kind, count in counts.items())


def find(cloud: Asked, kinds: Sequence[Kind] = KINDS) -> tuple[list[Trace], list[str]]:
    """All that runs have left in the project, and what of the looking went wrong."""
    found: list[Trace] = []
    problems: list[str] = []
    for kind in kinds:
        if (kind.admin and not cloud.has_admin) or not cloud.has(kind.service):
            continue
        try:
            asker = cloud.admin() if kind.admin else cloud
            found += _listed(asker, kind, cloud.token.project_id)
        except CouldNotRun as error:
            problems.append(f"leftovers of kind {kind.name}: {error}")
    return found, problems


def _listed(cloud: Asked, kind: Kind, project: str) -> list[Trace]:
    # Not `items`: what it has once seen it would show again.
    path = kind.path + kind.query
    found: list[Trace] = []
    while path:
        answer = cloud.send("GET", kind.service, path, microversion=kind.microversion).checked()
        for item in answer.body[kind.key]:
            item = item[kind.inner] if kind.inner else item
            run = kind.run_of(item)
            if run and (not kind.owner or item.get(kind.owner) == project):
                known = item.get(kind.known_by) or item["secret_ref"].rpartition("/")[2]
                found.append(Trace(kind, known, run))
        links = {link["rel"]: link["href"] for link in answer.body.get(f"{kind.key}_links") or ()}
        more = links.get("next") or answer.body.get("next")
        base = (kind.path + kind.query).partition("?")[0]
        path = f"{base}?{more.partition('?')[2]}" if more else ""
    return found


def remove(
    cloud: Asked,
    traces: Sequence[Trace],
    seconds: float = SECONDS,
    kinds: Sequence[Kind] = KINDS,
    first: Callable[[Asked, Trace], None] = lambda _cloud, _trace: None,
) -> list[str]:
    """Remove these, each as soon as nothing holds it; returns what stayed, in the cloud's words.

    `kinds` are all that there may be; `first` takes out what a thing has in it.
    """
    left = list(traces)
    said: dict[Trace, str] = {}

    def gone() -> bool | None:
        nonlocal left
        for trace in left:
            said[trace] = _delete(cloud, trace, first)
        of_these = [kind for kind in kinds if any(trace.kind == kind for trace in left)]
        found, problems = find(cloud, of_these)
        if not problems:
            left = [trace for trace in left if trace in found]
        return None if left else True

    if left:
        try:
            cloud.until(gone, seconds, "what was made to go")
        except CouldNotRun:
            return [f"{trace.kind.name} {trace.id} stays: {said[trace]}" for trace in left]
    return []


def _delete(cloud: Asked, trace: Trace, first: Callable[[Asked, Trace], None]) -> str:
    kind, path = trace.kind, f"{trace.kind.path}/{trace.id}{trace.kind.tail}"
    try:
        asker = cloud.admin() if kind.admin else cloud
        first(cloud, trace)
        if kind.name == "router":
            _free(cloud, trace.id)
        if kind.name == "domain":
            asker.send("PATCH", kind.service, path, {"domain": {"enabled": False}})
        answer: Answer = asker.send("DELETE", kind.service, path)
    except CouldNotRun as error:
        return str(error)
    return "" if answer.ok or answer.status == 404 else answer.words


def _free(cloud: Asked, router: str) -> None:
    """Take a router off its networks."""
    query = f"/ports?device_id={router}&device_owner=network:router_interface"
    for port in cloud.send("GET", "network", query).checked().body["ports"]:
        path = f"/routers/{router}/remove_router_interface"
        cloud.send("PUT", "network", path, {"port_id": port["id"]})
