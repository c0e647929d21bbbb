# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a run of `scs verify` leaves in the cloud until it is removed: found by marks.

Everything is found by listing, never from memory: so things are found whose making was not
answered, and those of a run that was killed. A thing counts as ours only when it is in the
project and has all marks (see `marks`); a key pair's description is its comment.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from openstack.exceptions import BadRequestException, ConflictException, NotFoundException

from scs.marks import Marks
from scs.patience import patient
from scs.shell import Say
from scs.verify.steps import words

if TYPE_CHECKING:
    from openstack.connection import Connection

SECONDS = 90
"""How long the cloud may take to remove something."""

MARKS = Marks("verify")
PREFIX, name_of, mark_of, run_of = MARKS.prefix, MARKS.name_of, MARKS.mark_of, MARKS.run_of


@dataclass(frozen=True)
class Trace:
    """One thing in the cloud that a run made."""

    kind: str
    id: str
    run: str


def told(traces: Iterable[Trace]) -> str:
    """What they are, for people: "1 server, 2 networks"."""
    counts = Counter(trace.kind for trace in traces)
    return ", ".join(f"{count} {kind}{'s' * (count > 1)}" for kind, count in counts.items())


def find(cloud: Connection) -> list[Trace]:
    """All that runs of `scs verify` have left in this project."""
    project = cloud.current_project_id
    compute, network = cloud.compute, cloud.network
    lists: dict[str, Callable[[], Iterable[Any]]] = {
        "server": compute.servers,
        "floating IP": network.ips,
        "router": network.routers,
        "network": network.networks,
        "security group": network.security_groups,
        "key pair": compute.keypairs,
    }
    if cloud.has_service("block-storage"):
        volumes = cloud.block_storage.volumes
        lists |= {
            "volume": lambda: [item for item in volumes() if not item.snapshot_id],
            "copied volume": lambda: [item for item in volumes() if item.snapshot_id],
        }
    if cloud.has_service("load-balancer"):
        lists["load balancer"] = cloud.load_balancer.load_balancers
    if cloud.has_service("dns"):
        lists["zone"] = cloud.dns.zones
    if cloud.has_service("orchestration"):
        stacks = cloud.orchestration.stacks
        # For a moment those are listed that are gone.
        lists["stack"] = lambda: [item for item in stacks() if item.status != "DELETE_COMPLETE"]
    if cloud.has_service("key-manager"):
        lists["secret"] = cloud.key_manager.secrets

    def listed(kind: str) -> list[Trace]:
        return [
            Trace(kind, _known(kind, item), run)
            for item in lists[kind]()
            if (run := _run(kind, item, project))
        ]

    with ThreadPoolExecutor(max_workers=len(lists)) as pool:
        return [trace for traces in pool.map(listed, lists) for trace in traces]


def _known(kind: str, item: Any) -> str:
    """By what a thing is asked for."""
    names = {"key pair": "name", "secret": "secret_id"}
    return str(getattr(item, names.get(kind, "id")))


def _run(kind: str, item: Any, project: str | None) -> str | None:
    if kind == "secret":  # has a name and nothing else that could be a mark; lists are a project's
        return run_of(None, item.name)
    if kind == "key pair":  # has neither description nor project: is its user's own
        comment = (item.public_key or "").strip().split(" ", 2)[2:]
        return run_of(item.name, comment[0] if comment else "")
    if kind == "stack":  # lists are a project's, and have tags but no descriptions
        return run_of(item.name, ",".join(item.tags or ()))
    if item.project_id != project:  # lists have shared and external networks of others in them
        return None
    if kind == "floating IP":
        return run_of(None, item.description)
    return run_of(item.name.partition(".")[0] if kind == "zone" else item.name, item.description)


def remove(cloud: Connection, traces: Sequence[Trace], say: Say) -> list[str]:
    """Remove these; returns what went wrong, in the cloud's words. Goes on past failures."""
    problems: list[str] = []

    def each(kind: str, action: Callable[[str], Any], *, busy: float = 0) -> None:
        for trace in traces:
            if trace.kind != kind:
                continue
            say(f"removing {kind} {trace.id}")
            try:
                _settled(lambda trace=trace: action(trace.id), busy)  # type: ignore[misc]
            except NotFoundException:
                pass
            except Exception as error:  # the rest can still go
                problems.append(f"{kind} {trace.id}: {words(error)}")

    def servers() -> None:
        each("server", lambda known: cloud.compute.delete_server(known))
        each("server", lambda known: _await_gone(cloud, known))

    def routes() -> None:
        # In this order: a router's interface stays while a floating IP or a load balancer needs
        # it. And a floating IP at once: if its server's port goes in the same moment, Neutron's
        # database may refuse one of both.
        each("floating IP", lambda known: cloud.network.delete_ip(known))
        each("load balancer", lambda known: _remove_balancer(cloud, known), busy=20)
        each("router", lambda known: _remove_router(cloud, known), busy=20)

    def keys() -> None:
        each("key pair", lambda known: cloud.compute.delete_keypair(known))

    # A server's port goes a moment after the server; until then these two are in use.
    def networks() -> None:
        each("network", lambda known: cloud.network.delete_network(known), busy=20)

    def groups() -> None:
        each("security group", lambda known: cloud.network.delete_security_group(known), busy=20)

    def volumes() -> None:
        # What was made from a snapshot first, and snapshots with their volumes.
        each("copied volume", lambda known: _remove_volume(cloud, known))
        each("volume", lambda known: _remove_volume(cloud, known))

    def zones() -> None:
        # After the floating IPs, whose names are in them.
        each("zone", lambda known: cloud.dns.delete_zone(known))
        each("zone", lambda known: _await_no_zone(cloud, known))

    def stacks() -> None:
        each("stack", lambda known: _remove_stack(cloud, known))

    def kept() -> None:
        each("secret", lambda known: cloud.key_manager.delete_secret(known))

    for stage in (
        (servers, routes, keys, stacks),
        (networks, groups, volumes, zones, kept),
    ):
        with ThreadPoolExecutor(max_workers=len(stage)) as pool:
            for task in [pool.submit(action) for action in stage]:
                task.result()
    return problems


def _settled(action: Callable[[], Any], seconds: float) -> None:
    """Do it, and again for so long as it is refused because something is still in use."""
    end = time.monotonic() + patient(seconds)
    while True:
        try:
            action()
            return
        except ConflictException:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def _await_gone(cloud: Connection, server: str) -> None:
    end = time.monotonic() + patient(SECONDS)
    while True:
        state = cloud.compute.get_server(server)  # raises NotFoundException: the way out
        if time.monotonic() > end:
            task = state.task_state or "none"
            raise TimeoutError(
                f"is {state.status}, task {task}, {patient(SECONDS):.0f} s after its removal"
            )
        time.sleep(0.3)


def _remove_volume(cloud: Connection, volume: str) -> None:
    end = time.monotonic() + patient(SECONDS)
    while True:
        state = cloud.block_storage.get_volume(volume)  # raises NotFoundException: the way out
        if time.monotonic() > end:
            what = f"is {state.status} {patient(SECONDS):.0f} s after its removal"
            raise TimeoutError(what)
        if state.status != "deleting":
            with suppress(BadRequestException):  # it is still on its way from somewhere
                cloud.block_storage.delete_volume(volume, cascade=True)
        time.sleep(0.5)


def _remove_balancer(cloud: Connection, balancer: str) -> None:
    end = time.monotonic() + patient(SECONDS)
    cloud.load_balancer.delete_load_balancer(balancer, cascade=True)
    while True:
        state = cloud.load_balancer.get_load_balancer(balancer)  # NotFoundException: the way out
        if state.provisioning_status == "DELETED":
            return
        if time.monotonic() > end:
            what = f"is {state.provisioning_status} {patient(SECONDS):.0f} s after its removal"
            raise TimeoutError(what)
        time.sleep(0.3)


def _await_no_zone(cloud: Connection, zone: str) -> None:
    end = time.monotonic() + patient(SECONDS)
    while True:
        state = cloud.dns.get_zone(zone)  # raises NotFoundException: the way out
        if time.monotonic() > end:
            raise TimeoutError(f"is {state.status} {patient(SECONDS):.0f} s after its removal")
        time.sleep(0.5)


def _remove_stack(cloud: Connection, stack: str) -> None:
    cloud.orchestration.delete_stack(stack)
    end = time.monotonic() + patient(SECONDS)
    while True:
        state = cloud.orchestration.get_stack(stack)  # raises NotFoundException: the way out
        if state.status == "DELETE_FAILED" or time.monotonic() > end:
            raise TimeoutError(f"is {state.status}: {state.status_reason}")
        time.sleep(0.5)


def _remove_router(cloud: Connection, router: str) -> None:
    for port in cloud.network.ports(device_id=router, device_owner="network:router_interface"):
        cloud.network.remove_interface_from_router(router, None, port.id)
    cloud.network.delete_router(router)
