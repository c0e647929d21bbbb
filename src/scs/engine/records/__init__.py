# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Records of each call of Ansible by ARA, and its pages: kept when an operator wants them.

ARA brings Django with it, so it lies in an environment of its own that is made on first use,
by hash (`ara.lock`). Recording is on for a cloud as long as its state folder has `records`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from scs.paths import Paths
from scs.release import here

LOCK = Path(__file__).with_name("ara.lock")


def environment(cache: Path) -> Path:
    """Where ARA's environment is, or would be."""
    return here.place(cache, "ara", LOCK)


def folder(paths: Paths) -> Path:
    """Where a cloud's records are; there only when recording is on."""
    return paths.state / "records"


def settings(paths: Paths) -> Mapping[str, str] | None:
    """What the worker needs to record; None when it is not to."""
    made = environment(paths.cache)
    if not folder(paths).is_dir() or not made.is_dir():
        return None
    (packages,) = (made / "lib").glob("python*/site-packages")
    return {"packages": str(packages), "base": str(folder(paths))}


def install(cache: Path) -> Path:
    """Make ARA's environment unless it is there; raises ScsError."""
    return here.install(cache, "ara", LOCK)


def switch_on(paths: Paths) -> None:
    """Record from the next run on."""
    folder(paths).mkdir(mode=0o700, exist_ok=True)


def switch_off(paths: Paths) -> None:
    """Record no more, and remove what was."""
    shutil.rmtree(folder(paths), ignore_errors=True)


def serve(paths: Paths, address: str) -> int:
    """Serve ARA's pages until ended; its exit code."""
    variables = {
        **os.environ,
        "ARA_BASE_DIR": str(folder(paths)),
        "ARA_ALLOWED_HOSTS": "['localhost', '127.0.0.1', '::1']",
    }
    manage = [str(environment(paths.cache) / "bin/python"), "-m", "ara.server"]
    os.umask(0o077)
    subprocess.run([*manage, "migrate", "--verbosity=0"], env=variables, check=True)
    command = [*manage, "runserver", "--noreload", address]
    return subprocess.run(command, env=variables, check=False).returncode
