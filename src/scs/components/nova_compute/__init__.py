# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Compute on a node: nova-compute with libvirt."""

from __future__ import annotations

from collections.abc import Iterable

from scs.model.component import (
    COMPUTE,
    Component,
    Config,
    Folder,
    Keeps,
    Port,
    Probe,
    Service,
    Text,
    User,
)
from scs.model.needs import (
    BlockStorage,
    Environment,
    Hypervisor,
    Need,
    Queue,
    ServiceUser,
    Switch,
)
from scs.model.objects import ApiObject, Host
from scs.model.saved import Saved, shell
from scs.model.storage import keyring_path
from scs.model.topology import Role
from scs.model.view import ENVIRONMENT, View
from scs.resources import HypervisorSecret, Resource

CONF = "/etc/nova/nova-compute.conf"
TEMPLATE = "nova-compute.conf.j2"
DISKS_IN = ("libvirt", "images_type")
"""The section and option that say where guests' disks are made."""
START = "/usr/local/lib/scs/nova-compute-start"
IDENTITY = "/var/lib/nova/compute_id"
"""By it Nova knows the node in its database again, and refuses one that has another."""
SUDO = f"nova ALL=(root) NOPASSWD: {ENVIRONMENT}/bin/privsep-helper --config-file {CONF} *\n"


ACCOUNT = "nova"
"""In Ceph."""


def disks(view: View) -> Iterable[Need]:
    """Where guests' disks lie in Ceph, and what these are cloned from."""
    first, *others = view.storage.image_pools
    # It writes images, too: then a server's image is made inside of Ceph, instead of being read,
    # sent, hashed and written as a whole.
    yield BlockStorage(ACCOUNT, owner="nova", pools=("vms", first), reads=tuple(others))


def registered(view: View) -> Probe:
    """It has told the database that it is there, and the scheduler has taken it up."""
    query = (
        "SELECT COUNT(*) FROM nova_api.host_mappings m JOIN nova.compute_nodes c"  # noqa: S608
        f" ON c.host = m.host WHERE c.deleted = 0 AND c.host = '{view.here.name}'"
    )
    return {"type": "sql", "query": query, "equals": "1"}


def ready(view: View) -> Probe | None:
    # Only a node with the database on it can ask there; elsewhere the API is asked later.
    return registered(view) if Role.CONTROL in view.roles else None


def key(view: View) -> Iterable[Resource]:
    """With it the hypervisor opens guests' disks in Ceph."""
    if view.given(BlockStorage):
        yield HypervisorSecret(
            name=view.uuid(f"ceph/{ACCOUNT}"),
            usage=f"client.{ACCOUNT}",
            keyring=keyring_path(f"client.{ACCOUNT}"),
        )


def shared(view: View) -> bool:
    """Whether guests' disks lie in Ceph: where there is one, and the operator keeps them there."""
    own = [view.config.get("nova", {}).get(DISKS_IN[0], {}).get(DISKS_IN[1], "rbd")]
    own += [
        value
        for file in view.overrides.settings
        if file.service == "nova"
        for item in file.settings
        if item.key == DISKS_IN
        for value in item.values
    ]
    # What a template of the operator's says of it, only Nova knows.
    written = ("nova-compute", TEMPLATE) in view.overrides.templates
    return view.given(BlockStorage) and set(own) == {"rbd"} and not written


def hosts(view: View) -> Iterable[ApiObject]:
    """Every node that runs it is up and taken up by the scheduler."""
    for node in view.nodes_with(Role.COMPUTE):
        yield Host(name=node.name, shared=shared(view))


component = Component(
    name="nova-compute",
    summary="compute on a node",
    roles=COMPUTE,
    source="pypi:nova",
    license="Apache-2.0",
    packages=("sudo",),
    needs=(
        Environment(),
        Hypervisor(),
        Switch(),
        Queue("nova"),
        ServiceUser("nova", roles=("service", "admin")),
    ),
    wants_in=disks,
    # VNC of up to 500 guests; OVN's ports begin above.
    ports=(Port(5900, last=6399),),
    users=(User("nova", home="/var/lib/nova", groups=("libvirt", "openvswitch")),),
    folders=(
        Folder("/etc/nova", group="nova", mode=0o750),
        Folder("/var/lib/nova", owner="nova", group="nova"),
        Folder("/var/lib/nova/instances", owner="nova", group="nova"),
    ),
    files=(
        Config(TEMPLATE, CONF, group="nova", service="nova"),
        Config("start.py.j2", START, mode=0o755),
        Text("/etc/sudoers.d/scs-nova", lambda _: SUDO, mode=0o440),
    ),
    units=(
        Service(
            "nova-compute",
            description="Nova compute",
            exec=f"{ENVIRONMENT}/bin/python {START} nova-compute --config-file {CONF}",
            user="nova",
            privileged=True,
            after=("libvirtd.service",),
            settings={"UMask": "0022"},
            ready=ready,
            # Waiting for the control side is part of it.
            seconds=300,
        ),
    ),
    prepares=key,
    objects=hosts,
    leaves=lambda view: [Host(name=view.here.name, leaving=True)],
    keeps=(
        Keeps("/var/lib/nova/instances", unsaved="disks of servers: rebuild these from images"),
    ),
    saves=(
        Saved(
            "identity",
            save=("cat", IDENTITY),
            # `up` starts it again, when the database is there that knows the node.
            load=shell(
                "systemctl stop nova-compute",
                f"cat > {IDENTITY}.new",
                f"chown nova:nova {IDENTITY}.new",
                f"chmod 0644 {IDENTITY}.new",
                f"mv {IDENTITY}.new {IDENTITY}",
            ),
            each=True,
        ),
    ),
)
