# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Flavors, keys, servers."""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any

from scs.api.clients import Clients
from scs.api.kinds import Kind, lines
from scs.api.network import external_network, first
from scs.model.objects import Flavor, FloatingIp, Keypair, Server
from scs.patience import patient


class Flavors(Kind[Flavor]):
    """Public flavors with their extra specs."""

    def observe(self, clients: Clients, wanted: Sequence[Flavor]) -> dict[str, Any]:
        # From 2.61 on the list has the extra specs in it: one request instead of one each.
        path = "/flavors/detail?is_public=None"
        listed = clients.rest("compute", path, "flavors", microversion="2.61")
        there = {item["name"]: item for item in listed}
        return {
            want.id: {
                key: there[want.name][key] for key in ("id", "vcpus", "ram", "disk", "extra_specs")
            }
            if want.name in there
            else {}
            for want in wanted
        }

    def compare(self, want: Flavor, seen: Mapping[str, Any]) -> str | None:
        if not seen:
            return "is missing"
        sizes = [key for key in ("vcpus", "ram", "disk") if seen[key] != getattr(want, key)]
        if sizes:
            return f"has another {', '.join(sizes)}"
        wrong = [
            key for key, value in want.extra_specs.items() if seen["extra_specs"].get(key) != value
        ]
        return f"has another {', '.join(wrong)}" if wrong else None

    def diff(self, want: Flavor, seen: Mapping[str, Any]) -> str:
        sizes = [(key, seen[key], getattr(want, key)) for key in ("vcpus", "ram", "disk")]
        there = seen["extra_specs"]
        specs = [(key, there.get(key, "nothing"), value) for key, value in want.extra_specs.items()]
        return lines([*sizes, *specs])

    def converge(self, clients: Clients, want: Flavor, seen: Mapping[str, Any]) -> None:
        compute = clients.admin.compute
        same = seen and all(seen[key] == getattr(want, key) for key in ("vcpus", "ram", "disk"))
        if seen and not same:
            compute.delete_flavor(seen["id"])
        if not same:
            known = compute.create_flavor(
                name=want.name, vcpus=want.vcpus, ram=want.ram, disk=want.disk, is_public=True
            ).id
        else:
            known = seen["id"]
        compute.create_flavor_extra_specs(known, dict(want.extra_specs))

    def remove(self, clients: Clients, want: Flavor, seen: Mapping[str, Any]) -> None:
        # Servers keep a copy of what it said.
        if seen:
            clients.admin.compute.delete_flavor(seen["id"])


class Keypairs(Kind[Keypair]):
    """The tenant's ssh keys."""

    def observe(self, clients: Clients, wanted: Sequence[Keypair]) -> dict[str, Any]:
        project = clients.view.tenant.project
        listed = clients.rest("compute", "/os-keypairs", "keypairs", project=project)
        there = {item["keypair"]["name"]: item["keypair"] for item in listed}
        return {
            want.id: {"public_key": there[want.name]["public_key"]} if want.name in there else {}
            for want in wanted
        }

    def compare(self, want: Keypair, seen: Mapping[str, Any]) -> str | None:
        if not seen:
            return "is missing"
        # The comment behind the key does not count.
        same = seen["public_key"].split()[:2] == want.public_key.split()[:2]
        return None if same else "is another key"

    def converge(self, clients: Clients, want: Keypair, seen: Mapping[str, Any]) -> None:
        compute = clients.tenant.compute
        if seen:
            compute.delete_keypair(want.name)
        compute.create_keypair(name=want.name, public_key=want.public_key.strip())


class Servers(Kind[Server]):
    """VMs that run."""

    SECONDS = 300

    def observe(self, clients: Clients, wanted: Sequence[Server]) -> dict[str, Any]:
        there = _servers(clients)
        return {
            want.id: {key: there[want.name][key] for key in ("id", "status")}
            if want.name in there
            else {}
            for want in wanted
        }

    def compare(self, want: Server, seen: Mapping[str, Any]) -> str | None:
        if not seen:
            return "is missing"
        # Whoever stopped it meant to.
        return None if seen["status"] in ("ACTIVE", "SHUTOFF") else f"is {seen['status']}"

    def converge(self, clients: Clients, want: Server, seen: Mapping[str, Any]) -> None:
        compute = clients.tenant.compute
        if seen and seen["status"] == "ERROR":
            # It never worked, so there is nothing in it to lose.
            compute.delete_server(seen["id"])
            compute.wait_for_delete(compute.get_server(seen["id"]), wait=patient(60))
            seen = {}
        with clients.way.taken():
            server = seen["id"] if seen else self._made(clients, want)
            end = time.monotonic() + patient(self.SECONDS)
            while (state := compute.get_server(server)).status != "ACTIVE":
                if state.status == "ERROR":
                    fault = (state.fault or {}).get("message", "no reason given")
                    raise RuntimeError(f"server {want.name} went to ERROR: {fault}")
                if time.monotonic() > end:
                    raise RuntimeError(
                        f"server {want.name} is {state.status} after"
                        f" {patient(self.SECONDS):.0f} s, task {state.task_state or 'none'}"
                    )
                clients.pause(0.3)

    def _made(self, clients: Clients, want: Server) -> str:
        compute, network = clients.tenant.compute, clients.tenant.network
        inside = network.networks(name=want.network, project_id=clients.tenant.current_project_id)
        return str(
            compute.create_server(
                name=want.name,
                image_id=clients.tenant.image.find_image(want.image, ignore_missing=False).id,
                flavor_id=compute.find_flavor(want.flavor, ignore_missing=False).id,
                networks=[{"uuid": first(inside, f"network {want.network}")}],
                security_groups=[{"name": want.security_group}],
                key_name=want.keypair,
            ).id
        )


class FloatingIps(Kind[FloatingIp]):
    """Servers that answer ssh from outside."""

    SECONDS = 300
    SILENT_SECONDS = 45
    """After so long a new guest has said something on its console, or it never will."""

    def observe(self, clients: Clients, wanted: Sequence[FloatingIp]) -> dict[str, Any]:
        there = _servers(clients)
        return {
            want.id: self._seen(there[want.name]) if want.name in there else {} for want in wanted
        }

    def _seen(self, server: Mapping[str, Any]) -> dict[str, Any]:
        floating = [
            address["addr"]
            for addresses in (server.get("addresses") or {}).values()
            for address in addresses
            if address.get("OS-EXT-IPS:type") == "floating"
        ]
        return {
            "id": server["id"],
            "status": server["status"],
            "address": floating[0] if floating else "",
            "ssh": bool(floating) and ssh_answers(floating[0]),
        }

    def compare(self, want: FloatingIp, seen: Mapping[str, Any]) -> str | None:
        if seen and seen["status"] == "SHUTOFF":
            return None  # whoever stopped it meant to, and nothing of it answers
        if not seen or not seen["address"]:
            return "is missing"
        return None if seen["ssh"] else "does not answer ssh"

    def converge(self, clients: Clients, want: FloatingIp, seen: Mapping[str, Any]) -> None:
        compute = clients.tenant.compute
        there = seen or _servers(clients).get(want.name)
        if there is None:
            raise RuntimeError(f"there is no server {want.name}")
        server = there["id"]
        address = seen.get("address") or self._made(clients, want, server)
        start = time.monotonic()
        # One that had an address may have its reasons, and has something to lose.
        silent = math.inf if seen.get("address") else start + patient(self.SILENT_SECONDS)
        while not ssh_answers(address):
            if time.monotonic() > silent:
                silent = math.inf
                self._start_again_if_mute(clients, server)
            if time.monotonic() > start + patient(self.SECONDS):
                state = compute.get_server(server)
                raise RuntimeError(
                    f"server {want.name} does not answer ssh at {address} after"
                    f" {patient(self.SECONDS):.0f} s; it is {state.status},"
                    f" task {state.task_state or 'none'}"
                )
            clients.pause(0.3)

    @staticmethod
    def _start_again_if_mute(clients: Clients, server: str) -> None:
        """An emulated guest can hang before its kernel's first word: seen once in some thirty."""
        compute = clients.tenant.compute
        if not (compute.get_server_console_output(server, length=5) or {}).get("output"):
            compute.reboot_server(server, "HARD")

    def _made(self, clients: Clients, want: FloatingIp, server: str) -> str:
        network = clients.tenant.network
        port = first(network.ports(device_id=server), f"port of server {want.name}")
        external = external_network(network, want.external)
        spare = [item for item in network.ips(floating_network_id=external) if not item.port_id]
        if spare:
            return str(network.update_ip(spare[0], port_id=port).floating_ip_address)
        made = network.create_ip(floating_network_id=external, port_id=port)
        return str(made.floating_ip_address)


def _servers(clients: Clients) -> dict[str, Any]:
    """Name → the tenant's server."""
    project = clients.view.tenant.project
    listed = clients.rest("compute", "/servers/detail", "servers", project=project)
    return {item["name"]: item for item in listed}


def ssh_answers(address: str) -> bool:
    """Whether an ssh server greets at this address."""
    try:
        with socket.create_connection((address, 22), timeout=patient(2)) as connection:
            connection.settimeout(patient(3))
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
