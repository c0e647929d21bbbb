# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Horizon: the cloud in a browser, with panels for all that the catalog has."""

from __future__ import annotations

from scs.model.component import CONTROL, Component, Config, Endpoint, Folder, User, Wsgi
from scs.model.needs import Cache, Environment

HOME = "/opt/scs/dashboard"
PORT = 8080
"""The user is not root, so it can't have the port that browsers come to."""

component = Component(
    name="dashboard",
    summary="dashboard",
    service="dashboard",
    roles=CONTROL,
    source="pypi:horizon",
    license="Apache-2.0",
    needs=(Environment("dashboard"), Cache()),
    endpoints=(
        Endpoint(
            "dashboard",
            port=443,
            description="Dashboard",
            health="/auth/login/",
            backend=PORT,
            page=True,
        ),
    ),
    users=(User("dashboard", home="/var/lib/dashboard"),),
    folders=(Folder("/etc/openstack-dashboard", group="dashboard", mode=0o750),),
    files=(
        Config(
            "local_settings.py.j2",
            "/etc/openstack-dashboard/local_settings.py",
            group="dashboard",
            secret=True,
        ),
    ),
    units=(
        Wsgi(
            "dashboard",
            module="openstack_dashboard.wsgi:application",
            port=PORT,
            user="dashboard",
            health="/auth/login/",
            home=HOME,
            options={"static-map": f"/static={HOME}/share/static"},
        ),
    ),
)
