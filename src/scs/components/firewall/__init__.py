# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The firewall of a node: open is what its components declare, and nothing else."""

from __future__ import annotations

from scs.model.component import EVERYWHERE, Component, Config, Packaged

component = Component(
    name="firewall",
    summary="packet filter, derived from ports and endpoints",
    roles=EVERYWHERE,
    source="debian:nftables",
    license="GPL-2.0-only",
    packages=("nftables",),
    files=(Config("nftables.conf.j2", "/etc/nftables.conf", mode=0o644),),
    units=(Packaged("nftables", settings={"Restart": "no"}, reload=True),),
)
