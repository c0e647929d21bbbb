# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""`scs evacuate`: the guests of a lost node start elsewhere; `scs watch`: by itself."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from scs.errors import BadInput, Exit, Problem, ScsError

if TYPE_CHECKING:
    from scs.engine.evacuation.looking import Ways
    from scs.engine.evacuation.run import Outcome
    from scs.engine.evacuation.watching import News
    from scs.engine.session import Session
    from scs.model.view import View
    from scs.plan.evacuation import Situation

SESSION_SECONDS = 300
"""How long `watch` goes on with what it has read of cloud.yaml and secrets."""


@click.command()
@click.argument("node")
@click.option(
    "--dry-run", is_flag=True, help="Only tell what would be done, and what speaks against it."
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask before the node is ended.")
@click.pass_obj
def evacuate(options: dict[str, Any], node: str, dry_run: bool, yes: bool) -> None:
    """Start the guests of a lost NODE elsewhere.

    Only when all signs say that it is lost. It is switched off for sure first; without a way to
    do that nothing is done. A run that was ended is gone on with by the next one. When the node
    is back, `scs up` takes it into the cloud again.
    """
    from scs.cli.main import _session

    started = time.time()
    if dry_run:
        with _session(options, "evacuate") as session:
            view, ways = _begin(session, node)
            _show(options, ways, _seen(session, view, ways, node), dry=True)
        return
    if not yes and not options["as_json"] and sys.stdin.isatty():
        with _session(options, "evacuate") as session:
            view, ways = _begin(session, node)
            found = _seen(session, view, ways, node)
            _show(options, ways, found, dry=False)
            _refuse(found)
        click.confirm(f"End {node} and start its guests elsewhere?", abort=True, err=True)
    elif not yes:
        what = f"{node} would be ended, with all that still runs there"
        raise BadInput(Problem("evacuate", what, f"say yes to it with: scs evacuate {node} --yes"))
    outcomes = _evacuate(options, node, started)
    _tell_end(options, node, outcomes, time.time() - started)
    if not all(item.host for item in outcomes):
        sys.exit(Exit.FAILED)


def _evacuate(options: dict[str, Any], node: str, started: float) -> Sequence[Outcome]:
    """Look anew and do it, under the lock and with a record."""
    from scs.cli.main import _session
    from scs.cli.screen import Screen
    from scs.engine.backup.note import refuse_unfinished
    from scs.engine.evacuation.run import evacuate as evacuate_now
    from scs.engine.journal import Result
    from scs.engine.recording import Recording
    from scs.engine.state import lock

    with _session(options, "evacuate") as session, lock(session.paths, f"evacuate {node}"):
        session.reread()
        refuse_unfinished(session.paths)
        view, ways = _begin(session, node)
        found = _seen(session, view, ways, node)
        _refuse(found)  # a watcher's tries are no runs
        screen = Screen(session, options, started)
        screen.start()
        try:
            with Recording(session, started) as recording:
                outcomes = evacuate_now(session, ways, found)
                if not all(item.host for item in outcomes):
                    recording.result = Result.FAILED
            return outcomes
        finally:
            screen.close()


def _begin(session: Session, node: str) -> tuple[View, Ways]:
    from scs.engine.evacuation.looking import Ways

    names = [item.name for item in session.spec.nodes()]
    if node and node not in names:
        raise BadInput(Problem("evacuate", f"no node {node}", f"there are: {', '.join(names)}"))
    if not (session.paths.state / "ca.pem").exists():
        raise ScsError(Problem(f"cloud {session.spec.name}", "has never been up", "scs up"))
    view = session.view()
    return view, Ways.of(session, view)


def _seen(session: Session, view: View, ways: Ways, node: str) -> Situation:
    from scs.engine.evacuation.looking import situation
    from scs.plan.plan import API

    try:
        return situation(session, view, ways, node)
    except RuntimeError as error:
        hint = "nothing can be done without Nova: scs status"
        raise ScsError(Problem(API, str(error), hint)) from error


def _refuse(found: Situation) -> None:
    from scs.engine.evacuation.run import refuse

    refuse(found)


def _show(options: dict[str, Any], ways: Ways, found: Situation, *, dry: bool) -> None:
    """What would be done, and what speaks against it."""
    from scs.cli import show
    from scs.engine.evacuation.looking import lacking
    from scs.plan.evacuation import refusals

    against = tuple(refusals(found))
    cramped = lacking(ways, found)
    if options["as_json"]:
        values = {
            "node": found.node,
            "lost": found.verdict.gone,
            "why": found.verdict.why,
            "targets": found.targets,
            "guests": [
                {
                    "id": fate.guest.id,
                    "name": fate.guest.name,
                    "status": fate.guest.status,
                    "moves": fate.moves,
                    "room": None if cramped is None else fate.guest.id not in cramped,
                    "why": fate.why,
                    "hint": fate.hint,
                }
                for fate in found.fates
            ],
            "refused": [{"what": item.what, "hint": item.hint} for item in against],
        }
        click.echo(json.dumps(values, indent=2))
        return
    lost = "is lost" if found.verdict.gone else "is not lost for sure"
    click.echo(f"{click.style(found.node, bold=True)} {lost}: {found.verdict.why}")
    click.echo(f"Guests could go to: {', '.join(found.targets) or 'nowhere'}")
    if found.fates:
        click.echo("")
        show.table(
            ("GUEST", "STATUS", "WOULD", "BECAUSE"),
            [
                (
                    fate.guest.name,
                    fate.guest.status,
                    "find no room"
                    if fate.guest.id in (cramped or ())
                    else "start elsewhere"
                    if fate.moves
                    else "stay",
                    f"{fate.why}: {fate.hint}" if fate.hint else fate.why,
                )
                for fate in found.fates
            ],
        )
    else:
        click.echo("Nova knows no guests on it.")
    if dry:
        for item in against:
            click.echo(f"\nWould be refused: {item}")


def _tell_end(
    options: dict[str, Any], node: str, outcomes: Sequence[Outcome], seconds: float
) -> None:
    from scs.cli import show
    from scs.engine.evacuation.watching import told, values

    if options["as_json"]:
        click.echo(
            json.dumps({"node": node, "seconds": round(seconds, 1), **values(outcomes)}, indent=2)
        )
        return
    if outcomes:
        show.table(
            ("GUEST", "NOW ON", "SECONDS", "WHAT WENT WRONG"),
            [
                (item.guest.name, item.host or "not moved", f"{item.seconds:.1f}", item.why)
                for item in outcomes
            ],
        )
        click.echo("")
    click.echo(f"{node} {told(outcomes)}. ({seconds:.1f} s)")
    click.echo("When it is back: scs up")


@click.command()
@click.option("--evacuate", "acts", is_flag=True, help="Start the guests of a lost node elsewhere.")
@click.option(
    "--interval",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    metavar="SECONDS",
    help="How often.",
)
@click.pass_obj
def watch(options: dict[str, Any], acts: bool, interval: int) -> None:
    """Look all the time whether a node is lost, and tell it, until ended.

    With --evacuate it does what `scs evacuate NODE --yes` does. `scs timer enable watch` has this
    machine's systemd run it so.
    """
    from scs.cli import show
    from scs.cli.main import _session
    from scs.engine.evacuation.watching import Watch

    # Nobody looks at the progress of a service: its lines are what it tells.
    silent = {**options, "quiet": True}
    memory = Watch((lambda node: _evacuate(silent, node, time.time())) if acts else None)
    unwell, begun = "", False
    while True:
        with _session(silent, "watch") as session:
            view, ways = _begin(session, "")
            end = time.monotonic() + SESSION_SECONDS
            while time.monotonic() < end:
                started = time.monotonic()
                try:
                    for news in memory.round(session, view, ways):
                        _news(options, news)
                except RuntimeError as error:
                    if not unwell:
                        show.event(options, "unseen", {"what": str(error)}, f"can't look: {error}")
                    unwell, end = str(error), 0.0
                else:
                    if unwell or not begun:
                        names = [node.name for node in view.nodes]
                        show.event(
                            options, "watching", {"nodes": names}, f"watching {', '.join(names)}"
                        )
                    unwell, begun = "", True
                time.sleep(max(0.0, interval - (time.monotonic() - started)))


def _news(options: dict[str, Any], news: News) -> None:
    from scs.cli import show

    known = {"node": news.node, "what": news.text, **news.values}
    show.event(options, news.event, known, f"{news.event} {news.node}: {news.text}")
