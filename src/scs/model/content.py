# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a provider puts into the cloud's API for its customers, beside what each cloud has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from scs.model.objects import Quota
from scs.model.security_rules import DefaultRule

LIMITS: Mapping[str, Mapping[str, str]] = {
    "compute": {
        "instances": "instances",
        "cores": "cores",
        "ram": "ram",
        "key_pairs": "key_pairs",
        "properties": "metadata_items",
        "server_groups": "server_groups",
        "server_group_members": "server_group_members",
    },
    "network": {
        "networks": "network",
        "subnets": "subnet",
        "subnetpools": "subnetpool",
        "ports": "port",
        "routers": "router",
        "floating_ips": "floatingip",
        "secgroups": "security_group",
        "secgroup_rules": "security_group_rule",
        "rbac_policies": "rbac_policy",
    },
    "block-storage": {
        "volumes": "volumes",
        "snapshots": "snapshots",
        "gigabytes": "gigabytes",
        "per_volume_gigabytes": "per_volume_gigabytes",
        "backups": "backups",
        "backup_gigabytes": "backup_gigabytes",
        "groups": "groups",
    },
}
"""Service type → a limit as `openstack quota set` calls it → as the service does."""

REPLACE_WITHIN: Mapping[str, timedelta | None] = {
    "yearly": timedelta(days=365),
    "quarterly": timedelta(days=90),
    "monthly": timedelta(days=30),
    "weekly": timedelta(days=7),
    "daily": timedelta(days=1),
    "critical_bug": None,
    "never": None,
}
"""The words of `replace_frequency` and the age that each allows; None: no fixed age."""

DEBIAN, VERIFY = "Debian 13", "scs-verify"
OWN_IMAGES = (DEBIAN, VERIFY)
"""The images that each cloud has."""

NAMES = tuple(name for names in LIMITS.values() for name in names)
"""All limits, as people call them."""


def limits_of(service: str, quota: Mapping[str, int]) -> dict[str, int]:
    """Those of a quota's limits that are a service's, in its own words."""
    return {
        LIMITS[service][name]: value for name, value in quota.items() if name in LIMITS[service]
    }


def quotas(kind: type[Quota], projects: Iterable[OwnProject]) -> Iterator[Quota]:
    """What each project may use of the service that this kind of quota is for."""
    for project in projects:
        yield kind(name=project.name, limits=limits_of(kind.service, project.quota))


@dataclass(frozen=True)
class OwnProject:
    """A project that the provider has asked for."""

    name: str
    description: str = ""
    quota: Mapping[str, int] = field(default_factory=dict)
    """Limit → how much at most; -1: as much as there is. Those not named are the services'."""


@dataclass(frozen=True)
class OwnAggregate:
    """Hosts that have something in common."""

    name: str
    nodes: tuple[str, ...]
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class OwnFlavor:
    """A flavor that the provider has asked for."""

    name: str
    vcpus: int = 0
    """0: its name says it, and all else."""
    ram: int = 0
    """MiB."""
    disk: int = 0
    """GB."""
    extra_specs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class OwnSubnetPool:
    """A range of addresses that the provider lets projects take subnets from."""

    name: str
    prefixes: tuple[str, ...]
    prefix_length: int
    default: bool = False


@dataclass(frozen=True)
class OwnImage:
    """A public image that comes from its vendor."""

    name: str
    digest: str = ""
    """SHA-512 in hex; empty: the vendor's newest."""


@dataclass(frozen=True)
class Content:
    """All of it."""

    projects: tuple[OwnProject, ...] = ()
    aggregates: tuple[OwnAggregate, ...] = ()
    recommended_flavors: bool = False
    flavors: tuple[OwnFlavor, ...] = ()
    subnet_pools: tuple[OwnSubnetPool, ...] = ()
    images: tuple[OwnImage, ...] = ()
    default_security_group_rules: tuple[DefaultRule, ...] | None = None
    """All that there are to be; None: whatever there is, is left alone."""
