# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Placement: what resources there are and who uses them."""

from __future__ import annotations

from scs.model.component import CONTROL, Component, Config, Endpoint, Folder, User, Wsgi
from scs.model.database import schema
from scs.model.needs import Cache, Database, Environment, ServiceUser

component = Component(
    name="placement",
    summary="inventory of resources",
    roles=CONTROL,
    source="pypi:openstack-placement",
    license="Apache-2.0",
    needs=(Environment(), Database("placement"), Cache(), ServiceUser("placement")),
    endpoints=(
        Endpoint("placement", port=8778, type="placement", description="Placement", health="/"),
    ),
    users=(User("placement", home="/var/lib/placement"),),
    folders=(Folder("/etc/placement", group="placement", mode=0o750),),
    files=(
        Config(
            "placement.conf.j2",
            "/etc/placement/placement.conf",
            group="placement",
            service="placement",
            policy=True,
        ),
    ),
    migrations=(
        schema(
            *("placement", "placement-manage", "db", "sync"),
            online=("db", "online_data_migrations"),
        ),
    ),
    units=(
        Wsgi(
            "placement-api",
            module="placement.wsgi.api:application",
            port=8778,
            user="placement",
            health="/",
            environment={"OS_PLACEMENT_CONFIG_DIR": "/etc/placement"},
        ),
    ),
)
