# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The virtual switch: kernel datapath where the kernel has one, else userspace."""

from __future__ import annotations

from collections.abc import Iterable

from scs.model.component import CHASSIS, Component, Config, Gives, Packaged, Port, Reach, Service
from scs.model.needs import Need, Switch, SwitchDatabase
from scs.model.view import View
from scs.resources import Bridge, Resource


def bridges(view: View, needs: tuple[Need, ...]) -> Iterable[tuple[Need, Resource]]:
    """The bridge to the external network and, in userspace, the one that carries tunnels."""
    outside, tunnel = (view.here.interfaces[name] for name in ("external", "tunnel"))
    wanted = [Bridge(name="br-ex", ports=(outside,), datapath=view.datapath, after=SWITCHING)]
    if view.datapath == "netdev":
        mtu = view.networks["tunnel"].mtu
        wanted.append(
            Bridge(name="br-phy", ports=(tunnel,), datapath="netdev", mtu=mtu, after=SWITCHING)
        )
    for need in needs:
        for bridge in wanted:
            yield need, bridge


SWITCHING = ("unit:ovs-vswitchd.service",)

component = Component(
    name="openvswitch",
    summary="virtual switch",
    roles=CHASSIS,
    source="debian:openvswitch-switch",
    license="Apache-2.0",
    needs=(SwitchDatabase(),),
    gives=(Gives(Switch, resources=bridges),),
    ports=(Port(6081, Reach.TUNNEL, "udp"),),
    files=(Config("bridges.sh.j2", "/usr/local/lib/scs/bridges", mode=0o755),),
    units=(
        Packaged(
            "ovs-vswitchd",
            ready=lambda _: {
                "type": "succeeds",
                "argv": ["ovs-appctl", "-t", "ovs-vswitchd", "version"],
            },
        ),
        Packaged("openvswitch-switch", settings={"Restart": "no"}),
        # Addresses of a userspace bridge are gone when the switch has been restarted.
        Service(
            "scs-bridges",
            description="addresses of Open vSwitch's bridges",
            exec="/usr/local/lib/scs/bridges",
            user="root",
            kind="oneshot",
            after=("openvswitch-switch.service",),
            privileged=True,
            settings={"RemainAfterExit": "yes", "Restart": "on-failure"},
        ),
    ),
)
