# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The database of Open vSwitch on a node, with the settings that OVN reads there."""

from __future__ import annotations

from collections.abc import Iterable

from scs.model.component import CHASSIS, Component, Folder, Gives, Packaged, Text, User
from scs.model.needs import Need, SwitchDatabase
from scs.model.topology import Role
from scs.model.view import View
from scs.resources import Resource, SwitchSettings

SOCKET = "/run/openvswitch/db.sock"


def settings(view: View, needs: tuple[Need, ...]) -> Iterable[tuple[Need, Resource]]:
    """What the switch and OVN's controller on this node have to know."""
    userspace = view.datapath == "netdev"
    external = {
        "system-id": view.here.name,
        "hostname": view.here.name,
        "ovn-remote": view.network_database(6642),
        "ovn-encap-type": "geneve",
        "ovn-encap-ip": str(view.here.addresses["tunnel"]),
        "ovn-bridge": "br-int",
        "ovn-bridge-mappings": "physnet1:br-ex",
        "ovn-bridge-datapath-type": view.datapath,
        "ovn-monitor-all": "true",
    }
    if Role.NETWORK in view.here.roles:
        zone = f",availability-zones={view.here.zone}" if view.here.zone else ""
        external["ovn-cms-options"] = f"enable-chassis-as-gw{zone}"
    # Without offload in userspace, TCP hangs on checksums while ping works.
    other = {"userspace-tso-enable": "true"} if userspace else {}
    for need in needs:
        yield need, SwitchSettings(name="settings", external_ids=external, other_config=other)


component = Component(
    name="openvswitch-db",
    summary="database of the virtual switch",
    roles=CHASSIS,
    source="debian:openvswitch-switch",
    license="Apache-2.0",
    packages=("openvswitch-switch",),
    gives=(Gives(SwitchDatabase, resources=settings),),
    users=(User("openvswitch"),),
    folders=(Folder("/etc/openvswitch"),),
    files=(
        # A restart of the switch otherwise draws a new id, and OVN sees a second chassis.
        Text("/etc/openvswitch/system-id.conf", lambda view: view.here.name + "\n"),
    ),
    units=(
        Packaged(
            "ovsdb-server",
            # nova-compute and Neutron's agent talk to it without being root.
            settings={
                "ExecStartPost": f"/bin/sh -c 'chgrp openvswitch {SOCKET} && chmod 660 {SOCKET}'"
            },
            ready=lambda _: {"type": "unix", "path": SOCKET},
        ),
    ),
)
