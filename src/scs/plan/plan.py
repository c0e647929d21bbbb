# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Plan: desired minus observed. Pure: no input, no output."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from scs.errors import Problem
from scs.model.component import Component
from scs.model.objects import ApiObject
from scs.model.topology import Node
from scs.model.view import View
from scs.plan.removal import Kept, removals
from scs.resources import (
    CANT_BE_SEEN,
    Absent,
    File,
    Gate,
    Osd,
    Record,
    Resource,
    Seen,
    Unit,
)

API = "the cloud's API"
"""Where steps run that are no node's."""

UNSEEN = f"{CANT_BE_SEEN}: its API does not answer"
"""And nothing that the plan does on nodes explains that."""
COMING = f"{CANT_BE_SEEN} yet: this plan brings its API"
ELSEWHERE = f"{CANT_BE_SEEN} yet: from now on it is asked elsewhere"
LOGINS = f"{CANT_BE_SEEN} yet: this plan brings users or endpoints that it takes"
"""Its API answers, and refuses whoever asks."""


@dataclass(frozen=True)
class Step:
    """One thing that a run will do: where, what, why, when, and what it means for others."""

    id: str
    where: str
    """A node, `this machine`, or the cloud's API."""
    component: str
    reason: str
    diff: str = ""
    """May hold secrets: mask it before showing it."""
    effect: str = ""
    """What becomes of a unit that runs: `reload` or `restart`."""
    destroys: tuple[str, ...] = ()
    """Data that is gone afterwards, in words: policies stop it unless somebody agreed."""
    data: bool = False
    """It touches what is in databases."""
    sure: bool = True
    """False for what can't be seen yet: it is looked at again before it is done, and left out
    when it proves to be right."""
    interrupts: tuple[str, ...] = ()
    """Endpoints that do not answer for a moment."""
    number: int = 0
    """Its place in the order of the whole plan, from 1 on."""
    wave: int = 0
    """Steps of one wave may run at the same time."""
    after: tuple[int, ...] = ()
    """The numbers of the steps that must have gone well before it starts."""

    @property
    def effects(self) -> tuple[str, ...]:
        """All that somebody may notice: reload, restart, interruption, data."""
        found = [self.effect] if self.effect else []
        found += ["interruption"] if self.interrupts else []
        return (*found, "data") if self.data else tuple(found)

    @property
    def waits(self) -> bool:
        """It changes nothing, it only waits."""
        return self.id.startswith("gate:")


@dataclass(frozen=True)
class Leaving:
    """A node that is there and is no more wanted."""

    step: Step
    node: Node
    objects: tuple[ApiObject, ...]
    """What is left of it in the cloud's API when it has gone."""
    moving: tuple[str, ...] = ()
    """What moves to other nodes first."""
    stuck: tuple[str, ...] = ()
    """What can't be moved, each with the reason: the node can't go."""
    emptied: tuple[Absent, ...] = ()
    """What hands over its data first, on the node itself."""


@dataclass(frozen=True)
class Plan:
    """All steps of one run, and what they converge."""

    machine: tuple[Step, ...]
    """Steps of the provider: nodes to make or to start."""
    nodes: Mapping[str, tuple[tuple[Step, Resource], ...]]
    api: tuple[tuple[Step, ApiObject], ...]
    leaving: tuple[Leaving, ...] = ()
    """Nodes that go when all else is done."""
    gone: tuple[tuple[Step, ApiObject], ...] = ()
    """Objects of the API that go when all else is done."""
    kept: tuple[Kept, ...] = ()
    """Data of what is no more wanted: not a change, but to be told."""
    objections: tuple[tuple[str, str], ...] = ()
    """Component and why nothing may be done."""
    refusals: tuple[Problem, ...] = ()
    """Why the cloud can't become the wanted release's."""

    @property
    def steps(self) -> tuple[Step, ...]:
        nodes = [step for pairs in self.nodes.values() for step, _ in pairs]
        api = (step for step, _ in self.api)
        gone = (step for step, _ in self.gone)
        return (*self.machine, *nodes, *api, *gone, *(item.step for item in self.leaving))

    @property
    def changes(self) -> tuple[Step, ...]:
        """The steps that change something; a gate only waits."""
        return tuple(step for step in self.steps if not step.waits)

    def __bool__(self) -> bool:
        return bool(self.changes)


def node_steps(
    node: str,
    desired: Sequence[Resource],
    observed: Mapping[str, Seen],
    *,
    looked: bool = True,
    unseen: str = "",
    away: Sequence[Absent] = (),
) -> tuple[tuple[Step, Resource], ...]:
    """What has to be done on one node.

    A unit is restarted when something that it reads changes, and only then. A gate is waited
    for when a step depends on it. `looked` tells whether the node was looked at, and `unseen`
    why one that exists was not. `away` goes from the node in the same run.
    """
    reasons = {
        item.id: f"{CANT_BE_SEEN}: {unseen}" if unseen else reason
        for item in desired
        if (reason := item.why(observed.get(item.id, {}))) is not None
    }
    desired = _asked_elsewhere(desired, reasons, away)
    changed = {path for item in desired if item.id in reasons for path in item.paths}
    for item in desired:
        if isinstance(item, Unit) and item.id not in reasons:
            late = dict.fromkeys(path for path in item.reads if path in changed)
            if late:
                reasons[item.id] = f"reads {', '.join(late)}"
    needed = {name for item in desired if item.id in reasons for name in item.after}
    return tuple(
        (_step(node, item, reasons[item.id], observed.get(item.id, {}), looked, changed), item)
        for item in desired
        if item.id in reasons and (not isinstance(item, Gate) or item.id in needed)
    )


def _asked_elsewhere(
    desired: Sequence[Resource], reasons: dict[str, str], away: Sequence[Absent]
) -> list[Resource]:
    """Add to `reasons` what was looked at where it is no more looked for, once files change."""
    made = {path: item.id for item in desired if item.id in reasons for path in item.paths}
    gone = {item.item: item.id for item in away if item.what == File.kind}
    found = []
    for item in desired:
        first = [(made | gone)[path] for path in item.through if path in made or path in gone]
        if first:
            reasons.setdefault(item.id, ELSEWHERE)
            item = replace(item, after=tuple(dict.fromkeys((*item.after, *first))))
        found.append(item)
    return found


def _step(
    node: str, item: Resource, reason: str, seen: Seen, looked: bool, changed: Collection[str]
) -> Step:
    effect = ""
    if isinstance(item, Unit) and seen.get("active") == "active":
        paths = [*seen.get("late", ()), *(path for path in item.reads if path in changed)]
        effect = "reload" if paths and all(map(item.reloadable, paths)) else "restart"
    return Step(
        id=item.id,
        where=node,
        component=item.component,
        reason=reason,
        diff=item.diff(seen),
        effect=effect,
        data=item.data,
        sure=looked and not reason.startswith(CANT_BE_SEEN),
    )


def api_steps(
    desired: Sequence[ApiObject],
    observed: Mapping[str, Mapping[str, object]],
    compare: Callable[[ApiObject, Mapping[str, object]], str | None],
    difference: Callable[[ApiObject, Mapping[str, object]], str] = lambda _item, _seen: "",
    *,
    reachable: bool = True,
    coming: Collection[str] = (),
    refused: Mapping[str, str] = MappingProxyType({}),
) -> tuple[tuple[Step, ApiObject], ...]:
    """What has to be done in the cloud's API.

    What was looked for and is not there is in `observed` with nothing in it. What is not in
    `observed` could not be looked for, although (`reachable`) the nodes run: because a service
    does not answer, which may be one that this plan brings (`coming`: service types), or has
    refused to tell (`refused`: id → its words).
    """
    wrong = {
        item.id: reason
        for item in desired
        if (reason := compare(item, observed.get(item.id, {}))) is not None
    }
    logins = any(
        item.service == "identity" and item.id in wrong and item.id in observed for item in desired
    )

    def why(item: ApiObject) -> str:
        if item.id in observed or not reachable:
            return wrong[item.id]
        if item.id not in refused:
            return COMING if item.service in coming else UNSEEN
        words = refused[item.id].partition("\n")[0][:200]
        return LOGINS if logins else f"{CANT_BE_SEEN}: {words}"

    return tuple(
        (
            Step(
                item.id,
                API,
                item.component,
                why(item),
                difference(item, observed[item.id]) if item.id in observed else "",
                sure=item.id in observed,
            ),
            item,
        )
        for item in desired
        if item.id in wrong
    )


def objections(
    view: View, observed: Mapping[str, Mapping[str, Seen]]
) -> tuple[tuple[str, str], ...]:
    """Component and reason, for all that components have against any change."""
    return tuple(
        (part.name, why)
        for part in view.components
        if part.objections
        for why in part.objections(view, observed)
    )


EMPTY = 1 << 16
"""Bytes of a folder in which there is nothing to speak of."""


def stranded(
    view: View, known: Iterable[Component], kept: Iterable[Kept]
) -> tuple[tuple[str, str], ...]:
    """Component and reason, for all data that those who use them would not find any more.

    That is so when a component on the node keeps its data somewhere else now, or another one has
    taken its place: nothing moves them by itself.
    """
    names = {part.name: part for part in known}
    found = []
    for item in kept:
        nodes = [node for node in view.nodes if node.name == item.node]
        left = names.get(item.component)
        path = item.id.removeprefix("data:")
        if not nodes or left is None or path == item.id or item.size < EMPTY:
            continue
        heirs = (
            part
            for part in view.on(nodes[0]).components_here
            if part.name == left.name or _gives_the_same(left, part)
        )
        if heir := next(heirs, None):
            why = (
                f"{path} on {item.node} holds {size_text(item.size)} of data, and from now on they"
                f" would lie elsewhere: nothing moves them. Take the change back; or copy them, as"
                f" docs/operations.md says, and run `up --delete-data {left.name}`"
            )
            found.append((heir.name, why))
    return tuple(found)


def given_up(
    view: View, known: Iterable[Component], going: Collection[str], delete_data: Collection[str]
) -> tuple[tuple[str, str], ...]:
    """As `stranded`, for data outside of the nodes: what a component outlives nobody measures.

    `going` are the names of components of which something is taken away.
    """
    found = []
    for left in known:
        if left.outlives is None or left.name in delete_data or left.name not in going:
            continue
        if left in view.components:
            continue
        if heir := next((part for part in view.components if _gives_the_same(left, part)), None):
            why = (
                f"the cloud's data lie where {left.name} has led, and from now on it would look"
                " elsewhere: nothing moves them. Take the change back; or copy them, as"
                f" docs/operations.md says, and run `up --delete-data {left.name}`, which deletes"
                " nothing there"
            )
            found.append((heir.name, why))
    return tuple(found)


def _gives_the_same(one: Component, other: Component) -> bool:
    return bool({gives.need for gives in one.gives} & {gives.need for gives in other.gives})


def leaving_step(
    node: Node,
    where: str,
    component: str,
    objects: Sequence[ApiObject],
    at_stake: Sequence[tuple[Sequence[str], Sequence[str]]],
    emptied: Sequence[Absent] = (),
) -> Leaving:
    """How a node goes that is not wanted any more, and what that means for its guests."""
    moving = tuple(name for moves, _ in at_stake for name in moves)
    moving += tuple(f"the data of {item.name}" for item in emptied)
    stuck = tuple(name for _, stays in at_stake for name in stays)
    if stuck:
        effect = f"refused while these are on it: {', '.join(stuck)}"
    elif moving:
        effect = f"moves {', '.join(moving)}; then deletes the node"
    else:
        effect = "deletes the node"
    step = Step(
        f"remove:{node.name}", where, component, "is not in cloud.yaml any more", "", effect
    )
    return Leaving(step, node, tuple(objects), moving, stuck, tuple(emptied))


def removal_steps(
    node: str,
    desired: Sequence[Resource],
    observed: Mapping[str, Seen],
    delete_data: Collection[str],
) -> tuple[tuple[tuple[Step, Resource], ...], tuple[Kept, ...]]:
    """What goes from a node because nobody wants it any more, and what stays for its data."""
    steps: list[tuple[Step, Resource]] = []
    kept: list[Kept] = []
    for want in desired:
        if isinstance(want, Record):
            absent, stays, sizes = removals(
                node, want, observed.get(want.id, {}), delete_data, desired
            )
            kept += stays
            steps += [(_removal(node, item, sizes), item) for item in absent]
    return tuple(steps), tuple(kept)


def _removal(node: str, item: Absent, sizes: Mapping[str, int]) -> Step:
    destroys: tuple[str, ...] = ()
    effect = ""
    if item.name in sizes:
        effect = f"deletes {size_text(sizes[item.name])} of data"
        destroys = (f"{item.name.partition(':')[2]} ({size_text(sizes[item.name])})",)
    elif item.what == Osd.kind:
        effect = "moves its data to other disks, then deletes it"
    elif item.what == Unit.kind:
        effect = "stops"
    reason = "is no more wanted"
    return Step(item.id, node, item.component, reason, "", effect, destroys, data=bool(destroys))


def size_text(size: int) -> str:
    """Bytes for people."""
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def gone_steps(
    gone: Sequence[ApiObject],
    observed: Mapping[str, Mapping[str, object]],
    delete_data: Collection[str] = (),
) -> tuple[tuple[tuple[Step, ApiObject], ...], tuple[Kept, ...]]:
    """The objects of the API that were made by scs, are there, and are no more wanted.

    Those that users' data depend on stay with these.
    """
    there = [item for item in gone if observed.get(item.id)]
    stays = [item for item in there if item.data and item.component not in delete_data]
    steps = tuple((_gone(item), item) for item in there if item not in stays)
    return steps, tuple(Kept(API, item.component, item.id, 0) for item in stays)


def _gone(item: ApiObject) -> Step:
    destroys = (item.id,) if item.data else ()
    reason = "is no more wanted"
    return Step(
        f"absent:{item.id}",
        API,
        item.component,
        reason,
        destroys=destroys,
        data=bool(destroys),
    )
