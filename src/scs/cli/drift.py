# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""`scs drift`: what somebody has changed by hand, and who owns it by rights."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from scs.errors import Exit, ScsError

if TYPE_CHECKING:
    from scs.engine.applied import Drift


@click.command()
@click.option(
    "--watch",
    type=click.IntRange(min=1),
    metavar="SECONDS",
    help="Look again and again, and tell of each change when it is found, until ended.",
)
@click.option("--accept", is_flag=True, help="Take what `up` leaves alone as it is now.")
@click.pass_obj
def drift(options: dict[str, Any], watch: int | None, accept: bool) -> None:
    """Tell what was changed by hand since the last `up`, and who owns it.

    On nodes and in the cloud's API. A changed cloud.yaml is no drift: see `plan`. Nothing is
    put back. Ends with 0 when there is none and with 2 when there is.
    """
    if watch is not None:
        _watch(options, watch)
    found = _look(options, accept=accept)
    if options["as_json"]:
        click.echo(json.dumps({"drift": [item.values() for item in found]}, indent=2))
    elif not found:
        click.echo("No drift: everything is as scs has left it.")
    else:
        for item in found:
            click.echo(_line(item))
            if options["verbose"]:
                for line in item.diff.splitlines():
                    click.echo(f"      {line}")
        count = f"{len(found)} {'thing' if len(found) == 1 else 'things'}"
        click.echo(f"{count} not as scs has left {'it' if len(found) == 1 else 'them'}.")
        if any(item.mended for item in found):
            click.echo("To put them back: scs up")
        if not all(item.mended for item in found):
            click.echo("To take what `up` leaves alone as it is now: scs drift --accept")
    if found:
        sys.exit(Exit.CHANGES)


def _look(options: dict[str, Any], *, accept: bool = False) -> list[Drift]:
    from scs.cli.main import _session
    from scs.engine.applied import accept as take
    from scs.engine.applied import drift as find
    from scs.engine.state import lock

    with _session(options, "drift") as session:
        look = session.look()
        found = find(session, look)
        if accept:
            with lock(session.paths, "drift --accept"):
                take(session, look, found)
            found = [item for item in found if item.mended]
        return found


def _line(item: Drift) -> str:
    where = click.style(item.where, bold=True)
    owner = f"{item.component}; {item.declared}" if item.declared else item.component
    left = "" if item.mended else ", which `up` leaves alone"
    return f"{where}: {item.thing} {item.what}{left}  ({owner})"


def _watch(options: dict[str, Any], seconds: int) -> None:
    """A line (or an event as JSON) for each thing that changes, and that is right again."""
    from scs.cli import show

    known: dict[tuple[str, str], Drift] = {}
    while True:
        started = time.monotonic()
        try:
            found = {(item.where, item.thing): item for item in _look(options)}
        except ScsError as error:
            if error.exit_code != Exit.FAILED:
                raise
            show.event(options, "unseen", {"what": str(error)}, f"could not look: {error}")
        else:
            for key, item in found.items():
                if key not in known or known[key].what != item.what:
                    show.event(options, "changed", item.values(), _line(item))
            for key, item in known.items():
                if key not in found:
                    text = f"{item.where}: {item.thing} is as it was again"
                    show.event(options, "right", item.values(), text)
            known = found
        time.sleep(max(0.0, seconds - (time.monotonic() - started)))
