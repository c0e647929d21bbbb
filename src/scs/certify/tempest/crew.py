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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scs.certify.tempest.clean import last_words
from scs.certify.wire import Call
from scs.errors import Problem, ScsError
from scs.patience import patient
from scs.standards.model import CouldNotRun, How, Inventory, Test, Verdict

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


class Worker:
    """One process that runs classes of tests."""

    def __init__(self, python: Path, desk: Desk) -> None:
        self.desk = desk
        with (desk.folder / "stderr").open("ab") as log:
            self._process = subprocess.Popen(
                [python, "-I", WORKER, "run"],
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
        self._lines = self._read()

    @property
    def words(self) -> str:
        """The end of what it said to people."""
        return (self.desk.folder / "stderr").read_text(errors="replace")[-8000:]

    def order(self, line: str) -> None:
        """Tell it something; raises OSError when it is gone."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())

    def answer(self) -> Mapping[str, Any] | None:
        """The next thing that it says; None: it has ended. Raises TimeoutError."""
        return next(self._lines, None)

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> int:
        """Wait for its end, not for ever; its exit code."""
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        return self._process.returncode

    def _read(self) -> Iterator[Mapping[str, Any]]:
        assert self._process.stdout is not None
        held = b""
        last = time.monotonic()
        while True:
            while b"\n" in held:
                line, _, held = held.partition(b"\n")
                yield json.loads(line)
                last = time.monotonic()
            ready, _, _ = select.select([self._process.stdout], [], [], 5)
            if ready:
                piece = os.read(self._process.stdout.fileno(), 1 << 16)
                if not piece:
                    return
                held += piece
            elif time.monotonic() - last > patient(SILENCE):
                raise TimeoutError(f"the worker said nothing for {patient(SILENCE):.0f} s")


class Crew:
    """Workers at their desks for one run; whatever happens, none outlives it."""

    def __init__(self, python: Path, desks: Sequence[Desk], secrets: Sequence[str]) -> None:
        self._python, self._desks, self._secrets = python, desks, secrets
        self._told: queue.Queue[Told | BaseException | None] = queue.Queue()
        self._left: queue.Queue[list[Test]] = queue.Queue()
        self._stop = threading.Event()
        self._workers: set[Worker] = set()
        self._lock = threading.Lock()

    def run(self, tests: Sequence[Test]) -> Iterator[Told]:
        """What comes of each test, as soon as it is over; raises CouldNotRun."""
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
                for worker in self._workers:
                    worker.kill()
            for thread in threads:
                thread.join()

    def _work(self, desk: Desk) -> None:
        try:
            self._take(desk)
        except BaseException as error:
            self._told.put(error)
        finally:
            with self._lock:
                left = [worker for worker in self._workers if worker.desk is desk]
            for worker in left:
                worker.kill()
                self._ended(worker)
            self._told.put(None)

    def _take(self, desk: Desk) -> None:
        """Have one class after another run at this desk, until none is left."""
        worker: Worker | None = None
        while not self._stop.is_set():
            try:
                group = self._left.get_nowait()
            except queue.Empty:
                break
            worker = worker or self._started(desk)
            if not self._done(worker, group):
                worker = None
        if worker is not None:
            worker.order("end")
            self._ended(worker)

    def _started(self, desk: Desk) -> Worker:
        worker = Worker(self._python, desk)
        with self._lock:
            self._workers.add(worker)
            if self._stop.is_set():
                worker.kill()
        if worker.answer() is None:
            code = self._ended(worker)
            raise CouldNotRun(f"tempest does not start ({code}): {self._clean(worker)}")
        return worker

    def _ended(self, worker: Worker) -> int:
        code = worker.end()
        with self._lock:
            self._workers.discard(worker)
        return code

    def _clean(self, worker: Worker) -> str:
        return last_words(worker.words, self._secrets)

    def _done(self, worker: Worker, group: Sequence[Test]) -> bool:
        """Have a class run; whether the worker can go on with another."""
        missing = {test.name for test in group}
        why = "the worker ended"
        try:
            worker.order(json.dumps({"tests": [test.name for test in group]}))
            while (line := worker.answer()) is not None:
                if line.get("done"):
                    return True
                verdict = told(line)
                missing.discard(verdict[0].test)
                self._told.put(verdict)
        except TimeoutError as error:
            why = str(error)
            worker.kill()
        except OSError as error:
            why = f"the worker is gone: {error.strerror}"
        code = self._ended(worker)
        text = f"{why} ({code}): {self._clean(worker)}"
        for name in sorted(missing):
            self._told.put((Verdict(name, How.UNFINISHED, text), ()))
        return False


def told(line: Mapping[str, Any]) -> Told:
    """A line of a worker as values."""
    calls = tuple(
        Call(one["method"], one["url"], one["status"], one["request_id"]) for one in line["calls"]
    )
    ids = tuple(call.request_id for call in calls if call.request_id)
    how = How(line["how"])
    return Verdict(line["test"], how, line.get("text", ""), line["seconds"], ids), calls
