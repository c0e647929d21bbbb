# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The tofu provider on machines of paper, with a program in OpenTofu's place."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import fake_tofu
from paper.there import node
from scs.engine.host_keys import host_key
from scs.errors import Problem, ScsError
from scs.providers import Connection
from scs.providers.reach import Said
from scs.providers.tofu import (
    Program,
    Secrets,
    Tools,
    folder,
)
from scs.providers.tofu.program import settings
from tofu_cloud import MadeCloud

PROGRAM = Path(fake_tofu.__file__)
SERVER = "openstack_compute_instance_v2.node_node-{}"


class Cloud(MadeCloud):
    """A cloud by the program in OpenTofu's place."""

    def __init__(self, at: Path) -> None:
        tools = Tools(PROGRAM, None, registry=False)
        super().__init__(at, tools, lambda number: SERVER.format(number) in self.state)

    @property
    def state(self) -> Mapping[str, Any]:
        file = folder(self.paths) / fake_tofu.STATE
        return dict(json.loads(file.read_text())) if file.exists() else {}

    @property
    def calls(self) -> list[list[Any]]:
        lines = (folder(self.paths) / "calls").read_text().splitlines()
        return [json.loads(line) for line in lines]


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setenv("SCS_PATIENCE", "1")
    monkeypatch.setattr("scs.providers.tofu.provider.PACE", 0.0)
    return Cloud(tmp_path)


def test_a_look_before_there_is_anything_leaves_no_trace(cloud: Cloud) -> None:
    provider = cloud.run(1)
    assert provider.preflight() == []
    assert provider.observe() == {}
    assert provider.lacks() == []
    assert provider.known() == {}
    assert [item.level for item in provider.examine()] == ["ok"]
    assert provider.absent(node(1)) == (
        "does not exist: a machine of openstack, SCS-8V-32, from Debian 13"
    )
    assert not cloud.paths.state.exists()


def test_machines_are_made_and_become_nodes(cloud: Cloud) -> None:
    provider = cloud.up(1, 2)
    assert SERVER.format(1) in cloud.state
    assert cloud.machines["10.9.0.11"].lines["mark"] == f"mine {cloud.provider.id}"
    assert provider.lacks() == []
    assert provider.preflight() == []
    assert set(provider.known()) == {"node-1", "node-2"}
    assert [item.level for item in provider.examine()] == ["ok"] * 3
    link = provider.connection(node(2))
    assert (link.host, link.user) == ("10.9.0.12", "debian")
    assert f"10.9.0.12 {host_key('node-2').public}\n" in link.known_hosts.read_text()


def test_secrets_lie_in_no_file(cloud: Cloud) -> None:
    cloud.up(1)
    private = host_key("node-1").private.splitlines()[2]
    for file in folder(cloud.paths).iterdir():
        if file.is_file() and file.name != "calls":
            assert private not in file.read_text(), file
    assert {"TF_ENCRYPTION", "TF_VAR_host_keys", "TF_CLI_CONFIG_FILE"} <= set(cloud.calls[0][-1])
    assert stat.S_IMODE((folder(cloud.paths) / "main.tf.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder(cloud.paths).stat().st_mode) == 0o700


def test_whoever_runs_scs_does_not_change_what_is_done(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CLI_ARGS_apply", "-destroy")
    cloud.up(1)
    assert all("TF_CLI_ARGS_apply" not in call[-1] for call in cloud.calls)


def test_a_second_run_changes_nothing(cloud: Cloud) -> None:
    cloud.up(1, 2)
    before, calls = cloud.state, len(cloud.calls)
    cloud.booted.clear()
    provider = cloud.run(1, 2)
    provider.create(provider.nodes)
    assert cloud.state == before
    assert [call[0] for call in cloud.calls[calls:]] == ["init", "plan", "show"]
    assert cloud.booted == [], "nobody waits for what is there"


def test_a_machine_that_can_not_be_made(cloud: Cloud) -> None:
    folder(cloud.paths).mkdir(parents=True)
    fail = folder(cloud.paths) / "fail"
    fail.write_text(SERVER.format(2))
    provider = cloud.run(1, 2)
    with pytest.raises(ScsError, match="no room for openstack_compute_instance_v2") as caught:
        provider.create(provider.nodes)
    assert "run the same command again" in caught.value.problems[0].hint
    again = cloud.run(1, 2)
    assert again.preflight() == [], "what is no node yet keeps nobody from going on"
    assert {name: at.running for name, at in again.observe().items()} == {
        "node-1": False,
        "node-2": False,
    }
    fail.unlink()
    cloud.up(1, 2)


def test_what_was_begun_and_is_not_wanted_goes(cloud: Cloud) -> None:
    folder(cloud.paths).mkdir(parents=True)
    fail = folder(cloud.paths) / "fail"
    fail.write_text(SERVER.format(3))
    provider = cloud.run(1, 2, 3)
    with pytest.raises(ScsError):
        provider.create(provider.nodes)
    fail.unlink()
    assert SERVER.format(2) in cloud.state
    cloud.up(1)
    assert SERVER.format(2) not in cloud.state
    assert set(cloud.run(1).known()) == {"node-1"}


def test_a_machine_that_does_not_boot(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scs.providers.tofu.provider.BOOT_SECONDS", 0.0)
    monkeypatch.setattr(cloud, "talk", lambda *_: Said(255, "", "Connection refused"))
    provider = cloud.run(1)
    with pytest.raises(ScsError, match="is not ready after 0 s: Connection refused"):
        provider.create(provider.nodes)
    monkeypatch.undo()
    monkeypatch.setattr("os.geteuid", lambda: 0)
    cloud.up(1)


def test_a_node_leaves_alone(cloud: Cloud) -> None:
    cloud.up(1, 2)
    provider = cloud.run(1)
    assert set(provider.observe()) == {"node-1", "node-2"}
    cloud.size = "SCS-16V-64"  # not now: a machine goes, and nothing else is done
    provider.stop("node-2")
    provider.remove_node("node-2")
    assert not any("node-2" in address for address in cloud.state)
    assert cloud.state[SERVER.format(1)]["flavor_name"] == "SCS-8V-32"
    assert set(provider.known()) == {"node-1"}
    assert not any("node-2" in line for line in cloud.machines["10.9.0.11"].lines["host"])
    provider.remove_node("node-2")


def test_a_silent_node_can_leave(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.up(1, 2)
    provider = cloud.run(1)

    def talk(link: Connection, words: str, given: str | Path, seconds: float) -> Said:
        if link.host == "10.9.0.12":
            return Said(255, "", "No route to host")
        return cloud.talk(link, words, given, seconds)

    monkeypatch.setattr(provider._there, "_talk", talk)
    provider.stop("node-2")
    provider.remove_node("node-2")
    assert SERVER.format(2) not in cloud.state


def test_a_node_that_is_still_to_go_stays_as_it_is(cloud: Cloud) -> None:
    cloud.up(1, 2)
    cloud.size = "SCS-16V-64"
    provider = cloud.run(1, 3)
    provider.create(provider.nodes)
    flavors = {number: cloud.state[SERVER.format(number)]["flavor_name"] for number in (1, 2, 3)}
    assert flavors == {1: "SCS-16V-64", 2: "SCS-8V-32", 3: "SCS-16V-64"}


def test_another_size_is_planned_and_done(cloud: Cloud) -> None:
    cloud.up(1)
    cloud.size = "SCS-16V-64"
    provider = cloud.run(1)
    (lack,) = provider.lacks()
    assert (lack.name, lack.reason) == ("machines", "node-1 are not as they were made")
    cloud.up(1)
    assert cloud.state[SERVER.format(1)]["flavor_name"] == "SCS-16V-64"
    assert cloud.run(1).lacks() == []


def test_nothing_is_made_anew_by_destroying_it(cloud: Cloud) -> None:
    cloud.up(1)
    before = cloud.state
    cloud.plugs = {**cloud.plugs, "management": "office"}
    provider = cloud.run(1)
    assert provider.lacks(), "it is told before"
    with pytest.raises(ScsError, match="nothing is made anew by destroying it") as caught:
        provider.create(provider.nodes)
    assert {item.where for item in caught.value.problems} == {"provider tofu"}
    assert cloud.state == before
    assert cloud.run(1).lacks(), "and still is"


def test_a_lost_machine_is_not_made_anew_unasked(cloud: Cloud) -> None:
    provider = cloud.up(1)
    state = {key: value for key, value in cloud.state.items() if key != SERVER.format(1)}
    (folder(cloud.paths) / fake_tofu.STATE).write_text(json.dumps(state))
    (problem,) = provider.preflight()
    assert "no route to it" in problem.what
    with pytest.raises(ScsError):
        provider.create(provider.nodes)
    assert SERVER.format(1) not in cloud.state


def test_down_takes_all_and_nothing_else(cloud: Cloud) -> None:
    cloud.up(1, 2)
    secrets = cloud.paths.state / "secrets.age"
    secrets.write_text("kept until the cloud is forgotten")
    provider = cloud.run(1)  # cloud.yaml may say anything by now
    provider.remove()
    assert {path.name for path in cloud.paths.state.iterdir()} <= {"secrets.age", "nodes"}
    assert provider.known() == {}
    provider.remove()


def test_what_is_wrong_here_is_told_before_anything(cloud: Cloud) -> None:
    cloud.problems = [Problem("tofu.program", "is no program", "name one")]
    cloud.login.key.chmod(0o644)
    provider = cloud.run(1)
    assert [item.where for item in provider.preflight()] == ["tofu.key", "tofu.program"]
    with pytest.raises(ScsError):
        provider.create(provider.nodes)
    assert not cloud.paths.state.exists()


def test_a_plugin_that_was_built_is_the_only_one(cloud: Cloud, tmp_path: Path) -> None:
    plugin = tmp_path / "plugin"
    plugin.write_text("")
    cloud.tools = Tools(PROGRAM, None, registry=False, built=plugin)
    cloud.up(1)
    (found,) = folder(cloud.paths).glob("plugins/example.org/space/kind/1.2.3/linux_*/*")
    assert found.name == "terraform-provider-kind"
    assert found.resolve() == plugin
    assert "direct" not in (folder(cloud.paths) / "tofu.rc").read_text()


def test_where_plugins_come_from() -> None:
    assert "direct {}" in settings(None, registry=True)
    both = settings(Path('/srv/a "b"'), registry=True)
    assert 'path = "/srv/a \\"b\\""' in both
    assert "direct {}" in both


SLOW = """\
#!{python}
import pathlib, signal, sys, time

def end(*_):
    pathlib.Path("ended").write_text("noted\\n")
    sys.exit(1)

signal.signal(signal.SIGINT, end)
print("making a machine", flush=True)
time.sleep(60)
"""


def test_what_is_interrupted_ends_in_order(tmp_path: Path) -> None:
    program = tmp_path / "slow"
    # Not a shell: where SIGINT is ignored, as behind nohup, a shell can't trap it. OpenTofu can.
    program.write_text(SLOW.format(python=sys.executable))
    program.chmod(0o755)
    found = Program(
        tmp_path,
        lambda _say: Tools(program, None, registry=False),
        lambda: Secrets("a passphrase", {}),
        {},
    )

    def say(line: str) -> None:
        if line == "making a machine":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        found.begin(say)
    assert (tmp_path / "ended").read_text() == "noted\n"
