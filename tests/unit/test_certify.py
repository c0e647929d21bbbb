# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Runs of the certifier: whole, killed, interrupted; reports and their forms; certificates."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from fake_openstack.cloud import PASSWORDS, PROJECT, FakeOpenStack
from fake_openstack.serving import clouds_yaml, serving
from fake_openstack.tls import Authority, good_tls
from scs.certify import certificate, history, traces
from scs.certify.cloud import MARKS, Asked, Run, session_of
from scs.certify.page import report_page
from scs.certify.report import as_junit, as_yaml, canonical, values
from scs.certify.run import Report, certify, now
from scs.certify.signing import Refused, Signer
from scs.certify.wire import Limiter
from scs.errors import BadInput
from scs.standards.model import CouldNotRun, Needs, Outcome
from scs.standards.randomness import BLOCK, wrong
from scs.standards.scopes import IAAS_5_1

SIGNER = Signer("secret")
OLD = "0badcafe"


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOpenStack]:
    authority = Authority(tmp_path)
    made = FakeOpenStack()
    with serving(made, good_tls(authority.server())):
        monkeypatch.setenv(
            "OS_CLIENT_CONFIG_FILE", str(clouds_yaml(made, tmp_path, authority.path))
        )
        yield made


def asked(*, admin: bool = True) -> Asked:
    session, region, interface = session_of("fake")
    boss = session_of("fake-admin")[0] if admin else None
    return Asked(session, region, interface, Run(now(), Limiter(2000, 8)), boss)


def told_of(report: Report) -> dict[str, Any]:
    return dict(json.loads(canonical(values(report, "scs test"))))


# Whole runs.


def test_a_whole_cloud_passes_and_nothing_is_left(cloud: FakeOpenStack, tmp_path: Path) -> None:
    report = certify(asked(), IAAS_5_1, "fake")
    bad = [
        (one.check.id, one.reason, one.findings) for one in report.results if one.outcome != "PASS"
    ]
    assert bad == []
    assert report.verdict == Outcome.PASS
    assert cloud.left == []
    assert (report.stayed, report.removed) == ((), "")
    # The goal: no more than 200 requests, besides those that wait for guests.
    assert report.calls <= 200
    # It counts what it sends: the handshakes of one TLS examination are one turn.
    assert len(cloud.seen) <= report.calls + 5
    told = told_of(report)
    for text in (canonical(told).decode(), as_yaml(told), as_junit(told), report_page(told)):
        for secret in (*PASSWORDS.values(), *cloud.tokens, "scs-certify wrote this"):
            assert secret not in text
    requests = [call for item in told["results"] for call in item["evidence"]]
    assert any(call["request_id"].startswith("req-") for call in requests)
    assert all(item["evidence"] for item in told["results"])


def test_a_member_alone_is_enough_for_the_verdict(cloud: FakeOpenStack) -> None:
    report = certify(asked(admin=False), IAAS_5_1, "fake")
    assert report.verdict == Outcome.PASS
    could_not = {one.check.id for one in report.results if one.outcome == Outcome.COULD_NOT_RUN}
    assert could_not == {c.id for _, c, _ in IAAS_5_1.checks if Needs.ADMIN in c.needs}


def test_a_catalog_without_identity_is_a_finding_and_no_end(cloud: FakeOpenStack) -> None:
    cloud.types.remove("identity")
    report = certify(asked(), IAAS_5_1, "fake", ["scs-0123-service-identity"])
    assert [one.outcome for one in report.results] == [Outcome.FAIL]
    assert report.identity == f"{cloud.base}/identity/v3"


@pytest.mark.parametrize("roles", [["admin", "member"], ["manager", "member"], ["reader"], []])
def test_who_may_more_or_less_than_a_member_is_refused(
    cloud: FakeOpenStack, roles: list[str]
) -> None:
    cloud.roles_of["demo"] = roles
    with pytest.raises(BadInput, match="the login has the roles"):
        certify(asked(), IAAS_5_1, "fake")
    assert not [one for one in cloud.seen if not one.endswith(("/auth/tokens", "/identity/v3"))]


def test_a_wrong_password_is_told(cloud: FakeOpenStack) -> None:
    cloud.users["demo"]["password"] = "changed"
    with pytest.raises(BadInput, match="no token for the member"):
        certify(asked(), IAAS_5_1, "fake")


def test_a_part_is_no_whole(cloud: FakeOpenStack) -> None:
    report = certify(asked(), IAAS_5_1, "fake", ("scs-0100-syntax-check",))
    assert [one.outcome for one in report.results] == [Outcome.PASS]
    assert report.verdict == Outcome.COULD_NOT_RUN
    with pytest.raises(BadInput, match="no check nonsense"):
        certify(asked(), IAAS_5_1, "fake", ("nonsense",))


def test_only_what_is_mandatory_decides(cloud: FakeOpenStack) -> None:
    cloud.things["subnetpools"].clear()  # preview
    cloud.flavors.remove(cloud.flavor("SCS-16V-128"))  # recommended
    only = ("scs-0126-ipv6-subnet-pool", "scs-0103-flavor-16v_128", "scs-0100-syntax-check")
    report = replace(certify(asked(), IAAS_5_1, "fake", only), whole=True)
    assert sorted(one.outcome for one in report.results) == ["FAIL", "FAIL", "PASS"]
    assert report.verdict == Outcome.PASS


# What is left, and what is somebody else's.


def leftovers(cloud: FakeOpenStack, run: str = OLD) -> None:
    """What a killed run leaves, one of each kind."""
    marks = {"name": MARKS.name_of(run), "description": MARKS.mark_of(run)}
    for key in ("routers", "networks", "security_groups"):
        cloud.add(key, dict(marks), project_id=PROJECT)
    cloud.add("servers", dict(marks), tenant_id=PROJECT, flavorRef="flavor-SCS-1L-1")
    cloud.add("volumes", dict(marks), status="available")
    cloud.add("backups", dict(marks), status="available")
    cloud.add("secrets", {"name": marks["name"], "secret_ref": "x/y", "payload": ""})
    cloud.add("domains", {**marks, "name": marks["name"] + "-other"})
    cloud.add("zones", {**marks, "name": marks["name"] + ".test."}, project_id=PROJECT)
    cloud.images.append({"id": "left", "owner": PROJECT, "visibility": "private", **marks})


def test_what_a_killed_run_has_left_is_found_and_removed(cloud: FakeOpenStack) -> None:
    leftovers(cloud)
    report = certify(asked(), IAAS_5_1, "fake", ("scs-0100-syntax-check",))
    assert cloud.left == []
    for kind in traces.KINDS:
        assert kind.name in report.removed, kind
    assert report.stayed == ()


def test_what_only_looks_like_ours_stays(cloud: FakeOpenStack) -> None:
    own = MARKS.name_of(OLD)
    mine = {"name": own, "description": "a network of mine"}
    others = {"name": own, "description": MARKS.mark_of(OLD)}
    cloud.add("networks", mine, project_id=PROJECT)
    cloud.add("networks", others, project_id="somebody else")
    cloud.add("servers", {"name": "web", "description": MARKS.mark_of(OLD)}, tenant_id=PROJECT)
    cloud.add("volumes", {"name": own + "-mine", "description": MARKS.mark_of(OLD)}, status="x")
    cloud.add("domains", {"name": "default", "description": MARKS.mark_of(OLD)})
    cloud.images.append({"id": "z", "name": own, "owner": "other", "visibility": "private"})
    before = sorted(cloud.left)
    report = certify(asked(), IAAS_5_1, "fake", ("scs-0100-syntax-check",))
    assert sorted(cloud.left) == before
    assert report.removed == ""
    assert not [one for one in cloud.seen if one.startswith("DELETE")]


def test_what_cannot_be_removed_is_told(cloud: FakeOpenStack) -> None:
    made = cloud.add("routers", {"name": MARKS.name_of(OLD), "description": MARKS.mark_of(OLD)})
    made["project_id"] = PROJECT
    cloud.broken[f"DELETE /network/v2.0/routers/{made['id']}"] = (409, {"message": "held"})
    view = asked()
    found, problems = traces.find(view)
    assert [trace.kind.name for trace in found] == ["router"]
    assert problems == []
    assert traces.remove(view, found, seconds=0.5) == [f"router {made['id']} stays: 409: held"]


def test_a_list_that_cannot_be_had_is_told(cloud: FakeOpenStack) -> None:
    cloud.broken["GET /network/v2.0/routers"] = (503, {"message": "down"})
    report = certify(asked(), IAAS_5_1, "fake", ("scs-0100-syntax-check",))
    assert len(report.stayed) == 1
    assert "leftovers of kind router" in report.stayed[0]


def test_an_interrupted_run_leaves_nothing(cloud: FakeOpenStack) -> None:
    cloud.booting = "BUILD"  # the guest never gets ready: that is when Ctrl-C comes

    def interrupt(_result: Any) -> None:
        end = time.monotonic() + 30
        while not cloud.all("servers"):
            assert time.monotonic() < end, "no guest was asked for"
            time.sleep(0.01)
        raise KeyboardInterrupt

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        certify(
            asked(),
            IAAS_5_1,
            "fake",
            ("scs-0101-entropy-avail", "scs-0302-attacks", "scs-0117-test-backup"),
            interrupt,
        )
    assert time.monotonic() - start < 60  # the guest would be waited for much longer
    assert cloud.left == []


# Guests.


def test_a_guest_that_does_not_start_is_no_pass(cloud: FakeOpenStack) -> None:
    cloud.booting = "ERROR"
    report = certify(asked(), IAAS_5_1, "fake", ("scs-0101-entropy-avail", "scs-0101-kernel"))
    for result in report.results:
        assert result.outcome == Outcome.COULD_NOT_RUN
        assert "No valid host was found." in result.reason
    assert sum(one == "POST /compute/v2.1/servers" for one in cloud.seen) == 1


def test_one_guest_serves_all_checks_also_without_volumes(cloud: FakeOpenStack) -> None:
    cloud.types.remove("volumev3")
    guests = [check.id for _, check, _ in IAAS_5_1.checks if check.seconds == 90]
    report = certify(asked(), IAAS_5_1, "fake", guests)
    assert {one.outcome for one in report.results} == {Outcome.PASS}
    assert len(report.results) == 12
    assert sum(one == "POST /compute/v2.1/servers" for one in cloud.seen) == 1


@pytest.mark.parametrize(
    ("block", "names"),
    [
        (bytes(BLOCK), ["monobit", "poker", "runs", "long run"]),
        (b"\x55" * BLOCK, ["poker", "runs"]),
        (b"\xff" * 4 + bytes(range(256)) * 9 + bytes(range(192)), ["long run"]),
    ],
)
def test_bad_random_bytes_are_found(block: bytes, names: list[str]) -> None:
    found = wrong(block)
    assert set(names) <= set(found)


def test_good_random_bytes_pass() -> None:
    import hashlib

    bad = 0
    for seed in range(100):
        block = b"".join(hashlib.sha256(f"{seed} {i}".encode()).digest() for i in range(79))
        bad += bool(wrong(block[:BLOCK]))
    assert bad <= 1


# The wire.


def test_requests_are_counted_and_paced() -> None:
    limiter = Limiter(rate=100, width=2)
    start = time.monotonic()
    for _ in range(11):
        with limiter.turn():
            pass
    assert limiter.count == 11
    assert time.monotonic() - start >= 0.1


def test_long_lists_are_read_to_their_end(cloud: FakeOpenStack) -> None:
    first = {"flavors": cloud.flavors[:5], "flavors_links": [
        {"rel": "next", "href": "http://elsewhere:8774/v2.1/flavors/detail?marker=5"}
    ]}  # fmt: skip
    cloud.broken["GET /compute/v2.1/flavors/detail"] = (200, first)
    view = asked()

    def answer(*args: Any, **more: Any) -> Any:
        cloud.broken.clear()
        return None

    got = view.get("compute", "/flavors/detail", "2.61")
    assert len(got.body["flavors"]) == 5
    answer()
    assert len(view.items("compute", "/flavors/detail", "flavors", "2.61")) == 5 + len(
        cloud.flavors
    )


def test_what_is_asked_twice_is_sent_once(cloud: FakeOpenStack) -> None:
    view = asked()
    for _ in range(3):
        view.fresh().get("image", "/images?visibility=public")
    assert cloud.seen.count("GET /image/v2/images") == 1


def test_a_server_that_is_not_there_is_no_pass(cloud: FakeOpenStack) -> None:
    cloud.urls["compute", "public"] = "https://127.0.0.1:9/compute"
    with pytest.raises(CouldNotRun, match=r"127\.0\.0\.1"):
        asked().get("compute", "/flavors/detail")


# Reports.


@pytest.fixture
def told(cloud: FakeOpenStack) -> dict[str, Any]:
    """A report with one of each outcome, and what HTML and XML must escape."""
    cloud.image("Own Linux 1").update(name='<b>"&', os_version="")
    cloud.types.remove("volumev3")
    only = ("scs-0102-prop-os_version", "scs-0114-syntax-check", "scs-0123-service-image")
    return told_of(certify(asked(), IAAS_5_1, "fake", only))


def test_a_report_in_all_its_forms(told: dict[str, Any]) -> None:
    official = yaml.safe_load(as_yaml(told))
    assert official["spec"]["uuid"] == IAAS_5_1.uuid
    assert official["versions"]["v5.1"] == {
        "scs-0102-prop-os_version": {"result": -1},
        "scs-0114-syntax-check": {"result": 0},
        "scs-0123-service-image": {"result": 1},
    }
    suite = ElementTree.fromstring(as_junit(told))
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    failure = suite.find(".//failure")
    assert failure is not None
    assert '<b>"&' in (failure.get("message") or "")
    page = report_page(told)
    assert "<b>" not in page
    assert "&lt;b&gt;" in page
    assert "the catalog has no block-storage" in page
    assert "http-equiv" not in page
    assert "<script" not in page


def test_what_is_canonical_does_not_depend_on_order() -> None:
    assert canonical({"b": 1, "a": ["ü", None]}) == '{"a":["ü",null],"b":1}'.encode()
    with pytest.raises(ValueError, match="JSON"):
        canonical({"a": float("nan")})


def test_openssl_verifies_a_report(told: dict[str, Any], tmp_path: Path) -> None:
    folder = history.keep(tmp_path / "kept", told, SIGNER)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "signer.pem", "-rawin"]
    command += ["-in", "report.json", "-sigfile", "report.sig"]
    assert subprocess.run(command, cwd=folder, capture_output=True).returncode == 0
    (folder / "report.json").write_bytes(canonical({**told, "verdict": "PASS"}))
    assert subprocess.run(command, cwd=folder, capture_output=True).returncode != 0


def test_history_keeps_18_months_and_tells_altered_reports(
    told: dict[str, Any], tmp_path: Path
) -> None:
    def at(days: float) -> dict[str, Any]:
        moment = datetime.now(UTC) - timedelta(days=days)
        return {**told, "checked_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}

    for days in (600, 540, 1):
        history.keep(tmp_path, at(days), SIGNER)
    history.prune(tmp_path, now())
    kept = history.listed(tmp_path, SIGNER.public)
    assert len(kept) == 2
    assert [one.genuine for one in kept] == [True, True]
    altered = kept[0].folder / "report.json"
    altered.write_bytes(altered.read_bytes().replace(b'"FAIL"', b'"PASS"'))
    kept = history.listed(tmp_path, SIGNER.public)
    assert [one.genuine for one in kept] == [False, True]
    page = history.write_index(tmp_path, SIGNER.public).read_text()
    assert "does not fit" in page
    assert (tmp_path / "index.html").stat().st_mode & 0o077 == 0


# Certificates.


def passed(told: dict[str, Any], **more: Any) -> dict[str, Any]:
    results = [{**item, "outcome": "PASS", "findings": []} for item in told["results"]]
    return {**told, "results": results, "verdict": "PASS", "whole": True, **more}


@pytest.fixture
def good(told: dict[str, Any]) -> dict[str, Any]:
    return passed(told)


def issued(report: dict[str, Any], moment: datetime | None = None) -> tuple[bytes, bytes]:
    data = canonical(report)
    made = canonical(certificate.issue(data, SIGNER.sign(data), SIGNER, moment or now()))
    return made, SIGNER.sign(made)


def test_a_certificate_is_issued_and_verified(good: dict[str, Any]) -> None:
    made, signature = issued(good)
    told = certificate.verify(made, signature, SIGNER.public, now(), report=canonical(good))
    assert (told["subject"], told["scope"]["name"]) == ("fake", "iaas-5.1")
    ends = certificate.moment(told["ends"]) - certificate.moment(told["issued"])
    assert ends == timedelta(days=365)


def test_only_for_reports_that_passed(told: dict[str, Any], good: dict[str, Any]) -> None:
    for report, why in (
        (told, "its verdict is"),
        ({**good, "whole": False}, "its verdict is"),
        ({**good, "checked_at": "2026-01-01T00:00:00Z"}, "older than a week"),
        ({**good, "format": "another"}, "is not of the format"),
    ):
        with pytest.raises(Refused, match=why):
            issued(report)
    data = canonical(good)
    with pytest.raises(Refused, match="does not fit"):
        certificate.issue(data, Signer("somebody else").sign(data), SIGNER, now())


def test_what_is_not_to_be_believed_is_refused(good: dict[str, Any]) -> None:
    made, signature = issued(good)
    key, today = SIGNER.public, now()
    told = json.loads(made)

    def refused(why: str, *args: Any, **more: Any) -> None:
        with pytest.raises(Refused, match=why):
            certificate.verify(*args, **more)

    altered = canonical({**told, "subject": "another cloud"})
    refused("altered", altered, signature, key, today)
    for place in range(0, len(made), 7):
        flipped = made[:place] + bytes([made[place] ^ 1]) + made[place + 1 :]
        refused("altered", flipped, signature, key, today)
    refused("altered", made, signature[:-1] + bytes([signature[-1] ^ 1]), key, today)
    refused("altered", made, b"", key, today)
    refused("altered", made, Signer("forger").sign(made), key, today)
    refused("cannot be read", made, signature, b"no key", today)
    refused("expired", made, signature, key, today + timedelta(days=366))
    refused("valid from", made, signature, key, today - timedelta(days=2))
    refused("another report", made, signature, key, today, report=b"{}")
    spaced = json.dumps(told).encode()
    refused("canonical", spaced, SIGNER.sign(spaced), key, today)
    report = canonical(good)
    refused("format", report, SIGNER.sign(report), key, today)


def test_revoked_ones_are_refused(good: dict[str, Any]) -> None:
    made, signature = issued(good)
    serial = json.loads(made)["serial"]
    empty = canonical(certificate.revocations({}, SIGNER, now()))
    listed = canonical(certificate.revocations({serial: "flavors shrank"}, SIGNER, now()))
    certificate.verify(made, signature, SIGNER.public, now(), (empty, SIGNER.sign(empty)))
    with pytest.raises(Refused, match="was revoked: flavors shrank"):
        certificate.verify(made, signature, SIGNER.public, now(), (listed, SIGNER.sign(listed)))
    with pytest.raises(Refused, match="list of revoked certificates: was altered"):
        certificate.verify(made, signature, SIGNER.public, now(), (empty, SIGNER.sign(listed)))


def test_the_key_follows_from_the_secret_alone() -> None:
    assert Signer("secret").public == SIGNER.public
    assert Signer("Secret").public != SIGNER.public
