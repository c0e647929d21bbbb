# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Machines of a vCenter, cloned from a template and plugged into port groups that are there."""

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

CENTER, STORE, CLUSTER = "vsphere_datacenter", "vsphere_datastore", "vsphere_compute_cluster"
GROUP, MACHINE = "vsphere_network", "vsphere_virtual_machine"
_STATIC = "00:50:56"
"""Addresses that VMware lets people choose begin so."""
_STAYS = ("clone", "extra_config", "disk", "guest_id", "resource_pool_id")
"""What a machine was made with: a change of it would make another machine, or move its data."""


def _settings(site: Site) -> Block:
    return {"vsphere_server": literal(site.options["server"])}


def _zone(site: Site, machine: Machine) -> str:
    return machine.zone or str(site.options["cluster"])


def _looked_up(site: Site) -> Mapping[str, Mapping[str, Block]]:
    inside = {"datacenter_id": reference(f"data.{CENTER}.cloud.id")}
    clusters = sorted({_zone(site, machine) for machine in site.machines})
    return {
        CENTER: {"cloud": {"name": literal(site.options["datacenter"])}},
        STORE: {"cloud": {"name": literal(site.options["datastore"]), **inside}},
        CLUSTER: {_named(name): {"name": literal(name), **inside} for name in clusters},
        GROUP: {
            f"cloud_{network}": {"name": literal(site.plugs[network]), **inside}
            for network in NETWORKS
        },
        MACHINE: {"template": {"name": literal(site.image), **inside}},
    }


def _named(cluster: str) -> str:
    """A cluster's name in the configuration, where fewer letters may be used than by VMware."""
    return f"cluster_{cluster.encode().hex()}"


def _machine(site: Site, machine: Machine) -> Mapping[str, Mapping[str, Block]]:
    macs = {network: site.mac(machine, network, _STATIC) for network in NETWORKS}
    processors, memory = machine.counted
    template = f"data.{MACHINE}.template"
    size = site.disk or reference(f"{template}.disks[0].size")
    return {
        MACHINE: {
            of_node(machine.name): {
                "name": f"{site.prefix}-{machine.name}",
                "resource_pool_id": reference(
                    f"data.{CLUSTER}.{_named(_zone(site, machine))}.resource_pool_id"
                ),
                "datastore_id": reference(f"data.{STORE}.cloud.id"),
                "num_cpus": processors,
                "memory": memory,
                "nested_hv_enabled": True,  # guests in the machine may need its KVM
                "guest_id": reference(f"{template}.guest_id"),
                "firmware": reference(f"{template}.firmware"),
                "wait_for_guest_net_timeout": 0,
                "network_interface": [
                    {
                        "network_id": reference(f"data.{GROUP}.cloud_{network}.id"),
                        "use_static_mac": True,
                        "mac_address": macs[network],
                    }
                    for network in NETWORKS
                ],
                "disk": [{"label": "system", "size": size, "thin_provisioned": True}],
                "clone": [{"template_uuid": reference(f"{template}.id")}],
                "extra_config": _told(site, machine, macs),
                "lifecycle": {"ignore_changes": list(_STAYS)},
            }
        }
    }


def _told(site: Site, machine: Machine, macs: Mapping[str, str]) -> Block:
    """What cloud-init finds by VMware's tools."""
    about = {
        "instance-id": f"{site.prefix}-{machine.name}",
        "local-hostname": machine.name,
        "network": netplan(site, machine, macs),
    }
    return {
        "guestinfo.metadata": json.dumps(about),
        "guestinfo.userdata": user_data(site, machine, macs),
    }


VMWARE = Platform(
    name="vmware",
    plugin="hashicorp/vsphere",
    version="2.10.0",
    settings=_settings,
    shared=lambda _site: {},
    machine=_machine,
    looked_up=_looked_up,
)
