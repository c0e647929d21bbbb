# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The real tempest, brought as `scs certify` brings it, without a cloud: it has the tests that our
lists name, it knows each option that we write, and it runs against an API that is not OpenStack's.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_openstack.cloud import PASSWORDS, PROJECT, FakeOpenStack
from fake_openstack.serving import clouds_yaml, serving
from fake_openstack.things import an_image
from fake_openstack.tls import Authority, good_tls
from scs import release
from scs.certify.cloud import Asked, Run, session_of
from scs.certify.run import certify, now
from scs.certify.tempest import crew, people
from scs.certify.tempest.config import configuration, offered, outside, written
from scs.certify.tempest.guests import choose
from scs.certify.tempest.people import Login
from scs.certify.tempest.suite import Tempest
from scs.certify.wire import Limiter
from scs.release import here
from scs.standards.model import Outcome
from scs.standards.scopes import SCOPES

pytestmark = [
    pytest.mark.host,
    # openstacksdk uses its own old ways.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning"),
]
CACHE = Path(os.environ.get("SCS_CACHE", "/var/cache/scs"))
OPTIONS = """
import configparser, sys
from tempest.config import CONF
parser = configparser.RawConfigParser()
parser.read(sys.argv[1])
for section in parser.sections():
    for option in parser.options(section):
        if option not in parser.defaults():
            getattr(getattr(CONF, section.replace("-", "_")), option)
for option in parser.defaults():
    getattr(CONF, option)
"""
"""Asks tempest for all options of a file: it does so by itself only for those that it needs."""


@pytest.fixture(scope="module")
def python() -> Path:
    newest = release.load(release.names()[-1])
    return here.install(CACHE, "tempest", newest.tool_lock("tempest")) / "bin/python"


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOpenStack]:
    authority = Authority(tmp_path)
    made = FakeOpenStack()
    tiny = an_image("tiny", "scs-verify", "1", "private", size=1000, min_disk=1, min_ram=128)
    made.images.append({**tiny, "visibility": "private", "owner": PROJECT})
    made.data["image-tiny"] = b"disk"
    with serving(made, good_tls(authority.server())):
        clouds = clouds_yaml(made, tmp_path, authority.path)
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds))
        yield made


def asked(*, admin: bool) -> Asked:
    session, region, interface = session_of("fake")
    boss = session_of("fake-admin")[0] if admin else None
    return Asked(session, region, interface, Run(now(), Limiter(2000, 8)), boss)


def test_it_has_the_tests_of_our_lists(python: Path) -> None:
    inventory = crew.listed(python)
    assert inventory.version == release.load("2026.2").all_versions()["tempest"]
    for name, least in (("openstack-powered", 300), ("tempest-member", 900)):
        checks = [check for _, check, _ in SCOPES[name].with_tests(inventory).checks]
        assert len(checks) >= least
        # One that goes with a newer tempest is no failure, but has to be seen here.
        assert [check.id for check in checks if not check.test] == []
    few = SCOPES["openstack-powered-quick"].with_tests(inventory).checks
    assert 10 <= len(few) <= 15


def test_it_knows_all_that_we_write(python: Path, cloud: FakeOpenStack, tmp_path: Path) -> None:
    for admin in (True, False):
        view = asked(admin=admin)
        staff = (
            people.administered(view) if admin else people.given([Login(view, PASSWORDS["demo"])])
        )
        chosen, net, can = choose(view, elsewhere=admin), outside(view), offered(view)
        path = tmp_path / "tempest.conf"
        path.write_text(written(configuration(view, staff, chosen, net, can, str(tmp_path))))
        done = subprocess.run(
            [python, "-c", OPTIONS, path],
            env={"TEMPEST_CONFIG_DIR": str(tmp_path), "TEMPEST_CONFIG": path.name},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("admin", [True, False])
def test_what_it_says_becomes_checks(
    python: Path, cloud: FakeOpenStack, tmp_path: Path, admin: bool
) -> None:
    """One test that this fake answers rightly, one that it does not, and one that is skipped."""
    names = {
        "tempest.api.compute.servers.test_availability_zone.AZV2TestJSON"
        ".test_get_availability_zone_list_with_non_admin_user": Outcome.PASS,
        "tempest.api.network.test_networks.NetworksTest.test_list_networks_fields": Outcome.FAIL,
        "tempest.api.network.test_subnetpools_extensions.SubnetPoolsTestJSON"
        ".test_create_list_show_update_delete_subnetpools": Outcome.COULD_NOT_RUN,
    }
    home = tmp_path / "home"
    home.mkdir()
    view = asked(admin=admin)
    tempest = Tempest(python, home, [Login(view, PASSWORDS["demo"])])
    scope = SCOPES["openstack-powered"].with_tests(tempest.inventory)
    report = certify(view, scope, "fake", names, tempest=tempest)
    found = {one.check.id: one for one in report.results}
    assert {name: one.outcome for name, one in found.items()} == names, json.dumps(
        [(one.check.id, one.reason, [f.seen for f in one.findings]) for one in report.results]
    )
