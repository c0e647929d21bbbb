# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Block storage: what works on the volumes themselves, and on their backups."""

from __future__ import annotations

from scs.model.component import CONTROL, Component, Config, Folder, Probe, Service, Text, User
from scs.model.needs import BlockStorage, Database, Environment, Queue, ServiceUser
from scs.model.storage import FILES
from scs.model.topology import Role
from scs.model.view import ENVIRONMENT, View

CONF = "/etc/cinder/cinder-volume.conf"
LIBRARY = "/usr/local/lib/scs/cinder"
AS_ITSELF = """\
#!/bin/sh
# Written by scs. Cinder asks for root (sudo cinder-rootwrap FILE COMMAND …) because it may have to
# work on devices. With RBD there are none and all files are its own, so it works as itself.
set -eu
shift 2
exec "$@"
"""


def works(binary: str) -> Probe:
    """It has told the database of late that it works; it only does when it has reached Ceph."""
    query = (
        f"SELECT COUNT(*) > 0 FROM cinder.services WHERE `binary` = '{binary}' AND deleted = 0"  # noqa: S608
        " AND disabled = 0 AND report_count > 0"
        " AND updated_at > UTC_TIMESTAMP() - INTERVAL 60 SECOND"
    )
    return {"type": "sql", "query": query, "equals": "1"}


def unit(name: str, description: str) -> Service:
    """One of Cinder's services that have an account of Ceph."""

    def ready(view: View) -> Probe | None:
        # Only a node with the database on it can ask there.
        return works(name) if Role.CONTROL in view.roles else None

    return Service(
        name,
        description=description,
        exec=f"{ENVIRONMENT}/bin/{name} --config-file {CONF}",
        user="cinder",
        environment={"PATH": f"{LIBRARY}:{ENVIRONMENT}/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        ready=ready,
        seconds=180,
    )


component = Component(
    name="cinder-volume",
    summary="volumes and their backups",
    roles=CONTROL,
    source="pypi:cinder",
    license="Apache-2.0",
    packages=("qemu-utils",),
    when=lambda view: view.storage.kind != FILES,
    needs=(
        Environment(),
        Database("cinder"),
        Queue("cinder"),
        # Admin: it asks Glance where images lie, also those that only their project sees.
        ServiceUser("cinder", roles=("service", "admin")),
        BlockStorage("cinder", owner="cinder", pools=("volumes",), reads=("images",)),
        BlockStorage("cinder-backup", owner="cinder", pools=("backups",)),
    ),
    users=(User("cinder", home="/var/lib/cinder"),),
    folders=(
        Folder("/etc/cinder", group="cinder", mode=0o750),
        Folder(LIBRARY),
    ),
    files=(
        Config("cinder-volume.conf.j2", CONF, group="cinder", service="cinder"),
        Text(f"{LIBRARY}/sudo", lambda _: AS_ITSELF, mode=0o755),
    ),
    units=(
        unit("cinder-volume", "Cinder volumes"),
        unit("cinder-backup", "Cinder backups"),
    ),
)
