# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What changes in a cloud: from outside, in cloud.yaml, by hand, killed half-way, forbidden."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from typing import Any

import jsonschema

from launched import NAME, SPEC, STORY, Cloud

pytestmark = STORY


def test_what_others_take_away_comes_back(cloud: Cloud) -> None:
    before = cloud.changed()
    subprocess.run(["nft", "delete", "table", "inet", f"scs_{NAME}"], check=True)
    changes = cloud.json("plan", code=2)["changes"]
    assert [change["step"] for change in changes] == ["network:nat"]
    cloud.run("up", "--yes")
    assert cloud.json("plan")["changes"] == []
    assert cloud.changed() == before


def test_a_policy_stops_a_change(cloud: Cloud) -> None:
    before = cloud.changed()
    policy = cloud.folder / "policy"
    policy.mkdir()
    text = 'package main\ndeny_today contains "not today" if { count(input.plan.changes) > 0 }\n'
    (policy / "today.rego").write_text(text)
    assert "kept" in cloud.run("policy", "test")
    cloud.file.write_text(SPEC + "config: {nova: {DEFAULT: {cpu_allocation_ratio: 3.5}}}\n")
    cloud.run("policy", "test", code=3)
    cloud.run("up", "--yes", code=3)
    assert cloud.changed() == before
    shutil.rmtree(policy)
    cloud.file.write_text(SPEC)
    assert cloud.json("plan")["changes"] == []


def test_two_runs_at_once_are_refused(cloud: Cloud) -> None:
    holder = subprocess.Popen(
        ["flock", str(cloud.state / NAME / "lock"), "sleep", "60"], start_new_session=True
    )
    try:
        time.sleep(0.5)
        cloud.run("up", code=5)
    finally:
        os.killpg(holder.pid, signal.SIGKILL)
        holder.wait()


def test_one_changed_option_restarts_who_reads_it(cloud: Cloud) -> None:
    cloud.file.write_text(SPEC + "config: {keystone: {token: {expiration: 7200}}}\n")
    before = cloud.changed()
    kept = cloud.folder / "kept.plan"
    plan = cloud.json("plan", "--out", str(kept), code=2)
    jsonschema.validate(plan, json.loads(cloud.run("schema", "plan")))
    steps = [change["step"] for change in plan["changes"]]
    assert steps == ["file:/etc/keystone/keystone.conf", "unit:keystone.service"]
    assert "+expiration = 7200" in plan["changes"][0]["diff"]
    assert not any(secret in json.dumps(plan) for secret in cloud.secrets().values())
    assert cloud.json("drift")["drift"] == [], "a changed cloud.yaml is no drift"
    cloud.run("up", str(kept))
    cloud.told_the_truth(plan)
    cloud.run("up", str(kept), code=3)
    after = cloud.changed()
    assert {name for name in after if after[name] != before.get(name)} == {"keystone.service"}
    assert "expiration = 7200" in cloud.ssh("grep ^expiration /etc/keystone/keystone.conf")
    assert cloud.json("plan")["changes"] == []


def test_killed_change_is_continued(cloud: Cloud) -> None:
    cloud.file.write_text(SPEC + "config: {keystone: {token: {expiration: 7100}}}\n")
    cloud.killed("node-1: file:/etc/keystone/keystone.conf", 0.0, "up", "--yes")
    cloud.run("up", "--yes")
    assert cloud.json("plan")["changes"] == []
    assert "7100" in cloud.ssh("grep ^expiration /etc/keystone/keystone.conf")


def test_what_others_call_the_same_is_theirs(cloud: Cloud) -> None:
    def admin(*words: str) -> str:
        return cloud.run("openstack", "--os-cloud", f"{NAME}-admin", *words).strip()

    kinds = (["network"], ["router"], ["security", "group"])
    names = ("demo", "demo", "ssh")
    made = [
        (*kind, "delete", admin(*kind, "create", name, "-f", "value", "-c", "id"))
        for kind, name in zip(kinds, names, strict=True)
    ]
    try:
        assert cloud.json("plan")["changes"] == []
    finally:
        for words in made:
            admin(*words)


def test_what_was_changed_by_hand_is_found_and_put_right(cloud: Cloud) -> None:
    cloud.run("openstack", "--os-cloud", f"{NAME}-admin", "flavor", "delete", "SCS-16V-32")
    # Placement's account: nothing that is looked at in the API comes from its tables, so what
    # is seen does not depend on how long its connections from before still serve.
    cloud.ssh(
        "echo '# by hand' >> /etc/haproxy/haproxy.cfg; systemctl stop glance-api;"
        " mariadb -e \"SET PASSWORD FOR 'placement'@'%' = PASSWORD('other')\""
    )
    drift = {item["thing"]: item for item in cloud.json("drift", code=2)["drift"]}
    assert {name: item["component"] for name, item in drift.items()} == {
        "file:/etc/haproxy/haproxy.cfg": "haproxy",
        "unit:glance-api.service": "glance",
        "database:placement": "mariadb",
        "flavor:SCS-16V-32": "flavors",
    }
    plan = cloud.json("plan", code=2)
    found = {change["step"] for change in plan["changes"]}
    expected = {
        "file:/etc/haproxy/haproxy.cfg",
        "unit:haproxy.service",
        "unit:glance-api.service",
        "database:placement",
        "flavor:SCS-16V-32",
    }
    assert expected <= found
    status = cloud.json("status", code=6)
    assert not status["healthy"]
    assert [item["unit"] for item in status["down"]] == ["glance-api.service"]
    cloud.run("up", "--yes")
    cloud.told_the_truth(plan)
    assert cloud.json("drift")["drift"] == []
    assert cloud.json("plan")["changes"] == []


ALL = "used_in_default_sg: true, used_in_non_default_sg: true"
INSIDE = "direction: ingress, remote_group_id: PARENT, used_in_default_sg: true"
DEFAULT_RULES = (
    f"direction: egress, ethertype: IPv4, {ALL}",
    f"direction: egress, ethertype: IPv6, {ALL}",
    f"{INSIDE}, ethertype: IPv4",
    f"{INSIDE}, ethertype: IPv6",
    f"direction: egress, ethertype: IPv4, protocol: tcp, port_range_min: 80, {ALL}",
)
"""Neutron's own and one more, which opens nothing that is not open."""


def test_what_a_provider_has_in_the_api_is_code(cloud: Cloud) -> None:
    cloud.file.write_text(
        SPEC
        + "tenant: {quota: {instances: 15, floating_ips: 7, volumes: 21}}\n"
        + "content:\n"
        + "  projects: [{name: shop, description: the shop, quota: {cores: 3, gigabytes: 77}}]\n"
        + '  aggregates: [{name: fast, nodes: [node-1], properties: {ssd: "true"}}]\n'
        + "  default_security_group_rules:\n"
        + "".join(f"  - {{{rule}}}\n" for rule in DEFAULT_RULES)
    )
    plan = cloud.json("plan", code=2)
    made = {"project:shop", "quota:demo", "quota:shop", "network-quota:demo", "volume-quota:shop"}
    made |= {"aggregate:fast", "default-security-group-rules:all"}
    assert made <= {change["step"] for change in plan["changes"]}
    cloud.run("up", "--yes")
    cloud.told_the_truth(plan)
    assert cloud.json("plan")["changes"] == []

    def asked(*words: str) -> Any:
        answer = cloud.run("openstack", "--os-cloud", f"{NAME}-admin", *words, "-f", "json")
        return json.loads(answer)

    def limits(project: str) -> dict[str, int]:
        return {item["Resource"]: item["Limit"] for item in asked("quota", "show", project)}

    first, shop = limits("demo"), limits("shop")
    assert (first["instances"], first["floating_ips"], first["volumes"]) == (15, 7, 21)
    assert (shop["cores"], shop["gigabytes"]) == (3, 77)
    # Somebody does by hand what the file says otherwise.
    admin = ("openstack", "--os-cloud", f"{NAME}-admin")
    cloud.run(*admin, "quota", "set", "--cores", "500", "shop")
    cloud.run(*admin, "aggregate", "remove", "host", "fast", "node-1")
    rule = ("default", "security", "group", "rule")
    cloud.run(*admin, *rule, "create", "--protocol", "tcp", "--dst-port", "22", "--for-custom-sg")
    drift = {item["thing"]: item["component"] for item in cloud.json("drift", code=2)["drift"]}
    assert drift == {
        "quota:shop": "nova",
        "aggregate:fast": "aggregates",
        "default-security-group-rules:all": "security-groups",
    }
    cloud.run("up", "--yes")
    assert limits("shop")["cores"] == 3
    assert asked("aggregate", "show", "fast")["hosts"] == ["node-1"]
    assert len(asked(*rule, "list")) == len(DEFAULT_RULES)
    cloud.file.write_text(SPEC)
    cloud.run("up", "--yes")
    assert asked("aggregate", "list") == []
    assert "shop" in [item["Name"] for item in asked("project", "list")]
    cloud.run(*admin, "project", "delete", "shop")
    assert cloud.json("plan")["changes"] == []
