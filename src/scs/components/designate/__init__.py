# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Names: Designate, whose zones the cloud's name server fetches from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from scs.model.component import (
    CONTROL,
    Check,
    Component,
    Config,
    Endpoint,
    Folder,
    Port,
    Probe,
    Service,
    Text,
    User,
    Wsgi,
)
from scs.model.database import schema
from scs.model.needs import Cache, Database, Environment, NameServer, Queue, ServiceUser
from scs.model.topology import Role
from scs.model.view import ENVIRONMENT, View
from scs.resources import Link, Resource
from scs.resources import Migration as MigrationResource

FOLDER = "/etc/designate"
CONF = f"{FOLDER}/designate.conf"
POOLS = f"{FOLDER}/pools.yaml"
STATE = "/var/lib/designate"
FORGET = "/usr/local/lib/scs/designate-forget"
PASTE = f"{FOLDER}/api-paste.ini"
MDNS = 5354
"""Where Designate hands out zones."""
CATALOG = "catalog.invalid."
"""The zone that lists all zones; nobody's name can be below `invalid`."""


def pool(view: View) -> Mapping[str, Any]:
    """Where zones go (the only pool), in Designate's words."""
    nodes = [str(node.address) for node in view.controls]
    return {
        "name": "default",
        "description": "the cloud's name servers",
        "attributes": {},
        # Designate 22 takes none away any more where there is a catalog: it looks for it in that.
        "ns_records": [{"hostname": view.name_server, "priority": 1}],
        # Asked whether a change has arrived.
        "nameservers": [{"host": node, "port": 53} for node in nodes],
        "targets": [
            {
                # With a catalog it is only told of changes: zones are nobody's to add and remove.
                "type": "bind9",
                "description": "BIND on the same node, which tells the others",
                "masters": [{"host": node, "port": MDNS} for node in nodes],
                # Told at another node's address, one that is gone would be waited for minutes.
                "options": {"host": "127.0.0.1", "port": "53"},
            }
        ],
        "catalog_zone": {"catalog_zone_fqdn": CATALOG, "catalog_zone_refresh": 60},
    }


def pools(view: View) -> str:
    """pools.yaml; JSON is YAML, too."""
    return f"# Written by scs.\n{json.dumps([pool(view)], indent=2)}\n"


def rows(wanted: Mapping[str, Any]) -> Mapping[str, str]:
    """Queries, with what the database answers when it has that pool."""
    of_pool = f"JOIN designate.pools p ON p.id = x.pool_id AND p.name = '{wanted['name']}'"
    of_target = f"JOIN designate.pool_targets x ON x.id = y.pool_target_id {of_pool}"
    queries = (
        ("pool_ns_records x", of_pool, "x.hostname, x.priority", wanted["ns_records"]),
        ("pool_nameservers x", of_pool, "x.host, x.port", wanted["nameservers"]),
        ("pool_targets x", of_pool, "x.type", [{"type": one["type"]} for one in wanted["targets"]]),
        (
            "pool_target_masters y",
            of_target,
            "y.host, y.port",
            [item for one in wanted["targets"] for item in one["masters"]],
        ),
        (
            "pool_target_options y",
            of_target,
            "y.key, y.value",
            [
                {"key": key, "value": value}
                for one in wanted["targets"]
                for key, value in one["options"].items()
            ],
        ),
        (
            "zones x",
            f"{of_pool} AND x.type = 'CATALOG' AND x.deleted = '0'",
            "x.name, x.refresh",
            [wanted["catalog_zone"]],
        ),
    )
    return {
        f"SELECT CONCAT_WS(' ', {columns}) line FROM designate.{table} {join}"  # noqa: S608
        " ORDER BY BINARY line": "\n".join(
            sorted(" ".join(str(value) for value in item.values()) for item in items)
        )
        for table, join, columns, items in queries
    }


def known_pool(view: View) -> Iterable[Resource]:
    """The pool in the database: Designate itself brings it there, and only when it runs."""
    yield MigrationResource(
        name="designate-pool",
        environment=view.environments[Environment.name],
        argv=(
            f"{ENVIRONMENT}/bin/designate-manage",
            f"--config-file={CONF}",
            "pool",
            "update",
            f"--file={POOLS}",
        ),
        user="designate",
        rows=rows(pool(view)),
        elsewhere=not view.leads,
        after=(f"file:{CONF}", f"file:{POOLS}", "unit:designate-central.service"),
    )


def has_pool(view: View) -> Iterable[Probe]:
    """The pool is in the database; whoever works with it reads it once and never again."""
    if Role.CONTROL in view.roles:
        for query, answer in rows(pool(view)).items():
            yield {"type": "sql", "query": query, "equals": answer}


def works(name: str, node: str) -> Probe:
    """It has told the database of late that it works, by way of the queue."""
    query = (
        "SELECT COUNT(*) FROM designate.service_statuses"  # noqa: S608
        f" WHERE service_name = '{name}' AND hostname = '{node}' AND status = 'UP'"
        " AND heartbeated_at > UTC_TIMESTAMP() - INTERVAL 45 SECOND"
    )
    return {"type": "sql", "query": query, "equals": "1"}


def unit(
    name: str,
    description: str,
    waits: Callable[[View], Iterable[Probe]] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Service:
    """One of Designate's services beside its API."""

    def ready(view: View) -> Probe | None:
        # Only a node with the database on it can ask there.
        return works(name, view.here.name) if Role.CONTROL in view.roles else None

    return Service(
        f"designate-{name}",
        description=description,
        exec=f"{ENVIRONMENT}/bin/designate-{name} --config-file {CONF}",
        user="designate",
        # It starts, too, where that goes wrong: then only the way back from 2026.2 is blocked.
        pre=(f"-{ENVIRONMENT}/bin/python {FORGET}",),
        ready=ready,
        waits=waits,
        environment=environment or {},
    )


component = Component(
    name="designate",
    summary="names",
    roles=CONTROL,
    source="pypi:designate",
    license="Apache-2.0",
    service="designate",
    needs=(
        Environment(),
        Database("designate"),
        Queue("designate"),
        Cache(),
        NameServer(catalog=CATALOG, port=MDNS),
        ServiceUser("designate"),
    ),
    endpoints=(Endpoint("designate", port=9001, type="dns", description="Names"),),
    ports=(Port(MDNS), Port(MDNS, protocol="udp")),
    users=(User("designate", home=STATE),),
    folders=(Folder(FOLDER, group="designate", mode=0o750),),
    files=(
        Config("designate.conf.j2", CONF, group="designate", service="designate", policy=True),
        Text(POOLS, pools, group="designate", mode=0o640),
        Config("forget.py.j2", FORGET, mode=0o755),
    ),
    # The API looks for it beside its configuration.
    prepares=lambda _: [Link(name=PASTE, target=f"{ENVIRONMENT}/etc/designate/api-paste.ini")],
    migrations=(
        schema("designate", "designate-manage", f"--config-file={CONF}", "database", "sync"),
    ),
    units=(
        Wsgi(
            "designate-api",
            module="designate.wsgi.api:application",
            port=9001,
            user="designate",
            environment={"OS_DESIGNATE_CONFIG_DIR": FOLDER},
            lazy=True,
        ),
        unit("central", "Designate central"),
        unit("worker", "Designate worker", waits=has_pool),
        # Several would share the work by way of the cache, and stop sharing it when that is lost:
        # the part of the node that had it would be nobody's. So each does all of it, as if it were
        # alone; whoever comes second finds nothing to do.
        unit(
            "producer",
            "Designate producer",
            environment={"OS_COORDINATION__BACKEND_URL": f"file://{STATE}/coordination"},
        ),
        unit("mdns", "Designate mini DNS"),
    ),
    resources=known_pool,
    checks=(
        Check(
            "the name server here has the catalog of zones",
            lambda view: {"type": "zone", "host": str(view.address), "name": CATALOG},
        ),
    ),
)
