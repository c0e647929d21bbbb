# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""What the cloud has in its API for customers, in cloud.yaml: projects, limits, hosts, rules."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import Field

from scs.model.content import NAMES as LIMITS
from scs.spec import kinds
from scs.spec.part import LISTED, MAPPED, Part
from scs.spec.security_rules import DefaultRuleEntry

Quota = Annotated[
    Mapping[
        Annotated[str, kinds.choice(LIMITS)],
        Annotated[int, kinds.number(-1, 2**31 - 1, "-1 (no limit) or a number")],
    ],
    MAPPED,
]
_Prefix = Annotated[IPv4Network | IPv6Network, kinds.PREFIX]
_PrefixLength = Annotated[int, kinds.number(8, 64, "a prefix length: 8 to 64")]
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


class FlavorEntry(Part):
    """A public flavor. One whose name begins with `SCS-` has what its name says (scs-0100)."""

    name: Annotated[str, kinds.FLAVOR_NAME] = Field(
        description="Its name; each only once.", examples=["SCS-8C-32-100p"]
    )
    vcpus: Annotated[int, kinds.number(1, 1024, "virtual processors: 1 to 1024")] | None = Field(
        default=None,
        description="Virtual processors; not where the name begins with `SCS-`.",
        examples=["4"],
    )
    ram: Annotated[int, kinds.number(64, 2**24, "memory in MiB: 64 to 16777216")] | None = Field(
        default=None,
        description="Memory in MiB; not where the name begins with `SCS-`.",
        examples=["16384"],
    )
    disk: Annotated[int, kinds.number(0, 2**20, "a disk in GB: 0 to 1048576")] | None = Field(
        default=None,
        description="Disk in GB, `null` or 0: none; not where the name begins with `SCS-`.",
        examples=["50"],
    )
    extra_specs: Annotated[
        Mapping[Annotated[str, kinds.EXTRA_SPEC], Annotated[str, kinds.SENTENCE]],
        MAPPED,
    ] = Field(
        default_factory=dict,
        description="Extra specs; in SCS flavors beside those that belong to the name. "
        "Those that others have set are left alone.",
        examples=['{"aggregate_instance_extra_specs:ssd": "true"}'],
    )


class SubnetPoolEntry(Part):
    """A range of addresses that projects take their subnets from."""

    name: Annotated[str, kinds.TENANT_NAME] = Field(
        description="Its name; each only once.", examples=["inside"]
    )
    prefixes: Annotated[tuple[_Prefix, ...], LISTED] = Field(
        min_length=1,
        description="Its ranges, all of one version of IP. More may come; none can be taken away.",
        examples=["[10.64.0.0/12]"],
    )
    default_prefix_length: _PrefixLength | None = Field(
        default=None,
        description="How large a subnet is that does not say it; `null`: 24, or 64 for IPv6.",
        examples=["26"],
    )
    default: Annotated[bool, kinds.TRUTH] = Field(
        default=False,
        description="Taken with `--use-default-subnet-pool`; one for each version of IP.",
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
    recommended_flavors: Annotated[bool, kinds.TRUTH] = Field(
        default=False,
        description="Beside the flavors that scs-0103 demands, those that it recommends.",
    )
    flavors: Annotated[tuple[FlavorEntry, ...], LISTED] = Field(
        default=(),
        description="Flavors of your own. Taken out of the file they are removed.",
        examples=["[{name: SCS-8C-32-100p}, {name: build, vcpus: 4, ram: 6144, disk: 40}]"],
    )
    subnet_pools: Annotated[tuple[SubnetPoolEntry, ...], LISTED] = Field(
        default=(),
        description="Shared subnet pools. Taken out of the file they are removed, once no subnet "
        "is from them.",
        examples=["[{name: inside, prefixes: [10.64.0.0/12], default: true}]"],
    )
    default_security_group_rules: tuple[DefaultRuleEntry, ...] | None = Field(
        default=None,
        description="All rules that a new security group has from the start, see content.md; "
        "`[]`: none. `null`: scs leaves alone what there is, Neutron's own at first.",
        examples=["[{direction: egress, ethertype: IPv4, used_in_default_sg: true}]"],
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
