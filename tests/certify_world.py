# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A whole cloud for the certifier, anew for each test, and one check done on it."""

from __future__ import annotations

from collections.abc import Mapping

from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session

from fake_openstack.cloud import PASSWORDS, FakeOpenStack
from fake_openstack.serving import Handler
from fake_openstack.tls import Authority
from scs.certify.cloud import Asked, Run
from scs.certify.run import Result, attempt, now
from scs.certify.wire import Limiter
from scs.standards.model import Check
from scs.standards.scopes import IAAS_5_1

CHECKS: Mapping[str, Check] = {check.id: check for _, check, _ in IAAS_5_1.checks}
STANDARDS = {check.id: (standard, preview) for standard, check, preview in IAAS_5_1.checks}


class World:
    """One server for all tests; each gets a whole cloud behind it."""

    def __init__(self, authority: Authority, handler: type[Handler], base: str) -> None:
        self.authority, self.handler, self.base = authority, handler, base
        self.folder = authority.folder

    def fresh(self) -> FakeOpenStack:
        cloud = FakeOpenStack()
        cloud.base = self.base
        self.handler.cloud = cloud
        return cloud

    def asked(self, *, admin: bool = True) -> Asked:
        """The cloud as a member, with the administrator's login at hand or not."""
        member, boss = (self._session(user) for user in ("demo", "admin"))
        run = Run(now(), Limiter(5000, 8))
        return Asked(member, "RegionOne", "public", run, boss if admin else None)

    def _session(self, user: str) -> Session:
        login = Password(
            f"{self.base}/identity/v3",
            username=user,
            password=PASSWORDS[user],
            project_name=user,
            user_domain_name="Default",
            project_domain_name="Default",
        )
        return Session(login, verify=str(self.authority.path))


def done(check: Check, cloud: Asked) -> Result:
    standard, preview = STANDARDS[check.id]
    return attempt(cloud.fresh(), standard, check, preview)
