# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ceph's manager: metrics, autoscaling, and what the monitor leaves to it."""

from __future__ import annotations

from collections.abc import Mapping

from scs.model.component import CONTROL, Check, Component, Folder, Gauge, Port, Service, Text
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


METRICS = 9283
HEALTH = ("Ceph is well", "Ceph warns", "Ceph is in trouble")


def told(metrics: Mapping[str, float]) -> str:
    """Health, space, and how far a recovery is."""
    used, total = (
        metrics[f"ceph_cluster_total_{which}bytes"] / 2**30 for which in ("used_raw_", "")
    )
    words = [
        HEALTH[int(metrics["ceph_health_status"])],
        f"{used:.1f} of {total:.0f} GiB used",
        f"{metrics['ceph_osd_up']:.0f} of {metrics['ceph_osd_in']:.0f} disks up",
    ]
    lacking = metrics["ceph_pg_total"] - metrics["ceph_pg_clean"]
    if lacking > 0:
        words.append(f"{lacking:.0f} of {metrics['ceph_pg_total']:.0f} groups recover")
    objects = {
        what: metrics[f"ceph_num_objects_{what}"] for what in ("degraded", "misplaced", "unfound")
    }
    words += [f"{count:.0f} objects {what}" for what, count in objects.items() if count]
    return ", ".join(words)


FULL = "add disks, or delete what is not needed"
URGENT = (
    (
        ("OSD_FULL", "POOL_FULL"),
        "Ceph is full: nobody can write until there is space, guests and services stand still where"
        f" they do; reading works. {FULL.capitalize()}",
    ),
    (
        ("OSD_BACKFILLFULL", "POOL_BACKFILLFULL"),
        "Ceph is so full that copies of a disk that is lost find no place; reading and writing"
        f" work. {FULL.capitalize()}",
    ),
    (
        ("OSD_NEARFULL", "POOL_NEARFULL"),
        "Ceph is nearly full: reading and writing work, and when it is full nobody can write any"
        f" more. {FULL.capitalize()}",
    ),
)
"""What Ceph calls it → what it means for users, the worst first."""


def urges(metrics: Mapping[str, float]) -> str:
    """What is to be done about space, before or when users notice."""
    for names, meaning in URGENT:
        if any(metrics.get(f"ceph_health_detail{{{name}}}") for name in names):
            return meaning
    return ""


component = Component(
    name="ceph-mgr",
    summary="manager of Ceph",
    roles=CONTROL,
    source="debian:ceph-mgr",
    license="LGPL-2.1-only",
    packages=("ceph-mgr",),
    needs=(StorageClient(), StorageCluster()),
    ports=(Port(METRICS), Port(6800, last=7568)),
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
            "gives metrics, or another one does",
            # Of several only the one that is at work does.
            lambda view: {
                "type": "some",
                "of": [
                    {"type": "http", "url": f"http://{node.address}:{METRICS}/metrics"}
                    for node in view.controls
                ],
            },
        ),
    ),
    gauges=(Gauge("storage", METRICS, told, urges),),
    when=lambda view: view.storage.kind == CEPH,
)
