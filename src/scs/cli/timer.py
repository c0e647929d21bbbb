# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""`scs timer`: commands that this machine's systemd runs by itself."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scs.errors import BadInput, Problem

if TYPE_CHECKING:
    from scs.engine.timer import Job, Timer


def timers() -> dict[str, Timer]:
    """All that there are."""
    from scs.engine.timer import Timer

    known = (
        Timer(
            "renew",
            "renew certificates that end soon",
            ("secrets", "rotate", "--due", "--yes"),
            calendar="*-*-* 03:30:00",
            cron="30 3 * * *",
        ),
        Timer(
            "backup",
            "make a backup",
            ("backup", "create"),
            calendar="*-*-* 02:30:00",
            cron="30 2 * * *",
        ),
        Timer(
            "watch",
            "start the guests of a lost node elsewhere",
            ("watch", "--evacuate"),
            calendar="",
            cron="",
        ),
    )
    return {item.name: item for item in known}


@click.command("list")
@click.pass_obj
def list_(options: dict[str, Any]) -> None:
    """Show the timers that there are, and which are enabled for this cloud."""
    from scs.cli import show

    jobs = [_job(options, name) for name in timers()]
    if options["as_json"]:
        values = [{"timer": job.timer.name, "enabled": job.enabled} for job in jobs]
        click.echo(json.dumps(values, indent=2))
        return
    show.table(
        ("TIMER", "DOES", "WHEN", "ENABLED"),
        [
            (
                job.timer.name,
                job.timer.summary,
                job.timer.calendar or "all the time",
                "yes" if job.enabled else "no",
            )
            for job in jobs
        ],
    )


@click.command()
@click.argument("name")
@click.pass_obj
def enable(options: dict[str, Any], name: str) -> None:
    """Have the timer NAME run for this cloud."""
    job = _job(options, name)
    job.enable()
    if not options["quiet"]:
        look = "status" if job.timer.lasting else "list-timers"
        click.echo(f"{job.started} is enabled: systemctl {look} {job.started}")


@click.command()
@click.argument("name")
@click.pass_obj
def disable(options: dict[str, Any], name: str) -> None:
    """Remove the timer NAME of this cloud."""
    _job(options, name).disable()


def _job(options: dict[str, Any], name: str) -> Job:
    from scs.engine.timer import Job
    from scs.spec import load

    known = timers()
    if name not in known:
        raise BadInput(Problem("timer", f"no timer {name}", f"there are: {', '.join(known)}"))
    path: Path = options["path"]
    program = Path(os.environ.get("SCS_PROG", "scs")).absolute()
    return Job.of(known[name], load(path).name, str(program), path.absolute())


def disable_all(options: dict[str, Any]) -> None:
    """Remove all timers of a cloud that is going away."""
    for name in timers():
        _job(options, name).disable()


COMMANDS: dict[str, click.Command] = {"list": list_, "enable": enable, "disable": disable}
