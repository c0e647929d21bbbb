# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What cloud.yaml says of storage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scs.engine.session import Session
from scs.errors import BadInput
from scs.providers import NodeFacts
from scs.spec import CloudSpec

FACTS = NodeFacts(container=True, ovs_datapath="netdev", virt_type="qemu")
STORES = {"roles": ["storage"]}


@pytest.mark.parametrize(
    ("nodes", "ceph", "expected"),
    [
        ([{"name": "a"}], {}, 3),
        ([{"name": "a"}], {"disks": 1}, 1),
        ([{"name": "a"}], {"replicas": 2}, 2),
        ([{"name": "a", "disks": ["/dev/vdb", "/dev/vdc"]}], {}, 2),
        ([{"name": "a"}, {"name": "b", **STORES}], {}, 2),
        ([{"name": "a"}, {"name": "b", **STORES}, {"name": "c", **STORES}], {"disks": 1}, 3),
        ([{"name": "a"}, {"name": "b", "roles": ["compute"]}], {}, 3),
    ],
)
def test_copies_follow_nodes_and_disks(
    nodes: list[dict[str, Any]], ceph: dict[str, int], expected: int
) -> None:
    spec = CloudSpec.model_validate({"storage": "ceph", "ceph": ceph, "nodes": nodes})
    assert spec.replicas == expected


@pytest.mark.parametrize(
    "values",
    [
        {"storage": "ceph"},
        {
            "storage": "external-ceph",
            "external": {"ceph": {"config": "ceph.conf", "keyrings": "ceph"}},
        },
    ],
)
def test_what_no_component_gives_is_refused(
    values: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCS_STATE", str(tmp_path))
    with (
        Session(CloudSpec.model_validate(values), tmp_path, "plan") as session,
        pytest.raises(BadInput, match="no component gives it yet"),
    ):
        session.view(FACTS)
