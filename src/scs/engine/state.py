# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What scs keeps about a cloud: its secrets, and the lock that lets one run at a time."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import string
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scs.errors import Busy, Problem, ScsError
from scs.paths import Paths

ALPHABET = string.ascii_letters + string.digits
LENGTH = 32
"""Characters of a generated secret: 190 bits, and none that any URL or file has to escape."""


def write_private(path: Path, text: str) -> None:
    """Replace a file at once, mode 0600."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


class Secrets:
    """The cloud's secrets, each made when it is first asked for.

    Nothing is written until `save`, so that a plan leaves no trace.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._values: dict[str, str] = json.loads(path.read_text())
        except FileNotFoundError:
            self._values = {}
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            hint = "restore it from a backup; without it the cloud's accounts are lost"
            raise ScsError(Problem(str(path), f"is damaged: {error}", hint)) from error
        self._saved = dict(self._values)
        self._hidden: tuple[str, ...] = ()

    def hide(self, values: Iterable[str]) -> None:
        """Blot these out as well: secrets that are the operator's own."""
        self._hidden = tuple(sorted(set(values), key=len, reverse=True))

    def __call__(self, name: str) -> str:
        """The secret of that name."""
        if name not in self._values:
            self._values[name] = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        return self._values[name]

    def save(self) -> None:
        """Keep what was made since."""
        if self._values != self._saved:
            write_private(self._path, json.dumps(self._values, indent=1, sort_keys=True))
            self._saved = dict(self._values)

    def mask(self, text: str) -> str:
        """The text with every secret in it blotted out."""
        for value in (*self._hidden, *self._values.values()):
            text = text.replace(value, "••••••")
        return text


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
