# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""`scs backup` and `scs restore`: what must not be lost, kept elsewhere, proven, brought back."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scs.errors import BadInput, Exit, Problem, ScsError

if TYPE_CHECKING:
    from scs.engine.backup.manifest import Manifest
    from scs.engine.backup.place import Place
    from scs.engine.session import Session

TO = click.option(
    "--to",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder with the backups; by default `backup.to` of cloud.yaml.",
)


def _folder(spec: Any, folder: Path, to: Path | None) -> Path:
    """Where the backups are; raises BadInput when nobody says."""
    if to is not None:
        return to.absolute()
    if not spec.backup.to:
        hint = "backup: {to: /mnt/backup} in cloud.yaml, or --to FOLDER"
        raise BadInput(Problem("backup", "nothing says where backups are", hint))
    found: Path = folder / spec.backup.to
    return found


def _place(session: Session, to: Path | None) -> Place:
    """The place of a cloud's backups; raises BadInput when it is none."""
    from scs.engine.backup.place import Place

    place = Place(_folder(session.spec, session.folder, to), session.spec.name)
    place.check()
    if place.root.resolve().is_relative_to(session.paths.state.resolve()):
        what = "lies in the state folder, which goes with the cloud"
        raise BadInput(Problem(f"backup {place.root}", what, "best on another machine"))
    return place


def staying(session: Session) -> str:
    """What `down` should say of backups that stay, and that nobody may be able to open then."""
    from scs.engine.backup.place import Place

    if not session.spec.backup.to or not session.vault.own:
        return ""
    place = Place(session.folder / session.spec.backup.to, session.spec.name)
    try:
        count = len(place.whole())
    except ScsError:
        return ""  # it can't be looked at now
    if not count:
        return ""
    return (
        f"{count} backups stay in {place.folder}, and {session.vault.identity} goes: without a"
        " copy of it, only keys of secrets.recipients open them"
    )


def _values(manifest: Manifest) -> dict[str, Any]:
    return {**manifest.values(), "size": manifest.size}


@click.command()
@TO
@click.option("--bulk", is_flag=True, help="Also images that lie in files of a node.")
@click.pass_obj
def create(options: dict[str, Any], to: Path | None, bulk: bool) -> None:
    """Make a backup of the running cloud, encrypted for those who may open its secrets.

    With `backup.keep` in cloud.yaml, older ones go when it is whole.
    """
    from scs.cli.main import _session
    from scs.cli.screen import Screen
    from scs.engine.backup import create as making
    from scs.engine.backup.note import refuse_unfinished
    from scs.engine.backup.restore import lost
    from scs.engine.recording import Recording
    from scs.engine.state import lock
    from scs.plan.plan import size_text

    started = time.time()
    with _session(options, "backup create") as session:
        if lost(session.paths):
            what = "has never been up here, so there is nothing to save"
            raise BadInput(Problem(f"cloud {session.spec.name}", what, "scs up"))
        place = _place(session, to)
        with lock(session.paths, "backup create"), Recording(session, started):
            session.reread()
            refuse_unfinished(session.paths)
            screen = Screen(session, options, started)
            screen.start()
            try:
                made = making.create(session, place, bulk=bulk or session.spec.backup.bulk)
            finally:
                screen.close()
            keep = session.spec.backup.keep
            gone = place.prune(made.mark, keep) if keep else ()
    alone = session.vault.own and len(made.recipients) < 2
    if options["as_json"]:
        _print_json({**_values(made), "folder": str(place.path(made.id)), "pruned": list(gone)})
        return
    if alone:
        click.echo(
            f"scs: only {session.vault.identity} on this machine opens it: keep a copy of that in"
            " another place, or add a key to secrets.recipients in cloud.yaml",
            err=True,
        )
    if options["quiet"]:
        return
    for left in made.left:
        click.echo(f"Not in it: {left['path']} of {left['component']} ({left['why']})")
    for name in gone:
        click.echo(f"Removed: {name}")
    click.echo(
        f"Backup {place.path(made.id)}: {len(made.items)} files, {size_text(made.size)}, after"
        f" {time.time() - started:.1f} s. Prove it: scs backup verify {made.id}"
    )


@click.command("list")
@TO
@click.pass_obj
def list_(options: dict[str, Any], to: Path | None) -> None:
    """Show the backups of this cloud, the newest last."""
    from scs.cli import show
    from scs.cli.main import _spec
    from scs.engine.backup.manifest import Manifest
    from scs.engine.backup.place import Place
    from scs.plan.plan import size_text

    spec, folder = _spec(options)
    place = Place(_folder(spec, folder, to), spec.name)
    place.check()
    found: dict[str, Manifest | str] = {}
    whole = set(place.whole())
    for name in place.ids():
        if name not in whole:
            found[name] = "was not made to its end; the next `backup create` removes it"
            continue
        try:
            found[name] = Manifest.read(place.path(name))
        except ScsError as error:
            found[name] = error.problems[0].what
    if options["as_json"]:
        _print_json(
            [
                {"id": name, "problem": item} if isinstance(item, str) else _values(item)
                for name, item in found.items()
            ]
        )
        return
    show.table(
        ("ID", "RELEASE", "FILES", "SIZE", "NEW", "CLOUD", "STATE"),
        [
            (name, "", "", "", "", "", item)
            if isinstance(item, str)
            else (
                name,
                item.release,
                str(len(item.items)),
                size_text(item.size),
                size_text(sum(part.size for part in item.items if not part.since)),
                item.mark,
                "whole",
            )
            for name, item in found.items()
        ],
    )


@click.command()
@click.argument("name", metavar="[ID]", default="latest")
@TO
@click.option("--offline", is_flag=True, help="Try nothing on nodes.")
@click.pass_obj
def verify(options: dict[str, Any], name: str, to: Path | None, offline: bool) -> None:
    """Prove the backup ID, by default the latest: sums, seal, key, contents.

    Where the cloud runs, its nodes load what they can in a scratch place. Ends with 6 when
    something is wrong.
    """
    from scs.cli import show
    from scs.cli.main import _session
    from scs.cli.screen import Screen
    from scs.engine.backup import verify as proving

    started = time.time()
    with _session(options, "backup verify") as session:
        place = _place(session, to)
        manifest = place.find(name)
        screen = Screen(session, options, started)
        screen.start()
        try:
            found = proving.verify(session, place, manifest, offline=offline)
        finally:
            screen.close()
    well = all(item.ok for item in found)
    if options["as_json"]:
        _print_json({"id": manifest.id, "ok": well, "found": [item.__dict__ for item in found]})
    else:
        show.table(
            ("FILE", "WELL", "HOW"),
            [(item.what, "yes" if item.ok else "NO", item.told) for item in found],
        )
        state = "is well" if well else "can't be trusted"
        click.echo(f"Backup {manifest.id} {state}, after {time.time() - started:.1f} s.")
    if not well:
        sys.exit(Exit.UNHEALTHY)


@click.command()
@click.option("--keep", type=click.IntRange(min=1), required=True, help="How many stay.")
@TO
@click.pass_obj
def prune(options: dict[str, Any], keep: int, to: Path | None) -> None:
    """Remove all backups of this cloud but the newest, and what killed runs have left."""
    from scs.cli.main import _session
    from scs.engine.backup.manifest import SEAL, mark
    from scs.engine.state import lock

    with _session(options, "backup prune") as session:
        place = _place(session, to)
        with lock(session.paths, "backup prune"):
            session.reread()
            if SEAL not in list(session.secrets):
                what = "has made no backup yet, and those of others are not its to remove"
                raise BadInput(Problem(f"cloud {session.spec.name}", what))
            broken = place.clean()
            gone = place.prune(mark(session.secrets(SEAL)), keep)
    if options["as_json"]:
        _print_json({"removed": [*broken, *gone]})
    elif not options["quiet"]:
        click.echo(f"Removed: {', '.join([*broken, *gone]) or 'nothing'}.")


@click.command()
@click.argument("name", metavar="ID")
@TO
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def restore(options: dict[str, Any], name: str, to: Path | None, yes: bool) -> None:
    """Bring the cloud back to what the backup ID (or `latest`) holds.

    What scs itself keeps comes back where it is lost, cloud.yaml included (then --to says where the
    backups are). What the databases hold now is replaced. A restore that was ended is gone on with
    by running it again.
    """
    from scs.cli.main import _session
    from scs.cli.screen import Screen
    from scs.engine.backup import restore as bringing
    from scs.engine.recording import Recording
    from scs.engine.state import lock
    from scs.engine.vault import Vault
    from scs.paths import Paths

    started = time.time()
    file: Path = options["path"]
    place = _there(options, file, to)
    manifest = place.find(name)
    paths = Paths.of(place.cloud)
    _consent(options, place, manifest, yes)
    bringing.check(place, manifest)
    back: list[str] = []
    with lock(paths, "restore"):
        if bringing.lost(paths) or not file.exists():
            vault = Vault.of(paths)
            back += bringing.bring_back(place, manifest, vault, file, paths)
        with _session(options, "restore", changes=True) as session:
            if session.spec.name != place.cloud:
                what = f"describes cloud {session.spec.name}, the backup is of {place.cloud}"
                raise BadInput(Problem(str(file), what))
            bringing.check_cloud(session, place, manifest)
            with Recording(session, started) as recording:
                screen = Screen(session, options, started)
                screen.start()
                try:
                    unloaded = bringing.restore(
                        session, place, manifest, lambda: _up(session, recording, screen)
                    )
                finally:
                    screen.close()
    seconds = time.time() - started
    if options["as_json"]:
        values = {"restored": manifest.id, "back": back, "seconds": round(seconds, 1)}
        _print_json({**values, "not_loaded": [item.__dict__ for item in unloaded]})
        return
    for text in back:
        click.echo(f"Back: {text}")
    for item in unloaded:
        click.echo(f"Not loaded: {item.item} ({item.why})")
    for left in manifest.left:
        click.echo(f"Was not in it: {left['path']} of {left['component']} ({left['why']})")
    click.echo(f"Cloud {place.cloud} is as of {manifest.id}, after {seconds:.1f} s.")
    click.echo("Go on with: scs verify; and look at your servers: scs openstack server list")


def _there(options: dict[str, Any], file: Path, to: Path | None) -> Place:
    """The place of the backups, also where nothing but them is left; raises BadInput."""
    from scs.cli.main import _spec
    from scs.engine.backup.place import Place

    if file.exists():
        spec, folder = _spec(options)
        place = Place(_folder(spec, folder, to), spec.name)
        place.check()
        return place
    if to is None:
        what = "is not there, so nothing says where backups are"
        raise BadInput(Problem(str(file), what, "scs restore ID --to FOLDER"))
    Place(to.absolute(), "").check()
    clouds = [path.name for path in to.iterdir() if Place(to.absolute(), path.name).whole()]
    if len(clouds) != 1:
        there = f"has backups of {', '.join(sorted(clouds))}" if clouds else "has no backup"
        hint = "write a cloud.yaml with the cloud's name: scs init --name NAME"
        raise BadInput(Problem(f"backup {to}", there, hint if clouds else ""))
    return Place(to.absolute(), clouds[0])


def _consent(options: dict[str, Any], place: Place, manifest: Manifest, yes: bool) -> None:
    """Ask a person; programs must have said yes."""
    if yes:
        return
    if not sys.stdin.isatty() or options["as_json"]:
        what = "replaces what the cloud's databases hold now"
        raise BadInput(Problem("restore", what, f"scs restore {manifest.id} --yes"))
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(manifest.made))
    what = f"Bring cloud {place.cloud} back to {when}? What its databases hold now is replaced."
    click.confirm(what, default=False, abort=True, err=True)


def _up(session: Session, recording: Any, screen: Any) -> None:
    """What `up` does, without its questions; raises BadInput where that asks for more than yes."""
    from scs.cli import policy as policies
    from scs.cli.changing import applied, preflight
    from scs.engine.apply import consent
    from scs.engine.events import MACHINE

    preflight(session)
    look = session.events.timed(MACHINE, "looking", session.look)
    if not look.plan:
        session.keep_secrets()
        return
    policies.enforce(session, look, ())
    if agreed := consent(look):
        raise BadInput(*[Problem("restore", what, "first: scs up") for what in agreed])
    screen.plan(look.plan)
    applied(session, look, recording, screen)


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, default=str))


COMMANDS: dict[str, click.Command] = {
    "create": create,
    "list": list_,
    "verify": verify,
    "prune": prune,
}
