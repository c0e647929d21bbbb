# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What cloud.yaml says of storage."""

from __future__ import annotations

from typing import Any

import pytest

from scs.spec import CloudSpec

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
