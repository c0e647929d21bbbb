# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The virtual addresses, where several control nodes hand them to each other (VRRP)."""

from __future__ import annotations

from scs.model.component import CONTROL, Component, Config, Packaged, Port

component = Component(
    name="keepalived",
    summary="virtual addresses",
    roles=CONTROL,
    source="debian:keepalived",
    license="GPL-2.0-or-later",
    packages=("keepalived",),
    ports=(Port(112, protocol="vrrp"),),
    files=(
        Config("keepalived.conf.j2", "/etc/keepalived/keepalived.conf", mode=0o644),
        Config("left.sh.j2", "/usr/local/lib/scs/entry-left", mode=0o755),
    ),
    units=(
        Packaged(
            "keepalived",
            # It may be killed at any moment, and the address must not stay with two nodes then.
            settings={"KillMode": "mixed"},
            reload=True,
        ),
    ),
    when=lambda view: len(view.controls) > 1,
)
