# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A run of the certifier with the fake tempest, against the fake OpenStack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fake_openstack.cloud import PASSWORDS
from scs.certify.cloud import Asked, Run, session_of
from scs.certify.run import Report, certify, now
from scs.certify.tempest.people import Login
from scs.certify.tempest.suite import Tempest
from scs.certify.wire import Limiter
from scs.standards.model import (
    Inventory,
    Scope,
    Standard,
)
from scs.standards.tempest.choose import Listed, of_list

MODULE = "tempest.api.compute.test_things"
THINGS = f"{MODULE}.ThingsTest"
OLD = "0badcafe"


def asked(*, admin: bool = True) -> Asked:
    session, region, interface = session_of("fake")
    boss = session_of("fake-admin")[0] if admin else None
    return Asked(session, region, interface, Run(now(), Limiter(2000, 8)), boss)


def scope_of(inventory: Inventory, *names: str) -> Scope:
    """A scope of these tests of the fake tempest."""
    tests = [Listed(one.id, one.name) for one in inventory.tests if one.name.endswith(names)]
    choice = of_list(tests, "because")
    standard = Standard("t", "1", "a few tests", "https://example.org/", (), choice)
    scope = Scope("t", "Tests", "v1", "", "https://example.org/", (standard,))
    return scope.with_tests(inventory)


def examined(
    cloud: Asked, python: Path, home: Path, *names: str, **more: Any
) -> tuple[Report, Tempest]:
    home.mkdir(exist_ok=True)
    logins = more.pop("logins", [Login(cloud, PASSWORDS["demo"])])
    tempest = Tempest(python, home, logins, **more)
    return certify(cloud, scope_of(tempest.inventory, *names), "fake", tempest=tempest), tempest


def outcomes(report: Report) -> dict[str, str]:
    return {one.check.id.rpartition(".")[2]: one.outcome.value for one in report.results}
