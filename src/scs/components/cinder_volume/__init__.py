# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Block storage: what works on the volumes themselves, and on their backups."""

from __future__ import annotations

from collections.abc import Iterable

from scs.model.component import CONTROL, Component, Config, Folder, Probe, Service, Text, User
from scs.model.needs import BlockStorage, Database, Environment, Need, Queue, ServiceUser
from scs.model.storage import FILES
from scs.model.topology import Role
from scs.model.view import ENVIRONMENT, View

CONF = "/etc/cinder/cinder-volume.conf"
BACKUPS = "/etc/cinder/cinder-backup.conf"
"""Where backups lie, and with which key: a file of its own, of which nothing is ever shown."""
S3 = "/etc/cinder/s3.conf"
S3_CA = "/etc/cinder/s3-ca.pem"
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


def pools(view: View) -> Iterable[Need]:
    """Those of volumes, and of backups unless an S3 store of the operator's takes its place."""
    images = view.storage.image_pools
    yield BlockStorage("cinder", owner="cinder", pools=("volumes",), reads=images)
    if view.external.volume_backups is None:
        yield BlockStorage("cinder-backup", owner="cinder", pools=("backups",))


def s3(view: View) -> str | None:
    """What Cinder has no options for: the library that it asks S3 with reads this file."""
    store = view.external.volume_backups
    if store is None:
        return None
    return (
        f"[default]\nregion = {store.region}\n"
        # Stores that do not know Amazon's newer checksums (Ceph 18) refuse requests that have them.
        "request_checksum_calculation = when_required\n"
        "response_checksum_validation = when_required\n"
        # A bucket in the host's name would need a name server and a certificate that know it.
        "s3 =\n  addressing_style = path\n"
    )


def s3_ca(view: View) -> str | None:
    store = view.external.volume_backups
    return (store.ca or None) if store else None


def unit(name: str, description: str, *files: str) -> Service:
    """One of Cinder's services that work on volumes, with its configuration files."""

    def ready(view: View) -> Probe | None:
        # Only a node with the database on it can ask there.
        return works(name) if Role.CONTROL in view.roles else None

    return Service(
        name,
        description=description,
        exec=" ".join((f"{ENVIRONMENT}/bin/{name}", *(f"--config-file {path}" for path in files))),
        user="cinder",
        environment={
            "PATH": f"{LIBRARY}:{ENVIRONMENT}/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            # There only where backups go to an S3 store.
            "AWS_CONFIG_FILE": S3,
        },
        ready=ready,
        seconds=180,
    )


component = Component(
    name="cinder-volume",
    summary="volumes and their backups",
    roles=CONTROL,
    source="pypi:cinder",
    license="Apache-2.0",
    packages=("qemu-utils", "ca-certificates"),
    when=lambda view: view.storage.kind != FILES,
    needs=(
        Environment(),
        Database("cinder"),
        Queue("cinder"),
        # Admin: it asks Glance where images lie, also those that only their project sees.
        ServiceUser("cinder", roles=("service", "admin")),
    ),
    needs_in=pools,
    users=(User("cinder", home="/var/lib/cinder"),),
    folders=(
        Folder("/etc/cinder", group="cinder", mode=0o750),
        Folder(LIBRARY),
    ),
    files=(
        Config("cinder-volume.conf.j2", CONF, group="cinder", service="cinder"),
        Config("cinder-backup.conf.j2", BACKUPS, group="cinder", secret=True, service="cinder"),
        Text(S3, s3, group="cinder", mode=0o640),
        Text(S3_CA, s3_ca),
        Text(f"{LIBRARY}/sudo", lambda _: AS_ITSELF, mode=0o755),
    ),
    units=(
        unit("cinder-volume", "Cinder volumes", CONF),
        unit("cinder-backup", "Cinder backups", CONF, BACKUPS),
    ),
)
