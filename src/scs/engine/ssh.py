# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reaching nodes by ssh, beside Ansible: where an operator looks, and how steps are getting on."""

from __future__ import annotations

import json
import subprocess
import threading
import time

from scs.engine.events import Events
from scs.providers import Connection
from scs.providers.reach import by_root, ssh_argv


class Watcher:
    """Follows, over a connection of its own, how a node's steps are getting on."""

    def __init__(self, events: Events, node: str, link: Connection, run: str) -> None:
        tail = f"tail -n +1 -s 0.2 -F /run/scs/progress/{run} 2>/dev/null"
        argv = [*ssh_argv(link), f"exec {by_root(link, tail)}"]
        self._process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._tell = events.told(node)
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                self._tell(json.loads(line))
            except json.JSONDecodeError:
                continue  # the stream was cut in the middle of a line

    def close(self) -> None:
        time.sleep(0.4)  # tail looks every 0.2 s; the last events are still on their way
        self._process.terminate()
        self._process.wait()
        self._thread.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
