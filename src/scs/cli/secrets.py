# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""`scs secrets`: which there are, one's value, and rotating them while the cloud serves."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import click

from scs.errors import BadInput, Problem

DAY = 86400


@click.command("list")
@click.pass_obj
def list_(options: dict[str, Any]) -> None:
    """Show all secrets: of what kind, how old, who reads them; never their values."""
    from scs.cli import show
    from scs.cli.main import _session
    from scs.engine.rotation import listed

    with _session(options, "secrets list") as session:
        found = listed(session)
    now = time.time()
    if options["as_json"]:
        click.echo(json.dumps([item.__dict__ for item in found], indent=2))
        return
    show.table(
        ("SECRET", "KIND", "AGE", "ENDS", "READ BY", "ROTATION"),
        [
            (
                item.name,
                item.kind,
                _days(now - item.made) if item.made else "",
                _days(item.ends - now, future=True) if item.ends else "",
                ", ".join(item.readers),
                item.state,
            )
            for item in found
        ],
    )


def _days(seconds: float, *, future: bool = False) -> str:
    days = int(seconds // DAY)
    if days < 0:
        return f"{-days} days ago"
    text = "today" if days == 0 else f"{days} day{'s' if days > 1 else ''}"
    return f"in {text}" if future and days else text


@click.command()
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Also where no terminal is: into a pipe or a file.")
@click.pass_obj
def show(options: dict[str, Any], name: str, yes: bool) -> None:
    """Print the value of the secret NAME, to a terminal only."""
    from scs.cli.main import _session

    if not yes and not sys.stdout.isatty():
        hint = "--yes prints it there nevertheless"
        raise BadInput(Problem("secrets show", "the output is no terminal", hint))
    with _session(options, "secrets show") as session:
        if name not in list(session.secrets):
            raise BadInput(Problem("secrets show", f"no secret {name}", "scs secrets list"))
        account = session.secrets.credentials(name)[0]
    if options["as_json"]:
        values = {"name": name, "user": account.user, "value": account.password}
        click.echo(json.dumps(values))
    else:
        click.echo(account.password)


@click.command()
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that can be rotated.")
@click.option("--due", "is_due", is_flag=True, help="Certificates that end within 60 days.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def rotate(
    options: dict[str, Any], names: tuple[str, ...], everything: bool, is_due: bool, yes: bool
) -> None:
    """Replace secrets while the cloud goes on serving.

    NAMES are those of `scs secrets list`, or the start of several: `database`, `certificates`.
    Without any, a rotation that was ended is gone on with.
    """
    from scs.cli.main import _session
    from scs.cli.screen import Screen
    from scs.engine.recording import Recording
    from scs.engine.rotation import chosen, due, listed
    from scs.engine.rotation import rotate as rotate_now
    from scs.engine.state import lock

    started = time.time()
    with (
        _session(options, "secrets rotate", changes=True) as session,
        lock(session.paths, "secrets rotate"),
    ):
        session.reread()
        wanted = [*names, *(due(session) if is_due else ())]
        found = chosen(listed(session), wanted, everything=everything)
        begun = session.secrets.under_way
        if not found and not begun:
            click.echo("Nothing to rotate: name a secret (scs secrets list), or --all.")
            return
        if not yes and not is_due and sys.stdin.isatty() and not options["as_json"]:
            meant = ", ".join(sorted({item.name for item in found} | set(begun)))
            click.confirm(f"Rotate {meant}?", default=True, abort=True, err=True)
        screen = Screen(session, options, started)
        screen.start()
        try:
            with Recording(session, started) as recording:
                rotate_now(session, recording, found, lambda text: click.echo(text, err=True))
        finally:
            screen.close()
    done = sorted({item.name for item in found} | set(begun))
    seconds = time.time() - started
    if options["as_json"]:
        click.echo(json.dumps({"rotated": done, "seconds": round(seconds, 1)}))
    else:
        click.echo(f"Rotated, after {seconds:.1f} s: {', '.join(done)}.")


COMMANDS: dict[str, click.Command] = {"list": list_, "show": show, "rotate": rotate}
