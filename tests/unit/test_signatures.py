# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who may read users' EC2 credentials: the object gateway, and no other service."""

from __future__ import annotations

from clouds import ONE, ONE_CEPH, expanded, expander_of
from scs.components.keystone import SIGNATURES
from scs.model.objects import Person, Role
from scs.resources import File
from scs.spec import CloudSpec

PATH = "/etc/keystone/policy.d/scs.yaml"


def policy(spec: CloudSpec) -> str:
    (items,) = expanded(expander_of(spec)).values()
    return "".join(item.content for item in items if isinstance(item, File) and item.name == PATH)


def with_role(spec: CloudSpec) -> set[str]:
    wanted = expander_of(spec).objects()
    return {item.name for item in wanted if isinstance(item, Person) and SIGNATURES in item.roles}


def test_the_object_gateway_and_nobody_else_has_the_role() -> None:
    assert with_role(ONE_CEPH) == {"radosgw"}
    roles = [item for item in expander_of(ONE_CEPH).objects() if isinstance(item, Role)]
    assert SIGNATURES in {item.name for item in roles}
    (rule,) = policy(ONE_CEPH).splitlines()
    name, _, who = rule.partition(": ")
    assert name == '"identity:ec2_get_credential"'
    assert f"role:{SIGNATURES}" in who.strip('"').split(" or ")


def test_without_object_storage_the_rule_is_keystones() -> None:
    assert with_role(ONE) == set()
    assert policy(ONE) == ""
