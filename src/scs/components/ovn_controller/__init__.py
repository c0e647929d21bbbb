# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""OVN on each node that switches packets."""

from __future__ import annotations

from scs.model.component import CHASSIS, Component, Service
from scs.model.needs import Certificate, NetworkDatabase, Switch

component = Component(
    name="ovn-controller",
    summary="virtual network on a node",
    roles=CHASSIS,
    source="debian:ovn-host",
    license="Apache-2.0",
    packages=("ovn-host",),
    needs=(Certificate("ovn-controller"), NetworkDatabase(), Switch()),
    units=(
        Service(
            "scs-ovn-controller",
            description="OVN controller",
            exec=(
                "/usr/bin/ovn-controller unix:/run/openvswitch/db.sock"
                " -vconsole:warn -vsyslog:off -vfile:off"
                " --unixctl=/run/ovn/ovn-controller.ctl"
                " --private-key=/etc/scs/tls/ovn-controller.key"
                " --certificate=/etc/scs/tls/ovn-controller.crt --ca-cert=/etc/scs/ca.pem"
            ),
            user="root",
            after=("openvswitch-switch.service",),
            privileged=True,
            settings={
                "RuntimeDirectory": "ovn-controller",
                "ExecStartPre": "/bin/mkdir -p /run/ovn",
                # It looks at its certificates itself: nothing has to be done when they change.
                "ExecReload": "/bin/true",
            },
            reloads=("/etc/scs/tls/",),
            ready=lambda _: {
                "type": "succeeds",
                "argv": [
                    "sh",
                    "-c",
                    "ovn-appctl -t /run/ovn/ovn-controller.ctl connection-status"
                    " | grep -qx connected",
                ],
            },
        ),
    ),
)
