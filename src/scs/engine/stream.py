# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Commands on nodes whose data come or go as a stream, over one ssh each."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from tempfile import TemporaryFile
from typing import IO

from scs.providers import Connection
from scs.providers.reach import batch, by_root, ssh_argv

LINES = 15
"""How many of the last lines of what a command says are told."""


class StreamError(Exception):
    """A command on a node did not end well; the text has its exit code and its last words."""


class Fed:
    """A command that takes a stream: `stream` while it runs, `said` once it has ended well."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.said = ""


def _words(file: IO[bytes]) -> str:
    file.seek(0)
    lines = file.read().decode(errors="replace").strip().splitlines()
    return "\n".join(lines[-LINES:])


def _judge(code: int, errors: IO[bytes]) -> None:
    if code:
        what = "no ssh" if code == 255 else f"ended with {code}"
        raise StreamError(f"{what}\n{_words(errors)}".rstrip())


def _argv(link: Connection, argv: Sequence[str]) -> list[str]:
    return [*ssh_argv(link, batch()), by_root(link, shlex.join(argv))]


@contextmanager
def read_from(link: Connection, argv: Sequence[str]) -> Iterator[IO[bytes]]:
    """What the command writes; raises StreamError at the end unless it has ended well.

    One whose reader has had enough is ended.
    """
    with (
        TemporaryFile() as errors,
        subprocess.Popen(
            _argv(link, argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            yield process.stdout
        except BaseException:
            process.kill()
            raise
        _judge(process.wait(), errors)


@contextmanager
def feed_to(link: Connection, argv: Sequence[str]) -> Iterator[Fed]:
    """A command to write to; raises StreamError at the end unless it has ended well.

    When what is written breaks off with an error, that error is raised. The command got less than
    all then and can't tell: what it has done counts for nothing.
    """
    with (
        TemporaryFile() as errors,
        TemporaryFile() as output,
        subprocess.Popen(
            _argv(link, argv), stdin=subprocess.PIPE, stdout=output, stderr=errors
        ) as process,
    ):
        assert process.stdin is not None
        fed = Fed(process.stdin)
        try:
            yield fed
            process.stdin.close()
        except BrokenPipeError:
            # It ended before it had all: it says why.
            with suppress(BrokenPipeError):
                process.stdin.close()
            _judge(process.wait() or 1, errors)
        except BaseException:
            process.kill()
            with suppress(BrokenPipeError):
                process.stdin.close()
            raise
        _judge(process.wait(), errors)
        fed.said = _words(output)
