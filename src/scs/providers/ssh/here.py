# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What must be on the machine that runs scs before any other is reached by ssh."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scs.errors import Problem
from scs.model.topology import Node
from scs.shell import run


@dataclass(frozen=True)
class Login:
    """How all machines of a cloud are reached."""

    user: str
    key: Path
    known_hosts: Path
    section: str = "ssh"
    """The section of cloud.yaml that says it."""


def of_machine() -> list[Problem]:
    """What is wrong with this machine."""
    if os.geteuid() != 0:
        return [
            Problem(
                "this machine",
                "what nodes get is made here, in file systems of its own: by root only",
                "run the same command with sudo",
            )
        ]
    if shutil.which("ssh") is None or shutil.which("ssh-keygen") is None:
        return [Problem("this machine", "has no ssh", "apt-get install openssh-client")]
    return []


def of_key(login: Login) -> list[Problem]:
    """What is wrong with the key."""
    where = f"{login.section}.key"
    key, public = login.key, login.key.with_suffix(".pub")
    if not key.is_file():
        return [Problem(where, f"there is no file {key}", f"ssh-keygen -t ed25519 -N '' -f {key}")]
    if key.stat().st_mode & 0o077:
        what = f"others may read {key}, so ssh does not take it"
        return [Problem(where, what, f"chmod 600 {key}")]
    asked: list[str | Path] = ["ssh-keygen", "-y", "-P", "", "-f", key]
    if not run(asked, timeout=10, check=False).startswith(("ssh-", "ecdsa-", "sk-")):
        what = f"{key} is no private key, or has a passphrase, and nobody is there to type"
        return [Problem(where, what, f"ssh-keygen -p -N '' -f {key}")]
    if not public.is_file():
        what = f"there is no file {public}, which the first project's user gets"
        return [Problem(where, what, f"ssh-keygen -y -f {key} > {public}")]
    return []


def of_host_keys(login: Login, nodes: Sequence[Node]) -> list[Problem]:
    """Whether anything is known by which the machines can be told from others."""
    hosts = login.known_hosts
    if hosts.is_file():
        return []
    addresses = " ".join(str(node.address) for node in nodes)
    hint = (
        f"ssh-keyscan -p {nodes[0].ssh_port} {addresses} > {hosts}, and compare each key with the "
        "machine's own (ssh-keygen -lf): whoever answers there is trusted from then on"
    )
    return [Problem(f"{login.section}.known_hosts", f"there is no file {hosts}", hint)]
