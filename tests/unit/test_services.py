# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Services that are chosen: what comes with one, and what stays when it is taken out."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from clouds import ONE_CEPH, ONE_FULL, expanded, expander_of
from paper.world import World
from scs.api.identity import Domains, People, Roles
from scs.engine.recording import Recording
from scs.engine.rotation import chosen, listed, rotate
from scs.model.objects import Domain, Person, Role, VolumeType
from scs.resources import File

OWNER = Person(name="heat", password="hidden", domain="heat", roles=("admin",))
MASTER_KEY = "/etc/barbican/barbican.conf.d/master-key.conf"


def files(spec: Any) -> dict[str, File]:
    (items,) = expanded(expander_of(spec)).values()
    return {item.name: item for item in items if isinstance(item, File)}


# Keys.


def test_the_master_key_lies_in_one_file_and_is_a_fernet_key() -> None:
    found = files(ONE_FULL)
    item = found[MASTER_KEY]
    assert (item.owner, item.group, item.mode, item.secret) == ("root", "barbican", 0o640, True)
    key = item.content.rpartition("kek = ")[2].strip()
    assert len(base64.urlsafe_b64decode(key)) == 32
    assert [name for name, other in found.items() if key in other.content] == [MASTER_KEY]


@pytest.mark.parametrize(
    "path",
    [
        *("/etc/cinder/cinder.conf", "/etc/cinder/cinder-volume.conf", "/etc/nova/nova.conf"),
        *("/etc/nova/nova-compute.conf", "/etc/glance/glance-api.conf"),
    ],
)
def test_services_ask_for_keys_only_where_there_is_a_key_manager(path: str) -> None:
    assert "[barbican]" in files(ONE_FULL)[path].content
    assert "barbican" not in files(ONE_CEPH)[path].content


def test_volumes_are_encrypted_only_where_there_is_a_key_manager() -> None:
    without, there = (
        [item for item in expander_of(spec).objects() if isinstance(item, VolumeType)]
        for spec in (ONE_CEPH, ONE_FULL)
    )
    assert not [item for item in without if item.encryption]
    (safe,) = [item for item in there if item.encryption]
    assert safe.description.startswith("[scs:encrypted")
    assert safe.public
    assert safe.encryption["control_location"] == "front-end"


# Domains and who administers them.


class Keystone:
    """A domain `heat` with a user `heat`, beside one of that name in the default domain."""

    def __init__(self, roles: tuple[str, ...]) -> None:
        self.roles = roles
        self.asked: list[str] = []

    def rest(self, service: str, path: str, key: str) -> list[dict[str, Any]]:
        assert service == "identity"
        self.asked.append(path)
        if path == "/v3/domains":
            return [{"name": "Default", "id": "default"}, {"name": "heat", "id": "d1"}]
        if path == "/v3/roles":
            return [{"name": "admin", "id": "r1"}]
        if path.startswith("/v3/users"):
            return [{"name": "heat", "id": f"user of {path.partition('=')[2]}"}]
        assert key == "role_assignments"
        mine = {"user": {"id": "user of d1", "domain": {"id": "d1"}}}
        service_user = {"user": {"id": "user of default", "domain": {"id": "default"}}}
        project = {"name": "service", "domain": {"id": "default"}}
        return [
            *[{**mine, "role": {"name": r}, "scope": {"domain": {"id": "d1"}}} for r in self.roles],
            {**service_user, "role": {"name": "service"}, "scope": {"project": project}},
            # Of another domain: does not count for one's own.
            {**mine, "role": {"name": "reader"}, "scope": {"domain": {"id": "default"}}},
        ]


SERVICE = Person(name="heat", password="hidden", project="service", roles=("service",))


@pytest.mark.parametrize(
    ("roles", "reason"), [(("admin",), None), ((), "lacks role admin on domain heat")]
)
def test_two_users_of_one_name_are_told_apart(roles: tuple[str, ...], reason: str | None) -> None:
    keystone: Any = Keystone(roles)
    seen = People().observe(keystone, [SERVICE, OWNER])
    assert seen[SERVICE.id] == {"id": "user of default", "roles": ["service"]}
    assert seen[OWNER.id] == {"id": "user of d1", "roles": sorted(roles)}
    assert People().compare(SERVICE, seen[SERVICE.id]) is None
    assert People().compare(OWNER, seen[OWNER.id]) == reason


def test_a_cloud_without_further_domains_is_not_asked_for_any() -> None:
    keystone: Any = Keystone(())
    People().observe(keystone, [SERVICE])
    assert "/v3/domains" not in keystone.asked


def test_what_is_in_no_domain_yet_is_missing() -> None:
    other = Person(name="x", password="hidden", domain="elsewhere", roles=())
    keystone: Any = Keystone(())
    assert People().observe(keystone, [other]) == {other.id: {}}
    assert Domains().observe(keystone, [Domain(name="elsewhere")]) == {"domain:elsewhere": {}}
    assert Domains().observe(keystone, [Domain(name="heat")]) == {"domain:heat": {"id": "d1"}}
    assert Roles().observe(keystone, [Role(name="guest")]) == {"role:guest": {}}


# Chosen, and taken out again.


def api(world: World) -> set[str]:
    """What is there in the cloud's API and has to do with heat."""
    found: Mapping[str, Any] = world.cloud.api
    return {name for name, seen in found.items() if seen and "heat" in name}


def test_a_service_comes_and_goes_and_its_data_stay(world: World) -> None:
    before = set(world.node)
    world.yaml["services"] = ["barbican", "heat"]
    world.up()
    assert not world.plan().plan
    kept = {"domain:heat", "role:heat_stack_user", "user:heat-trustee"}
    assert api(world) == kept | {"user:heat", "user:heat/heat", "catalog:heat", "catalog:heat-cfn"}
    del world.yaml["services"]
    world.up()
    look = world.plan()
    assert not look.plan
    assert api(world) == kept
    assert {item.id for item in look.plan.kept} >= {
        *kept,
        *("schema:barbican", "schema:heat", "data:/etc/barbican/barbican.conf.d"),
    }
    left = set(world.node) - before
    assert f"file:{MASTER_KEY}" in left
    assert not [name for name in left if name.startswith("unit:")]


def test_the_account_of_a_domain_is_rotated_and_whom_trusts_name_is_not(world: World) -> None:
    world.yaml["services"] = ["heat"]
    world.up()
    trustee = world.session().secrets("user/heat-trustee")
    with world.session("secrets rotate") as session, Recording(session, 0.0) as recording:
        rotate(session, recording, chosen(listed(session), [], everything=True), lambda _: None)
    assert world.session().secrets("user/heat-trustee") == trustee
    assert world.session().secrets.credentials("domain/heat")[0].user == "heat-b"
    assert {"user:heat/heat-b", "user:heat-b", "user:heat-trustee"} <= api(world)
    assert not {"user:heat/heat", "user:heat"} & api(world)
    assert "stack_domain_admin = heat-b" in world.node["file:/etc/heat/heat.conf"]["content"]
