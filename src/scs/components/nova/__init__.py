# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Compute: the control side of Nova."""

from __future__ import annotations

from scs.model.component import (
    CONTROL,
    Component,
    Config,
    Endpoint,
    Folder,
    Migration,
    Service,
    User,
    Wsgi,
)
from scs.model.content import quotas
from scs.model.needs import Cache, Database, Environment, Queue, ServiceUser
from scs.model.objects import Quota
from scs.model.view import ENVIRONMENT, View

START = "/usr/local/lib/scs/nova-start"
CONF = "/etc/nova/nova.conf"
MIGRATE = "/usr/local/lib/scs/nova-migrate"
BACK = "/usr/local/lib/scs/nova-back"
FILES = {"OS_NOVA_CONFIG_FILES": f"{ENVIRONMENT}/etc/nova/api-paste.ini;{CONF}"}


def queue(view: View) -> str:
    """The queue of the only cell, without addresses: Nova fills them in from nova.conf.

    So no password is stored. With several hosts it numbers what belongs to each of them.
    """
    count = len(view.controls)
    hosts = ",".join(
        f"{{username{number}}}:{{password{number}}}@{{hostname{number}}}:{{port{number}}}"
        for number in ([""] if count == 1 else range(1, count + 1))
    )
    return f"{{scheme}}://{hosts}/{{path}}"


component = Component(
    name="nova",
    summary="compute",
    roles=CONTROL,
    source="pypi:nova",
    license="Apache-2.0",
    packages=("novnc",),
    needs=(
        Environment(),
        Database("nova", ("nova", "nova_api", "nova_cell0")),
        Queue("nova"),
        Cache(),
        ServiceUser("nova", roles=("service", "admin")),
    ),
    endpoints=(
        Endpoint(
            "nova", port=8774, type="compute", description="Compute", path="/v2.1", health="/"
        ),
        Endpoint("nova-metadata", port=8775, health="/", external=False),
        Endpoint("nova-novncproxy", port=6080, health="/vnc_lite.html"),
    ),
    objects=lambda view: quotas(Quota, view.projects),
    users=(User("nova", home="/var/lib/nova"),),
    folders=(
        Folder("/etc/nova", group="nova", mode=0o750),
        # On a compute node QEMU passes through it as its own user.
        Folder("/var/lib/nova", owner="nova", group="nova"),
    ),
    files=(
        Config("nova.conf.j2", CONF, group="nova", service="nova", policy=True),
        Config("migrate.py.j2", MIGRATE, mode=0o755),
        Config("back.py.j2", BACK, mode=0o755),
        Config("start.py.j2", START, mode=0o755),
    ),
    migrations=(
        Migration(
            "nova",
            argv=(f"{ENVIRONMENT}/bin/python", MIGRATE),
            user="nova",
            online=((f"{ENVIRONMENT}/bin/nova-manage", "db", "online_data_migrations"),),
            back=(f"{ENVIRONMENT}/bin/python", BACK),
            proofs={"nova_api": "nova_api", "nova": "nova", "nova_cell0": "nova"},
            rows={"SELECT COUNT(*) FROM nova_api.cell_mappings": "2"},
            answers=lambda view: {
                "SELECT transport_url FROM nova_api.cell_mappings WHERE name = 'cell1'": queue(view)
            },
            environment=lambda view: {"SCS_QUEUE": queue(view)},
            snapshot=True,
        ),
    ),
    units=(
        Wsgi(
            "nova-api",
            module="nova.wsgi.osapi_compute:application",
            port=8774,
            user="nova",
            health="/",
            environment=FILES,
            lazy=True,
        ),
        Wsgi(
            "nova-metadata",
            module="nova.wsgi.metadata:application",
            port=8775,
            user="nova",
            health="/",
            environment=FILES,
            lazy=True,
            threads=2,
        ),
        Service(
            "nova-conductor",
            description="Nova conductor",
            exec=f"{ENVIRONMENT}/bin/python {START} nova-conductor --config-file {CONF}",
            user="nova",
        ),
        Service(
            "nova-scheduler",
            description="Nova scheduler",
            exec=f"{ENVIRONMENT}/bin/python {START} nova-scheduler --config-file {CONF}",
            user="nova",
        ),
        Service(
            "nova-novncproxy",
            description="Nova console proxy",
            exec=f"{ENVIRONMENT}/bin/nova-novncproxy --config-file {CONF}",
            user="nova",
            ready=lambda _: {"type": "tcp", "host": "127.0.0.1", "port": 6080},
        ),
    ),
)
