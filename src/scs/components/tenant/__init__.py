# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The outside, the projects, and in the first one what shows the cloud works: network, key, VM."""

from __future__ import annotations

from collections.abc import Iterable

from scs.model.component import CONTROL, Component
from scs.model.content import VERIFY
from scs.model.objects import (
    ApiObject,
    CloudNetwork,
    FloatingIp,
    Keypair,
    Person,
    Project,
    Router,
    SecurityGroup,
    Server,
    Subnet,
)
from scs.model.topology import Role
from scs.model.view import View


def objects(view: View) -> Iterable[ApiObject]:
    """The external network is everybody's; all but the projects is the first project's own."""
    outside = view.networks["external"]
    dns = tuple(str(address) for address in view.resolvers)
    subnets = [
        Subnet(
            name="external-ipv4",
            cidr=str(outside.ipv4),
            gateway=str(outside.gateway),
            pool=(str(view.floating[0]), str(view.floating[1])),
            dhcp=False,
        )
    ]
    if outside.ipv6:
        subnets.append(
            Subnet(
                name="external-ipv6",
                cidr=str(outside.ipv6),
                gateway=str(outside.gateway6),
                dhcp=False,
            )
        )
    yield CloudNetwork(name="external", physical="physnet1", subnets=tuple(subnets))
    tenant = view.tenant
    project = tenant.project
    for one in view.projects:
        yield Project(name=one.name, description=one.description)
    own = (f"project:{project}",)
    yield Person(
        name=tenant.user,
        password=view.secret(f"user/{tenant.user}"),
        project=project,
        roles=("member",),
        after=own,
    )
    user = (f"user:{tenant.user}",)
    inside = [Subnet(name=f"{project}-ipv4", cidr=tenant.network, dns=dns)]
    if tenant.ipv6:
        inside.append(Subnet(name=f"{project}-ipv6", cidr=tenant.ipv6, ipv6_mode="slaac"))
    yield CloudNetwork(name=project, project=project, subnets=tuple(inside), after=user)
    yield Router(
        name=project,
        project=project,
        external="external",
        subnets=tuple(subnet.name for subnet in inside),
        after=(*user, "network:external", f"network:{project}"),
    )
    rules = (("IPv4", "tcp", 22), ("IPv4", "icmp", 0), ("IPv6", "tcp", 22), ("IPv6", "icmp", 0))
    yield SecurityGroup(name="ssh", project=project, ingress=rules, after=user)
    yield Keypair(name="scs", public_key=view.ssh_public_key, after=user)
    yield Server(
        name="hello",
        image=VERIFY,
        flavor="SCS-1L-1-5",
        network=project,
        security_group="ssh",
        keypair="scs",
        # Not after the router: it is made while the guest boots.
        after=(
            f"network:{project}",
            "security-group:ssh",
            "keypair:scs",
            f"image:{VERIFY}",
            "flavor:SCS-1L-1-5",
            *(f"host:{node.name}" for node in view.nodes_with(Role.COMPUTE)),
            # Nova lets no host with guests change its zone.
            *(f"aggregate:{zone}" for zone in view.zones),
        ),
    )
    yield FloatingIp(name="hello", external="external", after=("server:hello", f"router:{project}"))


component = Component(
    name="tenant",
    summary="external network, projects",
    roles=CONTROL,
    objects=objects,
)
