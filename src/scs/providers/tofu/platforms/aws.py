# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Machines on AWS, plugged into subnets that are there."""

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

SUBNET, GROUP = "aws_subnet", "aws_security_group"
INTERFACE, INSTANCE = "aws_network_interface", "aws_instance"
_STAYS = ("ami", "user_data", "root_block_device")
"""What a machine was made with: a change of it would make another machine in its place."""


def _settings(site: Site) -> Block:
    return {key: literal(site.options[key]) for key in ("region", "profile") if site.options[key]}


def _looked_up(site: Site) -> Mapping[str, Mapping[str, Block]]:
    return {SUBNET: {"cloud": {"id": literal(site.plugs["management"])}}}


def _shared(site: Site) -> Mapping[str, Mapping[str, Block]]:
    anything: Block = {
        "from_port": 0,
        "to_port": 0,
        "protocol": "-1",
        "cidr_blocks": ["0.0.0.0/0"],
        # In JSON these blocks are plain values, which name everything.
        "description": "",
        "ipv6_cidr_blocks": [],
        "prefix_list_ids": [],
        "security_groups": [],
        "self": False,
    }
    group: Block = {
        "name": site.prefix,
        "description": "machines of a cloud of scs, which have firewalls of their own",
        "vpc_id": reference(f"data.{SUBNET}.cloud.vpc_id"),
        "ingress": [anything],
        "egress": [anything],
    }
    return {GROUP: {"cloud": group}}


def _interface(site: Site, machine: Machine, network: str) -> Block:
    block: Block = {
        "subnet_id": literal(site.plugs[network]),
        "security_groups": [reference(f"{GROUP}.cloud.id")],
        "source_dest_check": network != "external",
        "tags": {"Name": f"{site.prefix}-{machine.name}-{network}"},
    }
    if network != "external":
        held = [machine.node.addresses[network]]
        if network == "management" and Role.CONTROL in machine.node.roles:
            held += site.virtual
        block["private_ip_list_enabled"] = True  # the first is to be the node's own
        block["private_ip_list"] = [str(address) for address in held]
    return block


def _machine(site: Site, machine: Machine) -> Mapping[str, Mapping[str, Block]]:
    names = {network: of_node(machine.name, network) for network in NETWORKS}
    macs = {
        network: reference(f"{INTERFACE}.{name}.mac_address") for network, name in names.items()
    }
    instance: Block = {
        "ami": literal(site.image),
        "instance_type": literal(machine.size),
        "user_data": user_data(site, machine, macs),
        "network_interface": [
            {"device_index": index, "network_interface_id": reference(f"{INTERFACE}.{name}.id")}
            for index, name in enumerate(names.values())
        ],
        "tags": {"Name": f"{site.prefix}-{machine.name}"},
        "lifecycle": {"ignore_changes": list(_STAYS)},
    }
    if site.disk:
        instance["root_block_device"] = [{"volume_size": site.disk}]
    return {
        INTERFACE: {name: _interface(site, machine, network) for network, name in names.items()},
        INSTANCE: {of_node(machine.name): instance},
    }


AWS = Platform(
    name="aws",
    plugin="hashicorp/aws",
    version="5.100.0",
    settings=_settings,
    shared=_shared,
    machine=_machine,
    looked_up=_looked_up,
)
