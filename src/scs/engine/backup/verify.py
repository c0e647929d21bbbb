# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Proving a backup: that nobody has changed it, that it opens, and that it can be loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from scs.derive.backup import Source, sources
from scs.engine.backup.manifest import SEAL, Item, Manifest
from scs.engine.backup.place import Place
from scs.engine.backup.streams import Measure, Unpacking, sha256_of
from scs.engine.events import MACHINE
from scs.engine.session import Session
from scs.engine.stream import StreamError
from scs.engine.vault import Vault
from scs.errors import ScsError
from scs.model.view import View


@dataclass(frozen=True)
class Finding:
    """What was found of one file of a backup."""

    what: str
    """The file's label."""
    ok: bool
    told: str
    """How it was proven, or what is wrong."""


def intact(folder: Path, item: Item) -> str:
    """What is wrong with an encrypted file; empty when it is the one that was written."""
    try:
        size = (folder / item.file).stat().st_size
        if size != item.size:
            return f"has {size} bytes instead of {item.size}"
        same = sha256_of(folder / item.file) == item.sha256
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return "" if same else "was altered: its SHA-256 is another one"


def unpack(
    vault: Vault, folder: Path, item: Item, give: Callable[[bytes], object], seal: str = ""
) -> Measure:
    """Decrypt a file of a backup, a block at a time; raises ScsError, ValueError and OSError.

    Raises also what `give` raises.
    """
    measure = Measure(seal)
    unpacking = Unpacking(give, measure)
    with (folder / item.file).open("rb") as stream:
        try:
            vault.unseal(stream, unpacking, str(folder / item.file))
        except OSError as error:
            raise (unpacking.error or error) from error
    unpacking.close()
    if measure.size != item.clear_size:
        raise ValueError(f"holds {measure.size} bytes instead of {item.clear_size}")
    if seal and measure.sum != item.clear_sum:
        raise ValueError("holds something else than was saved")
    return measure


def verify(session: Session, place: Place, manifest: Manifest, *, offline: bool) -> list[Finding]:
    """Look at all of a backup: sums, seal, contents; each stream is loaded in a scratch place.

    `offline`: nothing is tried on nodes.
    """
    folder = place.path(manifest.id)
    found = []
    seal = session.secrets(SEAL) if SEAL in list(session.secrets) else ""
    if seal:
        ok = manifest.genuine(seal)
        told = "sealed by this cloud" if ok else "was altered, or is of another cloud"
        found.append(Finding("manifest", ok, told))
        seal = seal if ok else ""
    known = {} if offline else _known(session.seen_view())
    states = session.provider.observe() if known else {}
    running = {name for name, state in states.items() if state.running}
    for item in manifest.items:
        source = known.get(item.key)
        if source and source.node.name not in running:
            source = None
        where = source.node.name if source and source.saved.proves else MACHINE
        work = partial(_item, session, folder, item, source, seal)
        found.append(session.events.timed(where, f"verifying {item.label}", work))
    return found


def _known(view: View) -> Mapping[tuple[str, str, str], Source]:
    return {source.key: source for source in sources(view, bulk=True)}


def _item(session: Session, folder: Path, item: Item, source: Source | None, seal: str) -> Finding:
    if wrong := intact(folder, item):
        return Finding(item.label, False, wrong)
    proves: Sequence[str] = source.saved.proves if source else ()
    try:
        if source and proves:
            link = session.connections()[source.node.name]
            with session.hand.feed_to(link, proves) as fed:
                measure = unpack(session.vault, folder, item, fed.stream.write, seal)
            told = f"loaded in a scratch place on {source.node.name}: {fed.said}"
        else:
            measure = unpack(session.vault, folder, item, lambda _: None, seal)
            told = "opens, and is whole"
    except (ScsError, StreamError, ValueError, OSError) as error:
        # The first line: an error of ours goes on with what to do.
        return Finding(item.label, False, session.secrets.mask(str(error)))
    if source and source.saved.ends and not measure.ends(source.saved.ends):
        return Finding(item.label, False, f"does not end with {source.saved.ends!r}")
    return Finding(item.label, True, told)
