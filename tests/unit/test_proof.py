# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The proof as a whole: which steps a cloud gets, and what they wait for."""

from __future__ import annotations

from pathlib import Path

import pytest

from clouds import CLOUDS, view_of
from scs import components
from scs.api.clients import Clients
from scs.engine.events import Events
from scs.verify.proof import Proof
from scs.verify.run import Run

RUN = "0123abcd"


def proof(cloud: str, tmp_path: Path) -> Proof:
    spec, facts = CLOUDS[cloud]
    view = view_of(spec, components.discover(), **facts)
    return Proof(Run(Clients(view, tmp_path), Events(), RUN), tmp_path)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_steps_wait_only_for_such_as_come(cloud: str, tmp_path: Path) -> None:
    names = [step.name for step in proof(cloud, tmp_path).steps()]
    assert len(names) == len(set(names))
    for place, step in enumerate(proof(cloud, tmp_path).steps()):
        assert {*step.needs, *step.after} <= set(names), step.name
        assert set(step.needs) <= set(names[:place]), f"{step.name} is told before its ground"


def test_what_a_cloud_does_not_serve_is_not_proven(tmp_path: Path) -> None:
    plain = {step.name for step in proof("one container", tmp_path).steps()}
    full = {step.name: step for step in proof("one container with everything", tmp_path).steps()}
    assert set(full) - plain == {
        *("volume", "attachment", "encryption", "secret", "stack"),
        *("load balancer", "balancing"),
        *("zone", "name"),
    }
    # Nothing else is done with the guest while bytes are counted.
    assert {"load balancer", "zone", "name", "volume"} <= set(full["throughput"].after)
    assert {"balancing", "attachment"} <= set(full["stop and start"].after)
