# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bringing a backup back: the state, a running cloud, its data, and all at work again.

Each phase can be done again. A note in the state folder tells from the first change to the end that
a restore is under way, so that one that was killed is gone on with, and nothing else is done.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from scs.derive.backup import Source, sources, stopped
from scs.engine.backup import own
from scs.engine.backup.manifest import SEAL, STATE, Item, Manifest, mark
from scs.engine.backup.note import done, note
from scs.engine.backup.place import Place
from scs.engine.backup.streams import pipe
from scs.engine.backup.verify import intact, unpack
from scs.engine.session import Session
from scs.engine.stream import StreamError
from scs.engine.vault import Vault
from scs.errors import BadInput, Problem, ScsError, StepFailed
from scs.model.view import View
from scs.paths import Paths
from scs.resources import Unit


@dataclass(frozen=True)
class Unloaded:
    """Something in the backup that was not loaded, and why."""

    item: str
    why: str


def lost(paths: Paths) -> bool:
    """Whether the state folder has to come back."""
    return not (paths.state / own.LAST).exists()


def check(place: Place, manifest: Manifest) -> None:
    """Raises ScsError when a file is not as it was written; before anything is touched."""
    folder = place.path(manifest.id)
    wrong = [
        Problem(f"backup {folder / item.file}", why, "scs backup list shows others")
        for item in manifest.items
        if (why := intact(folder, item))
    ]
    if wrong:
        raise BadInput(*wrong)


def bring_back(
    place: Place, manifest: Manifest, vault: Vault, file: Path, paths: Paths | None
) -> Sequence[str]:
    """Put what scs keeps back where it is missing; answers what was. Raises ScsError.

    Without `paths` only cloud.yaml and what is beside it.
    """
    folder = place.path(manifest.id)
    item = next((item for item in manifest.items if item.key == STATE), None)
    if item is None:
        raise BadInput(Problem(f"backup {folder}", "does not hold what scs keeps"))
    found: list[str] = []
    state = paths.state if paths and lost(paths) else None
    if paths and state is not None:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        note(paths, manifest.id)

    def work(stream: IO[bytes]) -> None:
        found.extend(own.bring_back(stream, state, file))
        while stream.read(1 << 16):
            pass  # what archives end with

    try:
        with pipe(work, writes=False) as stream:
            unpack(vault, folder, item, stream.write)
    except (OSError, ValueError) as error:
        raise ScsError(Problem(f"backup {folder / item.file}", f"{error}")) from error
    return found


def check_cloud(session: Session, place: Place, manifest: Manifest) -> None:
    """Raises BadInput unless the backup is of this cloud, and as it was made."""
    where = f"backup {place.folder}/{manifest.id}"
    seal = session.secrets(SEAL) if SEAL in list(session.secrets) else ""
    if not seal or manifest.mark != mark(seal):
        what = f"is of another cloud that is called {manifest.cloud} as well"
        hint = "to have that one here instead of what is here now: scs down, then this again"
        raise BadInput(Problem(where, what, hint))
    if not manifest.genuine(seal):
        raise BadInput(Problem(where, "was altered since", "scs backup list shows others"))
    if manifest.release != session.spec.release:
        what = f"is of release {manifest.release}, and cloud.yaml wants {session.spec.release}"
        raise BadInput(Problem(where, what, f'write release: "{manifest.release}" there'))


def restore(
    session: Session, place: Place, manifest: Manifest, up: Callable[[], None]
) -> Sequence[Unloaded]:
    """Make the cloud's data those of the backup; `up` makes it as cloud.yaml says.

    To be called under the cloud's lock, with the state back. Raises what `up` raises, and
    StepFailed: then it is run again.
    """
    check_cloud(session, place, manifest)
    note(session.paths, manifest.id)
    # What is wanted in the API is in the data: made before, it would be there twice.
    session.nodes_only = True
    if not _too_new(session):
        up()
    session.nodes_only = False
    view = session.seen_view()
    known = {source.key: source for source in sources(view, bulk=True)}
    items = [item for item in manifest.items if item.key != STATE]
    loads = [(item, known[item.key]) for item in items if _why_not(item, known) == ""]
    _shut_out(session, view, [source for _, source in loads])
    for item, source in loads:
        step = f"loading {item.label}"
        work = partial(_load, session, place.path(manifest.id), item, source)
        session.events.timed(source.node.name, step, work)
    up()
    done(session.paths)
    return [Unloaded(item.label, why) for item in items if (why := _why_not(item, known))]


def _too_new(session: Session) -> bool:
    """Whether a newer release is at work on the data that are replaced: it need not be stopped
    for the older one before these have come, and that one could not start.
    """
    return bool(session.look().plan.refusals)


def _why_not(item: Item, known: Mapping[tuple[str, str, str], Source]) -> str:
    """Why an item is not loaded; empty when it is."""
    source = known.get(item.key)
    if source is None:
        return f"there is no node {item.node}" if item.node else "the cloud has no such thing now"
    return "" if source.saved.load else "for people, see docs/backup.md"


def _shut_out(session: Session, view: View, loaded: Sequence[Source]) -> None:
    """Stop all that writes to what is loaded, or has copies of it, on all nodes."""
    going = stopped(view, [source.saved for source in loaded])
    expander = session.expander(view)
    for node in view.nodes:
        units = [
            item.name
            for item in expander.node(node)
            if isinstance(item, Unit) and item.component in going
        ]
        if units:
            stop = partial(_run, session, node.name, ("systemctl", "stop", *units))
            session.events.timed(node.name, f"stopping {len(units)} units", stop)


def _run(session: Session, node: str, argv: Sequence[str]) -> None:
    try:
        with session.hand.read_from(session.connections()[node], argv) as stream:
            stream.read()
    except StreamError as error:
        raise _failed(session, shlex.join(argv), node, error) from error


def _load(session: Session, folder: Path, item: Item, source: Source) -> None:
    link = session.connections()[source.node.name]
    try:
        with session.hand.feed_to(link, source.saved.load) as fed:
            unpack(session.vault, folder, item, fed.stream.write, session.secrets(SEAL))
    except (StreamError, OSError, ValueError) as error:
        raise _failed(session, f"loading {item.label}", source.node.name, error) from error


def _failed(session: Session, step: str, node: str, error: Exception) -> StepFailed:
    text = session.secrets.mask(str(error))
    hint = "mend the cause; then run the same command again: it goes on from here"
    return StepFailed(Problem(f"{step} on {node}", text, hint))
