# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Machines of a libvirt, plugged into bridges that are there."""

from __future__ import annotations

import json
from collections.abc import Mapping

from scs.providers.tofu.cloud_init import netplan, user_data
from scs.providers.tofu.platforms.platform import Platform
from scs.providers.tofu.site import (
    NETWORKS,
    Block,
    Machine,
    Site,
    literal,
    of_node,
    reference,
)

VOLUME, DISK, DOMAIN = "libvirt_volume", "libvirt_cloudinit_disk", "libvirt_domain"
_QEMU = "52:54:00"
_STAYS: Mapping[str, tuple[str, ...]] = {
    VOLUME: ("base_volume_id", "size"),
    DISK: ("user_data", "network_config"),
    DOMAIN: ("cloudinit",),
}
"""What a machine was made with: a change of it would make another machine in its place."""


def _settings(site: Site) -> Block:
    return {"uri": literal(site.options["uri"])}


def _pool(site: Site) -> str:
    return literal(site.options["pool"])


def _shared(site: Site) -> Mapping[str, Mapping[str, Block]]:
    image: Block = {
        "name": f"{site.prefix}-image.qcow2",
        "pool": _pool(site),
        "source": literal(site.image),
        "format": "qcow2",
        "lifecycle": {"ignore_changes": ["source"]},  # the machines' disks lie over it
    }
    return {VOLUME: {"cloud": image}}


def _machine(site: Site, machine: Machine) -> Mapping[str, Mapping[str, Block]]:
    name = of_node(machine.name)
    macs = {network: site.mac(machine, network, _QEMU) for network in NETWORKS}
    processors, memory = machine.counted
    volume: Block = {
        "name": f"{site.prefix}-{machine.name}.qcow2",
        "pool": _pool(site),
        "base_volume_id": reference(f"{VOLUME}.cloud.id"),
    }
    if site.disk:
        volume["size"] = site.disk << 30
    disk: Block = {
        "name": f"{site.prefix}-{machine.name}.iso",
        "pool": _pool(site),
        "user_data": user_data(site, machine, macs),
        "network_config": literal(json.dumps(netplan(site, machine, macs))),
    }
    domain: Block = {
        "name": f"{site.prefix}-{machine.name}",
        "vcpu": processors,
        "memory": memory,
        "autostart": True,
        "cpu": [{"mode": "host-passthrough"}],  # guests in the machine may need its KVM
        "cloudinit": reference(f"{DISK}.{name}.id"),
        "disk": [{"volume_id": reference(f"{VOLUME}.{name}.id")}],
        "network_interface": [
            {"bridge": literal(site.plugs[network]), "mac": macs[network]} for network in NETWORKS
        ],
        "console": [{"type": "pty", "target_port": "0", "target_type": "serial"}],
    }
    blocks = {VOLUME: volume, DISK: disk, DOMAIN: domain}
    return {
        kind: {name: {**block, "lifecycle": {"ignore_changes": list(_STAYS[kind])}}}
        for kind, block in blocks.items()
    }


LIBVIRT = Platform(
    name="libvirt",
    plugin="dmacvicar/libvirt",
    version="0.8.3",
    settings=_settings,
    shared=_shared,
    machine=_machine,
    looked_up=lambda _site: {},
)
