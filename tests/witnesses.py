# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Users of a cloud who write all the time, and look afterwards for what was acknowledged."""

from __future__ import annotations

import io
import os
import subprocess
import threading
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import openstack
import urllib3
from minio.error import S3Error

from objects import Bucketeer
from volumes import User

MARK = "scs-fault-"


class Witness:
    """Someone who writes in a thread of its own until told to stop."""

    name = ""

    def __init__(self) -> None:
        self.tried = 0
        self.failures: list[str] = []
        self.gap = 0.0
        """The longest time between two acknowledged writes, in seconds."""
        self._last = time.monotonic()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._go_on)

    def start(self) -> None:
        self._last = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join()

    def lost(self) -> list[str]:
        """Acknowledged writes that are not so any more; takes away what it has made."""
        raise NotImplementedError

    def _write(self) -> None:
        """One write; raises what went wrong."""
        raise NotImplementedError

    def _go_on(self) -> None:
        while not self._end.wait(0.2):
            self.tried += 1
            try:
                self._write()
            except Exception as error:
                self._failed(error)
            else:
                self._acknowledged()

    def _failed(self, error: object) -> None:
        self.failures.append(f"{time.strftime('%H:%M:%S')} {self.name}: {str(error)[:120]}")

    def _acknowledged(self) -> None:
        now = time.monotonic()
        self.gap = max(self.gap, now - self._last)
        self._last = now


class Groups(Witness):
    """Makes and deletes security groups: writes to the API, the database, the queue and OVN."""

    name = "groups"

    def __init__(self, cloud: str) -> None:
        super().__init__()
        self._cloud = cloud
        self._there: set[str] = set()
        self._gone: set[str] = set()

    def _write(self) -> None:
        # A project may have ten of them. What is not acknowledged may be done or not.
        old = self._there.pop() if len(self._there) > 3 else ""
        connection = self._connection
        if old:
            connection.network.delete_security_group(old, ignore_missing=False)
            self._gone.add(old)
        else:
            name = f"{MARK}{os.getpid()}-{self.tried}"
            self._there.add(connection.network.create_security_group(name=name).id)

    def _go_on(self) -> None:
        self._connection = openstack.connect(cloud=self._cloud, api_timeout=60)
        super()._go_on()

    def lost(self) -> list[str]:
        connection = openstack.connect(cloud=self._cloud)
        found = {item.id: item for item in connection.network.security_groups()}
        wrong = [f"group {item} is gone" for item in sorted(self._there - set(found))]
        wrong += [f"group {item} is back" for item in sorted(self._gone & set(found))]
        for item in found.values():
            if item.name.startswith(MARK):
                connection.network.delete_security_group(item)
        return wrong


class Objects(Witness):
    """Puts objects by S3, each seventh in parts, and deletes old ones."""

    name = "objects"
    BUCKET = "scs-faults"
    KEPT = 60

    def __init__(self, cloud: str, state: Path) -> None:
        super().__init__()
        user = Bucketeer(cloud, state)
        self._s3 = user.client(*user.keys)
        if not self._s3.bucket_exists(self.BUCKET):
            self._s3.make_bucket(self.BUCKET)
        self._there: dict[str, str] = {}
        """Name → SHA-256 of what was acknowledged."""

    def _write(self) -> None:
        try:
            if len(self._there) > self.KEPT:
                old = next(iter(self._there))
                del self._there[old]  # whether or not it is acknowledged
                self._s3.remove_object(self.BUCKET, old)
                return
            whole = self.tried % 7 > 0
            data = os.urandom(200_000 if whole else (5 << 20) + 200_000)
            name = f"{os.getpid()}-{self.tried}"
            length = len(data) if whole else -1
            part = 0 if whole else 5 << 20
            self._s3.put_object(self.BUCKET, name, io.BytesIO(data), length, part_size=part)
            self._there[name] = sha256(data).hexdigest()
        except (S3Error, urllib3.exceptions.HTTPError) as error:
            raise RuntimeError(error) from error

    def lost(self) -> list[str]:
        wrong = []
        for name, digest in self._there.items():
            try:
                answer = self._s3.get_object(self.BUCKET, name)
            except S3Error as error:
                wrong.append(f"object {name}: {error.code}")
                continue
            if sha256(answer.read()).hexdigest() != digest:
                wrong.append(f"object {name} is another one")
            answer.close()
        for item in self._s3.list_objects(self.BUCKET):
            self._s3.remove_object(self.BUCKET, str(item.object_name))
        self._s3.remove_bucket(self.BUCKET)
        return wrong


class Disk(Witness):
    """A guest that writes blocks to a volume, each flushed and then told with its checksum."""

    name = "disk"
    BLOCKS = 200
    """Places on the volume, 256 KiB each, one after another and then from the start again."""
    WRITES = """\
# One that was left behind ends when the next one begins.
echo $$ > /tmp/writer
i=0
while [ "$(cat /tmp/writer)" = $$ ]; do
    head -c 262144 /dev/urandom > /tmp/block
    place=$((i % {blocks}))
    if dd if=/tmp/block of=/dev/{device} bs=262144 seek=$place conv=notrunc,fsync 2> /tmp/why
    then echo done $place $(sha256sum < /tmp/block)
    else echo failed $(tail -1 /tmp/why); fi
    i=$((i + 1))
    sleep 0.2
done
"""

    def __init__(self, cloud: str, state: Path, server: str = "hello") -> None:
        super().__init__()
        self._user = User(cloud, state)
        self._server: Any = self._user.cloud.compute.find_server(server, ignore_missing=False)
        self._volume = self._user.volume(1)
        self._device = self._user.attach(self._server, self._volume)
        self._address = self._user.address(self._server)
        self._there: dict[int, str] = {}
        self._latest = -1

    def _go_on(self) -> None:
        script = self.WRITES.format(blocks=self.BLOCKS, device=self._device)
        argv = self._user.ssh(self._address, script)
        with subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        ) as guest:
            assert guest.stdout is not None
            end = threading.Thread(target=self._ends, args=(guest.kill,))
            end.start()
            for line in guest.stdout:
                self.tried += 1
                word, *rest = line.split()
                if word == "done":
                    self._latest = int(rest[0])
                    self._there[self._latest] = rest[1]
                    self._acknowledged()
                else:
                    self._failed(" ".join(rest))
            if not self._end.is_set():
                self._failed("the guest says nothing more")
            self._end.set()
            end.join()

    def _ends(self, kill: Callable[[], None]) -> None:
        self._end.wait()
        kill()

    def lost(self) -> list[str]:
        # What was under way when the guest was left may have been written, or not.
        time.sleep(2)
        read = (
            "echo 3 > /proc/sys/vm/drop_caches 2> /dev/null;"
            f" for place in $(seq 0 {self.BLOCKS - 1}); do echo $place"
            f" $(dd if=/dev/{self._device} bs=262144 skip=$place count=1 2> /dev/null | sha256sum);"
            " done"
        )
        seen = {}
        for line in self._user.said(self._address, read, seconds=300).splitlines():
            place, digest, *_ = line.split()
            seen[int(place)] = digest
        wrong = [
            f"block {place} of the volume is another one"
            for place, digest in self._there.items()
            # The one after the last may have been written without our having heard of it.
            if seen.get(place) != digest and place != (self._latest + 1) % self.BLOCKS
        ]
        self._user.detach(self._server, self._volume)
        self._user.gone("volumes", self._volume)
        return wrong
