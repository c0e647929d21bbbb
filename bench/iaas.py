# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Topics of the bench that need a cloud with Ceph: what users do with storage, what services
cost, how long a certificate takes.
"""

from __future__ import annotations

import io
import json
import os
import re
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from clouds import SERVICES
from objects import Bucketeer
from scs.errors import Exit
from volumes import User

CEPH = "storage: ceph\n"
MIB = 1 << 20
SMALL, LARGE = 4096, 64 * MIB
"""Bytes of objects."""
AT_A_TIME = 8
"""Requests under way, of S3 and of `rados bench` alike."""
PART = 5 * MIB
"""The least that the client takes as a part's size."""
RADOS_LARGE = 4 * MIB
"""What a large object is cut into: the gateway does so as well."""
RADOS_SECONDS = 10
BUCKET = "bench"
DAEMONS = ("ceph-osd", "ceph-mon", "ceph-mgr", "radosgw")
IDLE = 60.0
"""Seconds after which a Ceph that has just come up is left alone by everybody."""
POOL = "volumes"
"""Where Ceph's own bench writes; it removes what it has written."""
UNHEALTHY = Exit.UNHEALTHY.value
"""How `certify` ends where something is not as the standard says."""


class Bench(Protocol):
    """What a topic needs of the bench."""

    name: str
    state: Path
    times: int
    """How often each thing is measured."""

    def run(self, *words: str, good: Collection[int] = (0,)) -> str:
        """The output of scs, which must end with one of these codes."""

    def up(self, more: str) -> float:
        """Bring the cloud to its first cloud.yaml and these lines; the seconds it took."""

    def warm_up(self, more: str) -> float:
        """The same with a cloud made anew, from the caches that are there."""

    def cold_up(self, more: str) -> float:
        """The same on empty caches."""

    def processes(self) -> list[tuple[str, int]]:
        """Name and bytes of all processes in the nodes but guests."""

    def add(self, name: str, unit: str, value: float) -> None:
        """A line of the table, or one more value of it."""

    def pss(self) -> float:
        """GiB of all processes in the nodes but guests."""


def storage(bench: Bench) -> None:
    """Volumes and objects as a user has them, beside what the same Ceph does by itself."""
    _extra_time(bench)
    _idle_memory(bench)
    user, owner = User(bench.name, bench.state), Bucketeer(bench.name, bench.state)
    for _ in range(bench.times):
        _volumes(bench, user)
    client = owner.client(*owner.keys)
    for _ in range(bench.times):
        _objects(bench, client)


def _extra_time(bench: Bench) -> None:
    """What Ceph adds to `up`: the same cloud without and with it, in turns; ends with it."""
    for caches, up in (("cold", bench.cold_up), ("warm", bench.warm_up)):
        if caches == "warm":
            up("")  # each has a root file system of its own, and the other one's was made last
        for _ in range(bench.times):
            without, there = up(""), up(CEPH)
            bench.add(f"{caches} up without Ceph", "s", without)
            bench.add(f"{caches} up with Ceph", "s", there)
            bench.add(f"{caches} up, more with Ceph", "s", there - without)


def _idle_memory(bench: Bench) -> None:
    """What Ceph's daemons on the node take before anybody has used them."""
    time.sleep(IDLE)
    sizes: dict[str, int] = dict.fromkeys(DAEMONS, 0)
    for name, size in bench.processes():
        if name in sizes:
            sizes[name] += size
    for name, size in sizes.items():
        bench.add(f"idle memory, {name}", "MiB", size / MIB)
    bench.add("idle memory, all of Ceph", "MiB", sum(sizes.values()) / MIB)


def _volumes(bench: Bench, user: User) -> None:
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
    root = user.volume(1, imageRef=tiny.id)
    with timed("boot from volume until ssh"):
        server = user.server_from_volume("bench", root)
    user.remove_server(server)


def _objects(bench: Bench, client: Any) -> None:
    """S3 beside Ceph itself: objects as large, as many at a time, in the same minutes."""
    client.make_bucket(BUCKET)
    for size, count, what in ((SMALL, 400, "4 KiB"), (LARGE, 16, "64 MiB")):
        names = [f"{size}-{number}" for number in range(count)]
        data = os.urandom(size)

        def put(name: str, data: bytes = data) -> None:
            # In one request, however large.
            length = len(data)
            client.put_object(BUCKET, name, io.BytesIO(data), length, part_size=max(length, PART))

        def get(name: str) -> None:
            answer = client.get_object(BUCKET, name)
            try:
                while answer.read(MIB):
                    pass
            finally:
                answer.close()
                answer.release_conn()

        seen = [("put", "write", _rate(put, names)), ("get", "read", _rate(get, names))]
        for name in names:
            client.remove_object(BUCKET, name)
        raw = dict(zip(("write", "read"), _rados(bench, min(size, RADOS_LARGE)), strict=True))
        # Small ones cost by the piece, large ones by the byte.
        unit = "objects/s" if size == SMALL else "MiB/s"
        for verb, its, rate in seen:
            mine = rate if size == SMALL else rate * size / MIB
            theirs = raw[its].pieces if size == SMALL else raw[its].mebibytes
            bench.add(f"S3 {verb} of {what}", unit, mine)
            bench.add(f"rados bench, {its} beside S3 of {what}", unit, theirs)
            bench.add(f"S3 {verb} of {what} to rados {its}", "ratio", mine / theirs)
    client.remove_bucket(BUCKET)


def _rate(act: Callable[[str], None], names: list[str]) -> float:
    """How many of these a second, so many at a time."""
    began = time.monotonic()
    with ThreadPoolExecutor(max_workers=AT_A_TIME) as pool:
        list(pool.map(act, names))
    return len(names) / (time.monotonic() - began)


@dataclass(frozen=True)
class Rate:
    """What `rados bench` has found, each second."""

    pieces: float
    mebibytes: float

    @classmethod
    def told(cls, text: str) -> Rate:
        """From the end of its output; raises LookupError where it has not come to that."""
        found = {}
        for name in ("Average IOPS", r"Bandwidth \(MB/sec\)"):
            match = re.search(rf"^{name}:\s+([0-9.]+)$", text, re.MULTILINE)
            if match is None:
                raise LookupError(f"rados bench does not tell {name}: {text[-500:]}")
            found[name] = float(match[1])
        return cls(*found.values())


def _rados(bench: Bench, size: int) -> tuple[Rate, Rate]:
    """Writing and reading pieces of that size."""

    def asked(words: str) -> Rate:
        command = f"rados bench -p {POOL} {RADOS_SECONDS} {words} -t {AT_A_TIME}"
        return Rate.told(bench.run("ssh", "node-1", f"{command} 2>&1"))

    try:
        written = asked(f"write -b {size} --no-cleanup")
        return written, asked("seq")
    finally:
        bench.run("ssh", "node-1", f"rados -p {POOL} cleanup")


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
