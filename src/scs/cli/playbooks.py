# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Operators' own playbooks: `inventory` and `run`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from scs.errors import BadInput, Problem

if TYPE_CHECKING:
    from scs.engine.session import Session

Open = Callable[[dict[str, Any], str], "Session"]


def register(commands: click.Group, opened: Open) -> None:
    """Add the commands; `opened` makes a session for a command of that name."""

    @commands.command()
    @click.option("--list", "listed", is_flag=True, help="All nodes and groups (the default).")
    @click.option("--host", metavar="NODE", help="The variables of one node.")
    @click.option(
        "--write",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Write an executable for `ansible-playbook -i FILE`; it follows cloud.yaml.",
    )
    @click.pass_obj
    def inventory(
        options: dict[str, Any], listed: bool, host: str | None, write: Path | None
    ) -> None:
        """Print the nodes as an Ansible inventory: groups by role and by component."""
        del listed
        from scs.engine import inventory as nodes

        with opened(options, "inventory") as session:
            if write:
                nodes.write_script(session, write)
                click.echo(f"Wrote {write}. Try it with: ansible -i {write} cloud -m ping")
                return
            values = nodes.of(session)
        if host is not None:
            known = values["_meta"]["hostvars"]
            if host not in known:
                hint = f"there are: {', '.join(known)}"
                raise BadInput(Problem("inventory", f"no node {host}", hint))
            values = known[host]
        click.echo(json.dumps(values, indent=2))

    @commands.command(
        "run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
    )
    @click.argument("playbook", type=click.Path(exists=True, dir_okay=False))
    @click.argument("words", nargs=-1, type=click.UNPROCESSED)
    @click.pass_obj
    def play(options: dict[str, Any], playbook: str, words: tuple[str, ...]) -> NoReturn:
        """Run a PLAYBOOK of your own on the nodes, with further arguments of ansible-playbook."""
        from scs.engine.inventory import environment
        from scs.engine.inventory import playbook as command

        with opened(options, "run") as session:
            session.ssh(session.spec.nodes()[0].name)  # says so when there is no cloud
            argv = command(session, [playbook, *words])
        os.execve(argv[0], argv, environment())
