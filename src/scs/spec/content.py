# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""What the cloud has in its API for customers, in cloud.yaml: projects and limits, hosts, rules."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import Field

from scs.model.content import NAMES as LIMITS
from scs.model.objects import DefaultRule
from scs.spec import kinds
from scs.spec.part import LISTED, MAPPED, Part

Quota = Annotated[
    Mapping[
        Annotated[str, kinds.choice(LIMITS)],
        Annotated[int, kinds.number(-1, 2**31 - 1, "-1 (no limit) or a number")],
    ],
    MAPPED,
]
_QUOTA = (
    "What it may use at most, as `openstack quota set` calls it (`ram` in MiB), -1: no limit. "
    "What is not named stays as it is: at the services' defaults, which `config` sets."
)


class OwnProjectEntry(Part):
    """A project in the default domain. Taken out of the file it stays, with all that is in it."""

    name: Annotated[str, kinds.TENANT_NAME] = Field(
        description="Its name; each only once.", examples=["shop"]
    )
    description: Annotated[str, kinds.SENTENCE] = Field(
        default="", description="What people read beside the name.", examples=["the web shop"]
    )
    quota: Quota = Field(
        default_factory=dict,
        description=_QUOTA,
        examples=["{instances: 50, cores: 100, ram: 262144, floating_ips: 10}"],
    )


class AggregateEntry(Part):
    """Hosts with something in common that flavors can ask for by their extra specs."""

    name: Annotated[str, kinds.TENANT_NAME] = Field(
        description="Its name; each only once, and no zone's.", examples=["fast-disks"]
    )
    nodes: Annotated[
        tuple[Annotated[str, kinds.NODE_NAME], ...],
        LISTED,
    ] = Field(
        default=(), description="Names of nodes with the role `compute`.", examples=["[compute-1]"]
    )
    properties: Annotated[
        Mapping[Annotated[str, kinds.OPTION_NAME], Annotated[str, kinds.SENTENCE]],
        MAPPED,
    ] = Field(
        default_factory=dict,
        description="What is true of them. Properties that others have set are left alone.",
        examples=['{ssd: "true"}'],
    )


class DefaultRuleEntry(Part):
    """A rule as `openstack default security group rule create` has it."""

    direction: Annotated[str, kinds.choice(("ingress", "egress"))] = Field(
        description="Into machines or out of them.", examples=["egress"]
    )
    ethertype: Annotated[str, kinds.choice(("IPv4", "IPv6"))] = Field(
        default="IPv4", description="For which addresses.", examples=["IPv6"]
    )
    protocol: Annotated[str, kinds.choice(("tcp", "udp", "icmp", "ipv6-icmp"))] | None = Field(
        default=None, description="`null`: all.", examples=["tcp"]
    )
    port: Annotated[str, kinds.PORTS] | None = Field(
        default=None, description="Or a range; `null`: all.", examples=["8000-8099"]
    )
    remote_ip_prefix: Annotated[IPv4Network | IPv6Network, kinds.NETWORK] | None = Field(
        default=None,
        description="From or to which addresses; `null`: anywhere.",
        examples=["10.0.0.0/8"],
    )
    remote_group: Annotated[str, kinds.choice(("PARENT",))] | None = Field(
        default=None,
        description="`PARENT`: from or to machines in the same group only.",
        examples=["PARENT"],
    )
    groups: Annotated[tuple[Annotated[str, kinds.choice(("default", "custom"))], ...], LISTED] = (
        Field(
            default=("default", "custom"),
            description="Which groups begin with it: the `default` ones of new projects, those"
            " that users make.",
            examples=["[default]"],
        )
    )

    @property
    def rule(self) -> DefaultRule:
        """As components see it."""
        first, _, last = (self.port or "").partition("-")
        return DefaultRule(
            direction=self.direction,
            ethertype=self.ethertype,
            protocol=self.protocol or "",
            ports=(int(first), int(last or first)) if first else None,
            prefix=str(self.remote_ip_prefix or ""),
            members=self.remote_group is not None,
            default="default" in self.groups,
            custom="custom" in self.groups,
        )


class Content(Part):
    """What the cloud has in its API for your customers, beside what each cloud has."""

    projects: Annotated[tuple[OwnProjectEntry, ...], LISTED] = Field(
        default=(),
        description="Projects.",
        examples=["[{name: shop, quota: {instances: 50}}]"],
    )
    aggregates: Annotated[tuple[AggregateEntry, ...], LISTED] = Field(
        default=(),
        description="Host aggregates of Nova.",
        examples=['[{name: fast-disks, nodes: [compute-1], properties: {ssd: "true"}}]'],
    )

    default_security_group_rules: Annotated[tuple[DefaultRuleEntry, ...], LISTED] = Field(
        default=(),
        description="All rules that new security groups begin with; `[]`: Neutron's own. Groups"
        " that are there keep theirs.",
        examples=["[{direction: egress}, {direction: egress, ethertype: IPv6}]"],
    )


class Tenant(Part):
    """A first project with a user and a network, to try the cloud with."""

    project: Annotated[str, kinds.TENANT_NAME] = Field(
        default="demo", description="Name of the project.", examples=["demo"]
    )
    user: Annotated[str, kinds.TENANT_NAME] = Field(
        default="demo", description="Name of the user.", examples=["demo"]
    )
    network: Annotated[IPv4Network, kinds.IPV4_NETWORK] = Field(
        default=IPv4Network("192.168.100.0/24"),
        description="The project's own network; overlaps none of the cloud's.",
        examples=["192.168.100.0/24"],
    )
    ipv6: Annotated[IPv6Network, kinds.IPV6_NETWORK] | None = Field(
        default=IPv6Network("fd5c:5c5c:100::/64"),
        description="The same for IPv6; `null`: no IPv6.",
        examples=['"fd5c:5c5c:100::/64"'],
    )
    quota: Quota = Field(default_factory=dict, description=_QUOTA, examples=["{instances: 20}"])
