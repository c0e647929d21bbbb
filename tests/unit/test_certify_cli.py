# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""`scs certify` and `scs certificate` from end to end, against an OpenStack on this machine."""

from __future__ import annotations

import fcntl
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_openstack.cloud import PASSWORDS, FakeOpenStack
from fake_openstack.serving import clouds_yaml, serving
from fake_openstack.tls import Authority, good_tls
from fake_tempest import fake_tempest
from scs.cli import main as cli


class Scs:
    """Runs commands beside an OpenStack that clouds.yaml calls fake."""

    def __init__(self, folder: Path, cloud: FakeOpenStack, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.cloud, self._patch = folder, cloud, patch
        self.state = folder / "state/.certify/fake"

    def __call__(self, capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
        self._patch.setattr(sys, "argv", ["scs", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return int(ended.value.code or 0), out + err


@pytest.fixture
def scs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scs]:
    authority = Authority(tmp_path)
    cloud = FakeOpenStack()
    with serving(cloud, good_tls(authority.server())):
        clouds = clouds_yaml(cloud, tmp_path, authority.path)
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds))
        monkeypatch.setenv("SCS_STATE", str(tmp_path / "state"))
        monkeypatch.setenv("SCS_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("SCS_IDENTITIES", str(tmp_path / "identities"))
        monkeypatch.delenv("SCS_IDENTITY", raising=False)
        monkeypatch.chdir(tmp_path)
        yield Scs(tmp_path, cloud, monkeypatch)


FAST = ("certify", "--cloud", "fake", "--admin-cloud", "fake-admin", "--rate", "1000")


def test_from_a_run_to_a_revoked_certificate(
    scs: Scs, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, text = scs(capfd, *FAST)
    assert code == 0, text
    assert "SCS-compatible IaaS v5.1: PASS" in text
    code, text = scs(capfd, "certificate", "issue", "--cloud", "fake", "--out", "cert")
    assert code == 0, text
    serial = json.loads((tmp_path / "cert/certificate.json").read_bytes())["serial"]
    verify = ("certificate", "verify", "cert/certificate.json", "--key", "cert/signer.pem")
    code, text = scs(capfd, *verify, "--report", "cert/report.json")
    assert code == 0, text
    assert "genuine and valid. Whether it was revoked is not known" in text
    code, text = scs(
        capfd, "certificate", "revoke", serial, "--reason", "flavors shrank", "--cloud", "fake"
    )
    assert code == 0, text
    code, text = scs(capfd, *verify, "--revoked", str(scs.state / "revoked.json"))
    assert code == 6
    assert "was revoked: flavors shrank" in text
    path = tmp_path / "cert/certificate.json"
    path.write_bytes(path.read_bytes().replace(b'"fake"', b'"real"'))
    code, text = scs(capfd, *verify)
    assert code == 6
    assert "was altered" in text
    code, text = scs(capfd, "certify", "--cloud", "fake", "--history")
    assert code == 0
    assert text.count("fits") == 1


def test_a_cloud_with_a_defect(scs: Scs, capfd: pytest.CaptureFixture[str]) -> None:
    scs.cloud.flavor("SCS-2V-4")["disk"] = 10
    code, text = scs(capfd, *FAST)
    assert code == 6
    assert "flavor SCS-2V-4: expected disk 0; seen disk 10" in text
    assert "1 FAIL" in text
    code, text = scs(capfd, "certificate", "issue", "--cloud", "fake")
    assert code == 6
    assert "scs-0103-flavor-2v_4 FAIL" in text
    scs.cloud.flavor("SCS-2V-4")["disk"] = 0
    # A part that is well does not take the place of a whole that is not.
    code, text = scs(capfd, *FAST, "--check", "scs-0103-flavor-2v_4")
    assert code == 6
    code, text = scs(capfd, "certificate", "issue", "--cloud", "fake")
    assert code == 6


def test_what_is_kept_is_private_and_has_no_secrets(
    scs: Scs, capfd: pytest.CaptureFixture[str]
) -> None:
    scs(capfd, *FAST, "--check", "scs-0116-permissions")
    _code, text = scs(capfd, "--json", *FAST, "--check", "scs-0302-attacks")
    told = json.loads(text)
    assert [item["outcome"] for item in told["results"]] == ["PASS"]
    files = [path for path in scs.state.rglob("*") if path.is_file()]
    assert len(files) >= 14
    for path in files:
        assert path.stat().st_mode & 0o077 == 0 or path.name == "lock"
        data = path.read_bytes()
        for secret in (*PASSWORDS.values(), *scs.cloud.tokens):
            assert secret.encode() not in data
    key = (scs.state / "secrets.age").read_bytes()
    assert b"AGE ENCRYPTED FILE" in key


@pytest.fixture
def tempest(scs: Scs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake tempest, where the real one would be brought."""
    made = scs.folder / "tempest"
    (made / "bin").mkdir(parents=True)
    (made / "bin/python").symlink_to(fake_tempest(scs.folder))
    monkeypatch.setattr("scs.release.here.install", lambda *_: made)


@pytest.mark.usefixtures("tempest")
def test_tempests_tests_are_checks_like_others(scs: Scs, capfd: pytest.CaptureFixture[str]) -> None:
    code, text = scs(capfd, "certify", "--list", "--scope", "tempest-member")
    assert code == 0
    assert "test_things.ThingsTest.test_good" in text
    assert "AdminTest" not in text
    words = (*FAST, "--scope", "tempest-member", "--workers", "2")
    code, text = scs(capfd, *words)
    assert code == 6
    assert "AssertionError: Details:" in text
    assert "tempest skipped it: the feature is off" in text
    assert "tempest 9.9, 2 workers" in text
    assert "users: made for each class of tests" in text
    code, text = scs(capfd, "certify", "--cloud", "fake", "--history")
    assert "tempest-member" in text
    good = "tempest.api.compute.test_things.ThingsTest.test_good"
    code, text = scs(capfd, "-q", "--json", *words, "--check", good)
    told = json.loads(text)
    assert [(item["id"], item["outcome"]) for item in told["results"]] == [(good, "PASS")]
    files = [path for path in scs.state.rglob("*") if path.is_file()]
    for path in files:
        assert path.stat().st_mode & 0o077 == 0 or path.name == "lock"
        data = path.read_bytes()
        for secret in (*PASSWORDS.values(), *scs.cloud.tokens, "gAAAAA"):
            assert secret.encode() not in data
    assert scs.cloud.left == []


@pytest.mark.usefixtures("tempest")
def test_what_tempest_is_asked_wrongly(scs: Scs, capfd: pytest.CaptureFixture[str]) -> None:
    member = ("certify", "--cloud", "fake", "--scope", "tempest-member")
    for words, said in (
        (("certify", "--cloud", "fake", "--workers", "2"), "--also and --workers are tempest's"),
        ((*member, "--also", "fake"), "for the same project"),
        ((*member, "--also", "fake-admin"), "the login has the roles admin"),
        ((*member, "--workers", "0"), "0 is not in the range"),
    ):
        code, text = scs(capfd, *words)
        assert (code, said in text) == (3, True), (words, code, text)
    assert not list(scs.state.rglob("report.json"))


def test_mistakes_are_told(scs: Scs, capfd: pytest.CaptureFixture[str]) -> None:
    for words, code, said in (
        (("certify", "--cloud", "nowhere"), 3, "nowhere"),
        (("certify", "--cloud", "fake", "--scope", "iaas-9"), 3, "there are iaas-5.1"),
        (("certify", "--cloud", "fake", "--rate", "0"), 3, "more than 0"),
        (("certify", "--cloud", "fake", "--check", "x"), 3, "no check x"),
        (("certify", "--cloud", "fake-admin"), 3, "the login has the roles admin"),
        (("certificate", "issue", "--cloud", "fake"), 3, "there is no whole report"),
        (("certificate", "verify", "none.json", "--key", "none.pem"), 3, "No such file"),
        (
            ("certificate", "revoke", "77", "--reason", "x", "--cloud", "fake"),
            3,
            "no certificate 77",
        ),
        (("certify", "--cloud", "fake", "--history"), 0, "no reports of fake yet"),
        (("certify", "--list"), 0, "scs-0117-test-backup"),
    ):
        seen, text = scs(capfd, *words)
        assert (seen, said in text) == (code, True), (words, seen, text)
    # What was refused leaves no report.
    assert not list(scs.state.rglob("report.json"))


def test_looking_makes_nothing(scs: Scs, capfd: pytest.CaptureFixture[str]) -> None:
    for words in (("certify", "--history"), ("certificate", "issue")):
        scs(capfd, *words, "--cloud", "fake")
    assert not (scs.folder / "state").exists()
    assert not (scs.folder / "identities").exists()


def test_one_run_at_a_time(scs: Scs, capfd: pytest.CaptureFixture[str]) -> None:
    scs.state.mkdir(parents=True)
    with (scs.state / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        code, text = scs(capfd, *FAST)
    assert code == 5
    assert "another `scs certify` is under way" in text


def test_a_cloud_of_ours_must_have_been_up(scs: Scs, capfd: pytest.CaptureFixture[str]) -> None:
    Path("cloud.yaml").write_text("name: unit-test\n")
    code, text = scs(capfd, "certify")
    assert code == 3
    assert "has never been up" in text
    assert not (scs.folder / "state/unit-test").exists()
