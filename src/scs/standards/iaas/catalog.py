# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""SCS-0123: the services that every cloud has; and whether the object store speaks S3."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

from scs.standards.model import Check, Cloud, Finding, Severity, Standard

SERVICES: Mapping[str, tuple[str, ...]] = {
    "compute": ("compute",),
    "identity": ("identity",),
    "image": ("image",),
    "network": ("network",),
    "load-balancer": ("load-balancer",),
    "placement": ("placement",),
    "storage": ("volumev3", "block-storage", "volume"),
}
"""What is needed → the types under which the catalog may have it."""
NOBODY = "AKIDOESNOTEXIST00000"
EXPECTED = ("InvalidAccessKeyId", "NoSuchKey")


def present(cloud: Cloud, parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """One of these types is in the catalog, with an address for users."""
    types = parameters["types"]
    found = [service for service in cloud.services if service.type in types]
    known = ", ".join(sorted({service.type for service in cloud.services})) or "nothing"
    if not found:
        yield Finding(
            "catalog",
            f"a service of type {' or '.join(types)}",
            f"it has {known}",
            f"install the service and register it: openstack service create {types[0]}",
        )
    elif not any("public" in service.urls for service in found):
        yield Finding(
            f"service {found[0].type}",
            "a public endpoint in this region",
            f"endpoints: {', '.join(found[0].urls) or 'none'}",
            f"openstack endpoint create {found[0].type} public URL",
        )


def s3(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """The root of the object store's host answers as S3 does to somebody with a wrong key.

    Any error would do for a check that only looks for one; S3's own words are wanted.
    """
    service = next(item for item in cloud.services if item.type == "object-store")
    address = service.urls.get("public") or next(iter(service.urls.values()), "")
    parts = urlsplit(address)
    answer = cloud.bare(
        f"{parts.scheme}://{parts.netloc}/",
        {
            "Authorization": f"AWS {NOBODY}:AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "Accept": "application/xml",
            # Without one nobody gets as far as being looked up.
            "Date": format_datetime(cloud.now, usegmt=True),
        },
    )
    text = str(answer.body)
    if not any(f"<Code>{code}</Code>" in text for code in EXPECTED):
        yield Finding(
            f"{parts.scheme}://{parts.netloc}/",
            f"S3's error {' or '.join(EXPECTED)} for an unknown access key",
            f"{answer.status}: {' '.join(text.split())[:120] or 'nothing'}",
            "let the object store's host serve S3 at its root (Ceph: rgw_enable_apis = s3, swift)",
        )


def _service(name: str) -> Check:
    types = SERVICES[name]
    official = "scs-0123-storage-apis" if name == "storage" else f"scs-0123-service-{name}"
    return Check(
        id=official,
        title=f"The catalog has {' or '.join(types[:2])}",
        rationale="Who knows one SCS cloud finds the same services in another.",
        ask=present,
        parameters={"types": types},
    )


STANDARD = Standard(
    number="scs-0123",
    version="v1",
    title="Mandatory and supported IaaS services",
    url="https://docs.scs.community/standards/scs-0123-v1-mandatory-and-supported-IaaS-services",
    checks=(
        *(_service(name) for name in SERVICES),
        Check(
            id="scs-0123-service-object-store",
            title="The catalog has object-store",
            rationale="S3 storage is part of every SCS cloud; without an entry nobody finds it.",
            ask=present,
            parameters={"types": ("object-store", "object-store-s3")},
        ),
        Check(
            id="scs-0123-swift-s3",
            title="The object store speaks S3",
            rationale="Applications use object storage through S3; an entry in the catalog"
            " alone proves nothing.",
            ask=s3,
            services=("object-store",),
        ),
    ),
)

NEXT = Standard(
    number="scs-0123",
    version="next",
    title="Mandatory and supported IaaS services (successor)",
    url="https://docs.scs.community/standards/scs-0123-v1-mandatory-and-supported-IaaS-services",
    checks=(
        Check(
            id="scs-0123-service-s3",
            title="The catalog has object-store-s3",
            rationale="The next version of the standard looks S3 up under a type of its own.",
            ask=present,
            severity=Severity.RECOMMENDED,
            parameters={"types": ("object-store-s3",)},
        ),
    ),
)
