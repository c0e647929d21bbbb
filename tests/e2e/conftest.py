# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A whole cloud, for real: made, killed, continued, changed, proven, removed.

The tests are one story: they share one cloud, and run in the order of the files' numbers and of
each file. The cloud has its own name, state folder and addresses; the cache is the machine's, so
that a second run is fast.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from launched import Cloud


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    # Not in /tmp: that may be a small memory file system.
    folder = Path("/var/tmp/scs-e2e")
    if folder.exists():  # of a run that was killed
        Cloud(folder).run("down", "--keep-cache", "--yes")
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    made = Cloud(folder)
    yield made
    made.run("down", "--keep-cache", "--yes")
    shutil.rmtree(folder)
