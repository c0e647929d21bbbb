# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""One `up` as a whole: what it begins before it is needed, and how what fails is told."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable

import pytest

from paper.machine import PaperStock
from paper.world import World
from scs.errors import StepFailed
from scs.resources import probe

NODE = "node-1"
NOVA_CONF = "file:/etc/nova/nova.conf"


def test_images_are_begun_before_the_nodes_of_a_new_cloud_and_only_what_it_lacks(
    empty: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    began: list[tuple[set[str], bool]] = []

    def start(_stock: PaperStock, recipes: Iterable[str]) -> None:
        began.append((set(recipes), NODE in empty.cloud.nodes))

    monkeypatch.setattr(PaperStock, "start_images", start)
    empty.up()
    assert began == [({"tiny", "debian"}, False), ({"tiny", "debian"}, True)]
    began.clear()
    empty.cloud.running.clear()
    empty.up()
    assert began == [(set(), True)]
    began.clear()
    del empty.cloud.api["image:scs-verify"]
    empty.up()
    assert began == [({"tiny"}, True)]


def test_a_full_disk_of_a_node_is_called_so(world: World) -> None:
    world.yaml["config"] = {"nova": {"DEFAULT": {"cpu_allocation_ratio": 9.0}}}

    def full(_where: str, step: str) -> None:
        if step == NOVA_CONF:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    world.cloud.at_step = full
    with pytest.raises(StepFailed) as caught:
        world.up()
    (problem,) = caught.value.problems
    assert "No space left on device" in problem.what
    assert "scs ssh node-1 df -h" in problem.hint
    probe.hurry.clear()
