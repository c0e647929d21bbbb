# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Neutron's agent on a compute node: metadata for VMs."""

from __future__ import annotations

from scs.model.component import COMPUTE, Component, Config, Folder, Service, Text, User
from scs.model.needs import Certificate, Environment, NetworkDatabase, Switch
from scs.model.objects import Agents
from scs.model.view import ENVIRONMENT

CONF = "/etc/neutron/neutron-ovn-agent.conf"
ROOTWRAP = "/etc/neutron/rootwrap.conf"
SUDO = f"""\
neutron ALL=(root) NOPASSWD: {ENVIRONMENT}/bin/privsep-helper --config-file {CONF} *
neutron ALL=(root) NOPASSWD: {ENVIRONMENT}/bin/neutron-rootwrap {ROOTWRAP} *
"""

component = Component(
    name="neutron-ovn-agent",
    summary="metadata of VMs",
    roles=COMPUTE,
    source="pypi:neutron",
    license="Apache-2.0",
    packages=("sudo", "haproxy"),
    needs=(
        Environment(),
        Switch(),
        NetworkDatabase(),
        Certificate("neutron-ovn-agent", owner="neutron"),
    ),
    users=(User("neutron", home="/var/lib/neutron", groups=("openvswitch",)),),
    folders=(
        Folder("/etc/neutron", group="neutron", mode=0o750),
        Folder("/var/lib/neutron", owner="neutron", group="neutron", mode=0o750),
    ),
    files=(
        Config("neutron-ovn-agent.conf.j2", CONF, group="neutron", service="neutron"),
        Config("rootwrap.conf.j2", ROOTWRAP, group="neutron"),
        Text("/etc/sudoers.d/scs-neutron", lambda _: SUDO, mode=0o440),
    ),
    units=(
        Service(
            "neutron-ovn-agent",
            description="Neutron OVN agent",
            exec=f"{ENVIRONMENT}/bin/neutron-ovn-agent --config-file {CONF}",
            user="neutron",
            privileged=True,
            after=("scs-ovn-controller.service",),
            # Proxies for metadata are started by root, who inherits this: the agent reads their
            # process ids from a file, and waits for a minute for those that it can't read.
            settings={"UMask": "0022"},
        ),
    ),
    leaves=lambda view: [Agents(name=view.here.name)],
)
