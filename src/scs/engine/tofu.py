# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What OpenTofu needs to know of a cloud, and OpenTofu itself: there, or built."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scs.api.entries import entries
from scs.engine.host_keys import host_key
from scs.errors import BadInput, Problem
from scs.model.topology import Node
from scs.providers.ssh import Login, SshProvider
from scs.providers.tofu import (
    PLATFORMS,
    HostKey,
    Machine,
    Plans,
    Program,
    Secrets,
    Site,
    TofuProvider,
    Tools,
    folder,
)
from scs.release import built
from scs.shell import Say

if TYPE_CHECKING:
    from scs.engine.session import Session

BUILT: Mapping[str, built.Program] = {"openstack": built.OPENSTACK_PLUGIN}
"""Platform → its plugin, where that can be had as a Go module."""


Reach = Callable[["Session", Login, Sequence[Node], str], SshProvider]
"""The way to machines that are there; the last says who switches packets."""


def provider(session: Session, reach: Reach) -> TofuProvider:
    """Nodes that OpenTofu makes; `reach` is the way to them once they are there."""
    said, place = session.spec.tofu, folder(session.paths)
    login = Login(said.user, session.folder / said.key, place / "known_hosts", "tofu")
    plans = Plans(
        platform=PLATFORMS[said.platform],
        site=partial(_site, session),
        machine=partial(_machine, session),
        host_key=partial(_host_key, session),
        passphrase=lambda: session.secrets("tofu/state"),
        problems=lambda: list(_problems(session)),
    )

    def program(secrets: Callable[[], Secrets]) -> Program:
        return Program(place, partial(_tools, session), secrets, _environment(session))

    def there(nodes: Sequence[Node]) -> SshProvider:
        return reach(session, login, nodes, said.datapath)

    return TofuProvider(session.paths, session.spec.nodes(), login, plans, there, program)


def _host_key(session: Session, node: str) -> HostKey:
    return host_key(session.secrets(f"tofu/host-key/{node}"))


def _machine(session: Session, node: Node) -> Machine:
    said = session.spec.tofu
    sizes = {entry.name: entry.size for entry in session.spec.node_entries}
    return Machine(
        node=node,
        size=sizes[node.name] or said.size,
        zone=said.zones.get(node.zone, node.zone),
        host_key=_host_key(session, node.name),
    )


def _site(session: Session, machines: Sequence[Machine]) -> Site:
    spec, said = session.spec, session.spec.tofu
    public = (session.folder / said.key).with_suffix(".pub")
    options: dict[str, Any] = getattr(said, said.platform).model_dump()
    return Site(
        cloud=spec.name,
        machines=tuple(machines),
        networks=spec.networks(),
        tunnel_mtu=said.tunnel_mtu,
        dns=spec.dns,
        virtual=(spec.internal_address, spec.external_address),
        user=said.user,
        public_key=public.read_text() if public.exists() else "",  # preflight refuses that
        image=said.image,
        disk=said.disk,
        plugs=said.networks.model_dump(),
        options=options,
    )


def _environment(session: Session) -> Mapping[str, str]:
    """Where the plugin finds credentials: it works in another folder than whoever runs scs."""
    file = _clouds_file(session)
    return {"OS_CLIENT_CONFIG_FILE": str(file)} if file else {}


def _clouds_file(session: Session) -> Path | None:
    """The clouds.yaml with the entry that is named; None where none is looked for, or there."""
    said = session.spec.tofu.openstack
    if session.spec.tofu.platform != "openstack" or not said.cloud:
        return None
    if said.clouds_file:
        return session.folder / said.clouds_file
    named = os.environ.get("OS_CLIENT_CONFIG_FILE")
    usual = [Path.home() / ".config/openstack/clouds.yaml", Path("/etc/openstack/clouds.yaml")]
    return Path(named) if named else next((path for path in usual if path.is_file()), None)


def _problems(session: Session) -> Iterator[Problem]:
    """What is wrong with what cloud.yaml names; looks only."""
    said = session.spec.tofu
    program, plugins = session.folder / said.program, session.folder / said.plugins
    if said.program and not (program.is_file() and os.access(program, os.X_OK)):
        hint = "name an OpenTofu that can be run, or take the line out, and scs builds one"
        yield Problem("tofu.program", f"{program} is no program", hint)
    if said.plugins and not plugins.is_dir():
        hint = "see docs/tofu-nodes.md for what is in it, or take the line out"
        yield Problem("tofu.plugins", f"there is no folder {plugins}", hint)
    if not (said.plugins or said.registry or said.platform in BUILT):
        what = f"nothing says where the plugin for {said.platform} comes from"
        yield Problem("tofu.registry", what, "write `registry: true`, or name a folder: `plugins`")
    yield from _credentials(session)


def _credentials(session: Session) -> Iterator[Problem]:
    said = session.spec.tofu
    if said.platform == "openstack":
        yield from _of_openstack(session)
    if said.platform == "vmware":
        for name in ("VSPHERE_USER", "VSPHERE_PASSWORD"):
            if not os.environ.get(name):
                what = f"the environment has no {name}"
                yield Problem("tofu.vmware", what, f"export {name}=…, then run it again")


def _of_openstack(session: Session) -> Iterator[Problem]:
    cloud, file = session.spec.tofu.openstack.cloud, _clouds_file(session)
    if not cloud:
        if not os.environ.get("OS_AUTH_URL"):
            what = "no entry of clouds.yaml is named, and the environment has no OS_AUTH_URL"
            yield Problem("tofu.openstack.cloud", what, "name an entry, or source an openrc file")
        return
    if file is None or not file.is_file():
        hint = "write it as openstacksdk wants it, with the cloud's address and your account"
        what = f"there is no file {file}" if file else "there is no clouds.yaml in the usual places"
        yield Problem("tofu.openstack.clouds_file", what, hint)
        return
    try:
        known = entries(file)
    except BadInput as error:
        yield from error.problems
        return
    if cloud not in known:
        what = f"{file} has no entry {cloud}"
        yield Problem("tofu.openstack.cloud", what, f"there are: {', '.join(sorted(known))}")


def _tools(session: Session, _say: Say) -> Tools:
    """OpenTofu and its plugins; waits for what must be built."""
    said, cache = session.spec.tofu, session.paths.cache

    def make(program: built.Program) -> Path:
        task = partial(built.build, cache, program)
        return session.workshop.start(program.name, task).result()

    program = session.folder / said.program if said.program else make(built.OPENTOFU)
    if said.plugins:
        return Tools(program, session.folder / said.plugins, said.registry)
    if said.platform not in BUILT:
        return Tools(program, None, said.registry)
    return Tools(program, None, registry=False, built=make(BUILT[said.platform]))
