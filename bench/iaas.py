# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Topics of the bench that need a cloud with Ceph: what users do with storage, what services
cost, how long a certificate takes.
"""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from clouds import SERVICES
from objects import Bucketeer
from scs.errors import Exit
from volumes import User

CEPH = "storage: ceph\n"
MIB = 1 << 20
SMALL, COUNT = 4096, 50
"""Bytes of a small object, and how many of them are put and got one after another."""
LARGE = 64 * MIB
RADOS_SECONDS = 10
POOL = "volumes"
"""Where Ceph's own bench writes; it removes what it has written."""
UNHEALTHY = Exit.UNHEALTHY.value
"""How `certify` ends where something is not as the standard says."""


class Bench(Protocol):
    """What a topic needs of the bench."""

    name: str
    state: Path

    def run(self, *words: str, good: Collection[int] = (0,)) -> str:
        """The output of scs, which must end with one of these codes."""

    def up(self, more: str) -> float:
        """Bring the cloud to its first cloud.yaml and these lines; the seconds it took."""

    def add(self, name: str, unit: str, value: float) -> None:
        """A line of the table, or one more value of it."""

    def pss(self) -> float:
        """GiB of all processes in the nodes but guests."""


def storage(bench: Bench) -> None:
    """Volumes and objects as a user has them, beside what the same Ceph does by itself."""
    bench.add("up that adds Ceph", "s", bench.up(CEPH))
    user, owner = User(bench.name, bench.state), Bucketeer(bench.name, bench.state)

    @contextmanager
    def timed(what: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        bench.add(what, "s", time.monotonic() - began)

    hello = user.cloud.compute.find_server("hello")
    with timed("volume, 1 GiB"):
        volume = user.volume(1)
    with timed("attach to a guest that sees it"):
        user.attach(hello, volume)
    with timed("snapshot of a used volume"):
        snapshot = user.snapshot(volume)
    user.gone("snapshots", snapshot)
    user.detach(hello, volume)
    user.gone("volumes", volume)
    image = user.cloud.image.find_image("Debian 13")
    with timed("volume of 20 GiB from an image"):
        large = user.volume(20, imageRef=image.id)
    user.gone("volumes", large)
    tiny = user.cloud.image.find_image("scs-verify")
    root = user.volume(5, imageRef=tiny.id)
    with timed("boot from volume until ssh"):
        server = user.server_from_volume("bench", root)
    user.remove_server(server)

    client = owner.client(*owner.keys)
    client.make_bucket("bench")
    rates: dict[str, float] = {}

    def rate(what: str, size: int, names: list[str], act: Callable[[str], object]) -> None:
        began = time.monotonic()
        for name in names:
            act(name)
        seconds = time.monotonic() - began
        rates[what] = size * len(names) / seconds / MIB
        if size == SMALL:
            bench.add(f"S3, {what}", "objects/s", len(names) / seconds)
        else:
            bench.add(f"S3, {what}", "MiB/s", rates[what])

    def put(data: bytes) -> Callable[[str], object]:
        return lambda name: client.put_object("bench", name, io.BytesIO(data), len(data))

    def get(name: str) -> None:
        answer = client.get_object("bench", name)
        try:
            while answer.read(MIB):
                pass
        finally:
            answer.close()
            answer.release_conn()

    small, large_ones = [f"small-{number}" for number in range(COUNT)], ["large-1", "large-2"]
    rate("put of 4 KiB", SMALL, small, put(os.urandom(SMALL)))
    rate("get of 4 KiB", SMALL, small, get)
    rate("put of 64 MiB", LARGE, large_ones, put(os.urandom(LARGE)))
    rate("get of 64 MiB", LARGE, large_ones, get)
    for name in (*small, *large_ones):
        client.remove_object("bench", name)
    client.remove_bucket("bench")

    def rados(*words: str) -> float:
        command = f"rados bench -p {POOL} {RADOS_SECONDS} {' '.join(words)} -t 16 --format json"
        told = json.loads(bench.run("ssh", "node-1", f"{command} 2>/dev/null"))
        return float(told["bandwidth"])

    write = rados("write", "-b", "4194304", "--no-cleanup")
    read = rados("seq")
    bench.run("ssh", "node-1", f"rados -p {POOL} cleanup")
    bench.add("rados bench, write", "MiB/s", write)
    bench.add("rados bench, read", "MiB/s", read)
    bench.add("S3 put of 64 MiB to rados write", "ratio", rates["put of 64 MiB"] / write)
    bench.add("S3 get of 64 MiB to rados read", "ratio", rates["get of 64 MiB"] / read)


def services(bench: Bench) -> None:
    """What each service costs that a cloud can do without: time to add it, memory."""
    bench.up(CEPH)
    before = bench.pss()
    bench.add("memory with Ceph, without guests", "GiB", before)
    chosen: list[str] = []
    for name in SERVICES:
        chosen.append(name)
        bench.add(f"up that adds {name}", "s", bench.up(f"{CEPH}services: [{', '.join(chosen)}]\n"))
        time.sleep(10)
        now = bench.pss()
        bench.add(f"memory of {name}", "MiB", (now - before) * 1024)
        before = now
    bench.add("memory with everything, without guests", "GiB", before)


def certify(bench: Bench) -> None:
    """IaaS v5.1 against a cloud with everything: the whole, the slowest checks, the requests."""
    bench.up(f"{CEPH}services: [{', '.join(SERVICES)}]\n")
    told = json.loads(bench.run("--json", "certify", good=(0, UNHEALTHY)))
    bench.add("certify", "s", told["seconds"])
    bench.add("its requests", "", told["api_calls"])
    slowest = sorted(told["results"], key=lambda result: -result["seconds"])[:10]
    for result in slowest:
        bench.add(f"check {result['id']}", "s", result["seconds"])


TOPICS: dict[str, Callable[[Bench], None]] = {
    "storage": storage,
    "services": services,
    "certify": certify,
}
