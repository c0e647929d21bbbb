# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a run leaves, whoever ends it: nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fake_openstack.cloud import PROJECT, FakeOpenStack
from scs.certify import traces
from scs.certify.cloud import MARKS
from scs.certify.run import certify
from scs.certify.tempest import crew, sweep
from scs.certify.tempest.suite import Tempest
from tempest_world import OLD, THINGS, asked, examined, scope_of


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


def test_a_worker_that_can_no_longer_be_told_to_end_is_ended(
    cloud: FakeOpenStack, python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = crew.Worker.order
    started: list[subprocess.Popen[bytes]] = []

    def order(self: crew.Worker, line: str) -> None:
        started.append(self._process)
        if line == "end":
            raise BrokenPipeError
        real(self, line)

    monkeypatch.setattr(crew.Worker, "order", order)
    home = tmp_path / "home"
    home.mkdir()
    with pytest.raises(BrokenPipeError):
        examined(asked(), python, home, "test_good")
    assert started
    assert all(process.returncode is not None for process in started)
    assert list(home.iterdir()) == []


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
