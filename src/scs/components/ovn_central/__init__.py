# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""OVN's databases and the daemon that turns networks into flows."""

from __future__ import annotations

from scs.model.component import (
    CONTROL,
    Check,
    Component,
    Config,
    Gives,
    Port,
    Probe,
    Service,
    Text,
    User,
)
from scs.model.needs import Certificate, Need, NetworkDatabase
from scs.model.saved import SCRATCH, Saved, shell
from scs.model.view import View

DATABASE = "/usr/local/lib/scs/ovn-database"
DATABASES = "/etc/scs/ovn-databases"
TLS = {
    "private-key": "tls/ovn-central.key",
    "certificate": "tls/ovn-central.crt",
    "ca-cert": "ca.pem",
}
RUN = {
    "StateDirectory": "ovn",
    "RuntimeDirectory": "ovn",
    # It looks at its certificates itself: nothing has to be done when they change.
    "ExecReload": "/bin/true",
    "RuntimeDirectoryMode": "0755",
    "RuntimeDirectoryPreserve": "yes",
}


def reachable(view: View, _need: Need) -> Probe:
    return {"type": "tcp", "host": str(view.nearest_control.address), "port": 6642}


def database(short: str, long: str, port: int) -> Service:
    """One of OVN's two databases."""
    return Service(
        f"scs-ovn-{short}",
        description=f"OVN {long} database",
        exec=f"/usr/bin/python3 {DATABASE} {short}",
        user="ovn",
        settings=RUN,
        reloads=("/etc/scs/tls/",),
        ready=lambda view: {"type": "tcp", "host": str(view.address), "port": port},
        seconds=300,
    )


def northd() -> str:
    words = [
        "/usr/bin/ovn-northd -vconsole:warn -vsyslog:off -vfile:off",
        "--unixctl=/run/ovn/ovn-northd.ctl",
        *(f"--{word}=/etc/scs/{path}" for word, path in TLS.items()),
        "--ovnnb-db=${NORTHBOUND} --ovnsb-db=${SOUTHBOUND}",
    ]
    return " ".join(words)


def databases(view: View) -> str:
    """Where northd finds them: one that leads does not talk to a database that follows."""
    if len(view.controls) == 1:
        places = ["unix:/run/ovn/ovnnb_db.sock", "unix:/run/ovn/ovnsb_db.sock"]
    else:
        places = [view.network_database(port) for port in (6641, 6642)]
    return "NORTHBOUND={}\nSOUTHBOUND={}\n".format(*places)


def client(verb: str) -> str:
    """A line for the shell: what the northbound database holds, in one transaction of its leader.

    The southbound one is made from it, and nodes tell it of themselves again.
    """
    words = " ".join(f"--{word}=/etc/scs/{path}" for word, path in TLS.items())
    return f'ovsdb-client --timeout=300 {words} {verb} "$NORTHBOUND" OVN_Northbound'


# Read as a whole and written again, so that one that was cut off is not taken for a shorter one.
WHOLE = (
    *SCRATCH,
    'cat > "$scratch/saved"',
    'ovsdb-tool compact "$scratch/saved" "$scratch/whole"',
)


component = Component(
    name="ovn-central",
    summary="databases and logic of the virtual network",
    roles=CONTROL,
    source="debian:ovn-central",
    license="Apache-2.0",
    packages=("ovn-central",),
    needs=(Certificate("ovn-central", owner="ovn"),),
    gives=(Gives(NetworkDatabase, ready=reachable),),
    # Clients; members of each database; who founds it.
    ports=(Port(6641), Port(6642), Port(6643), Port(6644), Port(6645), Port(6646)),
    users=(User("ovn"),),
    files=(
        Config("database.py.j2", DATABASE, mode=0o755),
        Text(DATABASES, databases),
    ),
    units=(
        database("nb", "northbound", 6641),
        database("sb", "southbound", 6642),
        Service(
            "scs-ovn-northd",
            description="OVN northd",
            exec=northd(),
            user="ovn",
            after=("scs-ovn-nb.service", "scs-ovn-sb.service"),
            settings={**RUN, "EnvironmentFile": DATABASES},
            reloads=("/etc/scs/tls/",),
        ),
    ),
    checks=(
        Check(
            "northd translates, or stands by",
            lambda _: {
                "type": "succeeds",
                "argv": (
                    *("sh", "-c"),
                    "ovn-appctl -t /run/ovn/ovn-northd.ctl status | grep -qE 'active|standby'",
                ),
            },
        ),
    ),
    keeps=("/var/lib/ovn",),
    saves=(
        Saved(
            "northbound",
            save=shell(f". {DATABASES}", f"exec {client('backup')}"),
            load=shell(f". {DATABASES}", *WHOLE, f'{client("restore")} < "$scratch/whole"'),
            proves=shell(
                *WHOLE,
                'echo "$(ovsdb-tool db-name "$scratch/whole")'
                ' $(ovsdb-tool db-version "$scratch/whole")"',
            ),
            of=("/var/lib/ovn",),
        ),
    ),
)
