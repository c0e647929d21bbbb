# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A place for backups."""

from __future__ import annotations

from pathlib import Path

import pytest

from scs.engine.backup.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "backups").mkdir()
    return Place(tmp_path / "backups", "paper")
