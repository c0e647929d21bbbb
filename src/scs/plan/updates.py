# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an update of the nodes' operating system means: in which order, who restarts, what becomes
of guests, what users notice, what speaks against it. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from scs.errors import Problem
from scs.model.component import Component
from scs.model.evacuation import Guest
from scs.model.topology import Node, Role
from scs.model.view import View
from scs.plan.announce import interrupted
from scs.plan.evacuation import LEAVING
from scs.resources import Reboot, Resource, Seen, Unit, Updates

DISTRIBUTION = "debian"
RUNS = {"active", "paused"}
"""States of guests that can be moved while they run."""
STANDS = {"stopped", "suspended", "shelved", "shelved_offloaded", "soft-delete", "error"}
"""States of guests that lose nothing when their node restarts."""
MOVES = "migrating"
NAMED = 3
"""How many packages are named as a reason."""


class When(StrEnum):
    """When a node restarts."""

    ALWAYS = "always"
    NEEDED = "needed"
    NEVER = "never"


class Lot(StrEnum):
    """What becomes of a guest whose node restarts."""

    MOVES = "moves"
    STAYS = "stays"
    """It does not run, and is there again afterwards."""
    STOPS = "stops"
    """It runs, can't move, and is started again afterwards."""


@dataclass(frozen=True)
class Fate:
    """A guest of a node that restarts."""

    guest: Guest
    lot: Lot
    why: str = ""


@dataclass(frozen=True)
class Update:
    """What one node would get."""

    node: Node
    packages: Mapping[str, Sequence[str]]
    """Name → the version that is there (empty: none) and the one that comes."""
    boot: str
    """The id of the boot that it was looked at in."""
    restarts: str
    """Why it restarts; empty when it does not."""
    behind: Sequence[str] = ()
    """What runs there and is not what is installed any more."""
    fates: Sequence[Fate] = ()
    """Only where it restarts."""
    interrupts: Sequence[str] = ()
    """Endpoints that are away meanwhile, in words: no other node has what serves them."""
    begun: bool = False
    """A run was at it and has not come to its end."""

    def __bool__(self) -> bool:
        return bool(self.packages or self.restarts or self.begun)

    def of(self, *lots: Lot) -> tuple[Fate, ...]:
        return tuple(fate for fate in self.fates if fate.lot in lots)


def asked(node: Node, packages: bool) -> tuple[Resource, ...]:
    """What a node is asked before it is known what it would get."""
    return (*([Updates(name=DISTRIBUTION)] if packages else ()), Reboot(name=node.name))


def ordered(nodes: Iterable[Node], first: Sequence[str] = ()) -> list[Node]:
    """The order in which nodes are updated, one after the other.

    Those in `first` before all others, then one zone after the other: what goes wrong has gone
    wrong in one zone. Control nodes come last, when the update has proven itself elsewhere.
    """
    nodes = list(nodes)
    zones = list(dict.fromkeys(node.zone for node in nodes))

    def place(node: Node) -> tuple[int, bool, int]:
        rank = first.index(node.name) if node.name in first else len(first)
        return rank, Role.CONTROL in node.roles, zones.index(node.zone)

    return sorted(nodes, key=place)


def restarts(
    when: When, updates: Seen, reboot: Seen, noted: str | None, parts: Iterable[Component]
) -> str:
    """Why a node restarts; empty when it does not.

    `noted` is the boot that was to end when this update of the cloud began; `parts` are the
    components on the node.
    """
    if when is When.NEVER:
        return ""
    if noted == reboot["boot"]:
        return "was to restart"
    if when is When.ALWAYS and noted is None:
        return "is to restart"
    if behind := reboot.get("behind", ()):
        return f"runs on with {'; '.join(behind)}"
    return needs_restart(updates, parts)


def needs_restart(updates: Seen, parts: Iterable[Component]) -> str:
    """Which of the packages that come are at work: what runs of them stays the old one."""
    packages: Mapping[str, Any] = updates.get("packages", {})
    # What is not mapped into memory, such as Python, is seen by whose it is.
    own = {name for part in parts if part.units for name in part.packages}
    used = [name for name in packages if name in own or name in updates.get("used", ())]
    if not used:
        return ""
    more = f" and {len(used) - NAMED} more" if len(used) > NAMED else ""
    return f"{', '.join(used[:NAMED])}{more} in use"


def fates(guests: Iterable[Guest], targets: Collection[str]) -> tuple[Fate, ...]:
    """What becomes of each guest, the oldest first; `targets` are the hosts that may take some."""
    order = sorted(guests, key=lambda guest: (guest.created, guest.id))
    return tuple(_fate(guest, targets) for guest in order)


def _fate(guest: Guest, targets: Collection[str]) -> Fate:
    if guest.task == MOVES:
        return Fate(guest, Lot.MOVES, "is on its way already")
    if guest.task in LEAVING:
        return Fate(guest, Lot.STOPS, f"Nova is at it: {guest.task}")
    if guest.state in STANDS:
        return Fate(guest, Lot.STAYS, f"is {guest.status}")
    if guest.state not in RUNS:
        return Fate(guest, Lot.STOPS, f"is {guest.status}: only ACTIVE and PAUSED can move")
    if not targets:
        return Fate(guest, Lot.STOPS, "no other host is up and enabled")
    return Fate(guest, Lot.MOVES)


def cramped(known: Iterable[Fate], lacking: Collection[str]) -> tuple[Fate, ...]:
    """The same when these guests (ids) find no room elsewhere."""
    return tuple(
        Fate(fate.guest, Lot.STOPS, "finds no room elsewhere")
        if fate.lot is Lot.MOVES and fate.guest.id in lacking
        else fate
        for fate in known
    )


def noticed(view: View, desired: Mapping[str, Sequence[Resource]], node: str) -> tuple[str, ...]:
    """The endpoints that are away while a node is, in words."""
    gone = {item.id: {node: item} for item in desired[node] if isinstance(item, Unit)}
    words = interrupted(view, desired, gone).values()
    return tuple(dict.fromkeys(word for found in words for word in found))


def reboot(node: str, boot: str, desired: Iterable[Resource]) -> Reboot:
    """The restart of a node, with all that must know of it before: from what its units say."""
    units = [item for item in desired if isinstance(item, Unit)]
    aside: dict[str, dict[str, None]] = {}
    for unit in units:
        for endpoint in unit.aside[1:]:
            aside.setdefault(unit.aside[0], {})[endpoint] = None
    return Reboot(
        name=node,
        was=boot,
        turns={unit.name: unit.turn for unit in units if unit.turn},
        aside=tuple((tool, *endpoints) for tool, endpoints in aside.items()),
    )


def refusals(updates: Iterable[Update], *, stop_guests: bool) -> Iterator[Problem]:
    """Why nothing is done: each with what to do about it."""
    for update in updates:
        if stop_guests or not (stuck := update.of(Lot.STOPS)):
            continue
        names = ", ".join(f"{fate.guest.name} ({fate.why})" for fate in stuck)
        yield Problem(
            f"node {update.node.name}",
            f"restarts, and these guests run there and can't move: {names}",
            "--stop-guests shuts them down and starts them again afterwards; --reboot never"
            " leaves the old code at work",
        )
