# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Load balancing: Octavia, whose load balancers are OVN's own and need no VMs."""

from __future__ import annotations

from scs.model.component import (
    CONTROL,
    Check,
    Component,
    Config,
    Endpoint,
    Folder,
    Probe,
    Service,
    User,
    Wsgi,
)
from scs.model.database import schema
from scs.model.needs import Cache, Certificate, Database, Environment, NetworkDatabase, ServiceUser
from scs.model.view import ENVIRONMENT, View

CONF = "/etc/octavia/octavia.conf"
SOCKETS = "/run/octavia"


def listens(_: View) -> Probe:
    """Its sockets are there. They are not tried: who hangs up without a word makes it spin."""
    there = " && ".join(f"test -S {SOCKETS}/{name}.sock" for name in ("status", "stats", "get"))
    return {"type": "succeeds", "argv": ("sh", "-c", there)}


def follows(_: View) -> Probe:
    """The process that follows OVN; the agent goes on without it when it dies."""
    process = "^octavia-driver-agent - provider_agent -- ovn"
    return {"type": "succeeds", "argv": ("pgrep", "--full", process)}


component = Component(
    name="octavia",
    summary="load balancing",
    roles=CONTROL,
    source="pypi:octavia",
    license="Apache-2.0",
    service="octavia",
    needs=(
        Environment(),
        Database("octavia"),
        Cache(),
        NetworkDatabase(),
        Certificate("octavia", owner="octavia"),
        # Admin: it looks at networks and makes ports for others' projects.
        ServiceUser("octavia", roles=("service", "admin")),
    ),
    endpoints=(Endpoint("octavia", port=9876, type="load-balancer", description="Load balancing"),),
    users=(User("octavia", home="/var/lib/octavia"),),
    folders=(Folder("/etc/octavia", group="octavia", mode=0o750),),
    files=(Config("octavia.conf.j2", CONF, group="octavia", service="octavia", policy=True),),
    migrations=(
        schema("octavia", "octavia-db-manage", f"--config-file={CONF}", "upgrade", "head"),
    ),
    units=(
        Wsgi(
            "octavia-api",
            module="octavia.wsgi.api:application",
            port=9876,
            user="octavia",
            options={"pyargv": f"--config-file={CONF}"},
            lazy=True,
        ),
        Service(
            "octavia-driver-agent",
            description="Octavia driver agent",
            exec=f"{ENVIRONMENT}/bin/octavia-driver-agent --config-file {CONF}",
            user="octavia",
            # Here the API, too, tells it what has changed.
            settings={"RuntimeDirectory": "octavia", "RuntimeDirectoryMode": "0750"},
            ready=listens,
        ),
    ),
    checks=(Check("follows OVN", follows),),
)
