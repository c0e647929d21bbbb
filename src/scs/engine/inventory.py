# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The cloud's nodes as Ansible sees them: for operators' own playbooks."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scs.engine.session import Session
from scs.model.view import View
from scs.private import write_private
from scs.providers import Connection


def variables(link: Connection) -> dict[str, Any]:
    """How Ansible reaches a node."""
    return {
        "ansible_connection": "ssh",
        "ansible_host": link.host,
        "ansible_port": link.port,
        "ansible_user": link.user,
        "ansible_ssh_private_key_file": str(link.key),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={link.known_hosts}"
        " -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes",
        "ansible_python_interpreter": "/usr/bin/python3",
        **({} if link.user == "root" else {"ansible_become": True}),
    }


def group(name: str) -> str:
    """The name of a group: Ansible takes no hyphens."""
    return name.replace("-", "_")


def inventory(view: View, links: Mapping[str, Connection]) -> dict[str, Any]:
    """What a dynamic inventory answers to `--list`.

    Groups: `cloud` with all nodes, `role_NAME` for each role, `component_NAME` for each component.
    """
    hosts = {
        node.name: {
            **variables(links[node.name]),
            "scs_cloud": view.cloud,
            "scs_roles": sorted(node.roles),
            "scs_addresses": {name: str(address) for name, address in node.addresses.items()},
        }
        for node in view.nodes
    }
    groups: dict[str, list[str]] = {"cloud": list(hosts)}
    for node in view.nodes:
        for role in sorted(node.roles):
            groups.setdefault(f"role_{group(role)}", []).append(node.name)
    for part in view.components:
        names = [node.name for node in view.nodes_of(part)]
        groups[f"component_{group(part.name)}"] = names
    return {
        "_meta": {"hostvars": hosts},
        "all": {"children": sorted(groups)},
        **{name: {"hosts": names} for name, names in groups.items()},
    }


def of(session: Session) -> dict[str, Any]:
    """The inventory of a session's cloud."""
    return inventory(session.view(), session.connections())


def write_script(session: Session, path: Path) -> None:
    """Write an executable that asks scs, for `ansible-playbook -i`; it follows cloud.yaml."""
    places = {key: os.environ[key] for key in ("SCS_STATE", "SCS_CACHE") if key in os.environ}
    setting = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in places.items())
    file = session.file or session.folder / "cloud.yaml"
    argv = [sys.executable, "-m", "scs.cli", "--file", str(file.resolve()), "inventory"]
    source = Path(__file__).parents[2]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(
        path,
        f"#!/bin/sh\n# Written by scs: the nodes of the cloud {session.spec.name} for Ansible.\n"
        f"{setting}export PYTHONPATH={shlex.quote(str(source))}\n"
        f'exec {shlex.join(argv)} "$@"\n',
    )
    path.chmod(0o700)


def playbook(session: Session, words: list[str]) -> list[str]:
    """The command that runs a playbook on this cloud's nodes."""
    script = session.paths.state / "inventory"
    write_script(session, script)
    program = Path(sys.executable).with_name("ansible-playbook")
    return [str(program), "--inventory", str(script), *words]


def environment() -> dict[str, str]:
    """This process's environment, with the encoding that Ansible insists on."""
    spoken = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG", "")
    utf8 = spoken.lower().replace("-", "").endswith("utf8")
    return {**os.environ, **({} if utf8 else {"LC_ALL": "C.UTF-8"})}
