# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ceph's manager: metrics, autoscaling, and what the monitor leaves to it."""

from __future__ import annotations

from scs.model.component import CONTROL, Check, Component, Folder, Port, Service, Text
from scs.model.needs import StorageClient, StorageCluster
from scs.model.storage import CEPH, keyring
from scs.model.view import View

LIBRARY = "/usr/local/lib/scs/ceph-mgr"
STUB = '''"""Stands in front of Debian's bcrypt.

That one is made with PyO3, which refuses to be loaded into a second interpreter; and the manager
has one for each module, 13 of which would fail. Only passwords of the dashboard need it.
"""


def __getattr__(name):
    raise ImportError(f"bcrypt is not for managers of Ceph: {name}")
'''


def account(view: View) -> str:
    return f"mgr.{view.here.name}"


component = Component(
    name="ceph-mgr",
    summary="manager of Ceph",
    roles=CONTROL,
    source="debian:ceph-mgr",
    license="LGPL-2.1-only",
    packages=("ceph-mgr",),
    needs=(StorageClient(), StorageCluster()),
    ports=(Port(9283), Port(6800, last=7568)),
    folders=(Folder("/etc/ceph"), Folder(LIBRARY)),
    files=(
        Text(f"{LIBRARY}/bcrypt.py", lambda _: STUB),
        Text(
            "/etc/ceph/ceph.mgr.keyring",
            lambda view: keyring(account(view), view.storage_key(account(view))),
            owner="ceph",
            mode=0o400,
            secret=True,
        ),
    ),
    units=(
        Service(
            "scs-ceph-mgr",
            description="Ceph manager",
            exec="/usr/bin/ceph-mgr --foreground --id %H --keyring /etc/ceph/ceph.mgr.keyring",
            user="ceph",
            environment={"PYTHONPATH": LIBRARY},
            settings={"RuntimeDirectory": "ceph", "RuntimeDirectoryPreserve": "yes"},
            ready=lambda view: {
                "type": "asok",
                "path": f"/run/ceph/ceph-mgr.{view.here.name}.asok",
                "prefix": "version",
            },
        ),
    ),
    checks=(
        Check(
            "gives metrics",
            lambda view: {"type": "http", "url": f"http://{view.address}:9283/metrics"},
        ),
    ),
    when=lambda view: view.storage.kind == CEPH,
)
