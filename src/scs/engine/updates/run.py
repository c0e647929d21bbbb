# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Updating nodes one after the other: drained, changed, looked at, put back; then the next one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from scs.api.guests import guest, move, start, stop
from scs.api.hosts import close
from scs.engine.applied import remember
from scs.engine.apply import apply
from scs.engine.events import MACHINE
from scs.engine.updates.looking import Outlook, Wish, fates_of, hosts, key, unwell_now
from scs.engine.work import work
from scs.errors import Problem, StepFailed
from scs.patience import patient
from scs.plan.plan import API
from scs.plan.questions import Question
from scs.plan.updates import DISTRIBUTION, Lot, Update, When, reboot
from scs.resources import Reboot, Resource, Seen, Updates

if TYPE_CHECKING:
    from scs.engine.looking import Look
    from scs.engine.recording import Recording
    from scs.engine.session import Session
    from scs.engine.updates.note import Note
    from scs.providers import Connection

BOOT_SECONDS = 900
"""How long a machine may take until it runs anew: firmware of large ones takes minutes."""
WELL_SECONDS = 600
"""How long what was well before may take to be well again."""
REST_SECONDS = 120
"""How long it may take from then on until all has started; what hangs is found by the look."""
PAUSE = 2.0
"""Seconds between two looks."""
WHY = "its operating system is updated"
T = TypeVar("T")


@dataclass
class Done:
    """What was done to a node."""

    node: str
    packages: int = 0
    restarted: bool = False
    away: float = 0.0
    """Seconds from the order to restart until all of it was well again."""
    moved: dict[str, str] = field(default_factory=dict)
    """Guest → the host that it runs on now."""
    stopped: list[str] = field(default_factory=list)
    """Guests that were shut down and started again."""
    behind: Sequence[str] = ()
    """What still runs there and is not what is installed any more."""


class Run:
    """One run over nodes; it stops at the first that does not get well."""

    def __init__(
        self, session: Session, recording: Recording, look: Look, wish: Wish, note: Note
    ) -> None:
        self._session = session
        self._recording = recording
        self._look = look
        self._wish = wish
        self._note = note
        self._api = session.executor(look.view).clients

    def go(self, found: Outlook) -> Iterator[Done]:
        """Update nodes, one after the other; raises StepFailed, and is gone on with by another.

        Whoever takes no more has it paused: the note tells what is left.
        """
        note = self._note
        self._session.hand.start()
        if not note.begun:
            note.unwell = list(found.unwell)
        for update in found.updates:
            if update.restarts:
                note.boots[update.node.name] = update.boot
        there = [node.name for node in self._look.view.nodes]
        note.plan([update.node.name for update in found.updates], found.looked, there)
        note.keep()
        for update in found.updates:
            name = update.node.name
            yield self._session.events.timed(
                name,
                f"update:{name}",
                lambda update=update: self._node(update),  # type: ignore[misc]
            )

    def _node(self, update: Update) -> Done:
        node, note = update.node.name, self._note
        done = Done(node, packages=len(update.packages))
        note.at = node
        note.keep()
        if self._look.plan:
            self._put_back()  # what a run that was ended has left
        restarts = bool(update.restarts)
        if restarts:
            self._drain(node, done)
        if update.packages:
            self._work(node, Updates(name=DISTRIBUTION))
            if self._wish.when is When.NEEDED and not restarts and self._seen(node)["behind"]:
                # Nobody could tell before.
                restarts = True
                note.boots[node] = update.boot
                note.keep()
                self._drain(node, done)
        began = time.monotonic()
        if restarts:
            self._work(node, reboot(node, update.boot, self._look.desired[node]))
            self._timed(node, f"boot:{node}", lambda: self._boots(node, update.boot))
            done.restarted = True
        self._put_back()
        self._timed(node, "checks", self._well)
        if restarts:
            done.away = time.monotonic() - began
        self._start_again(node, done)
        done.behind = tuple(self._seen(node)["behind"])
        note.at = ""
        note.left.remove(node)
        note.keep()
        return done

    # Out of the cloud.

    def _drain(self, node: str, done: Done) -> None:
        """No guest runs on it any more, and none comes."""
        there = hosts(self._api)
        host = there.get(node)
        if host is None:
            return
        if host.enabled:  # whoever else has disabled it meant to
            self._ask(f"drained:{node}", close, host.service, WHY)
        found = fates_of(self._api, there, node)
        stuck = [fate for fate in found if fate.lot is Lot.STOPS]
        if stuck and not self._wish.stop_guests:
            names = ", ".join(f"{fate.guest.name} ({fate.why})" for fate in stuck)
            hint = "the same with --stop-guests; or scs up, which opens the node again"
            raise StepFailed(Problem(f"node {node}", f"guests run and can't move: {names}", hint))
        for fate in found:
            known = fate.guest
            if fate.lot is Lot.MOVES:
                done.moved[known.name] = self._ask(f"moved:{known.name}", move, known)
        for fate in stuck:
            known = fate.guest
            # First: whoever is killed after it must start it again.
            self._note.stopped.setdefault(node, []).append(known.id)
            self._note.keep()
            self._ask(f"stopped:{known.name}", stop, known)

    def _boots(self, node: str, before: str) -> None:
        """Wait until it runs anew, and its systemd has come to rest."""
        end = time.monotonic() + patient(BOOT_SECONDS)
        rest = 0.0
        why = "still runs as before"
        while True:
            try:
                seen = self._seen(node)
            except StepFailed as error:
                why = "; ".join(problem.what for problem in error.problems)
            else:
                if seen["boot"] != before:
                    rest = rest or time.monotonic() + patient(REST_SECONDS)
                    if not seen["starts"] or time.monotonic() > rest:
                        return
            if time.monotonic() > end:
                what = f"has not started anew in {patient(BOOT_SECONDS):.0f} s: {why}"
                hint = f"see its console; once it runs: scs nodes update {node}"
                raise StepFailed(Problem(f"node {node}", what, hint))
            time.sleep(PAUSE)

    # Back into the cloud.

    def _put_back(self) -> None:
        """What was taken out of the cloud is not as it is wanted: `up` makes it so."""
        session = self._session
        look = self._timed(MACHINE, "looking", session.look)
        if look.plan:
            look = apply(session, look, self._recording)
        else:
            remember(session, look)  # other packages are no drift
        self._look = look

    def _well(self) -> None:
        """Wait until what components say of themselves is well that was before."""
        end = time.monotonic() + patient(WELL_SECONDS)
        while left := self._worse():
            if time.monotonic() > end:
                raise StepFailed(
                    *[
                        Problem(
                            f"{asked.component or 'node'} on {asked.node}",
                            f"not so any more: {asked.what}: {answer}",
                            "mend it (scs doctor), then run the same command again",
                        )
                        for asked, answer in left
                    ]
                )
            time.sleep(PAUSE)

    def _worse(self) -> list[tuple[Question, str]]:
        """What is not well, and was before."""
        found = unwell_now(self._session, self._look.view)
        return [(asked, why) for asked, why in found if key(asked) not in self._note.unwell]

    def _start_again(self, node: str, done: Done) -> None:
        stopped = self._note.stopped.get(node, [])
        while stopped:
            known = self._ask("", guest, stopped[0])
            if known is not None:  # else its owner has deleted it
                self._ask(f"started:{known.name}", start, known)
                done.stopped.append(known.name)
            del stopped[0]
            self._note.keep()
        self._note.stopped.pop(node, None)

    # Ways.

    def _timed(self, where: str, step: str, action: Callable[[], T]) -> T:
        return self._session.events.timed(where, step, action)

    def _ask(self, step: str, action: Callable[..., T], *words: object) -> T:
        """Have something done in the cloud's API; without a name it is no step."""

        def act() -> T:
            return action(self._api, *words)

        try:
            return self._timed(API, step, act) if step else act()
        except RuntimeError as error:
            hint = "mend the cause, then run the same command again; or scs up, to leave it"
            told = self._session.secrets.mask(str(error))
            raise StepFailed(Problem(step or API, told, hint)) from error

    def _link(self, node: str) -> Mapping[str, Connection]:
        return {node: self._session.connections()[node]}

    def _work(self, node: str, item: Resource) -> None:
        session = self._session
        run = f"{session.run_id}-{node}-{item.kind}"
        work(session.hand, session.events, self._link(node), {node: [item.payload()]}, run)

    def _seen(self, node: str) -> Seen:
        item = Reboot(name=node)
        return self._session.hand.observe(self._link(node), [(node, [item])])[node][item.id]
