# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A whole cloud, for real: made, killed, continued, changed, proven, removed.

The tests are one story: they share one cloud, and run in the order of the files' numbers and of
each file. The cloud has its own name, state folder and addresses; the cache is the machine's, so
that a second run is fast.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from launched import Cloud, launched


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    # Not in /tmp: that may be a small memory file system.
    with launched(Path("/var/tmp/scs-e2e")) as made:
        yield made
