# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A whole cloud comes up, also when the first run was killed, and is well."""

from __future__ import annotations

import json
import subprocess

import jsonschema

from launched import NAME, ROOT, SPEC, STORY, Cloud, traces

pytestmark = STORY


def test_bad_input_touches_nothing(cloud: Cloud) -> None:
    cloud.file.write_text(SPEC + "netwroks: {}\n")
    cloud.run("up", code=3)
    cloud.file.write_text(SPEC)
    assert not cloud.state.exists()
    assert not any(traces().values())


def test_plan_of_nothing_touches_nothing(cloud: Cloud) -> None:
    plan = cloud.json("plan", code=2)
    jsonschema.validate(plan, json.loads(cloud.run("schema", "plan")))
    steps = {change["step"] for change in plan["changes"]}
    assert {"node:node-1", "unit:keystone.service", "server:hello"} <= steps
    assert not cloud.state.exists()


def test_killed_first_run_is_continued(cloud: Cloud) -> None:
    cloud.killed("unit:mariadb.service", 3.0, "up")
    (run,) = cloud.json("journal")["runs"]
    assert (run["command"], run["result"]) == ("up", "killed")
    assert 0 < run["steps"] < run["announced"]
    summary = cloud.json("up")
    assert summary["server"].startswith("10.31.2.")
    assert [run["result"] for run in cloud.json("journal")["runs"]] == ["done", "killed"]


def test_vm_answers_ssh_at_its_floating_ip(cloud: Cloud) -> None:
    servers = json.loads(cloud.run("openstack", "server", "list", "-f", "json"))
    assert [(item["Name"], item["Status"]) for item in servers] == [("hello", "ACTIVE")]
    address = next(item for item in servers[0]["Networks"]["demo"] if item.startswith("10.31.2."))
    key = cloud.state / NAME / "ssh" / "id_ed25519"
    options = ["-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oLogLevel=ERROR"]
    done = subprocess.run(
        ["ssh", "-i", key, *options, f"scs@{address}", "hostname; uname -s"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["hello", "Linux"], done.stderr


def test_second_run_has_nothing_to_do(cloud: Cloud) -> None:
    before = cloud.changed()
    assert cloud.json("plan")["changes"] == []
    assert cloud.json("up")["changes"] == 0
    assert cloud.changed() == before


def test_status(cloud: Cloud) -> None:
    status = cloud.json("status")
    assert status["healthy"]
    assert all(part["healthy"] for part in status["components"])
    assert status["gauges"]["storage"].endswith(" of 30 GiB used, 3 of 3 disks up")


def test_doctor_finds_the_cloud_well(cloud: Cloud) -> None:
    done = subprocess.run(
        [ROOT / "scs", "--json", "doctor"],
        cwd=cloud.folder,
        env=cloud.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    found = json.loads(done.stdout)
    # How the machine is, is not this test's business.
    machine = {"disk", "memory", "clock", "name resolution", "Debian's archive", "Python's index"}
    bad = [item for item in found if item["level"] == "bad" and item["subject"] not in machine]
    assert not bad
    assert {"mariadb", "rabbitmq", "endpoints", "servers", "certificates"} <= {
        item["subject"] for item in found
    }
