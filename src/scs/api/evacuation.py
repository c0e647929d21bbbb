# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Nova and Neutron, asked about a node that may be lost, and told that it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from scs.api.clients import Clients, Unavailable
from scs.api.guests import MICROVERSION, guest
from scs.api.hosts import OURS
from scs.model.evacuation import ComputeHost, Guest
from scs.patience import patient

EVACUATED = f"{OURS}evacuated"
"""Why a host is disabled whose guests were, or are being, evacuated."""
MOVING = ("rebuilding", "rebuild_block_device_mapping", "rebuild_spawning")
"""Tasks of a guest that is being started elsewhere."""
AGAIN_SECONDS = 60
"""How long the API may be away: with the node may have gone the way to it."""
PACE = 1.0


def hosts(clients: Clients, now: float) -> Mapping[str, ComputeHost]:
    """All hosts of guests, by name, with how long each has been quiet at that time.

    If Nova's services are ahead of this machine's clock, the newest sign of life of any counts
    instead. The clock alone decides while the database stands still, and with it all of them: it
    may have been on the node that is lost.
    """
    path = "/os-services"
    listed = clients.rest("compute", path, "services", microversion=MICROVERSION)
    beats = [_moment(item) for item in listed]
    newest = max(now, *beats)
    return {
        item["host"]: ComputeHost(
            service=str(item["id"]),
            name=item["host"],
            up=item["state"] == "up",
            enabled=item["status"] == "enabled",
            forced=bool(item["forced_down"]),
            reason=item.get("disabled_reason") or "",
            quiet=newest - beat,
        )
        for item, beat in zip(listed, beats, strict=True)
        if item["binary"] == "nova-compute"
    }


def _moment(item: Mapping[str, Any]) -> float:
    text = item.get("updated_at") or ""
    return datetime.fromisoformat(f"{text[:19]}+00:00").timestamp() if text else 0.0


def silent_agents(clients: Clients, host: str) -> bool | None:
    """Whether Neutron has given up all agents of a host; None where it has none."""
    listed = clients.rest("network", "/v2.0/agents", "agents")
    alive = [item["alive"] for item in listed if item["host"] == host]
    return not any(alive) if alive else None


def free(clients: Clients, names: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
    """Host → how much of each of Placement's classes is left on it."""
    found = {}
    for item in clients.whole("placement", "/resource_providers")["resource_providers"]:
        if item["name"] in names:
            path = f"/resource_providers/{item['uuid']}"
            there = clients.whole("placement", f"{path}/inventories")["inventories"]
            used = clients.whole("placement", f"{path}/usages")["usages"]
            found[item["name"]] = {
                kind: int((of["total"] - of["reserved"]) * of["allocation_ratio"])
                - used.get(kind, 0)
                for kind, of in there.items()
            }
    return found


def force_down(clients: Clients, host: ComputeHost) -> None:
    """Tell Nova that a host is down, and that it is not to be used until scs says so.

    In this order: a host that is disabled by us and not forced down is enabled by the next `up`,
    and one that is forced down by nobody's name is left alone.
    """
    path = f"/os-services/{host.service}"
    disabled = {"status": "disabled", "disabled_reason": EVACUATED}
    for values in (disabled, {"forced_down": True}):
        _insist(
            lambda values=values: clients.change(  # type: ignore[misc]
                "PUT", "compute", path, values, microversion=MICROVERSION
            )
        )


def _insist(work: Callable[[], object]) -> None:
    """Ask for something that may be asked for twice, until the API is there."""
    end = time.monotonic() + patient(AGAIN_SECONDS)
    while True:
        try:
            work()
        except Unavailable:
            if time.monotonic() > end:
                raise
            time.sleep(PACE)
        else:
            return


def evacuate(clients: Clients, known: Guest, seconds: float) -> str:
    """Have Nova start a guest on another host, and wait for it; the host that it chose.

    Raises RuntimeError with what went wrong. One that is on its way already is only waited for.
    """
    asked = known.task in MOVING
    end = time.monotonic() + seconds
    while True:
        if not asked:
            try:
                path = f"/servers/{known.id}/action"
                # Before 2.95, a guest that ran runs again. Where, the scheduler decides.
                clients.change("POST", "compute", path, {"evacuate": {}}, microversion=MICROVERSION)
                asked = True
            except Unavailable:
                time.sleep(PACE)  # it may have been heard: the guest itself tells
        try:
            now = guest(clients, known.id)
        except RuntimeError:  # GETs are repeated; then it is time that decides
            now = known
        if now is None:
            raise RuntimeError("was deleted meanwhile")
        if now.task in MOVING:
            asked = True
        elif now.host != known.host and not now.task and now.status != "ERROR":
            return now.host
        elif asked and not now.task and now is not known:
            raise RuntimeError(now.fault or f"Nova has left it {now.status} on {now.host}")
        if time.monotonic() > end:
            raise RuntimeError(f"is not there after {seconds:.0f} s ({now.task or now.status})")
        time.sleep(PACE)
