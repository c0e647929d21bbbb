# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Operators' own playbooks: the inventory as Ansible reads it, and hooks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scs.engine import inventory
from scs.engine.hooks import Hooks, find
from scs.engine.session import Session
from scs.errors import BadInput, StepFailed
from scs.plan.plan import Plan, Step
from scs.resources import File
from scs.spec import load

SPEC = """\
name: pb
nodes:
  - {name: node-1}
  - {name: compute-2, roles: [compute]}
"""


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setenv("SCS_STATE", str(tmp_path / "state"))
    (tmp_path / "cloud.yaml").write_text(SPEC)
    return Session(load(tmp_path / "cloud.yaml"), tmp_path, "test")


def test_ansible_reads_the_script_that_was_written(session: Session, tmp_path: Path) -> None:
    script = tmp_path / "inventory"
    inventory.write_script(session, script)
    program = Path(sys.executable).with_name("ansible-inventory")
    done = subprocess.run(
        [program, "-i", script, "--list"],
        env=inventory.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    read = json.loads(done.stdout)
    assert read["cloud"]["hosts"] == ["node-1", "compute-2"]
    assert read["role_compute"]["hosts"] == ["node-1", "compute-2"]
    assert read["role_control"]["hosts"] == ["node-1"]
    assert read["component_nova_compute"]["hosts"] == ["node-1", "compute-2"]
    assert read["component_mariadb"]["hosts"] == ["node-1"]
    told = read["_meta"]["hostvars"]["compute-2"]
    assert told["ansible_host"] == "10.21.0.12"
    assert told["scs_roles"] == ["compute"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("before-keyston.yml", "did you mean before-keystone.yml?"),
        ("during-keystone.yml", "before-NAME.yml or after-NAME.yml"),
        ("keystone.yaml", "before-NAME.yml or after-NAME.yml"),
    ],
)
def test_a_hook_of_no_component_is_named(tmp_path: Path, name: str, hint: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(BadInput, match=name) as caught:
        find(tmp_path, ["keystone", "nova-compute"])
    assert hint in str(caught.value)


def test_hooks_are_found(tmp_path: Path) -> None:
    for name in ("before-keystone.yml", "after-nova-compute.yaml", "notes.txt"):
        (tmp_path / name).touch()
    found = find(tmp_path, ["keystone", "nova-compute"])
    assert {key: path.name for key, path in found.items()} == {
        ("before", "keystone"): "before-keystone.yml",
        ("after", "nova-compute"): "after-nova-compute.yaml",
    }


LOCAL = "vars: {ansible_connection: local}"
PLAY = """\
- hosts: cloud
  connection: local
  gather_facts: false
  tasks:
    - copy: {content: "{{ ansible_play_hosts }}", dest: "%s"}
      delegate_to: localhost
      run_once: true
"""


def plan(component: str) -> Plan:
    file = File(name="/etc/a", content="a", component=component)
    step = Step(file.id, "compute-2", component, "is missing")
    return Plan((), {"compute-2": ((step, file),)}, ())


def test_hooks_run_where_their_component_has_steps(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "hooks"
    folder.mkdir()
    for time in ("before", "after"):
        # The connection of the inventory would win over the play's.
        text = (PLAY % (tmp_path / time)).replace(
            "tasks:", "vars: {ansible_connection: local}\n  tasks:"
        )
        (folder / f"{time}-libvirt.yml").write_text(text)
    assert not Hooks(session, plan("nova"))
    hooks = Hooks(session, plan("libvirt"))
    assert hooks
    hooks.before()
    assert "compute-2" in (tmp_path / "before").read_text()
    assert not (tmp_path / "after").exists()
    # Killed here: the next run has nothing to do, but this.
    left = Hooks(session, Plan((), {}, ()))
    assert left
    left.before()
    left.after()
    assert "compute-2" in (tmp_path / "after").read_text()
    assert not Hooks(session, Plan((), {}, ()))


def test_a_hook_that_fails_stops_the_run(session: Session, tmp_path: Path) -> None:
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "before-libvirt.yml").write_text(
        "- hosts: cloud\n  gather_facts: false\n  vars: {ansible_connection: local}\n"
        "  tasks: [{fail: {msg: not today}}]\n"
    )
    with pytest.raises(StepFailed, match="not today"):
        Hooks(session, plan("libvirt")).before()
