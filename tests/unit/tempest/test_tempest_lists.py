# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which of tempest's tests are made."""

from __future__ import annotations

from pathlib import Path

import pytest

from scs.certify.tempest import crew
from scs.standards import model
from scs.standards.model import (
    CouldNotRun,
    Inventory,
)
from scs.standards.tempest import compute, storage
from scs.standards.tempest.choose import Listed, for_members, of_list, parse, privileged, quick
from tempest_world import MODULE, THINGS


def test_the_lists_are_whole_and_name_their_source() -> None:
    for module, count in ((compute, 259), (storage, 56)):
        tests = parse(module.TESTS)
        assert len(tests) == len({one.id for one in tests}) == count
        assert all(one.name.startswith("tempest.api.") for one in tests)
        assert module.SOURCE.startswith("https://github.com/")
        assert module.VERSION in module.SOURCE


def test_test_ids_are_uuids() -> None:
    import uuid

    for module in (compute, storage):
        for one in parse(module.TESTS):
            assert str(uuid.UUID(one.id)) == one.id


def test_a_renamed_test_is_found_and_a_removed_one_is_told() -> None:
    listed = [Listed("1", "tempest.api.a.Old.test_x"), Listed("2", "tempest.api.a.Gone.test_y")]
    inventory = Inventory(
        "47", (model.Test("tempest.api.b.New.test_z", "1"), model.Test("t.u.V.w", ""))
    )
    renamed, removed = of_list(listed, "")(inventory)
    assert (renamed.id, renamed.test) == ("tempest.api.a.Old.test_x", "tempest.api.b.New.test_z")
    assert "now tempest.api.b.New.test_z" in renamed.title
    assert (removed.id, removed.test) == ("tempest.api.a.Gone.test_y", "")
    with pytest.raises(CouldNotRun, match="tempest 47 has no test with the id 2 any more"):
        list(removed.ask(None, removed.parameters))  # type: ignore[arg-type]


def test_of_inherited_tests_the_listed_one_is_taken() -> None:
    tests = tuple(
        model.Test(f"tempest.api.a.{name}.test_x", "1") for name in ("Base", "Sub", "Other")
    )
    (check,) = of_list([Listed("1", "tempest.api.a.Sub.test_x")], "")(Inventory("47", tests))
    assert check.test == "tempest.api.a.Sub.test_x"


def test_the_quick_scope_has_some_smoke_tests_of_each_service() -> None:
    def test(service: str, owner: int, number: int, *attributes: str) -> model.Test:
        name = f"tempest.api.{service}.test_a.C{owner}.test_{number}"
        return model.Test(name, name, frozenset(attributes))

    tests = [
        test(service, owner, number, *(["smoke"] if number else []))
        for service in ("compute", "image")
        for owner in range(5)
        for number in range(3)
    ]
    listed = [Listed(one.id, one.name) for one in tests]
    found = quick(of_list(listed, ""))(Inventory("47", tuple(tests)))
    assert [check.test.split(".", 2)[2] for check in found] == [
        f"{service}.test_a.C{owner}.test_1"
        for service in ("compute", "image")
        for owner in range(3)
    ]


@pytest.mark.parametrize(
    ("credentials", "more"),
    [
        ("primary", False),
        ("alt", False),
        ("project_reader", False),
        ("operator:member", False),
        ("operator_alt:member", False),
        ("admin", True),
        ("project_admin", True),
        ("project_manager", True),
        ("system_reader", True),
        ("reseller:ResellerAdmin", True),
        ("service_user:admin:service", True),
    ],
)
def test_whose_logins_are_more_than_a_members(credentials: str, more: bool) -> None:
    assert privileged(credentials) is more


def test_the_members_scope_asks_for_no_administrator(python: Path) -> None:
    inventory = crew.listed(python)
    found = {check.id.removeprefix(f"{MODULE}.") for check in for_members("")(inventory)}
    assert "ThingsTest.test_good" in found
    assert "TwoUsersTest.test_both" in found
    assert not {"AdminTest.test_power", "RoleTest.test_role"} & found


def test_what_the_worker_lists(python: Path) -> None:
    inventory = crew.listed(python)
    assert inventory.version == "9.9"
    (good,) = [one for one in inventory.tests if one.name == f"{THINGS}.test_good"]
    assert good.id == "aaaaaaaa-0000-4000-8000-000000000001"
    assert good.attributes == {"smoke"}
    assert good.credentials == ("primary", "project_reader")
    assert good.title == "Things are as they should be"
    (role,) = [one for one in inventory.tests if one.name.endswith("test_role")]
    assert role.credentials == ("operator:member", "reseller:ResellerAdmin")
