# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Running commands on the machine that scs runs on."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from scs.errors import CommandFailed, Problem
from scs.patience import patient

Say = Callable[[str], None]
"""Takes one short line of progress ("unpacking 120 of 245 packages")."""

TAIL_LINES = 15


def quiet(_line: str) -> None:
    """A `Say` that says nothing."""


def run(
    argv: Sequence[str | Path],
    *,
    where: str = "this machine",
    hint: str = "",
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
    check: bool = True,
    say: Say | None = None,
) -> str:
    """Run a command and return its standard output with standard error mixed in.

    `env` is added to this process's environment; `timeout` is in seconds, times the machine's
    patience. With `say`, each line of output is handed to it as it comes. Secrets go through
    `stdin` or `env`, never through `argv`. Raises CommandFailed when the command can't be
    started, ends with an error (unless `check` is false) or runs out of time.
    """
    words = [str(word) for word in argv]
    shown = shlex.join(words)
    timeout = None if timeout is None else patient(timeout)
    merged = {**os.environ, **(env or {})}
    try:
        with subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=merged,
            cwd=cwd,
            text=True,
            errors="replace",
            # A group of its own, so that running out of time ends its children as well.
            process_group=0,
        ) as process:
            late = threading.Event()
            timer = threading.Timer(timeout or 0, _kill, (process, late))
            if timeout is not None:
                timer.start()
            try:
                output = _output(process, stdin, say)
            except BaseException:
                _kill(process, late)
                raise
            finally:
                timer.cancel()
    except FileNotFoundError as error:
        raise CommandFailed(Problem(where, f"{words[0]}: {error.strerror}", hint)) from error
    if late.is_set():
        what = f"{shown}\n    took longer than {timeout:.0f} s"
        raise CommandFailed(Problem(where, what, hint))
    if check and process.returncode:
        tail = "\n".join("    " + line for line in output.splitlines()[-TAIL_LINES:])
        what = f"{shown}\n    ended with {process.returncode}; the end of its output:\n{tail}"
        raise CommandFailed(Problem(where, what, hint))
    return output


def _output(process: subprocess.Popen[str], stdin: str | None, say: Say | None) -> str:
    """All output of a process, told line by line if somebody listens; waits for its end."""
    if say is None or stdin is not None:
        return process.communicate(stdin)[0]
    lines: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        say(line.rstrip())
    process.wait()
    return "".join(lines)


def _kill(process: subprocess.Popen[str], late: threading.Event) -> None:
    late.set()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
