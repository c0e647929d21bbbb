# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Looking at what an update would bring to which node. Changes nothing but apt's lists."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scs.api import evacuation as nova
from scs.api.guests import guests
from scs.engine.updates.note import Note
from scs.errors import BadInput, Problem, ScsError
from scs.plan.evacuation import without_room
from scs.plan.plan import API
from scs.plan.questions import Question, by_node, questions, unwell
from scs.plan.updates import (
    DISTRIBUTION,
    Fate,
    Lot,
    Update,
    When,
    asked,
    cramped,
    fates,
    noticed,
    ordered,
    refusals,
    restarts,
)
from scs.resources import Reboot, Updates

if TYPE_CHECKING:
    from scs.api.clients import Clients
    from scs.engine.looking import Look
    from scs.engine.session import Session
    from scs.model.evacuation import ComputeHost
    from scs.model.view import View

WHERE = "nodes update"


@dataclass(frozen=True)
class Wish:
    """What somebody wants to be updated, and how."""

    names: Sequence[str] = ()
    """Of nodes; empty: all."""
    when: When = When.NEEDED
    canary: str = ""
    """The node that goes first."""
    stop_guests: bool = False
    allow_unwell: bool = False
    """Also when something is not well now, which then is not waited for."""
    packages: bool = True
    """Else they stay as they are, and nobody asks for new ones."""


@dataclass(frozen=True)
class Outlook:
    """What would be done, node by node in this order, and what speaks against it."""

    looked: tuple[str, ...]
    """The nodes that were looked at."""
    updates: tuple[Update, ...]
    """Of those that have anything to do."""
    refusals: tuple[Problem, ...]
    unwell: tuple[str, ...]
    """What is not well before, by the name that `key` gives it."""


def key(asked: Question) -> str:
    """What one question to one node is called in the note."""
    return f"{asked.node} {asked.check.name}"


def unwell_now(session: Session, view: View) -> list[tuple[Question, str]]:
    """What nodes and components say of themselves that is not well, with what is wrong."""
    asked = list(questions(view))
    return list(unwell(asked, session.hand.observe(session.connections(), by_node(asked).items())))


def outlook(session: Session, look: Look, wish: Wish, note: Note) -> Outlook:
    """What the wish means for the cloud as it is; raises BadInput and ScsError."""
    api = session.executor(look.view).clients
    nodes = {node.name: node for node in look.view.nodes}
    _check(look, nodes, wish)
    first = [name for name in (note.at, wish.canary) if name in nodes]
    names = list(dict.fromkeys((*first, *wish.names))) if wish.names else list(nodes)
    wanted = {name: asked(nodes[name], wish.packages) for name in names}
    seen = session.hand.observe(session.connections(), wanted.items())
    found: list[Update] = []
    known: Mapping[str, ComputeHost] | None = None
    for node in ordered((nodes[name] for name in names), first):
        updates = seen[node.name].get(Updates(name=DISTRIBUTION).id, {})
        reboot = seen[node.name][Reboot(name=node.name).id]
        if why := updates.get("unseen"):
            hint = f"see scs ssh {node.name} apt-get update; --no-packages only restarts"
            raise ScsError(Problem(f"node {node.name}", f"asks its archive in vain\n{why}", hint))
        here = look.view.on(node).components_here
        why = restarts(wish.when, updates, reboot, note.boots.get(node.name), here)
        if why and known is None:
            known = hosts(api)
        update = Update(
            node=node,
            packages=updates.get("packages", {}),
            boot=reboot["boot"],
            restarts=why,
            behind=tuple(reboot["behind"]),
            fates=fates_of(api, known, node.name) if why and known else (),
            interrupts=noticed(look.view, look.desired, node.name) if why else (),
            begun=node.name == note.at,
        )
        if update:
            found.append(update)
    sick = unwell_now(session, look.view)
    against = [*_unready(look, note), *refusals(found, stop_guests=wish.stop_guests)]
    if found and not wish.allow_unwell and not note.begun:
        against += [_unwell(item, answer) for item, answer in sick]
    return Outlook(
        looked=tuple(names),
        updates=tuple(found),
        refusals=tuple(against),
        unwell=tuple(key(item) for item, _ in sick),
    )


def _check(look: Look, nodes: Collection[str], wish: Wish) -> None:
    """Raises BadInput for nodes that are not there, or do not run: these can't be looked at."""
    hint = f"there are: {', '.join(nodes)}"
    named = (*wish.names, *([wish.canary] if wish.canary else []))
    problems = [Problem(WHERE, f"no node {name}", hint) for name in named if name not in nodes]
    running = {name for name, state in look.states.items() if state.running}
    problems += [
        Problem(f"node {name}", "does not run", "scs up, then this again")
        for name in nodes
        if name not in running
    ]
    if problems:
        raise BadInput(*problems)


def _unwell(asked: Question, answer: str) -> Problem:
    where = f"{asked.component or 'node'} on {asked.node}"
    hint = "mend it (scs doctor); or --allow-unwell, which then does not wait for it"
    return Problem(where, f"not so: {asked.what}: {answer}", hint)


def _unready(look: Look, note: Note) -> Iterator[Problem]:
    """That the cloud is not what it should be before a node of it goes.

    What a run has left that was at a node is put back first.
    """
    nodes = {node.name for node in look.view.nodes} - {note.at}
    others = [step for step in look.plan.changes if not note.at or step.where in nodes]
    if others:
        what = f"the cloud is not yet what cloud.yaml says: {others[0].id} {others[0].reason}"
        what += f", and {len(others) - 1} more" if len(others) > 1 else ""
        yield Problem(WHERE, what, "scs up; scs plan tells what is left to do")


def hosts(api: Clients) -> Mapping[str, ComputeHost]:
    """The nodes that have guests, as Nova's hosts; raises ScsError when it does not answer."""
    try:
        return nova.hosts(api, 0.0)
    except RuntimeError as error:
        raise ScsError(Problem(API, f"{error}", "scs status")) from error


def fates_of(api: Clients, known: Mapping[str, ComputeHost], node: str) -> tuple[Fate, ...]:
    """What would become of a node's guests if it restarted now; raises ScsError.

    `known` are all hosts, as `hosts` sees them.
    """
    if node not in known:
        return ()
    others = [host for host in known.values() if host.name != node]
    targets = [host.name for host in others if host.up and host.enabled]
    try:
        found = fates(guests(api, node), targets)
    except RuntimeError as error:
        raise ScsError(Problem(API, f"{error}", "scs status")) from error
    # Those on their way have their room.
    moving = [fate.guest for fate in found if fate.lot is Lot.MOVES and not fate.guest.task]
    try:
        return cramped(found, without_room(moving, nova.free(api, targets)))
    except RuntimeError:
        return found  # the scheduler knows better anyway
