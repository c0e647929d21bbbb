# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The relational database: MariaDB as a member of a Galera cluster, be it of one."""

from __future__ import annotations

import struct
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
from scs.model.needs import Cache, Certificate, Database, Environment, Need
from scs.model.saved import SCRATCH, Saved, shell
from scs.model.view import View
from scs.resources import Gate, HealthAccount, Resource, Restored

START = "/usr/local/lib/scs/mariadb-start"
UNIT = "unit:mariadb.service"
SERVED = "the load balancer leads to a member"
CLIENT = ("mariadb", "--skip-ssl", "--host=127.0.0.1", "--connect-timeout=5")
HEALTH = "scs-health"
"""An account without rights and without a password: the load balancer asks by it, in clear, whether
a member takes queries."""


def first_rows(view: View) -> Iterable[Resource]:
    """What the migrations of all components made of empty databases, where it was kept."""
    if not view.leads:
        return  # it gets all of that from the one that leads
    kept = [item for part in view.components for item in part.migrations if item.snapshot]
    if kept:
        yield Restored(
            name="mariadb",
            environment=view.environments[Environment.name],
            migrations=tuple(item.name for item in kept),
            databases=tuple(name for item in kept for name in item.proofs),
        )


def health(view: View) -> Iterable[Resource]:
    """With several members: the account for the load balancer, and that this one leads to one."""
    if len(view.controls) == 1:
        return
    network = view.networks["management"].ipv4
    account = HealthAccount(
        name=HEALTH,
        host=f"{network.network_address}/{network.netmask}",
        after=(UNIT,),
    )
    yield account
    login = (*CLIENT, f"--user={HEALTH}", "--execute=SELECT 1")
    yield Gate(name=SERVED, probe={"type": "succeeds", "argv": login}, after=(account.id,))


def served(view: View, needs: tuple[Need, ...]) -> Iterable[tuple[Need, Resource]]:
    """Accounts of which can be made use when they are made."""
    several = len(view.controls) > 1
    return accounts(view, needs, after=(UNIT, f"{Gate.kind}:{SERVED}") if several else ())


def asks(_view: View) -> Iterable[str]:
    """A login and a query in MariaDB's protocol: a member without a majority answers OFF."""

    def packet(number: int, data: bytes) -> str:
        return f"send-binary {(len(data).to_bytes(3, 'little') + bytes([number]) + data).hex()}"

    # Protocol 4.1 with transactions and the newer passwords; packets up to 16 MiB; UTF-8.
    capabilities = 0x0001 | 0x0200 | 0x2000 | 0x8000
    login = struct.pack("<IIB23x", capabilities, 2**24, 33) + HEALTH.encode() + b"\0\0"
    name, value = b"wsrep_ready", b"ON"
    row = bytes([len(name)]) + name + bytes([len(value)]) + value
    return (
        "connect",
        packet(1, login),
        packet(0, b"\x03SHOW STATUS LIKE '" + name + b"'"),
        f"expect binary {row.hex()}",
        packet(0, b"\x01"),
    )


def reachable(view: View, _need: Need) -> Probe:
    return {"type": "tcp", "host": str(view.internal_address), "port": 3306}


STATUS = "information_schema.GLOBAL_STATUS"


def _wsrep(name: str, equals: str) -> Probe:
    """Galera's own word about itself."""
    query = f"SELECT VARIABLE_VALUE FROM {STATUS} WHERE VARIABLE_NAME = 'wsrep_{name}'"  # noqa: S608
    return {"type": "sql", "query": query, "equals": equals}


# Accounts are not in it: `up` makes them from the secrets. One transaction for all databases
# is one moment; whoever loads it is alone, so it locks nothing.
DUMP = shell(
    "own=\"'information_schema', 'mysql', 'performance_schema', 'sys'\"",
    'names=$(mariadb --batch --skip-column-names --execute "SELECT schema_name'
    ' FROM information_schema.schemata WHERE schema_name NOT IN ($own)")',
    'test -n "$names" || { echo "there is no database yet" >&2; exit 1; }',
    "exec mariadb-dump --single-transaction --quick --routines --triggers --events --hex-blob"
    " --skip-add-locks --skip-dump-date --add-drop-database --databases $names",
)
# A server that nobody else reaches, and that promises nothing: it is gone right afterwards.
PROVE = shell(
    "export TMPDIR=/var/tmp",
    *SCRATCH,
    'chown mysql "$scratch"',
    'mariadb-install-db --no-defaults --user=mysql --datadir="$scratch/data" --skip-test-db'
    ' --auth-root-authentication-method=normal > "$scratch/log" 2>&1'
    ' || { tail -n 15 "$scratch/log" >&2; exit 1; }',
    'mariadbd --no-defaults --user=mysql --datadir="$scratch/data" --socket="$scratch/socket"'
    ' --pid-file="$scratch/pid" --skip-networking --skip-log-bin --innodb-flush-log-at-trx-commit=0'
    ' --innodb-flush-method=nosync --debug-no-sync > "$scratch/log" 2>&1 &',
    "server=$!",
    "trap 'kill $server; wait $server || true; rm -rf \"$scratch\"' EXIT",
    'until test -S "$scratch/socket"; do',
    '  kill -0 $server || { tail -n 15 "$scratch/log" >&2; exit 1; }',
    "  sleep 0.2",
    "done",
    'client="mariadb --no-defaults --user=root --batch --skip-column-names"',
    '$client --socket="$scratch/socket"',
    '$client --socket="$scratch/socket" --execute "SELECT CONCAT(COUNT(*), \' tables in \','
    " COUNT(DISTINCT table_schema), ' databases') FROM information_schema.tables WHERE table_schema"
    " NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')\"",
)

component = Component(
    name="mariadb",
    summary="relational database",
    roles=CONTROL,
    source="debian:mariadb-server",
    license="GPL-2.0-only",
    packages=("mariadb-server", "mariadb-client", "mariadb-backup", "galera-4", "socat"),
    needs=(Certificate("mariadb", owner="mysql"),),
    gives=(Gives(Database, resources=served, ready=reachable, account="database"),),
    endpoints=(Endpoint("mariadb", port=3306, external=False, http=False, asks=asks),),
    # Clients; whole copies of a member, changes, and the changes that one has missed; who founds.
    ports=(Port(3306), Port(4444), Port(4567, last=4569)),
    files=(
        Config("scs.cnf.j2", "/etc/mysql/mariadb.conf.d/90-scs.cnf", mode=0o644),
        Config("start.py.j2", START, mode=0o755),
    ),
    units=(
        Packaged(
            "mariadb",
            settings={
                "ExecReload": '+/usr/bin/mariadb --execute "FLUSH SSL"',
                "ExecStartPre": f"/usr/bin/python3 {START}",
                "EnvironmentFile": "-/run/mysqld/scs-new-cluster",
                # One that waits for the others can do so for long, and is not stuck.
                "TimeoutStartSec": "infinity",
                "TimeoutStopSec": "120",
                "SendSIGKILL": "yes",
            },
            reloads=("/etc/scs/tls/",),
            # A copy for one that joins fails where tables are made meanwhile, as by migrations.
            again=2,
            ready=lambda _: _wsrep("ready", "ON"),
            # Others may have to start first, and a new member gets a copy of everything.
            seconds=300,
        ),
    ),
    prepares=first_rows,
    resources=health,
    checks=(
        Check("is part of the cluster's majority", lambda _: _wsrep("cluster_status", "Primary")),
        Check("takes queries", lambda _: _wsrep("ready", "ON")),
        Check(
            "has all members",
            lambda view: _wsrep("cluster_size", str(len(view.controls))),
        ),
    ),
    when=lambda view: view.external.database is None,
    keeps=("/var/lib/mysql",),
    saves=(
        Saved(
            "databases",
            save=DUMP,
            load=("mariadb", "--batch"),
            proves=PROVE,
            ends="-- Dump completed",
            shuts_out=(Database,),
            outdates=(Cache,),
            of=("/var/lib/mysql",),
        ),
    ),
)
