# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""From one release to the next, and back: what is refused, and what comes before what. Pure.

What runs is told by each node's link to the environment, and what leads back by the databases
(see `resources.Migration`). Nothing else is remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from scs.errors import Problem
from scs.model.view import ENVIRONMENT, View
from scs.plan.plan import Step
from scs.resources import Link, Migration, Resource, Seen
from scs.resources.schema import release_of

LINK = f"{Link.kind}:{ENVIRONMENT}"
Observed = Mapping[str, Mapping[str, Seen]]
Steps = tuple[tuple[Step, Resource], ...]


def running(observed: Observed) -> Mapping[str, str]:
    """Node → the release that runs on it; without nodes that have none yet, or were not seen."""
    links = {node: str(there.get(LINK, {}).get("target", "")) for node, there in observed.items()}
    return {node: release_of(target) for node, target in links.items() if target}


def held(observed: Observed) -> str:
    """The release that an upgrade which is not finished leads back to; empty when there is none."""
    return next((str(seen["held"]) for seen in _migrations(observed) if seen["held"]), "")


def unfinished(view: View, observed: Observed) -> tuple[Problem, ...]:
    """That the rest of an upgrade is still to be done, for people."""
    back = held(observed)
    if back in ("", view.release) or set(running(observed).values()) != {view.release}:
        return ()
    what = f'is not finished; until it is, release: "{back}" and scs up lead back'
    return (Problem(f"upgrade from {back} to {view.release}", what, "scs upgrade finish"),)


def refusals(view: View, observed: Observed, releases: Sequence[str]) -> Iterator[Problem]:
    """Why this cloud can't become the wanted release's; `releases` are all that there are."""
    wanted, back = view.release, held(observed)
    there = set(running(observed).values()) & set(releases)
    following = dict(pairwise(releases))
    if back and wanted not in (back, following.get(back)):
        new = following.get(back, max(there, default=""))
        yield _refused(
            f"{wanted} can't come now: the upgrade from {back} to {new} is not finished",
            f'write release: "{new}", then: scs up, scs upgrade finish',
        )
        return
    oldest = min(there, default=wanted)
    if oldest < wanted and following[oldest] != wanted:
        step = following[oldest]
        yield _refused(
            f"{wanted} can't follow {oldest}: databases go from one release to the next",
            f'write release: "{step}", then: scs up, scs upgrade finish, and so on',
        )
    ahead = [str(seen["ahead"]) for seen in _migrations(observed) if seen["ahead"]]
    newest = max(there, default=wanted)
    if ahead:
        yield _refused(
            f"there is no way back to {wanted}: {ahead[0]}, which is newer, and the upgrade is"
            " finished",
            f'write release: "{newest}", then: scs up; or go back to what was saved with {wanted},'
            " and lose what came after: scs backup list, scs restore ID",
        )
    elif newest > wanted == back and not all(seen["held"] for seen in _migrations(observed)):
        yield _refused(
            f"there is no way back to {wanted}: finishing the upgrade to {newest} has begun",
            f'write release: "{newest}", then: scs upgrade finish',
        )
    elif newest > wanted and any("unseen" in seen and "held" not in seen for seen in _of(observed)):
        yield _refused(
            f"whether a way leads back from {newest} to {wanted} can't be told: the databases,"
            " which know, do not answer",
            f'write release: "{newest}", then: scs up; after that try again',
        )


def staged(pairs: Steps, observed: Mapping[str, Seen]) -> Steps:
    """The steps of a node, where its environment changes: the link is turned after migrations.

    A node that comes up needs no such order: nothing runs there that could be disturbed.
    """
    if not observed.get(LINK):
        return pairs
    migrations = tuple(item.id for _, item in pairs if isinstance(item, Migration) and item.proofs)
    return tuple(
        (step, replace(item, after=(*item.after, *migrations)) if item.id == LINK else item)
        for step, item in pairs
    )


def turns_back(work: Mapping[str, Sequence[Resource]], observed: Observed) -> bool | None:
    """Whether environments change to those of an older release; None when none changes."""
    found = [
        release_of(item.target) < release_of(str(target))
        for node, items in work.items()
        for item in items
        if isinstance(item, Link) and item.id == LINK
        if (target := observed.get(node, {}).get(LINK, {}).get("target"))
    ]
    return any(found) if found else None


def needed(items: Sequence[Resource], chosen: Callable[[Resource], bool]) -> list[Resource]:
    """Those of them that are chosen, and all of them that these need first."""
    known = {item.id: item for item in items}
    left = [item.id for item in items if chosen(item)]
    found: set[str] = set()
    while left:
        name = left.pop()
        if name in known and name not in found:
            found.add(name)
            left += known[name].after
    return [item for item in items if item.id in found]


def _refused(what: str, hint: str) -> Problem:
    return Problem("release", what, hint)


def _migrations(observed: Observed) -> Iterator[Seen]:
    """Those that were seen, and that databases prove."""
    return (seen for seen in _of(observed) if "held" in seen)


def _of(observed: Observed) -> Iterator[Seen]:
    for there in observed.values():
        for name, seen in there.items():
            if name.startswith(f"{Migration.kind}:"):
                yield seen
