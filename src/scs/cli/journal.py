# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""`scs journal`: who did what to the cloud, when, and how it went."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from scs.errors import BadInput, Problem

if TYPE_CHECKING:
    from scs.engine.journal import Entry, Journal, Run


@click.group(invoke_without_command=True)
@click.option("-n", "--runs", default=20, show_default=True, help="How many, the newest first.")
@click.pass_context
def journal(ctx: click.Context, /, runs: int) -> None:
    """Show the runs: when, who, which command, how many steps, how it ended."""
    if ctx.invoked_subcommand:
        return
    options: dict[str, Any] = ctx.obj
    found = _journal(options).runs()[:runs]
    if options["as_json"]:
        click.echo(json.dumps({"runs": [_values(run) for run in found]}, indent=2))
        return
    if not found:
        click.echo("Nothing was done yet.")
        return
    from scs.cli.show import table

    rows = [
        (
            run.id,
            _when(run.start.at),
            run.start.by,
            run.start.command,
            str(_steps(run)),
            run.result.value,
            _seconds(run.seconds),
        )
        for run in found
    ]
    table(("RUN", "WHEN", "WHO", "COMMAND", "STEPS", "RESULT", "TOOK"), rows)


@journal.command()
@click.argument("run")
@click.pass_obj
def show(options: dict[str, Any], run: str) -> None:
    """Show one RUN (its id, the beginning of it, or `last`): steps, diffs, results."""
    runs = _journal(options).runs()
    found = runs[:1] if run == "last" else [item for item in runs if item.id.startswith(run)]
    if len(found) != 1:
        what = "more than one run begins like that" if found else f"there is no run {run}"
        raise BadInput(Problem("journal", what, "scs journal"))
    item = found[0]
    if options["as_json"]:
        steps = [asdict(entry) for entry in item.steps]
        click.echo(json.dumps({**_values(item), "steps_done": steps}, indent=2))
        return
    start = item.start
    versions = ", ".join(f"{name} {version}" for name, version in start.versions.items())
    rows = [
        ("run", item.id),
        ("when", _when(start.at)),
        ("who", f"{start.by} on {start.host}"),
        ("command", start.command),
        ("versions", versions),
        ("result", f"{item.result.value} after {_seconds(item.seconds)}"),
    ]
    for name, text in rows:
        click.echo(f"{name:<9} {text}")
    if item.end and item.end.error:
        click.echo(click.style(item.end.error, fg="red"))
    for entry in item.steps:
        _show_step(entry, start.at, diffs=not options["quiet"])
    done = {(entry.where, entry.step) for entry in item.steps}
    left = [f"{step} on {where}" for where, step in item.announced if (where, step) not in done]
    if left:
        click.echo(f"announced, but not done: {len(left)} steps")
        for text in left[: None if options["verbose"] else 10]:
            click.echo(f"  {text}")


def _show_step(entry: Entry, begin: float, *, diffs: bool) -> None:
    mark = click.style("✓", fg="green") if entry.ok else click.style("✗", fg="red")
    effects = f" [{', '.join(entry.effects)}]" if entry.effects else ""
    at = entry.started - begin
    text = f"{entry.where}: {entry.step} {entry.reason}".rstrip()
    click.echo(f"{at:7.1f} s {mark} {text}{effects} ({_seconds(entry.seconds)})")
    lines = entry.diff.splitlines() if diffs else []
    for line in [*lines, *entry.error.splitlines()]:
        if not line.startswith(("---", "+++")):
            click.echo(f"            {line}")


def _journal(options: dict[str, Any]) -> Journal:
    from scs.cli.main import _spec
    from scs.engine.journal import Journal
    from scs.paths import Paths

    spec, _ = _spec(options)
    return Journal(Paths.of(spec.name).state / "journal.jsonl")


def _steps(run: Run) -> int:
    """How many steps of its plan were done."""
    announced = set(run.announced)
    return sum((entry.where, entry.step) in announced for entry in run.steps)


def _values(run: Run) -> dict[str, Any]:
    return {
        "run": run.id,
        "at": run.start.at,
        "by": run.start.by,
        "host": run.start.host,
        "command": run.start.command,
        "versions": dict(run.start.versions),
        "announced": len(run.announced),
        "steps": _steps(run),
        "result": run.result.value,
        "seconds": round(run.seconds, 3),
        "error": run.end.error if run.end else "",
    }


def _when(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def _seconds(seconds: float) -> str:
    from scs.cli.screen import seconds_text

    return seconds_text(seconds)
