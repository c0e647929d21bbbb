# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where a cloud's nodes come from, and how they are left when it goes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from scs.engine import tofu
from scs.engine.clearing import clear
from scs.engine.events import MACHINE
from scs.model.needs import Environment
from scs.model.topology import Node, Role
from scs.patience import expect
from scs.providers import Provider
from scs.providers.local import LocalProvider, host
from scs.providers.local.provider import Lent
from scs.providers.local.rootfs import delete_tree
from scs.providers.ssh import Claims, Login, SshProvider, Switch, Tree
from scs.release import MAIN
from scs.shell import Say

if TYPE_CHECKING:
    from scs.engine.session import Session


PARALLEL = 16
"""Machines whose guests are ended at a time."""


def provider_of(session: Session) -> Provider:
    """Where the nodes of cloud.yaml come from."""
    kinds: Mapping[str, Callable[[Session], Provider]] = {
        "local": _local,
        "ssh": _there,
        "tofu": lambda made: tofu.provider(made, _machines),
    }
    return kinds[session.spec.provider](session)


def _there(session: Session) -> SshProvider:
    said = session.spec.ssh
    login = Login(said.user, session.folder / said.key, session.folder / said.known_hosts)
    return _machines(session, login, session.spec.nodes(), said.datapath)


def _machines(session: Session, login: Login, nodes: Sequence[Node], datapath: str) -> SshProvider:
    """Machines that are there, whoever has made them."""
    return SshProvider(
        session.paths,
        session.spec.name,
        nodes,
        session.spec.networks(),
        login,
        partial(_trees, session),
        partial(_claims, session),
        virtual=(session.spec.internal_address, session.spec.external_address),
        virt=session.spec.compute.virt,
        datapath=datapath,
        switch=Switch(session.folder / fence)
        if (fence := session.spec.instance_ha.fence)
        else None,
    )


def _trees(session: Session) -> Mapping[str, Tree]:
    """The environments that each node has, by their place there, and what makes them here."""

    def main(say: Say) -> Path:
        layer = session.stock.layers(say)[0]
        return layer / session.release.environment_path.relative_to("/")

    def beside(name: str) -> Tree:
        return lambda _say: session.stock.start_beside([name])[0].result()

    needed = {need.name for need in session.view().needs(Environment)} - {MAIN}
    others = {
        str(session.release.beside(name).environment_path): beside(name) for name in sorted(needed)
    }
    return {str(session.release.environment_path): main, **others}


def _claims(session: Session, node: Node) -> Claims:
    """What the cloud's components will have for themselves on a node."""
    view = session.view().on(node)
    ports = {
        port.number
        for part in view.components_here
        for port in part.ports
        if port.protocol == "tcp" and not port.last
    }
    if Role.CONTROL in node.roles:
        ports |= {point.port for _, point in view.endpoints}
    data = (path for part in view.components_here for path in part.data(view))
    return Claims(tuple(dict.fromkeys(data)), frozenset(ports))


def _local(session: Session) -> LocalProvider:
    expect(LocalProvider.slowness(session.spec.nodes(), os.cpu_count() or 1))
    return LocalProvider(
        session.paths,
        session.spec.name,
        session.spec.networks(),
        session.stock.layers,
        Lent(session.release.environment_path, session.stock.lent),
        virt=session.spec.compute.virt,
        uplink_dns=session.spec.dns,
        mirror=session.spec.debian.mirror,
    )


def take_down(session: Session, *, keep_cache: bool) -> None:
    """Remove all nodes and, unless it is to be kept, the cache."""
    say = session.events.saying("removing nodes")
    if not session.provider.owns_machines:
        session.events.timed(MACHINE, "clearing nodes", partial(_clear_nodes, session))
    session.events.timed(MACHINE, "removing nodes", lambda: session.provider.remove(say))
    if not keep_cache:
        others = host.clouds_on(session.paths.cache, session.paths.state)
        if others:
            # Their nodes stand on the layers there.
            say(f"the cache stays: cloud {', '.join(others)} uses it")
        else:
            session.events.timed(
                MACHINE, "removing the cache", lambda: delete_tree(session.paths.cache)
            )


def _clear_nodes(session: Session) -> None:
    """Take what components have made from machines that stay, data and all."""
    states = session.provider.observe()
    there = [node for name, node in session.provider.known().items() if states[name].running]
    with ThreadPoolExecutor(PARALLEL) as pool:
        # Guests get their time to end, on all machines at once.
        list(pool.map(session.provider.stop, [node.name for node in there]))
    links = {node.name: session.provider.connection(node) for node in there}
    clear(session.hand, session.events, links, session.run_id)
