# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""`scs nodes`: what is done to the nodes themselves, while the cloud on them serves."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from scs.errors import BadInput, Problem, ScsError
from scs.plan.updates import Lot, Update, When

if TYPE_CHECKING:
    from scs.engine.looking import Look
    from scs.engine.recording import Recording
    from scs.engine.session import Session
    from scs.engine.updates.looking import Outlook, Wish
    from scs.engine.updates.note import Note
    from scs.engine.updates.run import Done


@click.command()
@click.argument("names", metavar="[NODE]...", nargs=-1)
@click.option(
    "--reboot",
    type=click.Choice([when.value for when in When]),
    default=When.NEEDED.value,
    show_default=True,
    help="When a node restarts; needed: when something would run on with what was replaced.",
)
@click.option("--no-packages", is_flag=True, help="Upgrade none: only restart.")
@click.option("--canary", metavar="NODE", help="The node that goes first.")
@click.option(
    "--pause-after",
    type=click.IntRange(min=1),
    metavar="N",
    help="End after so many nodes; the same command goes on.",
)
@click.option("--stop-guests", is_flag=True, help="Shut down guests that can't move meanwhile.")
@click.option("--allow-unwell", is_flag=True, help="Go on although something is not well now.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def update(
    options: dict[str, Any],
    names: tuple[str, ...],
    reboot: str,
    no_packages: bool,
    canary: str | None,
    pause_after: int | None,
    stop_guests: bool,
    allow_unwell: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Upgrade the Debian packages of all nodes (or of these), and restart them, one at a time.

    Before a node restarts its guests move to others. It must be well again before the next one
    goes. A run that was ended is gone on with by the next one.
    """
    from scs.cli.changing import changing
    from scs.cli.main import _session
    from scs.engine.journal import Result
    from scs.engine.updates.looking import WHERE, Wish

    started = time.time()
    wish = Wish(
        names=names,
        when=When(reboot),
        canary=canary or "",
        stop_guests=stop_guests,
        allow_unwell=allow_unwell,
        packages=not no_packages,
    )
    if dry_run:
        with _session(options, WHERE) as session:
            _, _, found = _seen(session, wish)
            _show(options, session, found, dry=True)
        return
    with changing(options, WHERE, started) as (session, recording, screen):
        look, note, found = _seen(session, wish)
        if found.refusals:
            raise BadInput(*found.refusals)
        if not options["as_json"]:
            _show(options, session, found, dry=False)
        if not found.updates:
            recording.result = Result.NOTHING
            note.plan((), found.looked, [node.name for node in look.view.nodes])
            note.keep()
            _nothing(options, found)
            return
        if not yes:
            count = len(found.updates)
            what = f"{count} node{'s' if count > 1 else ''} would be updated"
            if not sys.stdin.isatty() or options["as_json"]:
                raise BadInput(Problem(WHERE, what, "say yes to it with: scs nodes update --yes"))
            click.confirm("Go on?", default=False, abort=True, err=True)
        screen.start()
        try:
            done = _do(session, recording, look, wish, note, found, pause_after)
        finally:
            screen.close()
        _tell_end(options, done, found.updates[len(done) :], time.time() - started)


def _seen(session: Session, wish: Wish) -> tuple[Look, Note, Outlook]:
    from scs.engine.events import MACHINE
    from scs.engine.updates.looking import outlook
    from scs.engine.updates.note import Note

    if not (session.paths.state / "ca.pem").exists():
        raise ScsError(Problem(f"cloud {session.spec.name}", "has never been up", "scs up"))
    look = session.events.timed(MACHINE, "looking", session.look)
    note = Note.read(session.paths)
    return look, note, outlook(session, look, wish, note)


def _do(
    session: Session,
    recording: Recording,
    look: Look,
    wish: Wish,
    note: Note,
    found: Outlook,
    pause_after: int | None,
) -> list[Done]:
    from scs.engine.updates.run import Run

    # Whoever pauses takes no more of it: what is left stays noted.
    return list(islice(Run(session, recording, look, wish, note).go(found), pause_after))


def _nothing(options: Mapping[str, Any], found: Outlook) -> None:
    if options["as_json"]:
        click.echo(json.dumps({"updated": [], "left": []}))
    else:
        click.echo(f"Nothing to do on {', '.join(found.looked)}.")


def _show(options: Mapping[str, Any], session: Session, found: Outlook, *, dry: bool) -> None:
    """What would be done, in which order, and what users notice."""
    from scs.cli import show
    from scs.cli.screen import seconds_text

    if options["as_json"]:
        refused = [{"where": i.where, "what": i.what, "hint": i.hint} for i in found.refusals]
        nodes = [_values(update) for update in found.updates]
        click.echo(json.dumps({"nodes": nodes, "refused": refused}, indent=2))
        return
    if dry and not found.updates:
        click.echo("Nothing to do.")
    if found.updates:
        rows = [
            (
                str(number),
                update.node.name,
                update.node.zone,
                str(len(update.packages)),
                update.restarts or ("was begun" if update.begun else "no"),
                _guests(update),
            )
            for number, update in enumerate(found.updates, 1)
        ]
        show.table(("", "NODE", "ZONE", "PACKAGES", "RESTARTS", "GUESTS"), rows)
    if dry or options["verbose"]:
        _packages(found.updates)
    seconds = session.journal.expected()
    for update in (item for item in found.updates if item.restarts):
        if update.interrupts:
            took = seconds.get(f"boot:{update.node.name}")
            known = "how long is not known yet" if took is None else seconds_text(took)
            words = ", ".join(update.interrupts)
            click.echo(f"While {update.node.name} restarts ({known}), nobody has: {words}")
        for fate in update.of(Lot.STOPS):
            click.echo(f"{fate.guest.name} on {update.node.name} is stopped meanwhile: {fate.why}")
    if dry:
        for problem in found.refusals:
            click.echo(f"\nWould be refused: {problem}")


def _guests(update: Update) -> str:
    """What becomes of a node's guests, in numbers."""
    counts = {
        "move": len(update.of(Lot.MOVES)),
        "stop": len(update.of(Lot.STOPS)),
        "stay off": len(update.of(Lot.STAYS)),
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


def _packages(updates: Iterable[Update]) -> None:
    from scs.cli import show

    nodes: dict[tuple[str, str, str], list[str]] = {}
    for update in updates:
        for name, (old, new) in update.packages.items():
            nodes.setdefault((name, old or "new", new), []).append(update.node.name)
    if nodes:
        rows = [(*package, " ".join(names)) for package, names in sorted(nodes.items())]
        click.echo("")
        show.table(("PACKAGE", "IS", "COMES", "ON"), rows)
        click.echo("")


def _values(update: Update) -> dict[str, Any]:
    return {
        "node": update.node.name,
        "zone": update.node.zone,
        "packages": {
            name: {"is": old, "comes": new} for name, (old, new) in update.packages.items()
        },
        "restarts": bool(update.restarts),
        "why": update.restarts,
        "begun": update.begun,
        "interrupts": list(update.interrupts),
        "guests": [
            {
                "id": fate.guest.id,
                "name": fate.guest.name,
                "status": fate.guest.status,
                "becomes": fate.lot.value,
                "why": fate.why,
            }
            for fate in update.fates
        ],
    }


def _tell_end(
    options: Mapping[str, Any], done: Sequence[Done], left: Sequence[Update], seconds: float
) -> None:
    from scs.cli import show

    names = [update.node.name for update in left]
    if options["as_json"]:
        values = {"updated": [vars(item) for item in done], "left": names}
        click.echo(json.dumps({**values, "seconds": round(seconds, 1)}, indent=2))
        return
    rows = [
        (
            item.node,
            str(item.packages),
            f"{item.away:.0f} s" if item.restarted else "no",
            ", ".join(f"{guest} → {host or 'deleted'}" for guest, host in item.moved.items()),
            "; ".join(item.behind),
        )
        for item in done
    ]
    show.table(("NODE", "PACKAGES", "AWAY", "GUESTS MOVED", "STILL RUNS"), rows)
    if names:
        click.echo(f"\nPaused. Left: {', '.join(names)}. Go on with the same command.")
    else:
        click.echo(f"\nAll nodes are updated. ({seconds:.1f} s)")


COMMANDS: dict[str, click.Command] = {"update": update}
