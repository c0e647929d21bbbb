# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Sessions whose machines OpenTofu makes: what is planned, and what OpenTofu is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import fake_tofu
from paper.world import World
from scs.engine.session import Session
from scs.providers.ssh import SshProvider
from scs.providers.tofu import TofuProvider, folder
from scs.release import built
from scs.shell import quiet
from scs.spec import CloudSpec


def spec(**tofu: Any) -> CloudSpec:
    written = {
        "name": "paper",
        "provider": "tofu",
        "dns": ["9.9.9.9"],
        "tofu": {
            "key": "id",
            "image": "Debian 13",
            "size": "SCS-8V-32",
            "program": fake_tofu.__file__,
            "zones": {"east": "az-1"},
            "openstack": {
                "cloud": "there",
                "clouds_file": "right.yaml",
                "external_network": "public",
            },
            **tofu,
        },
        "nodes": [
            {"name": "node-1", "zone": "east", "size": "SCS-16V-64"},
            {"name": "node-2", "zone": "west", "roles": ["compute"]},
        ],
    }
    return CloudSpec.model_validate(written)


def provider(session: Session) -> TofuProvider:
    found = session.provider
    assert isinstance(found, TofuProvider)
    return found


@pytest.fixture
def session(empty: World, monkeypatch: pytest.MonkeyPatch) -> Session:
    """Of a cloud of which nothing is there yet."""
    monkeypatch.setattr("os.geteuid", lambda: 0)
    (empty.folder / "id.pub").write_text("ssh-ed25519 AAAA me\n")
    (empty.folder / "right.yaml").write_text("clouds: {there: {}}\n")
    return Session(spec(), empty.folder, "plan")


def test_what_will_be_made_is_planned(session: Session) -> None:
    look = session.look()
    assert [(step.id, step.component) for step in look.plan.machine] == [
        ("node:node-1", "tofu"),
        ("node:node-2", "tofu"),
    ]
    assert look.plan.machine[1].reason == (
        "does not exist: a machine of openstack in zone west, SCS-8V-32, from Debian 13 (compute)"
    )
    assert "in zone az-1, SCS-16V-64" in look.plan.machine[0].reason
    assert not session.paths.state.exists(), "a plan leaves no trace"


def test_the_way_to_the_machines(session: Session) -> None:
    found = provider(session)
    link = found.connection(session.spec.nodes()[1])
    assert (link.host, link.user) == ("10.21.0.12", "debian")
    assert link.key == session.folder / "id"
    assert link.known_hosts == folder(session.paths) / "known_hosts"
    assert isinstance(found._there, SshProvider)


def test_what_is_written_is_what_cloud_yaml_says(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = provider(session)
    monkeypatch.setattr(found, "_await", lambda *_: None)
    monkeypatch.setattr(found, "preflight", list)
    monkeypatch.setattr(SshProvider, "create", lambda *_: None)
    monkeypatch.setattr(built, "build", lambda _cache, program, _say: Path("/built", program.name))
    found.create(session.spec.nodes())
    at = folder(session.paths)
    servers = json.loads((at / "main.tf.json").read_text())["resource"][
        "openstack_compute_instance_v2"
    ]
    assert {
        name: (block["flavor_name"], block["availability_zone_hints"])
        for name, block in servers.items()
    } == {"node_node-1": ("SCS-16V-64", "az-1"), "node_node-2": ("SCS-8V-32", "west")}
    assert len((at / "known_hosts").read_text().splitlines()) == 2
    (plugin,) = at.glob("plugins/*/*/*/*/*/*")
    assert str(plugin.readlink()) == "/built/terraform-provider-openstack"
    session.keep_secrets()
    again = Session(session.spec, session.folder, "plan")
    (trusted,) = (
        line
        for line in (at / "known_hosts").read_text().splitlines()
        if line.startswith("10.21.0.11 ")
    )
    key = provider(again)._plans.host_key("node-1")
    assert trusted == f"10.21.0.11 {key.public}", "they are kept with the cloud's secrets"


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"program": "nowhere"}, "tofu.program", "is no program"),
    ({"plugins": "nowhere"}, "tofu.plugins", "there is no folder"),
    (
        {"openstack": {"clouds_file": "clouds.yaml", "cloud": "a", "router": "r"}},
        "tofu.openstack.clouds_file",
        "there is no file",
    ),
    ({"openstack": {"router": "r"}}, "tofu.openstack.cloud", "has no OS_AUTH_URL"),
    (
        {"openstack": {"clouds_file": "right.yaml", "cloud": "b", "router": "r"}},
        "tofu.openstack.cloud",
        "right.yaml has no entry b",
    ),
]


@pytest.mark.parametrize(("said", "where", "told"), WRONG)
def test_what_is_wrong_is_told_with_its_place(
    session: Session,
    said: dict[str, Any],
    where: str,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OS_AUTH_URL", raising=False)
    wrong = Session(spec(**said), session.folder, "up")
    (problem,) = provider(wrong)._plans.problems()
    assert problem.where == where
    assert told in problem.what
    assert problem.hint


@pytest.mark.parametrize(
    ("text", "told"),
    [("clouds: {a: {}}\n", ""), ("clouds: [a\n", "is no YAML, line 2"), ("[]\n", "has no entry a")],
)
def test_clouds_yaml(session: Session, text: str, told: str) -> None:
    file = session.folder / "clouds.yaml"
    file.write_text(text)
    openstack = {"clouds_file": "clouds.yaml", "cloud": "a", "router": "r"}
    found = Session(spec(openstack=openstack), session.folder, "up")
    problems = provider(found)._plans.problems()
    assert [told in item.what for item in problems] == ([True] if told else [])
    assert provider(found)._program._environment == {"OS_CLIENT_CONFIG_FILE": str(file)}


def test_a_plugin_from_nowhere(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VSPHERE_USER", raising=False)
    monkeypatch.setenv("VSPHERE_PASSWORD", "x")
    said = spec().model_dump(by_alias=True)
    said["tofu"] |= {
        "platform": "vmware",
        "size": "8x32",
        "registry": False,
        "openstack": {},
        "networks": {"management": "a", "tunnel": "b", "external": "c"},
        "vmware": {"server": "v", "datacenter": "d", "cluster": "c", "datastore": "s"},
    }
    for node in said["nodes"]:
        node["size"] = ""
    wrong = Session(CloudSpec.model_validate(said), session.folder, "up")
    problems = provider(wrong)._plans.problems()
    assert [item.where for item in problems] == ["tofu.registry", "tofu.vmware"]


def test_a_program_is_built_once_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = tmp_path / "go"
    go.mkdir()
    program = go / "lib/python3.1/site-packages/go/bin/go"
    program.parent.mkdir(parents=True)
    program.write_text(
        "#!/bin/sh\n"
        "case $PWD in */module) ;; *) exit 3 ;; esac\n"
        "[ -f go.mod ] && [ -f go.sum ] || exit 4\n"
        'while [ $# -gt 0 ]; do [ "$1" != -o ] || out=$2; shift; done\n'
        'printf \'%s %s\' "$GOFLAGS" "$GOTOOLCHAIN" >"$out"\n'
        "exit $BROKEN\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr("scs.release.here.install", lambda *_: go)
    cache = tmp_path / "cache"
    monkeypatch.setenv("BROKEN", "1")
    with pytest.raises(Exception, match="ended with 1"):
        built.build(cache, built.OPENTOFU, quiet)
    assert list(cache.iterdir()) == [], "nothing is left that looks complete"
    monkeypatch.setenv("BROKEN", "0")
    monkeypatch.setenv("GOFLAGS", "-p=1")
    made = built.build(cache, built.OPENTOFU, quiet)
    assert made.read_text() == "-p=1 -mod=readonly -modcacherw -buildvcs=false local"
    assert list(cache.iterdir()) == [made.parent]
    program.unlink()
    assert built.build(cache, built.OPENTOFU, quiet) == made


def test_what_is_built_is_what_is_asked_for() -> None:
    from scs.providers.tofu import PLATFORMS

    text = built.OPENSTACK_PLUGIN.locks[0].read_text()
    version = PLATFORMS["openstack"].version
    assert f"{built.OPENSTACK_PLUGIN.package} v{version} " in text
