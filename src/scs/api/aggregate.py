# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Host aggregates, and the availability zones that some of them are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scs.api.clients import Clients
from scs.api.kinds import Kind, lines
from scs.model.objects import Aggregate

PATH = "/os-aggregates"
ZONE = "availability_zone"
"""Under this key Nova keeps an aggregate's zone among its properties."""


class Aggregates(Kind[Aggregate]):
    """Aggregates with their hosts; what else is in their properties is left alone."""

    def observe(self, clients: Clients, wanted: Sequence[Aggregate]) -> dict[str, Any]:
        there = {item["name"]: item for item in clients.rest("compute", PATH, "aggregates")}
        return {want.id: _seen(there[want.name]) if want.name in there else {} for want in wanted}

    def compare(self, want: Aggregate, seen: Mapping[str, Any]) -> str | None:
        if not seen:
            return "is missing"
        wrong = ["zone"] if seen["zone"] != want.zone else []
        wrong += ["hosts"] if seen["hosts"] != sorted(want.hosts) else []
        there = seen["properties"]
        wrong += [key for key, value in want.properties.items() if there.get(key) != value]
        return f"has other {', '.join(wrong)}" if wrong else None

    def diff(self, want: Aggregate, seen: Mapping[str, Any]) -> str:
        there = seen["properties"]
        return lines(
            [
                ("zone", seen["zone"] or "none", want.zone or "none"),
                ("hosts", ", ".join(seen["hosts"]), ", ".join(sorted(want.hosts))),
                *(
                    (key, there.get(key, "nothing"), value)
                    for key, value in want.properties.items()
                ),
            ]
        )

    def converge(self, clients: Clients, want: Aggregate, seen: Mapping[str, Any]) -> None:
        if not seen:
            body = {"name": want.name, ZONE: want.zone or None}
            made = clients.change("POST", "compute", PATH, {"aggregate": body})["aggregate"]
            seen = {"id": made["id"], "zone": want.zone, "hosts": [], "properties": {}}
        properties: dict[str, str | None] = dict(want.properties)
        if seen["zone"] != want.zone:
            properties[ZONE] = want.zone or None
        if any(seen["properties"].get(key) != value for key, value in properties.items()):
            _act(clients, seen["id"], "set_metadata", {"metadata": properties})
        for host in sorted(set(seen["hosts"]) - set(want.hosts)):
            _take_out(clients, seen["id"], host)
        added = sorted(set(want.hosts) - set(seen["hosts"]))
        if added and want.zone:
            # A host is in one zone only: it has to leave the other one first.
            for other in clients.rest("compute", PATH, "aggregates"):
                if other["id"] != seen["id"] and other[ZONE]:
                    for host in set(other["hosts"]) & set(added):
                        _take_out(clients, other["id"], host)
        for host in added:
            _act(clients, seen["id"], "add_host", {"host": host})

    def remove(self, clients: Clients, want: Aggregate, seen: Mapping[str, Any]) -> None:
        if not seen:
            return
        for host in seen["hosts"]:
            _take_out(clients, seen["id"], host)
        clients.change("DELETE", "compute", f"{PATH}/{seen['id']}")


def _seen(there: Mapping[str, Any]) -> dict[str, Any]:
    properties = {key: value for key, value in there["metadata"].items() if key != ZONE}
    return {
        "id": there["id"],
        "zone": there[ZONE] or "",
        "hosts": sorted(there["hosts"]),
        "properties": properties,
    }


def _act(clients: Clients, aggregate: int, action: str, values: Mapping[str, Any]) -> None:
    clients.change("POST", "compute", f"{PATH}/{aggregate}/action", {action: values})


def _take_out(clients: Clients, aggregate: int, host: str) -> None:
    """Take a host out, unless somebody has just done it."""
    there = clients.one("compute", f"{PATH}/{aggregate}", "aggregate")
    if host in there["hosts"]:
        _act(clients, aggregate, "remove_host", {"host": host})
