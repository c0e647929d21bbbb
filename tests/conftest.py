# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a test needs follows from its folder: tests/host needs root, tests/e2e a whole cloud,
tests/layers the root file systems that a cloud leaves in the cache.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROOT = TESTS.parent
ORDER = ("unit", "host", "e2e", "layers")

# What it asserts tells as much as in a test.
pytest.register_assert_rewrite("launched")


def pytest_configure() -> None:
    """A run that is told to end takes down what it has started, as with Ctrl-C."""

    def end(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark by folder, cheap ones first; without root the others are skipped, and say so."""
    for item in items:
        folder = _folder(item)
        if folder != "unit":
            item.add_marker(folder)
            if os.geteuid() != 0:
                item.add_marker(pytest.mark.skip(reason="needs root"))
    items.sort(key=lambda item: ORDER.index(_folder(item)))


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).parts[0]


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The top of the repository."""
    return ROOT
