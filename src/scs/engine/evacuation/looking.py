# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Looking at nodes that may be lost, by several witnesses; changes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from scs.api import evacuation as nova
from scs.api.clients import Clients
from scs.api.guests import guests
from scs.engine.evacuation import neighbours
from scs.engine.session import Session
from scs.model.evacuation import ComputeHost, Says, Sign
from scs.model.objects import Host
from scs.model.topology import Node
from scs.model.view import View
from scs.patience import patience
from scs.plan.evacuation import (
    HERE,
    NEUTRON,
    NOVA,
    OTHERS,
    PROVIDER,
    Situation,
    Verdict,
    fates,
    judge,
    without_room,
)
from scs.providers.reach import Talk, ssh_answers, talk

QUIET_SECONDS = 15.0
"""How old the last sign of life is of a host that Nova does not hear: each gives one in ten."""
PARALLEL = 64


@dataclass(frozen=True)
class Ways:
    """How witnesses are reached: the one seam of this part."""

    clients: Clients
    talk: Talk = talk
    greets: Callable[[str, int], bool] = ssh_answers
    """Whether sshd greets at an address and port."""
    now: Callable[[], float] = time.time
    """Seconds since 1970."""

    @classmethod
    def of(cls, session: Session, view: View) -> Ways:
        return cls(Clients(view, session.paths.state / "ca.pem"))


@dataclass(frozen=True)
class Sight:
    """All nodes, as they were seen at one moment."""

    hosts: Mapping[str, ComputeHost]
    signs: Mapping[str, Sequence[Sign]]
    """Node → what the witnesses say; only of nodes that do not answer, and of those asked for."""
    silent: Sequence[str]
    """Nodes that do not answer from here."""

    @property
    def lost(self) -> tuple[str, ...]:
        """The nodes that are silent, but for those that somebody, or scs, has disabled before."""
        return tuple(
            name for name in self.silent if name not in self.hosts or self.hosts[name].enabled
        )

    def verdict(self, node: str) -> Verdict:
        return judge(self.signs[node])


def evacuated(host: ComputeHost | None) -> bool:
    """Whether an evacuation of it has at least begun."""
    return host is not None and host.forced and host.reason == nova.EVACUATED


def look(session: Session, view: View, ways: Ways, also: Sequence[str] = ()) -> Sight:
    """See who is silent, and ask the others about those (and about the nodes in `also`).

    Raises RuntimeError when Nova does not answer: without it nothing can be said or done.
    """
    clients = ways.clients.moment()
    hosts = nova.hosts(clients, ways.now())
    with ThreadPoolExecutor(PARALLEL) as pool:
        greet = pool.map(lambda node: ways.greets(str(node.address), node.ssh_port), view.nodes)
        answers = {node.name: greeted for node, greeted in zip(view.nodes, greet, strict=True)}
    silent = [name for name, greeted in answers.items() if not greeted]
    # Whoever is heard is no neighbour's business.
    heard = neighbours.ask(view, session.connections(), silent, ways.talk) if silent else {}
    signs = {}
    for node in view.nodes:
        if node.name in silent or node.name in also:
            off = session.provider.off(node.name)
            signs[node.name] = (
                _power(off),
                _here(answers[node.name], node),
                _others(heard.get(node.name)),
                _nova(hosts.get(node.name), off),
                # Its API may be slow for minutes when a control node is lost, and whoever is
                # proven off needs no word of it.
                *([] if off else [_neutron(clients, node.name)]),
            )
    return Sight(hosts, signs, silent)


def _power(off: bool | None) -> Sign:
    if off is None:
        return Sign(PROVIDER, Says.NOTHING, "nobody can tell whether it is on")
    # A machine that is on may hang, or be cut off: that is for the others to say.
    return Sign(PROVIDER, Says.SILENCE if off else Says.NOTHING, "is off" if off else "is on")


def _here(answers: bool, node: Node) -> Sign:
    where = f"sshd at {node.address}"
    if answers:
        return Sign(HERE, Says.LIFE, f"{where} answers")
    return Sign(HERE, Says.SILENCE, f"{where} does not answer")


def _others(heard: Mapping[str, Sequence[str]] | None) -> Sign:
    if not heard:
        why = "were not asked" if heard is None else "no other node could be asked"
        return Sign(OTHERS, Says.NOTHING, why)
    alive = [f"{', '.join(what)} of it answers {name}" for name, what in heard.items() if what]
    if alive:
        return Sign(OTHERS, Says.LIFE, "; ".join(alive))
    return Sign(OTHERS, Says.SILENCE, f"nothing of it answers {', '.join(heard)}")


def _nova(host: ComputeHost | None, off: bool | None) -> Sign:
    if host is None:
        return Sign(NOVA, Says.NOTHING, "it knows no such host")
    if evacuated(host):
        return Sign(NOVA, Says.SILENCE, "scs has told it that the host is down")
    # Whoever is off is not just slow.
    limit = QUIET_SECONDS * (1 if off else patience())
    why = f"its last sign of life is {host.quiet:.0f} s old"
    return Sign(NOVA, Says.SILENCE if host.quiet >= limit else Says.LIFE, why)


def _neutron(clients: Clients, node: str) -> Sign:
    """Neutron takes more than a minute to give up an agent: its word is welcome, never needed."""
    try:
        silent = nova.silent_agents(clients, node)
    except RuntimeError as error:
        return Sign(NEUTRON, Says.NOTHING, str(error))
    if silent:
        return Sign(NEUTRON, Says.SILENCE, "has given up its agents")
    why = "it has no agents" if silent is None else "has not given up its agents, which takes long"
    return Sign(NEUTRON, Says.NOTHING, why)


def lacking(ways: Ways, found: Situation) -> frozenset[str] | None:
    """The ids of guests that would find no room; None when Placement does not tell."""
    try:
        moving = [fate.guest for fate in found.fates if fate.moves]
        return without_room(moving, nova.free(ways.clients, found.targets))
    except RuntimeError:
        return None


def situation(session: Session, view: View, ways: Ways, node: str) -> Situation:
    """All that decides about one node."""
    sight = look(session, view, ways, also=[node])
    said = session.spec.instance_ha
    known = sight.hosts.get(node)
    shared = {
        item.name: item.shared
        for item in session.expander(view).objects()
        if isinstance(item, Host)
    }
    return Situation(
        node=node,
        verdict=sight.verdict(node),
        host=known,
        hosts=tuple(sight.hosts.values()),
        unfenceable=session.provider.unfenceable(),
        lost=sight.lost,
        at_once=said.at_once,
        fates=fates(
            guests(ways.clients, node) if known else (),
            asked_only=said.guests == "asked",
            shared=shared.get(node, False),
        ),
    )
