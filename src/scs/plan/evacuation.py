# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether a node is lost, what becomes of each of its guests, and what speaks against it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from scs.errors import Problem
from scs.model.evacuation import ComputeHost, Guest, Says, Sign

PROVIDER, HERE, OTHERS, NOVA, NEUTRON = "power", "from here", "from other nodes", "Nova", "Neutron"
"""The witnesses."""
EVACUABLE = {"active", "stopped", "error"}
"""States of guests that Nova evacuates."""
LEAVING = {"migrating", "resize_prep", "resize_migrating", "resize_migrated", "resize_finish"}
"""Tasks that take a guest to another host."""
RESET = "openstack server set --state error {}, then run this again"


@dataclass(frozen=True)
class Verdict:
    """What the signs of a node add up to."""

    gone: bool
    why: str


def judge(signs: Sequence[Sign]) -> Verdict:
    """Whether a node is lost: all who can tell must agree, and one sign of life is enough.

    Proof that it is off counts for what nobody has answered: here, or from other nodes. Nova's
    word must be among them: it alone speaks for the guests' side of the node.
    """
    alive = [sign for sign in signs if sign.says is Says.LIFE]
    if alive:
        return Verdict(False, "; ".join(map(str, alive)))
    said = {sign.witness: sign.says for sign in signs}
    off = said.get(PROVIDER) is Says.SILENCE
    needed = (NOVA,) if off else (HERE, OTHERS, NOVA)
    open_ = [sign for sign in signs if sign.witness in needed and sign.says is not Says.SILENCE]
    if open_:
        return Verdict(False, "; ".join(map(str, open_)))
    silent = [sign for sign in signs if sign.says is Says.SILENCE]
    return Verdict(True, "; ".join(map(str, silent)))


@dataclass(frozen=True)
class Fate:
    """What becomes of a guest."""

    guest: Guest
    moves: bool
    why: str = ""
    """Why it stays, or what else there is to know."""
    hint: str = ""


def fates(guests: Iterable[Guest], *, asked_only: bool, shared: bool) -> tuple[Fate, ...]:
    """What becomes of each guest, in the order in which they move: first who asks for it.

    `shared`: disks that were made from images lie where other hosts reach them.
    """
    order = sorted(guests, key=lambda guest: (guest.wish is not True, guest.created, guest.id))
    return tuple(_fate(guest, asked_only, shared) for guest in order)


def _fate(guest: Guest, asked_only: bool, shared: bool) -> Fate:
    if guest.wish is False:
        return Fate(guest, False, "its HA_Enabled is false")
    if asked_only and guest.wish is None:
        return Fate(guest, False, "does not ask for it (HA_Enabled)")
    if guest.booted and not shared:
        return Fate(guest, False, "its disk is on the lost node: elsewhere it would start empty")
    if guest.task in LEAVING:
        why = "was on its way to another host: it may run there, and must not run twice"
        return Fate(guest, False, why, "see where it runs; if nowhere: " + RESET.format(guest.id))
    if guest.state not in EVACUABLE:
        why = f"is {guest.status}, and Nova evacuates only what is ACTIVE, SHUTOFF or ERROR"
        return Fate(guest, False, why, RESET.format(guest.id))
    notes = ["is locked, which binds its users only"] if guest.locked else []
    notes += ["is in ERROR already"] if guest.state == "error" else []
    return Fate(guest, True, "; ".join(notes))


def without_room(guests: Iterable[Guest], free: Mapping[str, Mapping[str, int]]) -> frozenset[str]:
    """The ids of guests that would find no room, each taking what those before it have left.

    By size alone, and the emptiest host first, as Nova's scheduler has it: it also looks at zones,
    server groups and more, and others take room meanwhile.
    """
    left = {host: dict(sizes) for host, sizes in free.items()}
    lacking = set()
    for guest in guests:
        fits = [
            sizes
            for sizes in left.values()
            if all(sizes.get(kind, 0) >= wanted for kind, wanted in guest.size.items())
        ]
        if not fits:
            lacking.add(guest.id)
            continue
        taken = max(fits, key=lambda sizes: sizes.get("MEMORY_MB", 0))
        for kind, wanted in guest.size.items():
            taken[kind] = taken.get(kind, 0) - wanted
    return frozenset(lacking)


@dataclass(frozen=True)
class Situation:
    """All that decides whether a node may be evacuated."""

    node: str
    verdict: Verdict
    host: ComputeHost | None
    """None: Nova does not know it."""
    hosts: Collection[ComputeHost]
    """All of them."""
    unfenceable: str
    lost: Sequence[str]
    """All nodes that are silent now, and are not known to be out of service."""
    at_once: int
    fates: Sequence[Fate]

    @property
    def targets(self) -> tuple[str, ...]:
        """The hosts that may take guests."""
        return tuple(
            host.name for host in self.hosts if host.up and host.enabled and host.name != self.node
        )


def refusals(situation: Situation) -> Iterator[Problem]:
    """Why nothing is done: each with what to do about it."""
    where = f"node {situation.node}"
    if situation.host is None:
        yield Problem(where, "Nova knows no host of this name", "scs status")
        return
    if situation.unfenceable:
        yield Problem(
            where,
            f"can't be switched off for sure: {situation.unfenceable}. One that only looks dead "
            "may still write to its guests' volumes, and two writers destroy them",
            "docs/instance-ha.md#fencing says how; or bring the node back",
        )
    if not situation.verdict.gone:
        yield Problem(
            where,
            f"is not lost for sure: {situation.verdict.why}",
            "if it has to go nevertheless, switch it off by hand and run this again",
        )
    if len(situation.lost) > situation.at_once:
        yield Problem(
            where,
            f"{len(situation.lost)} nodes are silent at once ({', '.join(situation.lost)}), and "
            f"instance_ha.at_once is {situation.at_once}: a fault of the network is likelier",
            "look at the network, or correct instance_ha.at_once",
        )
    if not situation.targets:
        yield Problem(where, "no other host is up and enabled, so guests have nowhere to go")
    stay = [fate for fate in situation.fates if not fate.moves]
    if stay and len(stay) == len(situation.fates):
        whys = "; ".join(dict.fromkeys(fate.why for fate in stay))
        yield Problem(where, f"none of its {len(stay)} guests can start elsewhere: {whys}")
