# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Machines in a project of an OpenStack cloud, with networks and a router for them."""

from __future__ import annotations

from collections.abc import Mapping

from scs.model.topology import Role
from scs.providers.tofu.cloud_init import user_data
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

NETWORK, SUBNET = "openstack_networking_network_v2", "openstack_networking_subnet_v2"
PORT, SERVER = "openstack_networking_port_v2", "openstack_compute_instance_v2"
ROUTER, PLUG = "openstack_networking_router_v2", "openstack_networking_router_interface_v2"
GROUP = "openstack_networking_secgroup_v2"
RULE = "openstack_networking_secgroup_rule_v2"
IMAGE = "openstack_images_image_v2"

_STAYS = (
    *("image_name", "block_device", "user_data", "availability_zone_hints", "config_drive"),
    # Of a port without an address the plugin sees nothing afterwards. The ports themselves are
    # looked at as what they are.
    "network",
)
"""What a machine was made with: a change of it would make another machine in its place."""


def _settings(site: Site) -> Block:
    return {"cloud": literal(site.options["cloud"])} if site.options["cloud"] else {}


def _network(site: Site, name: str) -> str:
    """The id of a network, be it made or there already."""
    return reference(f"{'data.' if site.plugs[name] else ''}{NETWORK}.cloud_{name}.id")


def _router(site: Site) -> str:
    return reference(f"{'data.' if site.options['router'] else ''}{ROUTER}.cloud.id")


def _looked_up(site: Site) -> Mapping[str, Mapping[str, Block]]:
    there = {name: literal(plug) for name, plug in site.plugs.items() if plug}
    found: dict[str, dict[str, Block]] = {
        NETWORK: {f"cloud_{name}": {"name": plug} for name, plug in there.items()},
        SUBNET: {
            f"cloud_{name}": {
                "network_id": _network(site, name),
                "cidr": str(site.networks[name].ipv4),
            }
            for name in there
            if name != "external"  # machines have no address there
        },
    }
    if router := site.options["router"]:
        found[ROUTER] = {"cloud": {"name": literal(router)}}
    elif outside := site.options["external_network"]:
        found[NETWORK]["outside"] = {"name": literal(outside), "external": True}
    if site.disk:
        found[IMAGE] = {"cloud": {"name": literal(site.image), "most_recent": True}}
    return {kind: blocks for kind, blocks in found.items() if blocks}


def _shared(site: Site) -> Mapping[str, Mapping[str, Block]]:
    made = [name for name in NETWORKS if not site.plugs[name]]
    found: dict[str, dict[str, Block]] = {
        NETWORK: {f"cloud_{name}": _made_network(site, name) for name in made},
        SUBNET: {f"cloud_{name}": _made_subnet(site, name) for name in made},
        ROUTER: {},
        PLUG: {
            f"cloud_{name}": {
                "router_id": _router(site),
                "subnet_id": reference(f"{SUBNET}.cloud_{name}.id"),
            }
            for name in made
            if name != "tunnel"  # nothing there talks to anybody else
        },
        # The machines have firewalls of their own, which know what each port is for.
        GROUP: {"cloud": {"name": site.prefix, "description": "machines of a cloud of scs"}},
        RULE: {
            "cloud": {
                "direction": "ingress",
                "ethertype": "IPv4",
                "security_group_id": reference(f"{GROUP}.cloud.id"),
            }
        },
    }
    if not site.options["router"]:
        outside = reference(f"data.{NETWORK}.outside.id")
        found[ROUTER]["cloud"] = {"name": site.prefix, "external_network_id": outside}
    return {kind: blocks for kind, blocks in found.items() if blocks}


def _made_network(site: Site, name: str) -> Block:
    block: Block = {"name": f"{site.prefix}-{name}", "admin_state_up": True}
    if name == "tunnel":
        block["mtu"] = site.tunnel_mtu
    if name == "external":
        # Routers and guests of the cloud have addresses there that this OpenStack never hears of.
        block["port_security_enabled"] = False
    return block


def _made_subnet(site: Site, name: str) -> Block:
    network = site.networks[name]
    block: Block = {
        "name": f"{site.prefix}-{name}",
        "network_id": reference(f"{NETWORK}.cloud_{name}.id"),
        "cidr": str(network.ipv4),
        "enable_dhcp": name == "management",  # before a machine has read what it is to be
    }
    if name == "tunnel":
        return {**block, "no_gateway": True}
    if name == "management":
        block["dns_nameservers"] = [str(server) for server in site.dns if server.version == 4]
    return {**block, "gateway_ip": str(network.gateway)}


def _port(site: Site, machine: Machine, network: str) -> Block:
    block: Block = {
        "name": f"{site.prefix}-{machine.name}-{network}",
        "network_id": _network(site, network),
        "admin_state_up": True,
    }
    if network == "external":
        return {
            **block,
            "no_fixed_ip": True,
            "no_security_groups": True,
            "port_security_enabled": False,
        }
    subnet = f"{'data.' if site.plugs[network] else ''}{SUBNET}.cloud_{network}.id"
    block["fixed_ip"] = [
        {"subnet_id": reference(subnet), "ip_address": str(machine.node.addresses[network])}
    ]
    block["security_group_ids"] = [reference(f"{GROUP}.cloud.id")]
    if network == "management" and Role.CONTROL in machine.node.roles:
        block["allowed_address_pairs"] = [{"ip_address": str(item)} for item in site.virtual]
    if not site.plugs[network] and network == "management":
        # Without its way out, a machine could not fetch what its first boot needs.
        block["depends_on"] = [f"{PLUG}.cloud_management"]
    return block


def _machine(site: Site, machine: Machine) -> Mapping[str, Mapping[str, Block]]:
    ports = {name: f"{PORT}.{of_node(machine.name, name)}" for name in NETWORKS}
    macs = {name: reference(f"{port}.mac_address") for name, port in ports.items()}
    server: Block = {
        "name": machine.name,
        "flavor_name": literal(machine.size),
        "config_drive": True,
        "user_data": user_data(site, machine, macs),
        "network": [{"port": reference(f"{port}.id")} for port in ports.values()],
        "metadata": {"scs-cloud": site.cloud},
        "stop_before_destroy": True,
        "vendor_options": [{"detach_ports_before_destroy": True}],
        "lifecycle": {"ignore_changes": list(_STAYS)},
    }
    if machine.zone:
        server["availability_zone_hints"] = literal(machine.zone)
    if site.disk:
        server["block_device"] = [
            {
                "uuid": reference(f"data.{IMAGE}.cloud.id"),
                "source_type": "image",
                "destination_type": "volume",
                "volume_size": site.disk,
                "boot_index": 0,
                "delete_on_termination": True,
            }
        ]
    else:
        server["image_name"] = literal(site.image)
    return {
        PORT: {of_node(machine.name, name): _port(site, machine, name) for name in NETWORKS},
        SERVER: {of_node(machine.name): server},
    }


OPENSTACK = Platform(
    name="openstack",
    plugin="terraform-provider-openstack/openstack",
    version="3.4.0",
    settings=_settings,
    shared=_shared,
    machine=_machine,
    looked_up=_looked_up,
)
