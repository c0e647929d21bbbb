# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The cache of Keystone and of token validation."""

from __future__ import annotations

from scs.model.component import CONTROL, Component, Config, Gives, Packaged, Port, Probe
from scs.model.needs import Cache, Need
from scs.model.view import View


def reachable(view: View, _need: Need) -> Probe:
    return {"type": "tcp", "host": str(view.nearest_control.address), "port": 11211}


component = Component(
    name="memcached",
    summary="cache",
    roles=CONTROL,
    source="debian:memcached",
    license="BSD-3-Clause",
    packages=("memcached",),
    gives=(Gives(Cache, ready=reachable),),
    ports=(Port(11211, relayed=True),),
    files=(Config("memcached.conf.j2", "/etc/memcached.conf", mode=0o644),),
    units=(
        Packaged(
            "memcached",
            ready=lambda view: {"type": "tcp", "host": str(view.address), "port": 11211},
        ),
    ),
)
