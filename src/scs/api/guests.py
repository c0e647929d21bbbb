# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The guests of all projects, as Nova knows them: where they are, moved while they run, stopped."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from scs.api.clients import Clients
from scs.model.evacuation import Guest
from scs.patience import patient

MICROVERSION = "2.88"
WISH = "HA_Enabled"
"""The property of servers and flavors, as Masakari calls it."""
TRUE, FALSE = ("1", "true", "yes", "on", "t", "y"), ("0", "false", "no", "off", "f", "n")
MOVABLE = {"ACTIVE", "PAUSED"}
"""What can move while it runs."""
MIGRATING = "migrating"
MOVE_SECONDS = 900
"""Seconds that one guest may take to move."""
STATE_SECONDS = 180
"""Seconds that one may take to stop or to start; Nova gives it one minute before it ends it."""
PACE = 0.5


def guests(clients: Clients, host: str) -> Sequence[Guest]:
    """The guests of all projects on a host."""
    return _servers(clients, f"host={host}")


def guest(clients: Clients, known: str) -> Guest | None:
    """One guest by its id; None when it is gone."""
    return next(iter(_servers(clients, f"uuid={known}")), None)


def _servers(clients: Clients, which: str) -> list[Guest]:
    path = f"/servers/detail?all_tenants=1&{which}"
    listed = clients.rest("compute", path, "servers", microversion=MICROVERSION)
    return [_guest(item) for item in listed]


def _guest(item: Mapping[str, Any]) -> Guest:
    of_flavor = item["flavor"].get("extra_specs") or {}
    word = str({**of_flavor, **item.get("metadata", {})}.get(WISH, "")).strip().lower()
    return Guest(
        id=item["id"],
        name=item["name"],
        status=item["status"],
        host=item["OS-EXT-SRV-ATTR:host"] or "",
        state=item["OS-EXT-STS:vm_state"],
        task=item["OS-EXT-STS:task_state"] or "",
        wish=True if word in TRUE else False if word in FALSE else None,
        booted=bool(item["image"]),
        locked=bool(item.get("locked")),
        created=item["created"],
        size=_size(item["flavor"], on_volume=not item["image"]),
        fault=(item.get("fault") or {}).get("message", ""),
    )


def _size(flavor: Mapping[str, Any], *, on_volume: bool) -> Mapping[str, int]:
    disk = 0 if on_volume else flavor["disk"]
    swap = -(-(flavor["swap"] or 0) // 1024)
    return {
        "VCPU": flavor["vcpus"],
        "MEMORY_MB": flavor["ram"],
        "DISK_GB": disk + flavor["ephemeral"] + swap,
    }


def move(clients: Clients, known: Guest) -> str:
    """Live-migrate a guest to wherever the scheduler finds room; the host that it chose.

    One that is on its way already is only waited for. Empty when its owner has deleted it
    meanwhile. Raises RuntimeError with what went wrong.
    """
    if known.task != MIGRATING:
        _act(clients, known, {"os-migrateLive": {"host": None, "block_migration": "auto"}})
    end = time.monotonic() + patient(MOVE_SECONDS)
    while True:
        time.sleep(PACE)
        now = guest(clients, known.id)
        if now is None:
            return ""
        if now.host != known.host and not now.task:
            return now.host
        if now.status == "ERROR" or (not now.task and now.status in MOVABLE):
            why = _why(clients, known.id)
            raise RuntimeError(f"guest {known.name} did not leave {known.host}: {why}")
        if time.monotonic() > end:
            what = f"guest {known.name} is still moving after {patient(MOVE_SECONDS):.0f} s"
            raise RuntimeError(what)


def stop(clients: Clients, known: Guest) -> None:
    """Have a guest shut itself down; Nova ends it when it does not."""
    _until(clients, known, {"os-stop": None}, "SHUTOFF")


def start(clients: Clients, known: Guest) -> None:
    """Start a guest that was stopped."""
    _until(clients, known, {"os-start": None}, "ACTIVE")


def _until(clients: Clients, known: Guest, body: Mapping[str, Any], wanted: str) -> None:
    """Ask for a change of state and wait for it; one that was deleted is as good as changed."""
    if known.status == wanted:
        return
    _act(clients, known, body)
    end = time.monotonic() + patient(STATE_SECONDS)
    while (now := guest(clients, known.id)) is not None and now.status != wanted:
        if now.status == "ERROR" or time.monotonic() > end:
            why = now.fault or f"Nova has left it {now.status}"
            raise RuntimeError(f"guest {known.name} is not {wanted}: {why}")
        time.sleep(PACE)


def _act(clients: Clients, known: Guest, body: Mapping[str, Any]) -> None:
    path = f"/servers/{known.id}/action"
    clients.change("POST", "compute", path, body, microversion=MICROVERSION)


def _why(clients: Clients, server: str) -> str:
    """What Nova's record of the last action says."""
    path = f"/servers/{server}/os-instance-actions"
    actions = clients.rest("compute", path, "instanceActions")
    told = [f"{item['action']}: {item['message']}" for item in actions if item.get("message")]
    return told[0] if told else "see the log of nova-compute there"
