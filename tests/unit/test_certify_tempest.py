# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""tempest as a part of the certifier: which tests, whom as, with which configuration; what comes of
them, what is told of it and what is not, and what is left.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from configparser import RawConfigParser
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from certify_mutants import mutants
from fake_openstack.cloud import PASSWORDS, PROJECT, FakeOpenStack
from fake_openstack.serving import clouds_yaml, serving
from fake_openstack.things import an_image
from fake_openstack.tls import Authority, good_tls
from fake_tempest import TOKEN, fake_tempest
from scs import icmp
from scs.certify import traces
from scs.certify.cloud import MARKS, Asked, Run, session_of
from scs.certify.page import report_page
from scs.certify.report import as_junit, as_yaml, canonical, values
from scs.certify.run import Report, certify, now
from scs.certify.tempest import crew, guests, people, suite, sweep
from scs.certify.tempest.clean import HIDDEN, last_words, without_secrets
from scs.certify.tempest.config import configuration, offered, outside, unreachable, written
from scs.certify.tempest.people import Login
from scs.certify.tempest.suite import Tempest
from scs.certify.wire import Limiter
from scs.standards import model
from scs.standards.model import (
    CouldNotRun,
    How,
    Inventory,
    Outcome,
    Scope,
    Standard,
    Verdict,
)
from scs.standards.scopes import SCOPES
from scs.standards.tempest import choose, compute, storage
from scs.standards.tempest.choose import Listed, for_members, of_list, parse, privileged, quick

MODULE = "tempest.api.compute.test_things"
THINGS = f"{MODULE}.ThingsTest"
OLD = "0badcafe"


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOpenStack]:
    authority = Authority(tmp_path)
    made = FakeOpenStack()
    tiny = an_image("tiny", "scs-verify", "1", "private", size=1000, min_disk=1, min_ram=128)
    tiny |= {"visibility": "private", "owner": PROJECT, "image_original_user": "scs"}
    made.images.append(tiny)
    made.data["image-tiny"] = b"disk"
    with serving(made, good_tls(authority.server())):
        clouds = clouds_yaml(made, tmp_path, authority.path)
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds))
        yield made


def asked(*, admin: bool = True) -> Asked:
    session, region, interface = session_of("fake")
    boss = session_of("fake-admin")[0] if admin else None
    return Asked(session, region, interface, Run(now(), Limiter(2000, 8)), boss)


@pytest.fixture
def python(tmp_path: Path) -> Path:
    return fake_tempest(tmp_path)


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


# Which tests.


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


# What is hidden.


@pytest.mark.parametrize(
    "secret",
    [
        "gAAAAABnabcdefghijklmnopqrstuvwxyz0123456789",
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "hunter2",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIhunter2\n-----END RSA PRIVATE KEY-----",
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        '{{"adminPass": "{}"}}',
        "{{'X-Auth-Token': '{}', 'a': 1}}",
        "password={} in it",
        "X-Subject-Token: {}",
        '"original_password": "{}", "b": 2',
        "client_secret = '{}'",
        "https://user:{}@example.org/path",
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, secret: str) -> None:
    said = without_secrets(text.format(secret))
    for part in secret.split():
        assert part not in said or part in {"RSA", "PRIVATE"}
    assert HIDDEN in said


def test_what_is_none_stays() -> None:
    text = "Details: {'message': 'No valid host was found', 'code': 500} for server 4f1c"
    assert without_secrets(text) == text
    assert without_secrets("the word is opensesame!", ["opensesame"]) == f"the word is {HIDDEN}!"


def test_a_secret_is_hidden_before_it_is_cut() -> None:
    said = last_words("x" * 50 + "\npassword=" + "s" * 3000, [])
    assert "sss" not in said
    frame = '  File "/var/cache/x/site-packages/tempest/test.py", line 3, in f\n    ^^^\n'
    assert last_words(frame) == '  File "tempest/test.py", line 3, in f'
    long = last_words("\n".join(f"line {number}" for number in range(100)))
    assert long.splitlines()[-1] == "line 99"
    assert len(long.splitlines()) == 14


# Its configuration.


def configured(cloud: Asked, **more: Any) -> dict[str, dict[str, str]]:
    staff = people.administered(cloud)
    chosen = guests.choose(cloud, elsewhere=True)
    settings = configuration(cloud, staff, chosen, outside(cloud), offered(cloud), "/locks")
    parser = RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(written(settings))
    return {name: dict(parser.items(name)) for name in parser.sections()} | {
        "DEFAULT": dict(parser.defaults())
    }


def test_the_configuration_comes_from_the_cloud(cloud: FakeOpenStack) -> None:
    view = asked()
    found = configured(view)
    assert found["DEFAULT"]["resource_name_prefix"] == f"scs-t-{view.run.name}"
    assert found["auth"]["use_dynamic_credentials"] == "True"
    assert found["auth"]["admin_password"] == view.password
    assert PASSWORDS["admin"] not in str(found)
    assert found["identity"]["uri_v3"] == f"{cloud.base}/identity/v3"
    assert found["identity"]["ca_certificates_file"].endswith("ca.pem")
    assert found["identity"]["user_unique_last_password_count"] == "0"
    assert found["compute"]["max_microversion"] == "2.100"
    assert found["compute"]["flavor_ref"] == "flavor-SCS-1L-1-5"
    assert found["compute"]["flavor_ref_alt"] != found["compute"]["flavor_ref"]
    assert found["compute-feature-enabled"]["resize"] == "True"
    assert found["network"]["public_network_id"] == "outside"
    aliases = found["network-feature-enabled"]["api_extensions"]
    assert aliases == "dns-domain-ports,dns-integration,external-net,port-security,router"
    assert found["image"]["disk_formats"] == "raw,qcow2"
    assert found["image-feature-enabled"]["import_image"] == "True"
    assert found["image-feature-enabled"]["image_format_enforcement"] == "True"
    cloud.enforces = False
    again = configured(asked())["image-feature-enabled"]
    assert again["image_format_enforcement"] == "False"
    assert found["volume"]["max_microversion"] == "3.71"
    assert found["volume"]["catalog_type"] == "volumev3"
    assert found["volume-feature-enabled"]["extend_attached_volume"] == "True"
    assert found["object-storage-feature-enabled"]["discoverable_apis"] == "swift,tempurl"
    assert found["validation"]["run_validation"] == "True"
    assert found["validation"]["image_ssh_user"] == "scs"
    available = {"nova", "neutron", "glance", "cinder", "swift"}
    services = found["service_available"]
    assert {name for name, there in services.items() if there == "True"} == available


def test_what_the_cloud_has_not_is_off(cloud: FakeOpenStack) -> None:
    cloud.types = [kind for kind in cloud.types if kind not in {"volumev3", "object-store"}]
    cloud.extensions = ["router"]
    cloud.things["networks"].clear()
    cloud.broken["GET /image/v2/info/import"] = (404, {"message": "not here"})
    view = asked()
    found = configured(view)
    assert found["service_available"]["cinder"] == "False"
    assert found["service_available"]["swift"] == "False"
    assert "public_network_id" not in found["network"]
    assert found["network-feature-enabled"]["floating_ips"] == "False"
    assert found["network-feature-enabled"]["port_security"] == "False"
    assert found["validation"]["run_validation"] == "False"
    assert found["image-feature-enabled"]["import_image"] == "False"
    assert "max_microversion" not in found["volume"]
    assert any("imports" in text for text in offered(view).unknown)


@pytest.mark.parametrize("answer", ["ping", "connection", "refusal", "none"])
def test_one_logs_in_where_floating_ips_can_be_reached(
    cloud: FakeOpenStack, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    asked_for = []

    def pinged(address: str, _seconds: float) -> bool:
        asked_for.append(address)
        return answer == "ping"

    def connect(to: tuple[str, int], timeout: float) -> socket.socket:
        assert to == ("192.0.2.1", 22)
        assert timeout >= 1
        if answer == "refusal":
            raise ConnectionRefusedError
        if answer != "connection":
            raise TimeoutError("timed out")
        return socket.socket()

    monkeypatch.setattr(icmp, "reached", pinged)
    monkeypatch.setattr(socket, "create_connection", connect)
    cloud.gateway = "192.0.2.1"
    net = outside(asked())
    assert asked_for == ["192.0.2.1"]
    assert net.reachable == (answer != "none")
    assert ("no answer to a ping; port 22: timed out" in net.note) == (answer == "none")


def test_nobody_logs_in_where_floating_ips_cannot_be_reached(
    cloud: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.gateway = ""
    view = asked()
    net = outside(view)
    assert (net.id, net.reachable) == ("outside", False)
    assert "not reachable from here (no address)" in net.note
    assert configured(view)["validation"]["run_validation"] == "False"

    def forbidden(_address: str, _seconds: float) -> bool:
        raise PermissionError

    monkeypatch.setattr(icmp, "reached", forbidden)
    # Nobody listens there, and the machine says so.
    assert unreachable("127.0.0.1", 1) == ""


def test_a_dollar_in_an_option_is_no_reference() -> None:
    assert "a = b$$c" in written({"auth": {"a": "b$c", "empty": ""}})
    assert "empty" not in written({"auth": {"empty": ""}})


def test_how_many_passwords_a_cloud_remembers_is_tried_out(cloud: FakeOpenStack) -> None:
    for remembers, told in ((0, 0), (1, 0), (2, 2), (5, 5)):
        cloud.remembers = remembers
        found = people.administered(asked()).settings["identity"]
        assert found == {"user_unique_last_password_count": told}


# What is booted.


def test_small_images_are_copied_for_all_projects(cloud: FakeOpenStack) -> None:
    view = asked()
    chosen = guests.choose(view, elsewhere=True)
    copies = [one for one in cloud.images if one["visibility"] == "community"]
    assert {chosen.image, chosen.other_image} == {one["id"] for one in copies}
    assert len(copies) == 2
    for one in copies:
        assert cloud.data[one["id"]] == b"disk"
        assert (one["min_disk"], one["hw_rng_model"]) == (1, "virtio")
        assert one["name"] == view.marks["name"]
    assert "copies of image tiny" in chosen.note


def test_large_public_images_are_used_as_they_are(cloud: FakeOpenStack) -> None:
    cloud.images = [one for one in cloud.images if one["name"] != "tiny"]
    chosen = guests.choose(asked(), elsewhere=True)
    assert chosen.image == chosen.other_image
    assert chosen.image.startswith("image-")
    assert not [one for one in cloud.images if one["visibility"] == "community"]


def test_in_the_own_project_a_private_image_will_do(cloud: FakeOpenStack) -> None:
    cloud.broken["POST /image/v2/images"] = (403, {"message": "forbidden"})
    assert guests.choose(asked(), elsewhere=False).image == "image-tiny"
    assert guests.choose(asked(), elsewhere=True).image != "image-tiny"


def test_without_anything_to_boot_no_test_is_made(cloud: FakeOpenStack) -> None:
    cloud.images.clear()
    with pytest.raises(CouldNotRun, match="no image can be booted"):
        guests.choose(asked(), elsewhere=True)
    for flavor in cloud.flavors:
        flavor["disk"] = 0
    with pytest.raises(CouldNotRun, match="no flavor has a disk"):
        guests.choose(asked(), elsewhere=True)


# What comes of tests.


def test_each_outcome_is_what_it_is(cloud: FakeOpenStack, python: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    report, _tempest = examined(asked(), python, home, *_all(python))
    assert outcomes(report) == {
        "test_good": "PASS",
        "test_slow": "PASS",
        "test_bad": "FAIL",
        "test_skipped": "COULD NOT RUN",
        "test_asks_nothing": "COULD NOT RUN",
        "test_dies": "COULD NOT RUN",
        "test_power": "PASS",
        "test_both": "PASS",
        "test_role": "PASS",
        "test_one": outcomes(report)["test_one"],
        "test_two": outcomes(report)["test_two"],
    }
    found = {one.check.id.removeprefix(f"{MODULE}."): one for one in report.results}
    bad = found["ThingsTest.test_bad"]
    (finding,) = bad.findings
    assert "no valid host" in finding.seen
    assert "req-3" in finding.mend
    assert [call.request_id for call in bad.calls] == ["req-100", "req-3"]
    assert found["ThingsTest.test_skipped"].reason == "tempest skipped it: the feature is off"
    assert "asked nothing" in found["SilentTest.test_asks_nothing"].reason
    for name in ("test_one", "test_two"):
        broken = found[f"BrokenSetupTest.{name}"]
        assert broken.outcome == Outcome.FAIL
        assert "setUpClass" in broken.findings[0].seen
        assert "no image" in broken.findings[0].seen
    skipped = found["SkippedClassTest.test_one"]
    assert (skipped.outcome, skipped.reason) == (
        Outcome.COULD_NOT_RUN,
        "tempest skipped it: Cinder is not available",
    )
    # The last test of a class answers for what the class could not remove.
    assert found["BrokenTeardownTest.test_one"].outcome == Outcome.PASS
    assert "port still in use" in found["BrokenTeardownTest.test_two"].findings[0].seen
    assert "the worker ended (3)" in found["DeadlyTest.test_dies"].reason
    assert "hunter2" not in found["DeadlyTest.test_dies"].reason
    # Asked twice in a row is told once.
    assert len(found["ThingsTest.test_good"].calls) == 2
    assert 0.1 < found["ThingsTest.test_slow"].seconds < 30
    assert report.verdict == Outcome.FAIL
    assert report.notes[0].startswith("tempest 9.9, ")
    assert list(home.iterdir()) == []
    assert [name for name in cloud.left if name != "tiny"] == []


def _all(python: Path) -> list[str]:
    return [one.name for one in crew.listed(python).tests]


def test_reports_have_no_secrets(cloud: FakeOpenStack, python: Path, tmp_path: Path) -> None:
    view = asked()
    report, _ = examined(view, python, tmp_path / "home", "test_bad", "test_good")
    told = json.loads(canonical(values(report, "scs test")))
    for text in (canonical(told).decode(), as_yaml(told), as_junit(told), report_page(told)):
        secrets = (*PASSWORDS.values(), *cloud.tokens, view.password, TOKEN, "Xy9!guess")
        for secret in (*secrets, "0123456789"):
            assert secret not in text
        assert "no valid host" in text
    assert told["notes"]


def test_what_could_not_be_set_up_is_no_pass(
    cloud: FakeOpenStack, python: Path, tmp_path: Path
) -> None:
    cloud.images.clear()
    report, _ = examined(asked(), python, tmp_path / "home", "test_good")
    assert outcomes(report) == {"test_good": "COULD NOT RUN"}
    assert "no image can be booted" in report.results[0].reason
    assert report.verdict == Outcome.COULD_NOT_RUN
    assert cloud.left == []


def test_a_tempest_that_does_not_start_is_told_once(
    cloud: FakeOpenStack, python: Path, tmp_path: Path
) -> None:
    names = _all(python)
    tempest = Tempest(python, tmp_path, [])
    scope = scope_of(tempest.inventory, *names)
    config = python.parent / "site/tempest/config.py"
    config.write_text("raise SystemExit('Value for option password=hunter2 is not valid')\n")
    report = certify(asked(), scope, "fake", tempest=tempest)
    assert set(outcomes(report).values()) == {"COULD NOT RUN"}
    for result in report.results:
        assert "tempest does not start (1)" in result.reason
        assert "Value for option" in result.reason
        assert "hunter2" not in result.reason


def test_several_workers_share_the_classes(
    cloud: FakeOpenStack, python: Path, tmp_path: Path
) -> None:
    report, tempest = examined(asked(), python, tmp_path / "home", *_all(python), workers=4)
    assert "4 workers" in tempest.notes[0]
    assert len(report.results) == len(crew.listed(python).tests)
    assert suite.helpful(7) == 7
    assert suite.helpful(None) >= 2


# Whom it tests as.


def accounts_of(logins: Sequence[Login]) -> list[list[dict[str, Any]]]:
    return [list(map(dict, one)) for one in people.given(logins).accounts]


def test_one_given_login_is_all_there_is(cloud: FakeOpenStack) -> None:
    view = asked(admin=False)
    staff = people.given([Login(view, PASSWORDS["demo"])])
    assert staff.workers == 1
    ((main, reader),) = staff.accounts
    assert (main["username"], main["password"]) == ("demo", PASSWORDS["demo"])
    assert (main["roles"], reader["roles"]) == (["member"], ["reader"])
    assert "project_id" not in main
    assert reader["project_id"] == PROJECT
    assert main["resources"] == {"network": view.marks["name"]}
    assert [one["name"] for one in cloud.all("networks")][1:] == [view.marks["name"]]
    alone = model.Test("a.b", "", credentials=("primary", "project_reader"))
    assert staff.lacks(alone) == ""
    for credentials in (("primary", "alt"), ("primary", "admin"), ("reseller:ResellerAdmin",)):
        assert "needs a login as" in staff.lacks(replace(alone, credentials=credentials))
    assert "--admin-cloud" in staff.lacks(replace(alone, isolated=True))


def test_more_logins_are_more_workers(cloud: FakeOpenStack) -> None:
    logins = [Login(asked(admin=False), f"secret-{number}") for number in range(3)]
    staff = people.given(logins)
    assert staff.workers == 2
    passwords = [[one["password"] for one in accounts] for accounts in staff.accounts]
    assert passwords == [["secret-0", "secret-2", "secret-0"], ["secret-1", "secret-2", "secret-1"]]
    assert staff.lacks(model.Test("a.b", "", credentials=("primary", "alt"))) == ""
    assert staff.secrets == ("secret-0", "secret-1", "secret-2")


def test_without_an_administrator_only_what_needs_none_is_made(
    cloud: FakeOpenStack, python: Path, tmp_path: Path
) -> None:
    names = ("test_good", "test_power", "test_both", "test_asks_nothing")
    report, _ = examined(asked(admin=False), python, tmp_path / "home", *names, workers=3)
    assert outcomes(report) == {
        "test_good": "PASS",
        "test_power": "COULD NOT RUN",
        "test_both": "COULD NOT RUN",
        "test_asks_nothing": "COULD NOT RUN",
    }
    assert "1 worker" in report.notes[0]
    assert "users: 1 given login" in report.notes
    assert [name for name in cloud.left if name != "tiny"] == []
    assert not any("domains" in one for one in cloud.seen)


def test_without_a_password_nothing_is_made(
    cloud: FakeOpenStack, python: Path, tmp_path: Path
) -> None:
    view = asked(admin=False)
    report, _ = examined(view, python, tmp_path / "home", "test_good", logins=[])
    assert "logs in with passwords" in report.results[0].reason


def test_what_it_writes_is_private_and_gone(
    cloud: FakeOpenStack, python: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    view = asked(admin=False)
    tempest = Tempest(python, home, [Login(view, PASSWORDS["demo"])])
    tests = [one for one in tempest.inventory.tests if one.name == f"{THINGS}.test_good"]
    stream = tempest.run(view, tests)
    next(stream)
    (folder,) = home.iterdir()
    files = [path for path in folder.rglob("*") if path.name != "stderr"]
    assert {"tempest.conf", "accounts.yaml", "secrets.json"} <= {path.name for path in files}
    for path in [folder, *files]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path
    (conf,) = folder.rglob("tempest.conf")
    assert PASSWORDS["demo"] not in conf.read_text()
    (accounts,) = folder.rglob("accounts.yaml")
    assert [one["roles"] for one in yaml.safe_load(accounts.read_text())] == [
        ["member"],
        ["reader"],
    ]
    stream.close()  # type: ignore[attr-defined]
    assert list(home.iterdir()) == []


# What is left.


def leave_things(cloud: FakeOpenStack, run: str = OLD) -> None:
    """What tests that were killed leave in a given project."""

    def name(kind: str) -> str:
        return f"scs-t-{run}-SomeTest-{kind}-123"

    server = cloud.add(
        "servers", {"name": name("server")}, tenant_id=PROJECT, flavorRef="flavor-SCS-1L-1"
    )
    for key in ("routers", "networks", "security_groups", "subnetpools"):
        cloud.add(key, {"name": name(key)}, project_id=PROJECT)
    for key in ("volumes", "snapshots", "backups"):
        cloud.add(key, {"name": name(key)}, status="available")
    cloud.add("keypairs", {"name": name("key")})
    cloud.add("containers", {"name": name("container"), "objects": ["one"]})
    port = cloud.add("ports", {"name": ""}, project_id=PROJECT, device_id=server["id"])
    cloud.add("floatingips", {"port_id": port["id"], "name": "fip"}, project_id=PROJECT)
    image = {"id": "left", "owner": PROJECT, "visibility": "private", "name": name("image")}
    cloud.images.append(image)


def test_what_killed_tests_left_in_a_project_is_removed(
    cloud: FakeOpenStack, python: Path, tmp_path: Path
) -> None:
    leave_things(cloud)
    (tmp_path / "home/tempest-killed").mkdir(parents=True)
    report, _ = examined(asked(admin=False), python, tmp_path / "home", "test_good")
    assert [name for name in cloud.left if name != "tiny"] == []
    for kind in ("server", "keypair", "volume", "snapshot", "floating IP", "port", "router"):
        assert f"1 {kind}" in report.removed
    assert report.stayed == ()
    assert list((tmp_path / "home").iterdir()) == []


def test_what_is_not_the_tests_stays(cloud: FakeOpenStack, python: Path, tmp_path: Path) -> None:
    cloud.add("volumes", {"name": "tempest-volume-12"}, status="available")
    cloud.add("networks", {"name": "scs-t-notes"}, project_id=PROJECT)
    port = cloud.add("ports", {"name": "mine"}, project_id=PROJECT, device_id="x")
    cloud.add("floatingips", {"name": "fip", "port_id": port["id"]}, project_id=PROJECT)
    cloud.add("keypairs", {"name": "laptop"})
    cloud.add("containers", {"name": "tempest", "objects": ["one"]})
    before = sorted(cloud.left)
    report, _ = examined(asked(admin=False), python, tmp_path / "home", "test_good")
    assert sorted(cloud.left) == before
    assert report.removed == ""


def test_a_killed_runs_domain_goes_with_all_that_is_in_it(
    cloud: FakeOpenStack, python: Path, tmp_path: Path
) -> None:
    marks = {"name": MARKS.name_of(OLD) + "-tempest", "description": MARKS.mark_of(OLD)}
    domain = cloud.add("domains", marks)["id"]
    project = cloud.add("projects", {"name": "tempest-Some-1", "domain_id": domain})["id"]
    user = cloud.add("users", {"name": "tempest-Some", "domain_id": domain, "password": "x"})
    cloud.add("keypairs", {"name": "left", "user_id": user["id"]})
    server = {"name": "unmarked", "flavorRef": "flavor-SCS-1L-1", "tenant_id": project}
    cloud.add("servers", server)
    cloud.add("servers", {**server, "name": "of another", "tenant_id": PROJECT})
    cloud.add("volumes", {"name": "unmarked"}, status="available", tenant_id=project)
    report, _ = examined(asked(), python, tmp_path / "home", "test_good")
    assert [name for name in cloud.left if name != "tiny"] == ["of another"]
    assert "1 domain" in report.removed
    assert report.stayed == ()


def test_a_domain_that_cannot_be_emptied_stays_and_is_told(cloud: FakeOpenStack) -> None:
    marks = {"name": MARKS.name_of(OLD) + "-tempest", "description": MARKS.mark_of(OLD)}
    domain = cloud.add("domains", marks)["id"]
    cloud.add("projects", {"name": "tempest-Some-1", "domain_id": domain})
    cloud.broken["GET /network/v2.0/extensions"] = (503, {"message": "down"})
    view = asked()
    found, _ = traces.find(view)
    (told,) = traces.remove(view, found, 0.5, traces.KINDS, sweep.empty)
    assert "down" in told
    assert cloud.all("domains")


def test_ctrl_c_ends_workers_and_removes_all(
    cloud: FakeOpenStack, python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = crew.Crew._started

    def remembered(self: crew.Crew, desk: crew.Desk) -> crew.Worker:
        worker = real(self, desk)
        started.append(worker._process)
        return worker

    started: list[subprocess.Popen[bytes]] = []
    monkeypatch.setattr(crew.Crew, "_started", remembered)
    home = tmp_path / "home"
    home.mkdir()
    view = asked()
    tempest = Tempest(python, home, [], workers=2)

    def interrupt(_result: Any) -> None:
        raise KeyboardInterrupt

    scope = scope_of(tempest.inventory, "test_good", "test_slow", "test_bad", "test_both")
    with pytest.raises(KeyboardInterrupt):
        certify(view, scope, "fake", tell=interrupt, tempest=tempest)
    assert started
    assert all(process.poll() is not None for process in started)
    assert list(home.iterdir()) == []
    assert [name for name in cloud.left if name != "tiny"] == []


def test_a_worker_does_not_outlive_who_started_it(python: Path, tmp_path: Path) -> None:
    conf = tmp_path / "tempest.conf"
    conf.write_text("[auth]\n")
    program = (
        "import subprocess, sys, os, time\n"
        f"p = subprocess.Popen([{str(python)!r}, '-I', {str(crew.WORKER)!r}, 'run'],"
        " stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)\n"
        f"""p.stdin.write(b'{{"tests": ["{THINGS}.test_slow"]}}\\n'); p.stdin.flush()\n"""
        "print(p.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    variables = {"TEMPEST_CONFIG_DIR": str(tmp_path), "TEMPEST_CONFIG": conf.name, "NAP": "60"}
    parent = subprocess.Popen(
        [sys.executable, "-c", program], env={**os.environ, **variables}, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    time.sleep(0.5)
    os.kill(worker, 0)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    end = time.monotonic() + 20
    while Path(f"/proc/{worker}").exists() and time.monotonic() < end:
        if Path(f"/proc/{worker}/stat").read_text().split()[2] == "Z":
            break  # nobody has asked for its exit code yet
        time.sleep(0.05)
    else:
        assert not Path(f"/proc/{worker}").exists()


# Honesty: a judgment that always passes, and other changes of how tests become checks, are found.


class Said:
    """A cloud of which only what a test came to is asked."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict

    def tested(self, _test: str) -> Verdict:
        return self.verdict


def behaviour(module: dict[str, Any]) -> list[Any]:
    """What the functions that make checks of tests, and judge them, do in all cases."""

    def judged(how: How, *requests: str) -> Any:
        parameters = {"test": "a.b.C.test_x", "name": "n", "id": "1", "tempest": "47"}
        verdict = Verdict("a.b.C.test_x", how, "why", 1.0, requests)
        found: list[Any] = []
        for ask in ("judge", "absent"):
            try:
                found.append(list(module[ask](Said(verdict), parameters)))
            except CouldNotRun as error:
                found.append(f"could not run: {error}")
        return found

    text = (
        "tempest.api.image.A\n  1 test_a\n\n  2 test_b\n"
        "tempest.scenario.s.B\n  3 test_c\ntempest.api.volume.V\n  4 test_v\n"
    )
    tests = tuple(
        model.Test(name, known, frozenset(marks), credentials, title=title)
        for name, known, marks, credentials, title in (
            ("tempest.api.image.A.test_a", "1", ("smoke",), ("primary",), ""),
            ("tempest.api.image.Sub.test_a", "1", (), ("primary", "admin"), "said"),
            ("tempest.scenario.s.B.test_d", "3", ("smoke",), ("alt",), ""),
            ("tempest.api.volume.V.test_v", "4", ("smoke",), (), ""),
            *((f"tempest.api.image.C{n}.test_e", f"9{n}", ("smoke",), (), "") for n in range(4)),
        )
    )
    listed = module["parse"](text) + tuple(
        module["Listed"](f"9{n}", f"tempest.api.image.C{n}.test_e") for n in range(4)
    )
    choice = module["of_list"](listed, "why")
    inventory = Inventory("47", tests)

    def told(checks: Sequence[Any]) -> list[Any]:
        return [(one.id, one.test, one.title, dict(one.parameters)) for one in checks]

    return [
        *(judged(how, *ids) for how in How for ids in ((), ("req-1", "req-2"))),
        [(one.id, one.name) for one in listed],
        told(choice(inventory)),
        told(module["quick"](choice)(inventory)),
        told(module["for_members"]("why")(inventory)),
    ]


def test_a_judgment_that_always_passes_would_be_found() -> None:
    path = Path(choose.__file__)
    expected = repr(behaviour(vars(choose)))
    assert behaviour(vars(choose))[0] == [
        [],
        "could not run: tempest 47 has no test with the id 1 any more",
    ]
    survived, count = [], 0
    for mutant in mutants(path):
        count += 1
        module: dict[str, Any] = {"__name__": "mutant"}
        sys.modules["mutant"] = type(sys)("mutant")
        try:
            exec(compile(mutant.tree, mutant.where, "exec"), module)
            seen = repr(behaviour(module))
        except Exception as error:
            seen = repr(error)
        if seen.replace("mutant.", "") == expected.replace("scs.standards.tempest.choose.", ""):
            survived.append(f"{mutant.where} {mutant.what}")
    assert count >= 14
    assert not survived


def test_all_scopes_of_tests_become_checks(python: Path) -> None:
    inventory = crew.listed(python)
    for name, scope in SCOPES.items():
        if not scope.by_tests:
            continue
        checks = scope.with_tests(inventory).checks
        ids = [check.id for _, check, _ in checks]
        assert len(ids) == len(set(ids)), name
        if name == "openstack-powered":
            # None of them is in the fake tempest: each is told, and none is dropped.
            assert len(checks) == 315
            assert {check.test for _, check, _ in checks} == {""}
