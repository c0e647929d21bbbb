# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The words of ssh for a node, and one round trip by it: for providers, and for looking."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scs.patience import patient
from scs.providers import Connection

NO_ANSWER = -1


@dataclass(frozen=True)
class Said:
    """What a node has answered, or ssh instead of it."""

    code: int
    """255: ssh itself has failed. `NO_ANSWER`: nothing in time."""
    output: str
    errors: str


Talk = Callable[[Connection, str, str | Path, float], Said]
"""Runs words on a node as root, with a text or the output of `tar` of a folder on standard input;
the last is the seconds that it may take. Never raises."""


def ssh_argv(link: Connection, options: Sequence[str] = ()) -> list[str]:
    """The ssh command for a node, up to the command that is to run there."""
    return [
        "ssh",
        "-i",
        str(link.key),
        "-p",
        str(link.port),
        "-o",
        f"UserKnownHostsFile={link.known_hosts}",
        "-o",
        "StrictHostKeyChecking=yes",
        "-o",
        "IdentitiesOnly=yes",
        "-o",
        "LogLevel=ERROR",
        *options,
        f"{link.user}@{link.host}",
    ]


def by_root(link: Connection, words: str) -> str:
    """A simple command as root of the node runs it."""
    return words if link.user == "root" else f"sudo -n -- {words}"


def batch(connect: float = 10) -> tuple[str, ...]:
    """Options of ssh where nobody is asked anything, and a dead node is noticed."""
    limit = f"ConnectTimeout={patient(connect):.0f}"
    return ("-o", "BatchMode=yes", "-o", limit, "-o", f"ServerAliveInterval={patient(15):.0f}")


def talk(link: Connection, words: str, given: str | Path, seconds: float) -> Said:
    """As `Talk`, by ssh."""
    return say(link, by_root(link, words), given, seconds, connect=max(1, min(6, seconds)))


def say(
    link: Connection, words: str, given: str | Path, seconds: float, connect: float = 10
) -> Said:
    """The same as whoever logs in."""
    argv = [*ssh_argv(link, batch(connect)), words]
    try:
        if isinstance(given, str):
            done = subprocess.run(
                argv,
                input=given,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=patient(seconds),
                check=False,
            )
        else:
            done = _sent(argv, given, patient(seconds))
    except subprocess.TimeoutExpired:
        return Said(NO_ANSWER, "", f"no answer in {patient(seconds):.0f} s")
    except OSError as error:
        return Said(255, "", f"ssh: {error.strerror}")
    return Said(done.returncode, done.stdout, done.stderr.strip())


def ssh_answers(address: str, port: int = 22, timeout: float = 1.0) -> bool:
    """Whether an SSH server greets at that address: a program does that, no bare kernel."""
    try:
        with socket.create_connection((address, port), timeout=patient(timeout)) as connection:
            connection.settimeout(patient(timeout))
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _sent(argv: Sequence[str], folder: Path, seconds: float) -> subprocess.CompletedProcess[str]:
    tar: list[str | Path] = [
        "tar",
        "--create",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
        "--directory",
        folder,
    ]
    with subprocess.Popen([*tar, "."], stdout=subprocess.PIPE) as packing:
        done = subprocess.run(
            argv,
            stdin=packing.stdout,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
        assert packing.stdout is not None
        packing.stdout.close()
    if packing.returncode and not done.returncode:
        # What has come is not whole, although the other end could not know.
        return subprocess.CompletedProcess(argv, packing.returncode, "", f"tar of {folder} failed")
    return done
