# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Runs that are ended with kill -9: some of the points that tools/try-kills goes through."""

from __future__ import annotations

import pytest

from kills import on_paper


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_run_killed_at_a_step_is_completed_by_the_next() -> None:
    points = on_paper(lambda count: range(1, count, max(1, count // 4)))
    assert len(points) >= 8
    assert len({point.where for point in points}) >= 6
    assert [point for point in points if not point.well] == []
