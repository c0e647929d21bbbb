# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What OpenTofu is given for each platform, and what of its plans is refused."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scs.engine.host_keys import host_key
from scs.providers.tofu import PLATFORMS
from scs.providers.tofu.changes import changes, refused
from scs.providers.tofu.cloud_init import escaped, netplan, user_data
from scs.providers.tofu.configuration import (
    addresses,
    configuration,
    different,
    text_of,
    with_kept,
    without,
)
from scs.providers.tofu.site import NETWORKS, Site, literal, owner
from tofu_site import SAID, site


def made(wanted: Site, platform: str = "openstack") -> Any:
    return configuration(PLATFORMS[platform], wanted)


def read(text: str, machine: str = "node-1") -> Any:
    """User data as the machine gets it, with everything filled in."""
    key = escaped(host_key(machine).private)
    filled = text.replace("${" + f'var.host_keys["{machine}"]' + "}", key)
    filled = filled.replace("$${", "${").replace("%%{", "%{")
    head, _, rest = filled.partition("\n")
    assert head == "#cloud-config"
    return json.loads(rest)


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


@pytest.mark.parametrize("platform", SAID)
def test_every_reference_leads_somewhere(platform: str) -> None:
    found = made(site(platform, disk=100), platform)
    there = {f"{kind}.{name}" for kind, named in found["resource"].items() for name in named}
    there |= {
        f"data.{kind}.{name}" for kind, named in found.get("data", {}).items() for name in named
    }
    for text in strings([found["resource"], found.get("data", {})]):
        for path in re.findall(r"(?<!\$)\$\{([^}]+)\}", text):
            parts = path.split("[")[0].split(".")
            if parts[0] != "var":
                assert ".".join(parts[: 3 if parts[0] == "data" else 2]) in there, path


@pytest.mark.parametrize("platform", SAID)
def test_the_same_wish_is_the_same_text_without_a_secret(platform: str) -> None:
    text = text_of(made(site(platform), platform))
    assert text == text_of(made(site(platform), platform))
    for name in ("node-1", "node-2"):
        assert host_key(name).private.splitlines()[2] not in text
        assert f'var.host_keys[\\"{name}\\"]' in text
        assert host_key(name).public in text


@pytest.mark.parametrize("platform", SAID)
def test_each_machine_owns_its_parts(platform: str) -> None:
    whole = made(site(platform), platform)
    rest = without(whole, "node-2")
    assert addresses(whole, ["node-2"])
    assert not addresses(rest, ["node-2"])
    assert addresses(rest, ["node-1"]) == addresses(whole, ["node-1"])
    assert different(rest, whole) == ({"node-2"}, False)
    image = made(site(platform, image="Debian 14"), platform)
    assert different(image, whole) == (set(), False), "what machines were made from stays"
    fewer = made(site(platform, machines=site(platform).machines[:1]), platform)
    kept = with_kept(fewer, whole, {"node-2"})
    assert different(kept, whole)[0] == set()
    assert kept.get("data") == whole.get("data")


def test_networks_of_openstack() -> None:
    found = made(site("openstack"))["resource"]
    networks = found["openstack_networking_network_v2"]
    assert networks["cloud_tunnel"]["mtu"] == 1558
    assert networks["cloud_external"]["port_security_enabled"] is False
    assert set(found["openstack_networking_router_interface_v2"]) == {
        "cloud_management",
        "cloud_external",
    }
    ports = found["openstack_networking_port_v2"]
    pairs = [{"ip_address": "10.9.0.3"}, {"ip_address": "10.9.0.4"}]
    assert ports["node_node-1_management"]["allowed_address_pairs"] == pairs
    assert "allowed_address_pairs" not in ports["node_node-2_management"]
    assert ports["node_node-2_tunnel"]["fixed_ip"][0]["ip_address"] == "10.9.1.12"
    outside = ports["node_node-2_external"]
    assert outside["no_fixed_ip"] is True
    assert outside["port_security_enabled"] is False
    server = found["openstack_compute_instance_v2"]["node_node-2"]
    assert server["availability_zone_hints"] == "east"
    assert [part["port"] for part in server["network"]] == [
        "${openstack_networking_port_v2.node_node-2_" + name + ".id}" for name in NETWORKS
    ]


def test_what_is_there_on_openstack_is_not_made() -> None:
    options = {**site("openstack").options, "external_network": "", "router": "office"}
    plugs = {"management": "lan", "tunnel": "", "external": ""}
    found = made(site("openstack", options=options, plugs=plugs))
    assert set(found["resource"]["openstack_networking_network_v2"]) == {
        "cloud_tunnel",
        "cloud_external",
    }
    assert "openstack_networking_router_v2" not in found["resource"]
    assert found["data"]["openstack_networking_router_v2"] == {"cloud": {"name": "office"}}
    subnet = found["data"]["openstack_networking_subnet_v2"]["cloud_management"]
    assert subnet["cidr"] == "10.9.0.0/24"


def test_a_disk_of_its_own_on_openstack() -> None:
    server = made(site("openstack", disk=100))["resource"]["openstack_compute_instance_v2"]
    assert server["node_node-1"]["block_device"][0]["volume_size"] == 100
    assert "image_name" not in server["node_node-1"]


def test_nothing_that_is_written_is_filled_in() -> None:
    evil = '${file("/etc/shadow")} %{ if true }'
    found = made(site("openstack", image=evil))
    server = found["resource"]["openstack_compute_instance_v2"]["node_node-1"]
    assert server["image_name"] == '$${file("/etc/shadow")} %%{ if true }'
    assert literal("5 $ and 10 %") == "5 $ and 10 %"
    text = user_data(
        site("openstack", public_key=f"ssh-ed25519 AAAA {evil}"),
        site("openstack").machines[0],
        dict.fromkeys(NETWORKS, "x"),
    )
    assert "$${file(" in text


def test_what_a_machine_is_told() -> None:
    wanted = site("openstack")
    machine = wanted.machines[0]
    macs = {name: f"fa:16:3e:00:00:0{at}" for at, name in enumerate(NETWORKS)}
    told = read(user_data(wanted, machine, macs))
    assert told["hostname"] == "node-1"
    assert told["ssh_keys"]["ed25519_private"] == host_key("node-1").private
    assert told["users"] == [
        {
            "name": "debian",
            "ssh_authorized_keys": ["ssh-ed25519 AAAA me"],
            "sudo": "ALL=(ALL) NOPASSWD:ALL",
            "shell": "/bin/bash",
            "lock_passwd": True,
        }
    ]
    files = {item["path"]: json.loads(item["content"]) for item in told["write_files"]}
    assert files["/etc/netplan/90-scs.yaml"] == {"network": netplan(wanted, machine, macs)}
    plan = netplan(wanted, machine, macs)["ethernets"]
    assert plan["mgmt0"]["addresses"] == ["10.9.0.11/24"]
    assert plan["mgmt0"]["routes"] == [{"to": "default", "via": "10.9.0.1"}]
    assert plan["tun0"] == {
        "match": {"macaddress": macs["tunnel"]},
        "set-name": "tun0",
        "dhcp4": False,
        "dhcp6": False,
        "accept-ra": False,
        "link-local": [],
        "addresses": ["10.9.1.11/24"],
        "mtu": 1558,
    }
    assert "addresses" not in plan["ext0"]
    root = read(user_data(site("openstack", user="root"), machine, macs))
    assert root["users"] == [{"name": "root", "ssh_authorized_keys": ["ssh-ed25519 AAAA me"]}]
    assert root["disable_root"] is False


def test_libvirt_and_vmware_choose_addresses_of_interfaces() -> None:
    for platform in ("libvirt", "vmware"):
        text = text_of(made(site(platform), platform))
        first = "52:54:00" if platform == "libvirt" else "00:50:56"
        found = set(re.findall(rf"{first}:[0-9a-f]{{2}}:[0-9a-f]{{2}}:[0-9a-f]{{2}}", text))
        assert len(found) == 6
        assert all(int(mac.split(":")[3], 16) < 0x40 for mac in found)


def test_a_clusters_name_may_be_anything() -> None:
    machines = site("vmware").machines
    found = made(site("vmware", machines=machines), "vmware")["data"]["vsphere_compute_cluster"]
    assert {block["name"] for block in found.values()} == {"one", "east"}
    assert all(re.fullmatch(r"cluster_[0-9a-f]+", name) for name in found)


@pytest.mark.parametrize("secret", ["a", "b", "x" * 32])
def test_openssh_takes_the_host_keys(secret: str, tmp_path: Path) -> None:
    key = host_key(secret)
    assert key == host_key(secret)
    file = tmp_path / "key"
    file.write_text(key.private)
    file.chmod(0o600)
    told = subprocess.run(
        ["ssh-keygen", "-y", "-f", file], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == key.public


def change(address: str, *actions: str, paths: Any = ()) -> dict[str, Any]:
    name = address.partition(".")[2]
    told = {"actions": list(actions), "replace_paths": list(paths)}
    return {"address": address, "name": name, "mode": "managed", "change": told}


def test_what_owns_what() -> None:
    assert owner("node_node-1_management") == "node-1"
    assert owner("node_a") == "a"
    assert owner("cloud_management") == ""


REFUSED = [
    (change("x.node_a", "no-op"), (), (), ""),
    (change("x.node_a", "create"), (), (), ""),
    (change("x.node_a", "update"), (), ("x.node_a",), ""),
    (change("x.node_a", "delete"), ("a",), ("x.node_a",), ""),
    (change("x.node_b_tunnel", "delete"), ("a",), (), "destroy x.node_b_tunnel"),
    (change("x.cloud", "delete"), ("a",), (), "destroy x.cloud"),
    (change("x.node_a", "create"), (), ("x.node_a",), "make x.node_a, which was there"),
    (change("x.node_a", "forget"), (), (), "destroy x.node_a"),
    (
        change("x.node_a", "delete", "create", paths=[["network", 0, "uuid"]]),
        (),
        ("x.node_a",),
        "destroy x.node_a, because of network.0.uuid",
    ),
]


@pytest.mark.parametrize(("item", "leaving", "nodes", "told"), REFUSED)
def test_what_is_refused(
    item: dict[str, Any], leaving: tuple[str, ...], nodes: tuple[str, ...], told: str
) -> None:
    problems = refused(changes({"resource_changes": [item]}), leaving, nodes)
    assert [told in problem.what for problem in problems] == ([True] if told else [])
    assert all(problem.hint for problem in problems)
