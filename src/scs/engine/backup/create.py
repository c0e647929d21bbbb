# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Making a backup: each stream is measured, compressed and encrypted on its way to its file."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import IO

from scs import __version__
from scs.derive.backup import Source, left, sources
from scs.engine.backup import own
from scs.engine.backup.manifest import SEAL, STATE, Item, Manifest, mark
from scs.engine.backup.place import Place
from scs.engine.backup.streams import Measure, Packing, Written, pipe, sha256_of
from scs.engine.events import MACHINE
from scs.engine.recording import who
from scs.engine.session import Session
from scs.engine.stream import StreamError
from scs.errors import Problem, ScsError, StepFailed

Opens = Callable[[], AbstractContextManager[IO[bytes]]]


def create(session: Session, place: Place, *, bulk: bool) -> Manifest:
    """Make a backup there; raises ScsError, and leaves nothing of one that did not come to its end.

    To be called under the cloud's lock.
    """
    place.check()
    began = time.time()
    view = session.seen_view()
    wanted = sources(view, bulk=bulk)
    _all_run(session, {source.node.name for source in wanted})
    seal = session.secrets(SEAL)
    session.keep_secrets()
    try:
        place.clean()
        name = place.new()
        try:
            making = _Making(session, place, place.path(name), seal)
            items = [making.state(), *(making.node(source) for source in wanted)]
            manifest = Manifest(
                id=name,
                cloud=session.spec.name,
                mark=mark(seal),
                release=session.spec.release,
                scs=__version__,
                made=round(began, 3),
                seconds=round(time.time() - began, 3),
                by=who(),
                recipients=session.vault.readers,
                items=tuple(items),
                left=tuple(asdict(item) for item in left(view, bulk=bulk)),
            ).closed(seal)
            manifest.write(place.path(name))
            place.settle(name)
        except BaseException:
            shutil.rmtree(place.path(name), ignore_errors=True)
            raise
    except OSError as error:
        where = f"backup {place.folder}"
        why = error.strerror or str(error)
        hint = "make room (scs backup prune --keep N) or name another place: --to FOLDER"
        what = f"{why}; the older backups are as they were"
        raise ScsError(Problem(where, what, hint)) from error
    return manifest


def _all_run(session: Session, nodes: set[str]) -> None:
    states = session.provider.observe()
    problems = [
        Problem(f"node {name}", "does not run, and a backup needs what is on it", "scs up")
        for name in sorted(nodes)
        if name not in states or not states[name].running
    ]
    if problems:
        raise ScsError(*problems)


class _Making:
    """The files of one backup, one after the other."""

    def __init__(self, session: Session, place: Place, folder: Path, seal: str) -> None:
        self._session = session
        self._folder = folder
        self._seal = seal
        self._before, self._there = _latest(place, session.vault.readers, mark(seal))
        self._links = session.connections()

    def state(self) -> Item:
        """What scs itself keeps."""
        session = self._session

        def work(out: IO[bytes]) -> None:
            own.archive(session.paths.state, session.file, session.folder, session.spec, out)

        return self._item(STATE, "", "", lambda: pipe(work, writes=True))

    def node(self, source: Source) -> Item:
        """What a command on a node writes."""
        node, saved = source.node.name, source.saved

        def opens() -> AbstractContextManager[IO[bytes]]:
            return self._session.hand.read_from(self._links[node], saved.save)

        return self._item(source.key, node, saved.ends, opens)

    def _item(self, key: tuple[str, str, str], source: str, ends: str, opens: Opens) -> Item:
        label = " ".join(filter(None, key))
        where = source or MACHINE
        try:
            return self._session.events.timed(
                where, f"saving {label}", partial(self._write, key, source, ends, opens)
            )
        except StreamError as error:
            text = self._session.secrets.mask(str(error))
            hint = f"look at it with: scs logs {key[0]}; then run the same command again"
            raise StepFailed(Problem(f"saving {label} on {where}", text, hint)) from error

    def _write(self, key: tuple[str, str, str], source: str, ends: str, opens: Opens) -> Item:
        file = f"{'.'.join(filter(None, key))}.age"
        measure = Measure(self._seal)
        target = Written(self._folder / file)
        try:
            with opens() as stream:
                packing = Packing(stream, measure)
                try:
                    self._session.vault.seal(packing, target, file)
                except Exception as error:
                    raise (packing.error or target.error or error) from error
        finally:
            target.close()
        if ends and not measure.ends(ends):
            raise StreamError(f"what came does not end with {ends!r}: it is not whole")
        made = Item(
            file=file,
            component=key[0],
            name=key[1],
            node=key[2],
            source=source,
            size=target.size,
            sha256=target.sum,
            clear_size=measure.size,
            clear_sum=measure.sum,
        )
        return self._shared(made)

    def _shared(self, made: Item) -> Item:
        """The same file as the last backup's, where that has the same contents and is well."""
        last = self._before.get(made.key)
        if last is None or last.clear_sum != made.clear_sum:
            return made
        path, old = self._folder / made.file, self._there / last.file
        try:
            if old.stat().st_size != last.size or sha256_of(old) != last.sha256:
                return made
            os.link(old, path.with_suffix(".same"))
        except OSError:
            return made  # not every file system has such links
        path.with_suffix(".same").replace(path)
        since = last.since or self._there.name
        return replace(made, size=last.size, sha256=last.sha256, since=since)


def _latest(
    place: Place, readers: Sequence[str], wanted: str
) -> tuple[dict[tuple[str, str, str], Item], Path]:
    """The items of this cloud's last backup, if the same people can open it, and its folder."""
    mine = [found for found in place.manifests().values() if found.mark == wanted]
    if not mine or set(mine[-1].recipients) != set(readers):
        return {}, place.folder
    return {item.key: item for item in mine[-1].items}, place.path(mine[-1].id)
