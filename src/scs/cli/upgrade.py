# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The end of an upgrade from one release to the next."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from scs.errors import BadInput, Problem


@click.command()
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def finish(options: dict[str, Any], yes: bool) -> None:
    """Finish an upgrade: no way leads back to the release before afterwards.

    Rows of the databases get the form of the new release, and what only the release before needs
    is taken away. Services go on meanwhile.
    """
    from scs.cli import policy as policies
    from scs.cli import show
    from scs.cli.changing import applied, changing
    from scs.engine.upgrade import WHERE, look_to_finish
    from scs.plan.upgrade import held

    started = time.time()
    with changing(options, WHERE, started) as (session, recording, screen):
        look = look_to_finish(session)
        back = held(look.observed)
        policies.enforce(session, look, ())
        if not yes:
            what = f"gives up the way back to {back}; from then on only a backup leads there"
            if not sys.stdin.isatty() or options["as_json"]:
                raise BadInput(Problem(WHERE, what, "scs upgrade finish --yes"))
            click.echo(f"This {what} (scs backup list).", err=True)
            click.confirm("Go on?", default=False, abort=True, err=True)

        screen.plan(look.plan)
        screen.start()
        try:
            look = applied(session, look, recording, screen)
        finally:
            screen.close()
        show.summary(session, look, options, started)


COMMANDS: dict[str, click.Command] = {"finish": finish}
