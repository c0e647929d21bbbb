# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Python programs that this machine runs beside scs, each in an environment of its own.

They are brought when they are first needed, by hash, and lie in the cache: who never asks for
them never fetches them. They use the Python that scs itself runs with, so no node is needed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from scs.errors import Problem, ScsError
from scs.patience import patient
from scs.release.environment import uv, uv_settings

SECONDS = 600


def place(cache: Path, name: str, lock: Path) -> Path:
    """Where the environment for a lock is, or would be."""
    mark = hashlib.sha256(sys.version.encode() + lock.read_bytes()).hexdigest()[:12]
    return cache / f"{name}-{mark}"


def install(cache: Path, name: str, lock: Path) -> Path:
    """The environment for a lock; made unless it is there. Raises ScsError."""
    made = place(cache, name, lock)
    if made.is_dir():
        return made
    made.parent.mkdir(parents=True, exist_ok=True)
    new = made.with_name(f"{made.name}.{os.getpid()}.new")
    variables = {**os.environ, **uv_settings(), "UV_CACHE_DIR": str(cache / "uv")}
    python = new / "bin/python"
    sync = ("pip", "sync", "--quiet", "--require-hashes", "--no-build")
    try:
        for words in (
            uv("venv", "--quiet", "--relocatable", "--python", sys.executable, new),
            uv(*sync, "--python", python, lock),
        ):
            done = subprocess.run(
                words,
                env=variables,
                capture_output=True,
                text=True,
                check=False,
                timeout=patient(SECONDS),
            )
            if done.returncode:
                what = f"cannot be installed\n{done.stderr[-1500:]}"
                hint = "look at the network and at pip's configuration, then run it again"
                raise ScsError(Problem(name, what, hint))
        if not made.is_dir():  # another run may have been as fast
            new.rename(made)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return made
