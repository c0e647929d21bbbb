# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What parts of the proof conclude from the cloud's answers."""

from __future__ import annotations

import json
from ipaddress import IPv4Network
from typing import Any

import pytest

from scs.verify.balancer import provisioning
from scs.verify.ground import RANGES, free_range
from scs.verify.server import compare_metadata
from scs.verify.steps import ProofFailed


def test_a_range_is_taken_that_the_cloud_does_not_use() -> None:
    assert free_range([IPv4Network("10.21.0.0/24")]) == RANGES[0]
    assert free_range([IPv4Network("10.0.0.0/8")]) == RANGES[1]
    with pytest.raises(ProofFailed, match="overlap"):
        free_range([IPv4Network("0.0.0.0/0")])


def test_a_load_balancer_is_made_when_all_its_parts_are() -> None:
    member = {"id": "m", "provisioning_status": "PENDING_CREATE", "operating_status": "ONLINE"}
    pool = {"id": "p", "provisioning_status": "ACTIVE", "members": [member], "health_monitor": {}}
    tree = {"loadbalancer": {"provisioning_status": "ACTIVE", "listeners": [], "pools": [pool]}}
    assert list(provisioning(tree)) == ["ACTIVE", "ACTIVE", "PENDING_CREATE"]
    assert list(provisioning({"loadbalancer": {}})) == []


def metadata(**other: Any) -> str:
    values = {
        "uuid": "1-2-3",
        "name": "vm",
        "hostname": "vm.novalocal",
        "public_keys": {"vm": "ssh-ed25519 AAAA"},
    }
    return json.dumps({**values, **other})


def test_metadata_is_compared() -> None:
    compare_metadata("vm", metadata(), "vm", "1-2-3")


@pytest.mark.parametrize(
    ("host", "document", "complaint"),
    [
        ("vm", "<html>404</html>", "is no JSON"),
        ("vm", metadata(uuid="4"), "its uuid is '4', not '1-2-3'"),
        ("scs-verify", metadata(), "hostname is 'scs-verify', not 'vm'"),
        ("vm", metadata(public_keys={}), r"its key is \[\]"),
    ],
)
def test_wrong_metadata_is_told(host: str, document: str, complaint: str) -> None:
    with pytest.raises(ProofFailed, match=complaint):
        compare_metadata(host, document, "vm", "1-2-3")
