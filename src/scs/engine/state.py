# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Writing what is kept about a cloud, and the lock that lets one run at a time change it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from scs.errors import Busy, Problem
from scs.paths import Paths


@contextmanager
def lock(paths: Paths, command: str) -> Iterator[None]:
    """Only one run at a time may change a cloud; raises Busy with what the other one is."""
    paths.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths.state.chmod(0o700)
    path = paths.state / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = stream.read().strip() or "another run"
            hint = "wait for it, or end it: a run that was ended can be continued"
            raise Busy(
                Problem(f"cloud {paths.state.name}", f"{other} is under way", hint)
            ) from None
        stream.truncate(0)
        since = time.strftime("%H:%M:%S")
        stream.write(f"`scs {command}` (process {os.getpid()}, since {since})\n")
        stream.flush()
        yield
