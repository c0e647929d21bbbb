# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a user does with volumes, as the first project's user, with the SDK and ssh."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import openstack

T = TypeVar("T")
SECONDS = 180


def until(probe: Callable[[], T | None], what: str, seconds: float = SECONDS) -> T:
    """What the probe answers once that is something."""
    end = time.monotonic() + seconds
    while not (answer := probe()):
        assert time.monotonic() < end, f"{what}: not after {seconds} s"
        time.sleep(0.3)
    return answer


class User:
    """The first project's user of one cloud; tells how long things took in `took`."""

    def __init__(self, name: str, state: Path, account: str = "") -> None:
        self.name = account or name
        self.state = state
        self.took: dict[str, float] = {}

    @cached_property
    def cloud(self) -> Any:
        config = openstack.config.OpenStackConfig(
            config_files=[str(self.state / "clouds.yaml")], load_envvars=False
        )
        return openstack.connection.Connection(config=config.get_one(self.name))

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        self.took[what] = round(time.monotonic() - start, 1)

    # Volumes.

    def asked(self, method: str, path: str, body: object = None, version: str = "") -> Any:
        """The answer to a request, in a newer version of the API where that is said."""
        call = getattr(self.cloud.block_storage, method)
        answer = call(f"/{path}", json=body, microversion=version or None)
        assert answer.status_code < 400, (path, answer.text)
        return answer.json() if answer.content else {}

    def settled(self, kind: str, known: str, *wanted: str) -> Any:
        """A volume, snapshot or backup, once it has one of these states."""

        def probe() -> Any:
            seen = self.asked("get", f"{kind}/{known}")[kind[:-1]]
            assert "error" not in seen["status"], (seen["status"], self._told(known))
            return seen if seen["status"] in wanted else None

        return until(probe, f"{kind[:-1]} {known} is {' or '.join(wanted)}")

    def _told(self, known: str) -> list[str]:
        """What Cinder tells users of what happened to a volume, newest first."""
        told = self.asked("get", f"messages?resource_uuid={known}", version="3.70")["messages"]
        return [item["user_message"] for item in told]

    def volume(self, size: int, **values: Any) -> str:
        """A new volume of so many GiB; its id."""
        body = {"volume": {"size": size, **values}}
        known = str(self.asked("post", "volumes", body)["volume"]["id"])
        self.settled("volumes", known, "available")
        return known

    def extend(self, volume: str, size: int) -> None:
        """Let it grow to so many GiB, also while it is used."""
        body = {"os-extend": {"new_size": size}}
        self.asked("post", f"volumes/{volume}/action", body, version="3.42")
        self.settled("volumes", volume, "available", "in-use")

    def retype(self, volume: str, kind: str) -> None:
        """Give it another type that needs no copy of its data."""
        body = {"os-retype": {"new_type": kind, "migration_policy": "never"}}
        self.asked("post", f"volumes/{volume}/action", body)

        def probe() -> bool:
            seen = self.asked("get", f"volumes/{volume}")["volume"]
            return bool(seen["status"] == "available" and seen["volume_type"] == kind)

        until(probe, f"volume {volume} is {kind}")

    def snapshot(self, volume: str) -> str:
        """A snapshot, also while the volume is used."""
        body = {"snapshot": {"volume_id": volume, "force": True}}
        known = str(self.asked("post", "snapshots", body)["snapshot"]["id"])
        self.settled("snapshots", known, "available")
        return known

    def backup(self, volume: str) -> str:
        body = {"backup": {"volume_id": volume, "name": "kept"}}
        known = str(self.asked("post", "backups", body)["backup"]["id"])
        self.settled("backups", known, "available")
        return known

    def restored(self, backup: str) -> str:
        """A new volume with what is in the backup."""
        restore = self.asked("post", f"backups/{backup}/restore", {"restore": {}})["restore"]
        known = str(restore["volume_id"])
        self.settled("backups", backup, "available")
        self.settled("volumes", known, "available")
        return known

    def gone(self, kind: str, *known: str) -> None:
        """Delete these, and wait until they are gone."""
        storage = self.cloud.block_storage
        for item in known:
            self.asked("delete", f"{kind}/{item}")
        for item in known:
            until(
                lambda item=item: storage.get(f"/{kind}/{item}").status_code == 404,  # type: ignore[misc]
                f"{kind} {item} is gone",
            )

    # Servers.

    def server_from_volume(self, name: str, volume: str) -> Any:
        """A server that boots from this volume, with an address outside that answers ssh."""
        disk = {
            "boot_index": 0,
            "uuid": volume,
            "source_type": "volume",
            "destination_type": "volume",
            "delete_on_termination": True,
        }
        return self.server(name, "SCS-1L-1", block_device_mapping_v2=[disk])

    def server(self, name: str, flavor: str, **values: Any) -> Any:
        """A server of that flavor with these values, and an address outside that answers ssh."""
        compute, network = self.cloud.compute, self.cloud.network
        server = compute.create_server(
            name=name,
            flavor_id=compute.find_flavor(flavor).id,
            networks=[{"uuid": network.find_network("demo").id}],
            security_groups=[{"name": "ssh"}],
            key_name="scs",
            **values,
        )
        server = compute.wait_for_server(server, wait=SECONDS)
        port = next(iter(network.ports(device_id=server.id)))
        outside = network.find_network("external").id
        address = network.create_ip(floating_network_id=outside, port_id=port.id)
        self.said(address.floating_ip_address, "true", seconds=SECONDS)
        return server

    def settled_server(self, server: Any, status: str) -> None:
        """Wait until nothing is done with it any more and its status is this one."""

        def probe() -> bool:
            seen = self.cloud.compute.get_server(server.id)
            assert seen.status != "ERROR", seen.fault
            return bool(seen.status == status and seen.task_state is None)

        until(probe, f"server {server.name} is {status}")

    def remove_server(self, server: Any) -> None:
        network = self.cloud.network
        for port in network.ports(device_id=server.id):
            for address in network.ips(port_id=port.id):
                network.delete_ip(address)
        self.cloud.compute.delete_server(server)
        self.cloud.compute.wait_for_delete(server, wait=SECONDS)

    def address(self, server: Any) -> str:
        """Where the server answers from outside."""
        seen = self.cloud.compute.get_server(server.id)
        found = [
            item["addr"]
            for items in seen.addresses.values()
            for item in items
            if item["OS-EXT-IPS:type"] == "floating"
        ]
        return str(found[0])

    def ssh(self, address: str, command: str) -> list[str]:
        """The words that run a command in a guest."""
        options = ["-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null"]
        key = self.state / "ssh" / "id_ed25519"
        argv = ["ssh", "-i", str(key), *options, "-oLogLevel=ERROR", "-oConnectTimeout=10"]
        return [*argv, f"scs@{address}", command]

    def said(self, address: str, command: str, seconds: float = 60) -> str:
        """The output of a command in a guest; waits that long for it to let us in."""
        end = time.monotonic() + seconds
        while True:
            done = subprocess.run(
                self.ssh(address, command),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            if done.returncode == 0:
                return done.stdout.strip()
            assert done.returncode == 255, (command, done.stderr, done.stdout)
            assert time.monotonic() < end, (command, done.stderr)
            time.sleep(0.5)

    def disks(self, server: Any) -> set[str]:
        return set(self.said(self.address(server), "ls /sys/block").split())

    def attach(self, server: Any, volume: str) -> str:
        """Give a guest a volume; its device there."""
        before = self.disks(server)
        self.cloud.compute.create_volume_attachment(server.id, volume_id=volume)
        self.settled("volumes", volume, "in-use")
        return until(lambda: self.disks(server) - before, "the guest sees the volume").pop()

    def detach(self, server: Any, volume: str) -> None:
        self.cloud.compute.delete_volume_attachment(server.id, volume)

        def free() -> bool:
            seen = self.asked("get", f"volumes/{volume}")["volume"]
            assert "error" not in seen["status"], seen["status"]
            return server.id not in {item["server_id"] for item in seen["attachments"]}

        until(free, f"{volume} is free of the server")

    def written(self, server: Any, device: str, mib: int) -> str:
        """Write random bytes to a guest's device; their checksum as read back from it."""
        command = f"dd if=/dev/urandom of=/dev/{device} bs=1M count={mib} 2>/dev/null && sync"
        self.said(self.address(server), command)
        return self.read(server, device, mib)

    def read(self, server: Any, device: str, mib: int) -> str:
        """The checksum of so many MiB from a guest's device, past its cache."""
        drop = "echo 3 > /proc/sys/vm/drop_caches"
        command = f"{drop}; dd if=/dev/{device} bs=1M count={mib} 2>/dev/null | sha256sum"
        return self.said(self.address(server), command).split()[0]
