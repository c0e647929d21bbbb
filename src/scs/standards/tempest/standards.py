# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The standards whose tests are tempest's, and their scopes."""

from __future__ import annotations

from scs.standards.model import Scope, Standard
from scs.standards.tempest import compute, storage
from scs.standards.tempest.choose import for_members, of_list, parse, quick

COMPUTE_TESTS = of_list(
    parse(compute.TESTS), "Programs and tools count on the API to behave so on each cloud."
)
STORAGE_TESTS = of_list(
    parse(storage.TESTS), "Programs that speak Swift count on the API to behave so on each cloud."
)
TEMPEST = "https://docs.openstack.org/tempest/latest/"

COMPUTE = Standard(
    number="scs-0128",
    version="v1",
    title="OpenStack Powered Compute, as SCS-0128 goes on with it",
    url=compute.SOURCE,
    checks=(),
    choose=COMPUTE_TESTS,
)
STORAGE = Standard(
    number="openstack-powered-storage",
    version=storage.VERSION,
    title="OpenStack Powered Storage",
    url=storage.SOURCE,
    checks=(),
    choose=STORAGE_TESTS,
)
POWERED = Scope(
    name="openstack-powered",
    title="OpenStack Powered Compute",
    version="v2022.11",
    uuid="",
    url=compute.SOURCE,
    standards=(COMPUTE,),
    # A cloud without Swift may be Powered Compute; with it, it is seen how far it goes.
    preview=(STORAGE,),
)
PLATFORM = Scope(
    name="openstack-powered-platform",
    title="OpenStack Powered Platform",
    version="v2022.11",
    uuid="",
    url=compute.SOURCE,
    standards=(COMPUTE, STORAGE),
)
QUICK = Scope(
    name="openstack-powered-quick",
    title="OpenStack Powered Compute, a few tests of each service",
    version="v2022.11",
    uuid="",
    url=compute.SOURCE,
    standards=(
        Standard(
            number="scs-0128",
            version="v1",
            title="Smoke tests of OpenStack Powered Compute",
            url=compute.SOURCE,
            checks=(),
            choose=quick(COMPUTE_TESTS),
        ),
    ),
)
MEMBER = Scope(
    name="tempest-member",
    title="All tests of tempest that need no administrator",
    version="v1",
    uuid="",
    url=TEMPEST,
    standards=(
        Standard(
            number="tempest",
            version="member",
            title="tempest without an administrator",
            url=TEMPEST,
            checks=(),
            choose=for_members("A test of OpenStack's own end-to-end tests."),
        ),
    ),
)
SCOPES = (POWERED, PLATFORM, QUICK, MEMBER)
