# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The hand: looks and moves data by ssh, changes by Ansible; the one seam that talks to nodes.

Ansible is a process of its own that runs one coarse module on many nodes at once. Started
early, it has loaded by the time it is needed. It takes jobs as lines of JSON on standard input
and answers each node's result as a line of JSON. Secrets are only in that stream and in what
ssh carries; nothing is written on this machine.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from types import TracebackType
from typing import IO, Any, Self

from scs.engine.events import Events
from scs.engine.eye import look
from scs.engine.ssh import Watcher
from scs.engine.stream import Fed, feed_to, read_from
from scs.errors import Problem, StepFailed
from scs.patience import patience
from scs.providers import Connection
from scs.resources import Resource, Seen

HERE = Path(__file__).parent


IDLE = 10
"""The niceness of a process that loads what may be needed."""
SETTINGS = """\
[defaults]
# By default it asks itself a thousand times in a second whether a node is done, all the while:
# that takes as much of a processor as a service's start.
internal_poll_interval = 0.01
"""
PREFIX = "scs-hand-"
"""Temporary folders are named after the process that they belong to."""


def _clear_dead() -> None:
    """Remove the temporary folders of processes that were killed."""
    for folder in Path(gettempdir()).glob(f"{PREFIX}*-*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        if not Path("/proc", owner).exists():
            shutil.rmtree(folder, ignore_errors=True)


class Hand:
    """The other end of the process: use it as a context manager."""

    def __init__(self) -> None:
        self._folder: TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self.records: Mapping[str, str] | None = None
        """Where each call is to be recorded, if at all."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream:
                    stream.close()
        if self._folder:
            self._folder.cleanup()

    def start(self) -> None:
        """Start loading Ansible; returns at once."""
        if self._process is None:
            _clear_dead()
            self._folder = TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-")
            temporary = Path(self._folder.name)
            # One of our own: the machine's is not for these runs.
            (temporary / "ansible.cfg").write_text(SETTINGS)
            settings = {
                "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback"),
                "ANSIBLE_STDOUT_CALLBACK": "scs_answers",
                "ANSIBLE_LIBRARY": str(HERE / "library"),
                # Holds nothing but a link to scs.resources: names here hide Ansible's own.
                "ANSIBLE_MODULE_UTILS": str(HERE / "module_utils"),
                "ANSIBLE_LOCAL_TEMP": str(temporary),
                "ANSIBLE_HOME": str(temporary),
                "ANSIBLE_CONFIG": str(temporary / "ansible.cfg"),
                "ANSIBLE_PIPELINING": "true",
                "ANSIBLE_HOST_KEY_CHECKING": "true",
                "ANSIBLE_SSH_RETRIES": "2",
                "LC_ALL": "C.UTF-8",
            }
            log = (temporary / "log").open("w")
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "scs.engine.ansible_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **settings},
                start_new_session=True,
            )
            log.close()
            # Nobody may need it: until then it takes the time that is left over.
            os.setpriority(os.PRIO_PGRP, self._process.pid, IDLE)

    def observe(
        self,
        links: Mapping[str, Connection],
        wanted: Iterable[tuple[str, Sequence[Resource]]],
    ) -> dict[str, dict[str, Seen]]:
        """Look at nodes, each as soon as `wanted` tells what for; raises StepFailed.

        Node → id → what was seen.
        """
        return look(links, wanted)

    def converge(
        self,
        nodes: Mapping[str, Connection],
        payloads: Mapping[str, Sequence[Mapping[str, Any]]],
        run: str,
    ) -> dict[str, list[dict[str, Any]]]:
        """Converge on these nodes at once; node → outcomes of its steps. Raises StepFailed.

        `run` names the file on the node that tells how the steps are getting on.
        """
        with self._lock:
            self.start()
            process = self._process
            assert process is not None
            assert process.stdin is not None
            os.setpriority(os.PRIO_PGRP, process.pid, 0)
            job = {
                "run": run,
                "patience": patience(),
                "records": self.records,
                "nodes": {
                    name: {
                        "host": link.host,
                        "port": link.port,
                        "user": link.user,
                        "key": str(link.key),
                        "known_hosts": str(link.known_hosts),
                    }
                    for name, link in nodes.items()
                },
                "payloads": {name: list(payloads[name]) for name in nodes},
            }
            try:
                process.stdin.write(json.dumps(job) + "\n")
                process.stdin.flush()
            except BrokenPipeError:
                pass
            answers: dict[str, Any] = {}
            problems: list[Problem] = []
            for line in self._lines(process):
                name = line["node"]
                if "answer" in line:
                    answers[name] = line["answer"]
                else:
                    hint = f"look at it with: scs ssh {name}; then run the same command again"
                    problems.append(Problem(f"node {name}", line["error"], hint))
            if problems:
                raise StepFailed(*problems)
            missing = sorted(set(nodes) - set(answers))
            if missing:
                assert self._folder is not None
                log = Path(self._folder.name) / "log"
                text = log.read_text(errors="replace")[-2000:]
                raise StepFailed(Problem(", ".join(missing), f"Ansible gave no answer\n{text}"))
            return answers

    def watch(self, events: Events, node: str, link: Connection, run: str) -> Watcher:
        """Have it told how a node's steps are getting on, until the watcher is closed."""
        return Watcher(events, node, link, run)

    def read_from(self, link: Connection, argv: Sequence[str]) -> AbstractContextManager[IO[bytes]]:
        """What a command on a node writes, as a stream; raises StreamError."""
        return read_from(link, argv)

    def feed_to(self, link: Connection, argv: Sequence[str]) -> AbstractContextManager[Fed]:
        """A command on a node that takes a stream; raises StreamError."""
        return feed_to(link, argv)

    def _lines(self, process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
        assert process.stdout is not None
        for text in process.stdout:
            line = json.loads(text)
            if line.get("done"):
                return
            yield line
