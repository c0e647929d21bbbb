# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""`scs records`: each call of Ansible as ARA records it, in a browser."""

from __future__ import annotations

import sys
from typing import Any

import click

from scs.errors import Problem, ScsError


@click.command()
@click.option("--port", default=8000, show_default=True, help="Serve the pages here.")
@click.option("--on", "only_on", is_flag=True, help="Only start to record; serve nothing.")
@click.option("--off", is_flag=True, help="Record no more, and remove the records.")
@click.pass_obj
def records(options: dict[str, Any], port: int, only_on: bool, off: bool) -> None:
    """Record each call of Ansible with ARA, and serve its pages until ended.

    The first time it brings ARA. From then on each `up` is recorded. The pages are for this
    machine only (127.0.0.1): they have no login.
    """
    from scs.cli.main import _spec
    from scs.engine import records as keeping
    from scs.paths import Paths

    spec, _ = _spec(options)
    paths = Paths.of(spec.name)
    if off:
        keeping.switch_off(paths)
        click.echo("Nothing is recorded any more.")
        return
    if not paths.state.exists():
        raise ScsError(Problem(f"cloud {spec.name}", "has never been up", "scs up"))
    keeping.install(paths.cache)
    keeping.switch_on(paths)
    if only_on:
        click.echo("Each `scs up` is recorded from now on. To see: scs records")
        return
    click.echo(f"Records of cloud {spec.name}: http://127.0.0.1:{port} (Ctrl-C ends it)", err=True)
    sys.exit(keeping.serve(paths, f"127.0.0.1:{port}"))
