# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The relational database: MariaDB as a member of a Galera cluster, be it of one."""

from __future__ import annotations

from collections.abc import Iterable

from scs.model.component import (
    CONTROL,
    Check,
    Component,
    Config,
    Endpoint,
    Gives,
    Packaged,
    Port,
    Probe,
)
from scs.model.database import accounts
from scs.model.needs import Certificate, Database, Need
from scs.model.topology import Role
from scs.model.view import ENVIRONMENT, View
from scs.resources import Resource, Restored

TRUSTED = "s/^safe_to_bootstrap: 0/safe_to_bootstrap: 1/"
TRUST = (
    f"/bin/sh -c 'cd /var/lib/mysql && ! test -e grastate.dat || sed -i \"{TRUSTED}\" grastate.dat'"
)


def first_rows(view: View) -> Iterable[Resource]:
    """What the migrations of all components made of empty databases, where it was kept."""
    kept = [item for part in view.components for item in part.migrations if item.snapshot]
    if kept:
        yield Restored(
            name="mariadb",
            migrations=tuple(item.name for item in kept),
            databases=tuple(name for item in kept for name in item.proofs),
            after=(f"link:{ENVIRONMENT}",),
        )


def reachable(view: View, _need: Need) -> Probe:
    return {"type": "tcp", "host": str(view.internal_address), "port": 3306}


STATUS = "information_schema.GLOBAL_STATUS"


def _wsrep(name: str, equals: str) -> Probe:
    """Galera's own word about itself."""
    query = f"SELECT VARIABLE_VALUE FROM {STATUS} WHERE VARIABLE_NAME = 'wsrep_{name}'"  # noqa: S608
    return {"type": "sql", "query": query, "equals": equals}


component = Component(
    name="mariadb",
    summary="relational database",
    roles=CONTROL,
    source="debian:mariadb-server",
    license="GPL-2.0-only",
    packages=("mariadb-server", "mariadb-client", "galera-4"),
    needs=(Certificate("mariadb", owner="mysql"),),
    gives=(Gives(Database, resources=accounts, ready=reachable, account="database"),),
    endpoints=(Endpoint("mariadb", port=3306, external=False, http=False),),
    ports=(Port(3306),),
    files=(Config("scs.cnf.j2", "/etc/mysql/mariadb.conf.d/90-scs.cnf", mode=0o644),),
    units=(
        Packaged(
            "mariadb",
            # Galera does not trust a member that lost power; the only one has nobody to ask.
            settings={
                "ExecReload": '+/usr/bin/mariadb --execute "FLUSH SSL"',
                "ExecStartPre": TRUST,
            },
            reloads=("/etc/scs/tls/",),
            ready=lambda _: {"type": "sql", "query": "SELECT 1", "equals": "1"},
        ),
    ),
    prepares=first_rows,
    checks=(
        Check("is part of the cluster's majority", lambda _: _wsrep("cluster_status", "Primary")),
        Check("takes queries", lambda _: _wsrep("ready", "ON")),
        Check(
            "has all members",
            lambda view: _wsrep("cluster_size", str(len(view.nodes_with(Role.CONTROL)))),
        ),
    ),
    when=lambda view: view.external.database is None,
    keeps=("/var/lib/mysql",),
)
