# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What tempest's tests leave behind, when they fail or are killed: found and removed.

In projects that tempest made all is its own. In a given project its own is what has the name that
all its things get, and what hangs on such a thing; nothing else is touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from scs.certify import traces
from scs.certify.cloud import MARKS, Asked
from scs.certify.tempest.config import PREFIX
from scs.certify.tempest.people import SUFFIX, give
from scs.certify.traces import Kind, Trace, images
from scs.standards.model import CouldNotRun

Item = Mapping[str, Any]
Own = Callable[[Item], str | None]

SECONDS = 300
"""How long the projects of one domain may take to be emptied."""


def named(item: Item) -> str | None:
    """The run whose tests made a thing, by its name."""
    match = re.match(rf"{re.escape(PREFIX)}([0-9a-f]{{8}})-", str(item.get("name") or ""))
    return match[1] if match else None


def anything(item: Item) -> str | None:
    """Of things in a project of tempest's: all, but what the cloud itself makes and removes."""
    if item.get("name") == "default" and "security_group_rules" in item:
        return None
    if str(item.get("device_owner", "")).startswith("network:"):
        return None
    return "tempest"


def kinds(own: Own) -> tuple[Kind, ...]:
    """What tests make, in an order in which things let go of each other."""
    return (
        Kind("server", "compute", "/servers", "servers", own, "/detail", owner=""),
        Kind("server group", "compute", "/os-server-groups", "server_groups", own, owner=""),
        Kind(
            "keypair",
            "compute",
            "/os-keypairs",
            "keypairs",
            own,
            owner="",
            inner="keypair",
            known_by="name",
        ),
        Kind("volume backup", "block-storage", "/backups", "backups", own, "/detail", owner=""),
        Kind("snapshot", "block-storage", "/snapshots", "snapshots", own, "/detail", owner=""),
        Kind("volume", "block-storage", "/volumes", "volumes", own, "/detail", owner=""),
        Kind("floating IP", "network", "/floatingips", "floatingips", own),
        Kind("port", "network", "/ports", "ports", own),
        Kind("router", "network", "/routers", "routers", own),
        Kind("network", "network", "/networks", "networks", own),
        Kind("subnet pool", "network", "/subnetpools", "subnetpools", own),
        Kind("security group", "network", "/security-groups", "security_groups", own),
        Kind("address group", "network", "/address-groups", "address_groups", own),
        *images(own),
        Kind("secret", "key-manager", "/secrets", "secrets", own, "?limit=100", owner=""),
    )


def in_project(cloud: Asked) -> Sequence[Kind]:
    """How leftovers of tests are found in a given project.

    Floating IPs have no names: they go with the port, and ports with their server or network, so
    these are asked for first.
    """
    extensions = {one["alias"] for one in cloud.items("network", "/extensions", "extensions")}
    holders = {
        one["id"]
        for service, path, key in (
            ("compute", "/servers/detail", "servers"),
            ("network", "/networks", "networks"),
        )
        for one in cloud.send("GET", service, path).checked().body[key]
        if named(one)
    }
    ports = {
        one["id"]
        for one in cloud.send("GET", "network", "/ports").checked().body["ports"]
        if named(one) or {one.get("device_id"), one.get("network_id")} & holders
    }

    def by_port(item: Item) -> str | None:
        return "tempest" if item.get("port_id") in ports else None

    def port(item: Item) -> str | None:
        mine = item["id"] in ports and not str(item.get("device_owner", "")).startswith("network:")
        return "tempest" if mine else None

    special: Mapping[str, Own] = {"floating IP": by_port, "port": port}
    return [
        replace(kind, run_of=special.get(kind.name, named))
        for kind in kinds(named)
        if kind.name != "address group" or "address-group" in extensions
    ]


def project(cloud: Asked) -> tuple[list[Trace], list[str]]:
    """Remove what tests have left in a given project: what there was, and what stayed."""
    try:
        own = in_project(cloud)
    except CouldNotRun as error:
        return [], [f"leftovers of tests: {error}"]
    problems = _containers(cloud, named)
    found, more = traces.find(cloud, own)
    return found, [*problems, *more, *traces.remove(cloud, found, SECONDS, own)]


def empty(cloud: Asked, trace: Trace) -> None:
    """Before tempest's domain goes: remove what is in its projects. Raises CouldNotRun."""
    if trace.kind.name != "domain":
        return
    admin = cloud.admin()
    domain = admin.send("GET", "identity", f"/domains/{trace.id}").checked().body["domain"]
    if not re.fullmatch(f"{re.escape(MARKS.prefix)}[0-9a-f]{{8}}{SUFFIX}", domain["name"]):
        return
    query = f"?domain_id={trace.id}"
    projects = admin.send("GET", "identity", f"/projects{query}").checked().body["projects"]
    users = admin.send("GET", "identity", f"/users{query}").checked().body["users"]
    for user in users:
        _forget_keys(admin, user["id"])
    if not projects:
        return
    name = cloud.marks["name"]
    mine = next((user["id"] for user in users if user["name"] == name), None)
    if mine is None:
        values = {"name": name, "domain_id": trace.id, "password": cloud.password}
        made = admin.send("POST", "identity", "/users", {"user": values}).checked()
        mine = made.body["user"]["id"]
    stayed: list[str] = []
    for project in projects:
        give(admin, "member", mine, project["id"])
        scope = {"project_id": project["id"]}
        inside = cloud.login(name, cloud.password, trace.id, scope)
        stayed += [f"{one} (of tempest)" for one in _emptied(inside)]
    if stayed:
        raise CouldNotRun("; ".join(stayed))


def _emptied(cloud: Asked) -> list[str]:
    """Remove all that is in a project; what stayed."""
    every = kinds(anything)
    extensions = {one["alias"] for one in cloud.items("network", "/extensions", "extensions")}
    every = tuple(k for k in every if k.name != "address group" or "address-group" in extensions)
    problems = _containers(cloud, anything)
    found, more = traces.find(cloud, every)
    return [*problems, *more, *traces.remove(cloud, found, SECONDS, every)]


def _forget_keys(admin: Asked, user: str) -> None:
    """Nova keeps the keys of users that are gone."""
    query = f"?user_id={user}"
    answer = admin.send("GET", "compute", f"/os-keypairs{query}", microversion="2.35")
    for one in answer.checked().body["keypairs"]:
        name = quote(one["keypair"]["name"], safe="")
        path = f"/os-keypairs/{name}{query}"
        admin.send("DELETE", "compute", path, microversion="2.35")


def _containers(cloud: Asked, own: Own) -> list[str]:
    """Remove Swift's containers with all that is in them; what went wrong."""
    if not cloud.has("object-store"):
        return []
    try:
        for container in cloud.send("GET", "object-store", "?format=json").checked().body or ():
            if not own(container):
                continue
            place = "/" + quote(container["name"], safe="")
            for one in cloud.send("GET", "object-store", f"{place}?format=json").checked().body:
                cloud.send("DELETE", "object-store", f"{place}/{quote(one['name'], safe='')}")
            cloud.send("DELETE", "object-store", place)
    except CouldNotRun as error:
        return [f"containers: {error}"]
    return []
