# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""SCS-0121: availability zones, as far as a user sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from scs.standards.model import Check, Cloud, Finding, Standard

URL = "https://docs.scs.community/standards/scs-0121-v1-Availability-Zones-Standard"


def usable(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """At least one zone takes servers, and no zone of servers is shut."""
    zones = cloud.items("compute", "/os-availability-zone", "availabilityZoneInfo")
    open_ = [zone["zoneName"] for zone in zones if zone["zoneState"]["available"]]
    for zone in zones:
        if not zone["zoneState"]["available"]:
            yield Finding(
                f"zone {zone['zoneName']}",
                "available",
                "not available",
                "bring its hosts back, or remove the zone (host aggregate)",
            )
    if not open_:
        mend = "openstack compute service list: some host must be up"
        yield Finding("zones of servers", "at least one is available", "none is", mend)


def alike(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """A zone of volumes is also one of servers, so that both can be asked for together."""
    zones = cloud.items("compute", "/os-availability-zone", "availabilityZoneInfo")
    compute = {zone["zoneName"] for zone in zones}
    for zone in cloud.items("block-storage", "/os-availability-zone", "availabilityZoneInfo"):
        if zone["zoneName"] not in compute:
            yield Finding(
                f"zone {zone['zoneName']} of volumes",
                f"one of servers' zones: {', '.join(sorted(compute))}",
                "servers have none of that name",
                "Cinder: storage_availability_zone",
            )


STANDARD = Standard(
    "scs-0121",
    "v1",
    "Availability zones",
    URL,
    (
        Check(
            id="scs-0121-zones-available",
            title="All availability zones take servers",
            rationale="Who spreads servers over zones relies on each of them.",
            ask=usable,
            services=("compute",),
        ),
        Check(
            id="scs-0121-zones-alike",
            title="Volumes and servers have the same zones",
            rationale="A server cannot use a volume of a zone that it does not know.",
            ask=alike,
            services=("compute", "block-storage"),
        ),
    ),
)
