# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Shared subnet pools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from scs.api.clients import Clients
from scs.api.kinds import Kind, lines
from scs.model.objects import SubnetPool

PATH = "/v2.0/subnetpools"


class SubnetPools(Kind[SubnetPool]):
    """Pools that all projects may use; what projects have for themselves is not looked at."""

    def observe(self, clients: Clients, wanted: Sequence[SubnetPool]) -> dict[str, Any]:
        listed = clients.rest("network", PATH, "subnetpools")
        there = {item["name"]: item for item in listed if item["shared"]}
        return {
            want.id: {
                "id": there[want.name]["id"],
                "prefixes": sorted(there[want.name]["prefixes"]),
                "prefix_length": int(there[want.name]["default_prefixlen"]),
                "default": there[want.name]["is_default"],
            }
            if want.name in there
            else {}
            for want in wanted
        }

    def compare(self, want: SubnetPool, seen: Mapping[str, Any]) -> str | None:
        if not seen:
            return "is missing"
        # Neutron joins ranges that lie side by side, and takes none away.
        if any(not _within(prefix, seen["prefixes"]) for prefix in want.prefixes):
            return "lacks prefixes"
        wrong = [key for key in ("prefix_length", "default") if seen[key] != getattr(want, key)]
        return f"has another {', '.join(wrong)}" if wrong else None

    def diff(self, want: SubnetPool, seen: Mapping[str, Any]) -> str:
        keys = ("prefix_length", "default")
        there = ", ".join(seen["prefixes"])
        missing = [prefix for prefix in want.prefixes if not _within(prefix, seen["prefixes"])]
        pairs: list[tuple[str, object, object]] = [(k, seen[k], getattr(want, k)) for k in keys]
        if missing:
            pairs.append(("prefixes", there, ", ".join((there, *missing))))
        return lines(pairs)

    def converge(self, clients: Clients, want: SubnetPool, seen: Mapping[str, Any]) -> None:
        body: dict[str, Any] = {
            "default_prefixlen": want.prefix_length,
            "is_default": want.default,
        }
        if not seen:
            body |= {"name": want.name, "prefixes": list(want.prefixes), "shared": True}
            clients.change("POST", "network", PATH, {"subnetpool": body})
            return
        missing = [prefix for prefix in want.prefixes if not _within(prefix, seen["prefixes"])]
        if missing:
            body["prefixes"] = [*seen["prefixes"], *missing]
        clients.change("PUT", "network", f"{PATH}/{seen['id']}", {"subnetpool": body})

    def remove(self, clients: Clients, want: SubnetPool, seen: Mapping[str, Any]) -> None:
        if seen:
            clients.change("DELETE", "network", f"{PATH}/{seen['id']}")


def _within(prefix: str, prefixes: Sequence[str]) -> bool:
    """Whether a range lies in one of these."""
    range_ = ip_network(prefix)
    return any(
        other.version == range_.version and range_.subnet_of(other)  # type: ignore[arg-type]
        for other in map(ip_network, prefixes)
    )
