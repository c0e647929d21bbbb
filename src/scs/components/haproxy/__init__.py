# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The entry: TLS ends here for every endpoint that a component declares."""

from __future__ import annotations

from scs.model.component import CONTROL, Component, Config, Packaged
from scs.model.needs import Certificate

component = Component(
    name="haproxy",
    summary="load balancer and TLS of all endpoints",
    roles=CONTROL,
    source="debian:haproxy",
    license="GPL-2.0-or-later",
    packages=("haproxy",),
    fronts=True,
    needs=(Certificate("haproxy"),),
    files=(Config("haproxy.cfg.j2", "/etc/haproxy/haproxy.cfg", mode=0o644),),
    units=(
        Packaged(
            "haproxy",
            reload=True,
            ready=lambda _: {"type": "unix", "path": "/run/haproxy/admin.sock"},
        ),
    ),
)
