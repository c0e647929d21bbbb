# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
""".ci/run checks everything, or nothing: it takes no arguments."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def top(tmp_path: Path, checkout: Path) -> Path:
    """Its place without a project around it: the first thing that it does leaves `began`."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(checkout / ".ci/run", tmp_path / ".ci")
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/environment").write_text("touch began\nexit 1\n")
    return tmp_path


def run(top: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [top / ".ci/run", *words], capture_output=True, text=True, timeout=20, check=False
    )


@pytest.mark.parametrize("words", [("--help",), ("tests/unit",), ("",), ("-k", "one")])
def test_arguments_are_refused_before_anything_is_done(top: Path, words: tuple[str, ...]) -> None:
    done = run(top, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "takes no arguments" in done.stderr
    assert not (top / "began").exists()


def test_without_arguments_it_begins(top: Path) -> None:
    assert run(top).returncode == 4
    assert (top / "began").exists()
