# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What comes of tests, and whom they are made as."""

from __future__ import annotations

import json
import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from fake_openstack.cloud import PASSWORDS, PROJECT, FakeOpenStack
from fake_tempest import TOKEN
from scs.certify.page import report_page
from scs.certify.report import as_junit, as_yaml, canonical, values
from scs.certify.run import certify
from scs.certify.tempest import crew, people, suite
from scs.certify.tempest.people import Login
from scs.certify.tempest.suite import Tempest
from scs.standards import model
from scs.standards.model import (
    Outcome,
)
from tempest_world import MODULE, THINGS, asked, examined, outcomes, scope_of


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
