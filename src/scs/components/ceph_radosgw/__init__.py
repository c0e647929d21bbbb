# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Object storage: S3 and Swift on Ceph, for Keystone's users."""

from __future__ import annotations

from collections.abc import Iterable

from scs.model.component import CONTROL, Component, Config, Endpoint, Folder, Service, Text
from scs.model.needs import ServiceUser, StorageAccount
from scs.model.objects import ApiObject, CatalogEntry
from scs.model.storage import CEPH
from scs.model.view import View

CONF = "/etc/ceph/radosgw.conf"
PASSWORD = "/etc/ceph/radosgw.password"  # noqa: S105
NAMES = ("log", "control", "meta", "buckets.index", "buckets.non-ec", "buckets.data")


def s3(view: View) -> Iterable[ApiObject]:
    """The second entry in the catalog, for the same address."""
    yield CatalogEntry(
        name="radosgw-s3",
        type="object-store-s3",
        description="Object storage (S3)",
        urls={
            "internal": view.url("radosgw", path=False),
            "public": view.url("radosgw", external=True, path=False),
        },
    )


component = Component(
    name="ceph-radosgw",
    summary="object storage",
    roles=CONTROL,
    source="debian:radosgw",
    license="LGPL-2.1-only",
    packages=("radosgw",),
    needs=(
        StorageAccount(
            "radosgw",
            owner="ceph",
            pools=(".rgw.root", *(f"default.rgw.{name}" for name in NAMES)),
            application="rgw",
            caps=(("mgr", "allow rw"), ("mon", "allow rw"), ("osd", "allow rwx tag rgw *=*")),
        ),
        # It looks at users' tokens. Signatures it checks by itself, with secrets that it keeps for
        # five minutes: otherwise each request of S3 would be two of Keystone's.
        ServiceUser("radosgw", signatures=True),
    ),
    endpoints=(
        Endpoint(
            "radosgw",
            port=6780,
            type="object-store",
            description="Object storage",
            path="/swift/v1/AUTH_%(project_id)s",
            health="/swift/healthcheck",
        ),
    ),
    folders=(Folder("/etc/ceph"),),
    files=(
        Config("radosgw.conf.j2", CONF, mode=0o644, service="radosgw"),
        Text(
            PASSWORD,
            lambda view: view.credential("user/radosgw").password,
            owner="ceph",
            mode=0o400,
            secret=True,
        ),
    ),
    units=(
        Service(
            "scs-radosgw",
            description="Ceph object gateway",
            exec=f"/usr/bin/radosgw --foreground --conf {CONF} --id radosgw",
            user="ceph",
            settings={"RuntimeDirectory": "ceph", "RuntimeDirectoryPreserve": "yes"},
            ready=lambda _: {"type": "http", "url": "http://127.0.0.1:6780/swift/healthcheck"},
        ),
    ),
    objects=s3,
    when=lambda view: view.storage.kind == CEPH,
)
