# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The name servers that the world asks: BIND, for the zones of a catalog that it follows.

One on each control node, all alike. It keeps nothing that it could not fetch again: where there is
a new one, or one that was lost comes back empty, it has all zones as soon as it has the catalog.
"""

from __future__ import annotations

import base64
import hashlib

from scs.model.component import (
    CONTROL,
    Check,
    Component,
    Config,
    Gives,
    Packaged,
    Port,
    Probe,
    Reach,
    Text,
)
from scs.model.needs import NameServer, Need
from scs.model.saved import LISTED, Saved, shell
from scs.model.view import View


def key(view: View) -> str:
    """The key with which rndc shows that it may command the server."""
    digest = hashlib.sha256(view.secret("bind/rndc").encode()).digest()
    secret = base64.b64encode(digest).decode()
    return f'key "rndc-key" {{\n    algorithm hmac-sha256;\n    secret "{secret}";\n}};\n'


def reachable(view: View, _need: Need) -> Probe:
    return {"type": "tcp", "host": str(view.nearest_control.address), "port": 53}


ZONES = "/var/cache/bind"
FILES = "-maxdepth 1 -type f"
SAVE = "tar --create --sort=name --ignore-failed-read --files-from=-"
"""One that is replaced meanwhile is whole, before or after; that it was, tar tells with 1."""

component = Component(
    name="bind",
    summary="name server",
    roles=CONTROL,
    source="debian:bind9",
    license="MPL-2.0",
    service="designate",
    packages=("bind9", "bind9-utils"),
    gives=(Gives(NameServer, ready=reachable),),
    ports=(Port(53, Reach.ANYWHERE), Port(53, Reach.ANYWHERE, protocol="udp")),
    files=(
        Text("/etc/bind/rndc.key", key, owner="bind", group="bind", mode=0o640, secret=True),
        Config("named.conf.j2", "/etc/bind/named.conf", group="bind", mode=0o644),
        Config("name-server.zone.j2", "/etc/bind/name-server.zone", group="bind", mode=0o644),
    ),
    units=(
        Packaged(
            "named",
            # A zone that rndc has added would stay, whatever the catalog says of it.
            settings={"ExecStartPre": f"/bin/sh -c 'rm -f {ZONES}/*.nz[df]*'"},
            ready=lambda view: {"type": "tcp", "host": str(view.address), "port": 53},
        ),
    ),
    checks=(
        Check("obeys rndc", lambda _: {"type": "succeeds", "argv": ("rndc", "status")}),
        Check(
            "answers from outside",
            lambda view: {"type": "tcp", "host": str(view.external_address), "port": 53},
        ),
    ),
    # It would fetch all again, but not what is older than what it has: so it goes back as well.
    keeps=(ZONES,),
    saves=(
        Saved(
            "zones",
            save=shell(f"cd {ZONES}", f"find . {FILES} -name '*.db' | {SAVE} || test $? = 1"),
            load=shell(
                f"cd {ZONES}",
                "systemctl stop named",
                f"find . {FILES} -delete",
                "tar --extract --same-owner --same-permissions",
                "systemctl start named",
            ),
            proves=LISTED,
            each=True,
            of=(ZONES,),
        ),
    ),
)
