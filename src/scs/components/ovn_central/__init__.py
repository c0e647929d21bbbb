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
    User,
)
from scs.model.needs import Certificate, Need, NetworkDatabase
from scs.model.view import View

RUN = {
    "StateDirectory": "ovn",
    "RuntimeDirectory": "ovn",
    # It looks at its certificates itself: nothing has to be done when they change.
    "ExecReload": "/bin/true",
    "RuntimeDirectoryMode": "0755",
    "RuntimeDirectoryPreserve": "yes",
}


def reachable(view: View, _need: Need) -> Probe:
    return {"type": "tcp", "host": str(view.control.address), "port": 6642}


def database(short: str, long: str, port: int) -> Service:
    """One of OVN's two databases."""
    return Service(
        f"scs-ovn-{short}",
        description=f"OVN {long} database",
        exec=f"/usr/local/lib/scs/ovn-database {short} {port}",
        user="ovn",
        settings=RUN,
        reloads=("/etc/scs/tls/",),
        ready=lambda view: {"type": "tcp", "host": str(view.address), "port": port},
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
    ports=(Port(6641), Port(6642)),
    users=(User("ovn"),),
    files=(Config("database.sh.j2", "/usr/local/lib/scs/ovn-database", mode=0o755),),
    units=(
        database("nb", "northbound", 6641),
        database("sb", "southbound", 6642),
        Service(
            "scs-ovn-northd",
            description="OVN northd",
            exec=(
                "/usr/bin/ovn-northd -vconsole:warn -vsyslog:off -vfile:off"
                " --unixctl=/run/ovn/ovn-northd.ctl"
                " --ovnnb-db=unix:/run/ovn/ovnnb_db.sock --ovnsb-db=unix:/run/ovn/ovnsb_db.sock"
            ),
            user="ovn",
            after=("scs-ovn-nb.service", "scs-ovn-sb.service"),
            settings=RUN,
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
)
