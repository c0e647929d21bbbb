# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Processes of tempest's Python: one lists the tests, several run classes of them at a time."""

from __future__ import annotations

import json
import os
import queue
import select
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scs.certify.tempest.clean import last_words
from scs.certify.wire import Call
from scs.errors import Problem, ScsError
from scs.patience import patient
from scs.standards.model import How, Inventory, Test, Verdict

WORKER = Path(__file__).with_name("worker.py")
LIST_SECONDS = 120
TEST_SECONDS = 1200
"""One test may take so long."""
SILENCE = 2400
"""A worker that has said nothing for so long is ended."""

Told = tuple[Verdict, tuple[Call, ...]]


def listed(python: Path) -> Inventory:
    """All tests that tempest has; raises ScsError when it does not even list them."""
    done = subprocess.run(
        [python, "-I", WORKER, "list"],
        env={"PATH": os.environ.get("PATH", os.defpath)},
        capture_output=True,
        text=True,
        check=False,
        timeout=patient(LIST_SECONDS),
    )
    if done.returncode:
        what = f"does not list its tests\n{done.stderr[-1500:]}"
        raise ScsError(Problem("tempest", what, "remove its folder in the cache; it comes again"))
    return inventory(json.loads(done.stdout))


def inventory(told: Mapping[str, Any]) -> Inventory:
    """What `worker.py list` says, as values."""
    tests = tuple(
        Test(
            one["name"],
            one["id"],
            frozenset(one["attributes"]),
            tuple(one["credentials"]),
            one["isolated"],
            one["title"],
        )
        for one in told["tests"]
    )
    return Inventory(told["version"], tests)


def class_of(test: Test) -> str:
    """The class that a test is a method of: its tests share what they are prepared with."""
    return test.name.rpartition(".")[0]


def in_classes(tests: Sequence[Test]) -> list[list[Test]]:
    """Tests by their classes; those that take longest are begun first: with guests, and many."""
    groups: dict[str, list[Test]] = {}
    for test in tests:
        groups.setdefault(class_of(test), []).append(test)

    def weight(group: Sequence[Test]) -> tuple[int, int]:
        name = group[0].name
        long = ("tempest.api.compute.servers", "tempest.scenario", "tempest.api.compute.volumes")
        middle = ("tempest.api.compute", "tempest.api.volume")
        return (2 if name.startswith(long) else 1 if name.startswith(middle) else 0), len(group)

    return sorted(groups.values(), key=weight, reverse=True)


@dataclass(frozen=True)
class Desk:
    """What one worker has: its configuration, and a folder of its own."""

    folder: Path
    configuration: Path
    secrets: Path


class Crew:
    """Workers at their desks, as long as it is entered; whatever happens, none outlives it."""

    def __init__(self, python: Path, desks: Sequence[Desk], secrets: Sequence[str]) -> None:
        self._python, self._desks, self._secrets = python, desks, secrets
        self._told: queue.Queue[Told | BaseException | None] = queue.Queue()
        self._left: queue.Queue[list[Test]] = queue.Queue()
        self._stop = threading.Event()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    def run(self, tests: Sequence[Test]) -> Iterator[Told]:
        """What comes of each test, as soon as it is over."""
        for group in in_classes(tests):
            self._left.put(group)
        threads = [threading.Thread(target=self._work, args=(desk,)) for desk in self._desks]
        for thread in threads:
            thread.start()
        working = len(threads)
        try:
            while working:
                told = self._told.get()
                if told is None:
                    working -= 1
                elif isinstance(told, BaseException):
                    raise told
                else:
                    yield told
        finally:
            self._stop.set()
            with self._lock:
                for process in self._processes:
                    process.kill()
            for thread in threads:
                thread.join()

    def _work(self, desk: Desk) -> None:
        process: subprocess.Popen[bytes] | None = None
        try:
            while not self._stop.is_set():
                try:
                    group = self._left.get_nowait()
                except queue.Empty:
                    break
                process = process or self._started(desk)
                if not self._done(process, desk, group):
                    self._ended(process)
                    process = None
        except BaseException as error:
            self._told.put(error)
        finally:
            if process is not None:
                with suppress(OSError):
                    _write(process, "end")
                self._ended(process)
            self._told.put(None)

    def _started(self, desk: Desk) -> subprocess.Popen[bytes]:
        with (desk.folder / "stderr").open("ab") as log:
            process = subprocess.Popen(
                [self._python, "-I", WORKER, "run"],
                cwd=desk.folder,
                env={
                    "PATH": os.environ.get("PATH", os.defpath),
                    "HOME": str(desk.folder),
                    "TMPDIR": str(desk.folder),
                    "LANG": "C.UTF-8",
                    "TEMPEST_CONFIG_DIR": str(desk.configuration.parent),
                    "TEMPEST_CONFIG": desk.configuration.name,
                    "SCS_SECRETS": str(desk.secrets),
                    # What tests log holds tokens: it is not even collected.
                    "OS_LOG_CAPTURE": "0",
                    "OS_TEST_TIMEOUT": str(int(patient(TEST_SECONDS))),
                },
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                # Ctrl-C is for us: then workers are ended, and what they made is removed.
                start_new_session=True,
            )
        with self._lock:
            self._processes.add(process)
            if self._stop.is_set():
                process.kill()
        return process

    def _ended(self, process: subprocess.Popen[bytes]) -> None:
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        with self._lock:
            self._processes.discard(process)

    def _done(self, process: subprocess.Popen[bytes], desk: Desk, group: Sequence[Test]) -> bool:
        """Have a class run; whether the worker can go on with another."""
        missing = {test.name for test in group}
        why = ""
        try:
            _write(process, json.dumps({"tests": [test.name for test in group]}))
            for line in _lines(process):
                if line.get("done"):
                    break
                verdict = told(line)
                missing.discard(verdict[0].test)
                self._told.put(verdict)
            else:
                why = "the worker ended"
        except TimeoutError:
            why = f"the worker said nothing for {patient(SILENCE):.0f} s"
        except OSError as error:
            why = f"the worker is gone: {error.strerror}"
        if why and missing:
            process.kill()
            code = process.wait()
            words = (desk.folder / "stderr").read_text(errors="replace")[-4000:]
            text = f"{why} ({code}) {last_words(words, self._secrets)}"
            for name in sorted(missing):
                self._told.put((Verdict(name, How.UNFINISHED, text), ()))
        return not why


def told(line: Mapping[str, Any]) -> Told:
    """A line of a worker as values."""
    calls = tuple(
        Call(one["method"], one["url"], one["status"], one["request_id"]) for one in line["calls"]
    )
    ids = tuple(call.request_id for call in calls if call.request_id)
    how = How(line["how"])
    return Verdict(line["test"], how, line.get("text", ""), line["seconds"], ids), calls


def _write(process: subprocess.Popen[bytes], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n".encode())
    process.stdin.flush()


def _lines(process: subprocess.Popen[bytes]) -> Iterator[Mapping[str, Any]]:
    """What a worker says, a line at a time; raises TimeoutError when it says nothing for long."""
    assert process.stdout is not None
    held = b""
    last = time.monotonic()
    while True:
        while b"\n" in held:
            line, _, held = held.partition(b"\n")
            last = time.monotonic()
            yield json.loads(line)
        ready, _, _ = select.select([process.stdout], [], [], 5)
        if ready:
            piece = os.read(process.stdout.fileno(), 1 << 16)
            if not piece:
                return
            held += piece
        elif time.monotonic() - last > patient(SILENCE):
            raise TimeoutError
