# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Three equal nodes: changed one after the other, and one of them lost, while users go on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import faults
from launched import STORY, Cloud, launched, traces
from scs.spec.loading import load
from witnesses import Groups

NAME = "several"
NODES = ("node-1", "node-2", "node-3")
ROLES = "roles: [control, network, compute, storage]"
SPEC = f"""\
name: {NAME}
storage: ceph
networks:
  management: {{ipv4: 10.32.0.0/24}}
  tunnel: {{ipv4: 10.32.1.0/24}}
  external: {{ipv4: 10.32.2.0/24, ipv6: "fd5c:5c5c:32::/64"}}
nodes:
{"".join(f"- {{name: {name}, {ROLES}}}{chr(10)}" for name in NODES)}"""
NEEDED = 16 << 30
"""Bytes of memory: each node takes some 4 GB, and what is next to it goes on."""
MEMORY = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")

pytestmark = [
    *STORY,
    # Of four runs two failed: docs/high-availability.md. What they failed at is mended.
    pytest.mark.skipif(not os.environ.get("SCS_TEST_SEVERAL"), reason="needs SCS_TEST_SEVERAL=1"),
    pytest.mark.skipif(MEMORY < NEEDED, reason="three nodes with all roles need 16 GiB of memory"),
]


@pytest.fixture(scope="module")
def several() -> Iterator[Cloud]:
    with launched(Path("/var/tmp/scs-several"), SPEC) as made, pytest.MonkeyPatch.context() as here:
        # What does faults to clouds is started by hand otherwise, in the cloud's folder.
        here.setenv("SCS_STATE", str(made.state))
        here.chdir(made.folder)
        yield made


def test_three_nodes_come_up_and_share_the_work(several: Cloud) -> None:
    several.run("up", "--yes")
    assert several.json("plan")["changes"] == []
    status = several.json("status")
    assert [node["node"] for node in status["nodes"]] == list(NODES)
    told = json.loads(several.run("ssh", "node-2", "ceph --format=json quorum_status"))
    assert told["quorum_names"] == list(NODES)


def test_a_change_goes_from_node_to_node_and_no_request_fails(several: Cloud) -> None:
    cloud = faults.Cloud(load(several.file))
    reader = faults.Reader(cloud)
    reader.start()
    try:
        several.file.write_text(f"{SPEC}config: {{keystone: {{token: {{expiration: 7200}}}}}}\n")
        several.run("up", "--yes")
    finally:
        reader.stop()
    assert reader.tried > 20
    assert reader.failures == []
    steps = several.json("journal", "show", "last")["steps_done"]
    turns = sorted(
        (step["started"], step["started"] + step["seconds"], step["where"])
        for step in steps
        if step["step"] == "unit:keystone.service"
    )
    assert [where for _, _, where in turns] == list(NODES)
    assert all(before[1] <= after[0] for before, after in pairwise(turns))


def test_a_node_without_power_costs_nobody_what_was_acknowledged(several: Cloud) -> None:
    cloud = faults.Cloud(load(several.file))
    node = cloud.entry()
    users = (faults.Reader(cloud), Groups(cloud.user))
    outcome = faults.attempt(cloud, "power", node, 20.0, users)
    assert outcome.wrong == ()
    for user in users:
        assert user.tried > 20
        assert len(user.failures) <= user.tried / 50, (user.name, user.failures)
    assert cloud.entry() != node  # who comes back takes nothing away


def test_the_proof_holds_and_nothing_is_left(several: Cloud) -> None:
    several.run("verify")
    several.run("down", "--keep-cache", "--yes")
    assert not any(traces(NAME).values()), traces(NAME)
