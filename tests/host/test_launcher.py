# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""./scs makes its environment: once, whatever happens meanwhile, and says what is wrong."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

MAIN = """\
import os, sys
print(os.environ["SCS_PROG"], os.getcwd(), sys.argv[1:])
sys.exit(len(sys.argv) - 1)
"""


@pytest.fixture
def top(tmp_path: Path, checkout: Path) -> Path:
    """A checkout with our launcher and locks, and a program that shows how it was called."""
    top = tmp_path / "a checkout"
    cli = top / "src/scs/cli"
    cli.mkdir(parents=True)
    shutil.copytree(checkout / "tools", top / "tools")
    for name in ("scs", "requirements.lock"):
        shutil.copy(checkout / name, top)
    (cli / "__main__.py").write_text(MAIN)
    return top


def run(top: Path, *args: str, **kwargs: object) -> subprocess.CompletedProcess[str]:
    options = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL, **kwargs}
    return subprocess.run([top / "scs", *args], timeout=120, check=False, **options)  # type: ignore[call-overload,no-any-return]


def test_once_made_it_starts_at_once_from_anywhere(top: Path, tmp_path: Path) -> None:
    first = run(top)
    assert first.returncode == 0, first.stderr
    assert first.stderr.count("\n") == 1
    assert "bringing my own tools" in first.stderr

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "os.py").write_text("raise SystemExit('taken from where the user is')")
    link = tmp_path / "link"
    link.symlink_to(top / "scs")
    second = subprocess.run(
        [link, "an argument", "*"], cwd=elsewhere, capture_output=True, text=True, check=False
    )
    assert second.stderr == ""
    assert second.stdout == f"{link} {elsewhere} ['an argument', '*']\n"
    assert second.returncode == 2


def test_moved_or_with_another_lock_it_is_made_again(top: Path, tmp_path: Path) -> None:
    run(top)
    moved = top.rename(tmp_path / "moved")
    assert "bringing" in run(moved).stderr
    assert run(moved).stderr == ""
    lock = moved / "requirements.lock"
    lock.write_text(lock.read_text() + "# changed\n")
    assert "bringing" in run(moved).stderr
    assert run(moved).stderr == ""


def test_two_at_the_same_time(top: Path) -> None:
    both = [
        subprocess.Popen([top / "scs"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    ends = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted("waiting" in stderr for _, stderr in ends) == [False, True]


@pytest.mark.parametrize("after", [0.1, 0.5, 1, 1.5])
def test_killed_and_run_again(top: Path, after: float) -> None:
    process = subprocess.Popen([top / "scs"], stderr=subprocess.DEVNULL, start_new_session=True)
    time.sleep(after)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    again = run(top)
    assert again.returncode == 0, again.stderr


@pytest.fixture
def silent_server() -> Iterator[str]:
    """The address of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/simple"


def test_an_index_that_hangs(top: Path, silent_server: str) -> None:
    started = time.monotonic()
    result = run(top, env={**os.environ, "UV_DEFAULT_INDEX": silent_server})
    assert time.monotonic() - started < 60  # 10 on a machine that does nothing else
    assert result.returncode == 4
    assert "127.0.0.1: " in result.stderr
    assert "→ look at the network" in result.stderr


def test_an_index_that_is_not_there(top: Path) -> None:
    result = run(top, env={**os.environ, "UV_DEFAULT_INDEX": "https://127.0.0.1:9/simple"})
    assert result.returncode == 4
    assert "Connection refused" in result.stderr
