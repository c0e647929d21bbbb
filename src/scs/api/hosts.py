# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Nodes as Nova and Neutron know them: taken up, emptied, forgotten."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from scs.api.clients import Clients, checked
from scs.api.guests import MICROVERSION, MOVABLE, guests, move
from scs.api.kinds import Kind
from scs.model.objects import Agents, Host
from scs.patience import patient

OURS = "scs: "
"""How the reason begins when it was scs that disabled a host."""
OPEN = ("accepted", "pre-migrating", "done")
"""States of an evacuation that the host it started from has not noted yet."""
UP_SECONDS = 180


class Hosts(Kind[Host]):
    """Hosts that are up and that the scheduler knows; leaving, they give their guests away."""

    def observe(self, clients: Clients, wanted: Sequence[Host]) -> dict[str, Any]:
        # Lists only hosts that the scheduler has taken up.
        path = "/os-hypervisors/detail"
        listed = clients.rest("compute", path, "hypervisors", microversion=MICROVERSION)
        there = {item["service"]["host"]: item for item in listed}
        forced = {item["host"] for item in computes(clients) if item["forced_down"]}
        found: dict[str, Any] = {}
        for want in wanted:
            item = there.get(want.name)
            if item is None:
                found[want.id] = {}
                continue
            service = item["service"]
            found[want.id] = {
                "service": service["id"],
                "state": item["state"],
                "status": item["status"],
                "reason": service.get("disabled_reason") or "",
            }
            if want.name in forced:
                found[want.id]["forced"] = True
            if want.leaving:
                found[want.id]["guests"] = [
                    {"name": guest.name, "status": guest.status}
                    for guest in guests(clients, want.name)
                ]
        return found

    def compare(self, want: Host, seen: Mapping[str, Any]) -> str | None:
        if not seen:
            return "is missing"
        if seen["state"] != "up":
            evacuated = _ours(seen) and seen.get("forced")
            return f"is {seen['state']}{': its guests were evacuated' if evacuated else ''}"
        # Whoever else disabled it meant to.
        return "is disabled" if _ours(seen) else None

    def converge(self, clients: Clients, want: Host, seen: Mapping[str, Any]) -> None:
        seconds = patient(UP_SECONDS)
        end = time.monotonic() + seconds
        back = Return(clients, want.name)
        while True:
            forced = bool(seen and seen.get("forced"))
            if forced and not _ours(seen):
                hint = f"openstack compute service set --up {want.name} nova-compute"
                raise RuntimeError(f"host {want.name} was forced down, not by scs: {hint}")
            if forced:
                if not (missing := back.missing()):
                    _service(clients, seen["service"], {"forced_down": False})
                elif time.monotonic() > end:
                    raise RuntimeError(f"host {want.name} {missing} after {seconds:.0f} s")
                else:
                    clients.pause(1)
            elif seen and seen["state"] == "up" and _ours(seen):
                _service(clients, seen["service"], {"status": "enabled"})
            elif (wrong := self.compare(want, seen)) is None:
                return
            elif time.monotonic() > end:
                raise RuntimeError(f"host {want.name} {wrong} after {seconds:.0f} s")
            else:
                clients.pause(1)
            seen = self.observe(clients, [want])[want.id]

    def at_stake(self, want: Host, seen: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        held = seen.get("guests", [])
        down = seen.get("state") != "up"
        moving = [item["name"] for item in held if item["status"] in MOVABLE and not down]
        stuck = [
            f"{item['name']} (is on a node that is down)"
            if down
            else f"{item['name']} (is {item['status']})"
            for item in held
            if down or item["status"] not in MOVABLE
        ]
        return moving, stuck

    def leave(self, clients: Clients, want: Host, seen: Mapping[str, Any]) -> None:
        if not seen:
            return
        close(clients, seen["service"], "leaves the cloud")
        for guest in guests(clients, want.name):
            move(clients, guest)

    def remove(self, clients: Clients, want: Host, seen: Mapping[str, Any]) -> None:
        if not seen:
            return
        # With it go its host mapping and its resource provider.
        answer = clients.admin.compute.delete(
            f"/os-services/{seen['service']}", microversion=MICROVERSION
        )
        if answer.status_code != 404:
            checked(answer, f"removing the host {want.name}")


class AgentsOfHosts(Kind[Agents]):
    """Neutron's agents on a node, and OVN's chassis with them."""

    def observe(self, clients: Clients, wanted: Sequence[Agents]) -> dict[str, Any]:
        listed = clients.rest("network", "/v2.0/agents", "agents")
        return {
            want.id: {"ids": [item["id"] for item in listed if item["host"] == want.name]}
            for want in wanted
        }

    def converge(self, clients: Clients, want: Agents, seen: Mapping[str, Any]) -> None:
        raise NotImplementedError("agents make themselves known")

    def remove(self, clients: Clients, want: Agents, seen: Mapping[str, Any]) -> None:
        for known in seen.get("ids", []):
            answer = clients.admin.network.delete(f"/agents/{known}")
            if answer.status_code != 404:
                checked(answer, f"removing an agent of {want.name}")


def computes(clients: Clients) -> list[dict[str, Any]]:
    """Nova's services that run guests, as it shows them."""
    path = "/os-services?binary=nova-compute"
    return clients.rest("compute", path, "services", microversion=MICROVERSION)


class Return:
    """A host that was forced down comes back: when may Nova count on it again?

    When nova-compute has started anew and has destroyed what still ran there of guests that run
    elsewhere by now. It does that before its first sign of life, and notes it at each evacuation.
    """

    def __init__(self, clients: Clients, host: str) -> None:
        self._clients = clients
        self._host = host
        self._first: str | None = None

    def missing(self) -> str:
        """What is still missing, to follow the host's name; empty when it is back."""
        beat = next(
            (item["updated_at"] for item in computes(self._clients) if item["host"] == self._host),
            None,
        )
        if self._first is None:
            self._first = beat
        if beat == self._first:
            return "has not told Nova that it is back"
        left = [guest["name"] for item in self._open() for guest in self._elsewhere(item)]
        return f"has not cleared away {', '.join(left)}, evacuated before" if left else ""

    def _open(self) -> list[str]:
        """The guests whose evacuation the host has not noted yet."""
        path = f"/os-migrations?migration_type=evacuation&source_compute={self._host}"
        listed = self._clients.rest("compute", path, "migrations", microversion=MICROVERSION)
        return [item["instance_uuid"] for item in listed if item["status"] in OPEN]

    def _elsewhere(self, guest: str) -> list[dict[str, Any]]:
        """The guest, unless it was deleted meanwhile: then nobody notes anything any more."""
        path = f"/servers/detail?all_tenants=1&uuid={guest}"
        listed = self._clients.rest("compute", path, "servers")
        return [item for item in listed if item["OS-EXT-SRV-ATTR:host"] != self._host]


def _ours(seen: Mapping[str, Any]) -> bool:
    """Whether it was scs that disabled a host."""
    return bool(seen["status"] == "disabled" and seen["reason"].startswith(OURS))


def close(clients: Clients, service: str, why: str) -> None:
    """No more guests come to the host of that service, until `up` opens it again."""
    _service(clients, service, {"status": "disabled", "disabled_reason": f"{OURS}{why}"})


def _service(clients: Clients, known: str, values: Mapping[str, Any]) -> None:
    clients.change("PUT", "compute", f"/os-services/{known}", values, microversion=MICROVERSION)
