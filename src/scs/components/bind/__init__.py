# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The name server that the world asks: BIND, for the zones that it is given and nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

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
from scs.resources import File, Resource


def key(view: View) -> str:
    """The key with which rndc shows that it may command the server."""
    digest = hashlib.sha256(view.secret("bind/rndc").encode()).digest()
    secret = base64.b64encode(digest).decode()
    return f'key "rndc-key" {{\n    algorithm hmac-sha256;\n    secret "{secret}";\n}};\n'


def keys(view: View, needs: tuple[Need, ...]) -> Iterable[tuple[Need, Resource]]:
    """The same key for each that gives it zones."""
    for need in needs:
        assert isinstance(need, NameServer)
        yield (
            need,
            File(
                name=f"/etc/scs/rndc-{need.owner}.key",
                content=key(view),
                owner=need.owner,
                mode=0o400,
                secret=True,
                after=("directory:/etc/scs", f"account:{need.owner}"),
            ),
        )


def reachable(view: View, _need: Need) -> Probe:
    return {"type": "tcp", "host": str(view.nearest_control.address), "port": 53}


ZONES = "/var/cache/bind"
LISTS = "-maxdepth 1 -name '*.nz[df]'"
"""The files that tell which zones there are."""

component = Component(
    name="bind",
    summary="name server",
    roles=CONTROL,
    source="debian:bind9",
    license="MPL-2.0",
    service="designate",
    packages=("bind9", "bind9-utils"),
    gives=(Gives(NameServer, resources=keys, ready=reachable),),
    ports=(Port(53, Reach.ANYWHERE), Port(53, Reach.ANYWHERE, protocol="udp")),
    files=(
        Text("/etc/bind/rndc.key", key, owner="bind", group="bind", mode=0o640, secret=True),
        Config("named.conf.j2", "/etc/bind/named.conf", group="bind", mode=0o644),
    ),
    units=(
        Packaged(
            "named",
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
    # Which zones it has; what is in them it fetches again.
    keeps=(ZONES,),
    saves=(
        Saved(
            "zones",
            save=shell(f"cd {ZONES}", f"find . {LISTS} | tar --create --sort=name --files-from=-"),
            load=shell(
                f"cd {ZONES}",
                "systemctl stop named",
                f"find . {LISTS} -delete",
                "tar --extract --same-owner --same-permissions",
                "systemctl start named",
            ),
            proves=LISTED,
            of=(ZONES,),
        ),
    ),
)
