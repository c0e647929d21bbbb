# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The real OpenTofu with the real plugin for OpenStack, against an API in OpenStack's place.

Both are built from Go modules, which takes minutes, so only where that was done before:
`python -m scs.release build`. What has no plugin here is read as far as OpenTofu alone can.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from fake_openstack.machines import OpenStackForMachines
from fake_openstack.serving import clouds_yaml, serving
from fake_openstack.tls import Authority, good_tls
from paper.there import NETWORKS
from scs.engine.host_keys import host_key
from scs.errors import CommandFailed, ScsError
from scs.providers.tofu import PLATFORMS, Program, Secrets, Tools, folder
from scs.providers.tofu.cloud_init import HOST_KEYS
from scs.providers.tofu.configuration import configuration, text_of
from scs.release import built
from scs.shell import quiet
from tofu_cloud import MadeCloud
from tofu_site import SAID, site

CACHE = Path(os.environ.get("SCS_CACHE", "/var/cache/scs"))
TOFU, PLUGIN = built.place(CACHE, built.OPENTOFU), built.place(CACHE, built.OPENSTACK_PLUGIN)

pytestmark = [
    pytest.mark.host,
    pytest.mark.skipif(
        not (TOFU.is_file() and PLUGIN.is_file()),
        reason="OpenTofu was not built: python -m scs.release build",
    ),
]


@pytest.fixture
def there(tmp_path: Path) -> Iterator[OpenStackForMachines]:
    authority = Authority(tmp_path)
    made = OpenStackForMachines()
    made.image("Debian 13")["id"] = "d" * 32
    made.add("servers", {"name": "theirs", "status": "ACTIVE"})
    with serving(made, good_tls(authority.server())):
        clouds_yaml(made, tmp_path, authority.path)
        yield made


@pytest.fixture
def cloud(
    tmp_path: Path, there: OpenStackForMachines, monkeypatch: pytest.MonkeyPatch
) -> MadeCloud:
    monkeypatch.setattr("scs.providers.tofu.provider.PACE", 0.0)
    tools = Tools(TOFU, None, registry=False, built=PLUGIN)
    made = MadeCloud(tmp_path, tools, lambda number: f"node-{number}" in there.names("servers"))
    made.options["cloud"] = "fake"
    made.environment = {"OS_CLIENT_CONFIG_FILE": str(tmp_path / "clouds.yaml")}
    made.size = "SCS-1V-4"
    return made


def test_machines_come_change_and_go(cloud: MadeCloud, there: OpenStackForMachines) -> None:
    cloud.up(1, 2)
    assert there.names("servers") == ["node-1", "node-2", "theirs"]
    assert there.names("networks") == [
        "public",
        "scs-mine-external",
        "scs-mine-management",
        "scs-mine-tunnel",
    ]
    told = there.user_data("node-1")
    assert told.startswith("#cloud-config\n")
    read = yaml.safe_load(told)
    assert read["ssh_keys"]["ed25519_private"] == host_key("node-1").private
    plan = json.loads(read["write_files"][0]["content"])["network"]["ethernets"]
    macs = {port["name"]: port["mac_address"] for port in there.all("ports") if "name" in port}
    assert {entry["match"]["macaddress"] for entry in plan.values()} == {
        macs[f"scs-mine-node-1-{network}"] for network in NETWORKS
    }
    ports = {port["name"]: port for port in there.all("ports") if "name" in port}
    assert ports["scs-mine-node-1-external"]["port_security_enabled"] is False
    assert ports["scs-mine-node-1-external"]["fixed_ips"] == []

    before = list(there.seen)
    provider = cloud.run(1, 2)
    assert provider.lacks() == []
    provider.create(provider.nodes)
    changing = [line for line in there.seen[len(before) :] if not line.startswith("GET")]
    assert changing == ["POST /identity/v3/auth/tokens"] * len(changing), "nothing to do"

    cloud.size = "SCS-2V-4"
    assert cloud.run(1, 2).lacks()
    cloud.up(1, 2)
    sizes = {flavor["id"]: flavor["name"] for flavor in there.flavors}
    servers = [one for one in there.all("servers") if one["name"] != "theirs"]
    assert {sizes[one["flavor"]["id"]] for one in servers} == {"SCS-2V-4"}

    cloud.run(1).remove_node("node-2")
    assert there.names("servers") == ["node-1", "theirs"]
    assert not any("node-2" in name for name in there.names("ports"))

    cloud.run(1).remove()
    assert there.names("servers") == ["theirs"]
    assert there.names("networks") == ["public"]
    for kind in ("ports", "subnets", "routers", "security_groups"):
        assert not [name for name in there.names(kind) if name.startswith("scs-")], kind


def test_nothing_secret_is_in_a_file(cloud: MadeCloud) -> None:
    cloud.up(1)
    private = host_key("node-1").private
    lines = private.splitlines()[1:-1]
    files = [path for path in folder(cloud.paths).rglob("*") if path.is_file()]
    assert folder(cloud.paths) / "terraform.tfstate" in files
    for file in files:
        if not file.is_symlink():
            data = file.read_bytes()
            assert not any(line.encode() in data for line in lines), file
    for name in ("main.tf.json", "terraform.tfstate", "tofu.rc", "applied.json"):
        assert not (folder(cloud.paths) / name).stat().st_mode & 0o077, name


def test_a_network_that_is_too_wide(cloud: MadeCloud, there: OpenStackForMachines) -> None:
    there.largest = 1450
    provider = cloud.run(1)
    with pytest.raises(ScsError, match="maximum is 1450"):
        provider.create(provider.nodes)
    assert there.names("servers") == ["theirs"]
    there.largest = 9000
    cloud.up(1)
    networks = [one for one in there.names("networks") if one.startswith("scs-")]
    assert len(networks) == len(set(networks)) == 3, "it went on from there"


def test_what_would_be_made_anew_is_refused(cloud: MadeCloud, there: OpenStackForMachines) -> None:
    cloud.up(1)
    known = {one["name"]: one["id"] for one in there.all("servers")}
    cloud.plugs = {**cloud.plugs, "tunnel": "public"}
    there.add("subnets", {"network_id": there.outside["id"], "cidr": "10.9.1.0/24"})
    provider = cloud.run(1)
    with pytest.raises(ScsError, match="nothing is made anew by destroying it"):
        provider.create(provider.nodes)
    assert {one["name"]: one["id"] for one in there.all("servers")} == known


def test_another_image_is_no_reason(cloud: MadeCloud, there: OpenStackForMachines) -> None:
    cloud.disk = 20
    cloud.up(1)
    known = {one["name"]: one["id"] for one in there.all("servers")}
    there.image("Debian 13")["id"] = "f" * 32
    provider = cloud.run(1)
    provider.create(provider.nodes)
    assert {one["name"]: one["id"] for one in there.all("servers")} == known


def test_wrong_words_are_told(cloud: MadeCloud) -> None:
    cloud.size = "SCS-None"
    provider = cloud.run(1)
    with pytest.raises(ScsError, match="SCS-None") as caught:
        provider.create(provider.nodes)
    assert caught.value.problems[0].where == "OpenTofu"


@pytest.mark.parametrize("disk", [0, 100])
def test_the_plugin_takes_the_configuration(tmp_path: Path, disk: int) -> None:
    run(tmp_path, "openstack", Tools(TOFU, None, registry=False, built=PLUGIN), disk=disk)


@pytest.mark.parametrize("platform", sorted(set(SAID) - {"openstack"}))
def test_what_has_no_plugin_here_can_be_read(tmp_path: Path, platform: str) -> None:
    """OpenTofu reads all of it, and then misses just the plugin, by the right name."""
    with pytest.raises(CommandFailed) as caught:
        run(tmp_path, platform, Tools(TOFU, tmp_path, registry=False))
    told = str(caught.value).replace("\n", " ")
    assert PLATFORMS[platform].plugin in told
    assert "Failed to query available provider packages" in told


def run(at: Path, platform: str, tools: Tools, **changes: Any) -> None:
    """Begin, and have the plugin judge the configuration."""
    wanted = replace(site(platform), **changes)
    (at / "main.tf.json").write_text(text_of(configuration(PLATFORMS[platform], wanted)))
    keys = {machine.name: "" for machine in wanted.machines}
    program = Program(
        at, lambda _say: tools, lambda: Secrets("a passphrase of it", {HOST_KEYS: keys}), {}
    )
    program.begin(quiet)
    program._run(quiet, "validate")
