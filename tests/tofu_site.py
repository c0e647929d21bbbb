# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Machines to be made on each platform, for tests of what OpenTofu gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

from paper.there import NETWORKS, VIRTUAL, node
from scs.engine.host_keys import host_key
from scs.model.topology import INTERFACES, Role
from scs.providers.tofu import Machine, Site
from scs.spec.tofu import Tofu

SAID: Mapping[str, Mapping[str, Any]] = {
    "openstack": {"cloud": "there", "external_network": "public"},
    "libvirt": {},
    "aws": {"region": "eu-central-1"},
    "vmware": {
        "server": "vcenter.example.org",
        "datacenter": "dc",
        "cluster": "one",
        "datastore": "ssd",
    },
}
"""What cloud.yaml says of each."""


def site(platform: str, **changes: Any) -> Site:
    """A control node and a compute node there."""
    counted = platform in ("libvirt", "vmware")
    size = "8x32" if counted else "SCS-8V-32"
    said = Tofu.model_validate({"platform": platform, platform: SAID[platform]})
    nodes = [node(1), replace(node(2, Role.COMPUTE), zone="east")]
    made = Site(
        cloud="mine",
        machines=tuple(
            Machine(replace(item, interfaces=INTERFACES), size, item.zone, host_key(item.name))
            for item in nodes
        ),
        networks=NETWORKS,
        tunnel_mtu=1558,
        dns=(IPv4Address("9.9.9.9"),),
        virtual=(VIRTUAL, IPv4Address("10.9.0.4")),
        user="debian",
        public_key="ssh-ed25519 AAAA me\n",
        image="Debian 13",
        disk=0,
        plugs=dict.fromkeys(NETWORKS, "")
        if platform == "openstack"
        else {name: f"br-{name}" for name in NETWORKS},
        options=getattr(said, platform).model_dump(),
    )
    return replace(made, **changes)
