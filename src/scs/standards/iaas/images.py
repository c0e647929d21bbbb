# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""SCS-0102 and SCS-0104: public images say what they are, are fresh, and come from their makers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from scs.standards.model import Check, Cloud, CouldNotRun, Finding, Severity, Standard

METADATA = "https://docs.scs.community/standards/scs-0102-v1-image-metadata"
STANDARD_IMAGES = "https://docs.scs.community/standards/scs-0104-v1-standard-images"
GIB = 1 << 30

Image = Mapping[str, Any]

FREQUENCIES: Mapping[str, int] = {
    "never": 0,
    "critical_bug": 0,
    "yearly": 365,
    "quarterly": 92,
    "monthly": 31,
    "weekly": 7,
    "daily": 1,
}
"""replace_frequency → days; 0: it need not be replaced by a date."""
GRACE = 1.1
PURPOSES = ("generic", "minimal", "k8snode", "gpu", "network", "custom")

_VENDORS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    **{
        f"ubuntu-{number.replace('.', '')}": (
            rf"Ubuntu {re.escape(number)}",
            (
                f"https://cloud-images.ubuntu.com/releases/{code}/",
                f"https://cloud-images.ubuntu.com/{code}/",
            ),
        )
        for number, code in (("24.04", "noble"), ("22.04", "jammy"), ("20.04", "focal"))
    },
    **{
        f"debian-{number}": (
            f"Debian {number}",
            (
                f"https://cloud.debian.org/images/cloud/{code}/",
                f"https://cdimage.debian.org/cdimage/cloud/{code}/",
            ),
        )
        for number, code in ((13, "trixie"), (12, "bookworm"), (11, "bullseye"), (10, "buster"))
    },
    "capi": (
        r"ubuntu-capi-image[ -]v[0-9]\.[0-9]+(\.[0-9]+)?",
        (
            "https://swift.services.a.regiocloud.tech/swift/v1/"
            "AUTH_b182637428444b9aa302bb8d5a5a418c/openstack-k8s-capi-images/ubuntu-2204-kube",
        ),
    ),
}
"""Part of the testcase's name → (pattern of image names, where such an image comes from)."""
_LATER = ("debian-13",)
"""Released after v5.1, whose list does not have it."""


def date(text: Any) -> datetime | None:
    """A date as image properties have it; None: it is none."""
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"):
        try:
            return datetime.strptime(str(text), form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def images(cloud: Cloud) -> list[dict[str, Any]]:
    """All images that are offered to everybody; raises CouldNotRun where there are none."""
    found = [
        image
        for visibility in ("public", "community")
        for image in cloud.items("image", f"/images?visibility={visibility}", "images")
    ]
    if not found:
        raise CouldNotRun("there are no public images")
    return found


# Each rule: property → (what is expected, why an image does not have it so, or "").


def _one_of(name: str, *values: str) -> Callable[[Image, datetime], str]:
    return lambda image, _now: "" if image.get(name) in values else str(image.get(name, "not set"))


def _given(name: str) -> Callable[[Image, datetime], str]:
    return lambda image, _now: "" if image.get(name) else "not set"


def _matching(name: str, pattern: str) -> Callable[[Image, datetime], str]:
    def rule(image: Image, _now: datetime) -> str:
        value = str(image.get(name, ""))
        return "" if re.fullmatch(pattern, value) or date(value) else value or "not set"

    return rule


def _min_disk(image: Image, _now: datetime) -> str:
    disk, size = image.get("min_disk") or 0, image.get("size") or 0
    if disk < 1:
        return "0"
    return f"{disk} GiB for an image of {size / GIB:.1f} GiB" if disk * GIB < size else ""


def _build_date(image: Image, now: datetime) -> str:
    text = image.get("image_build_date", "not set")
    built, created = date(text), date(image.get("created_at"))
    if not built:
        return str(text)
    if created and built > created:
        return f"{text}, after {image['created_at']}, when it came here"
    return f"{text}, which is still to come" if built > now else ""


RULES: Mapping[str, tuple[str, Callable[[Image, datetime], str]]] = {
    "architecture": (
        "x86_64, aarch64 or risc-v",
        _one_of("architecture", "x86_64", "aarch64", "risc-v"),
    ),
    "min_disk": ("at least 1, and no less than the image's size", _min_disk),
    "min_ram": (
        "at least 1 MiB",
        lambda image, _now: "" if (image.get("min_ram") or 0) >= 1 else "0",
    ),
    "os_version": ("the system's version", _given("os_version")),
    "os_distro": ("the system's name", _given("os_distro")),
    "hw_disk_bus": ("virtio or scsi", _one_of("hw_disk_bus", "virtio", "scsi")),
    "image_build_date": ("a date not after the image came here", _build_date),
    "image_original_user": ("the user to log in as", _given("image_original_user")),
    "image_source": (
        "an address, or private",
        lambda image, _now: (
            ""
            if re.fullmatch(r"private|(https?|ftps?)://\S+", str(image.get("image_source", "")))
            else str(image.get("image_source", "not set"))
        ),
    ),
    "image_description": ("an address or a text", _given("image_description")),
    "replace_frequency": (
        f"one of {', '.join(FREQUENCIES)}",
        _one_of("replace_frequency", *FREQUENCIES),
    ),
    "provided_until": ("a date, none or notice", _matching("provided_until", "none|notice")),
    "uuid_validity": (
        "a date, none, notice, forever or last-N",
        _matching("uuid_validity", r"none|notice|forever|last-\d+"),
    ),
}
"""SCS-0102's properties of an image."""


def has_property(cloud: Cloud, parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """Every public image has this property, with a value that the standard allows."""
    name = parameters["property"]
    expected, rule = RULES[name]
    for image in images(cloud):
        if seen := rule(image, cloud.now):
            flag = (
                f"--{name.replace('_', '-')}" if name.startswith("min_") else f"--property {name}="
            )
            yield Finding(
                f"image {image['name']}",
                f"{name}: {expected}",
                seen,
                f"openstack image set {flag}… {image['id']}",
            )


def _overdue(image: Image, now: datetime) -> bool:
    days = FREQUENCIES.get(image.get("replace_frequency", "never"), 0)
    built = date(image.get("image_build_date")) or date(image.get("created_at"))
    until = date(image.get("provided_until"))
    if not days or not built or (until and now > until):
        return False
    return now > built + timedelta(days=days * GRACE)


def recent(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """Each is as fresh as it says, is past its time, or has a fresh one beside it.

    An old image may stay under its name with a date, `old` or `prev` behind it.
    """
    known = images(cloud)
    fresh = {image["name"] for image in known if not _overdue(image, cloud.now)}
    for image in known:
        if not _overdue(image, cloud.now):
            continue
        match = re.fullmatch(r"(.+) (?:old|prev|\d{4}-\d{2}-\d{2}|\d{8})", image["name"])
        if match and match[1].rstrip() in fresh:
            continue
        yield Finding(
            f"image {image['name']}",
            f"replaced {image['replace_frequency']} (with a tenth of that as grace)",
            f"built {image.get('image_build_date') or image.get('created_at')}",
            "upload a fresh one, and hide or rename the old one",
        )


def purpose(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """Every image says what it is for."""
    for image in images(cloud):
        if image.get("os_purpose") not in PURPOSES:
            yield Finding(
                f"image {image['name']}",
                f"os_purpose: one of {', '.join(PURPOSES)}",
                str(image.get("os_purpose", "not set")),
                f"openstack image set --property os_purpose=generic {image['id']}",
            )


def one_generic(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """Of each system there is one image that is meant when nothing more is said."""
    seen: dict[tuple[str, ...], str] = {}
    for image in images(cloud):
        key = tuple(str(image.get(name)) for name in ("architecture", "os_distro", "os_version"))
        if image.get("os_purpose") != "generic" or image.get("visibility") != "public":
            continue
        if other := seen.get(key):
            yield Finding(
                f"image {image['name']}",
                f"the only generic one for {' '.join(key)}",
                f"{other} is one as well",
                "hide the older one, or give it another purpose",
            )
        seen[key] = image["name"]


def there(cloud: Cloud, parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """An image of this name is there."""
    known = images(cloud)
    if not any(re.fullmatch(parameters["pattern"], image["name"]) for image in known):
        yield Finding(
            f"image {parameters['name']}",
            "it is there",
            f"there are {', '.join(sorted(image['name'] for image in known))}",
            f"upload it from {parameters['sources'][0]}",
        )


def from_its_maker(cloud: Cloud, parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """Images of this name come from where such images are made; having none is allowed."""
    for image in images(cloud):
        if not re.fullmatch(parameters["pattern"], image["name"]):
            continue
        source = str(image.get("image_source", "not set"))
        if not source.startswith(tuple(parameters["sources"])):
            yield Finding(
                f"image {image['name']}",
                f"image_source below {' or '.join(parameters['sources'])}",
                source,
                "take the maker's image, or give this one another name",
            )


def _property(name: str) -> Check:
    return Check(
        id=f"scs-0102-prop-{name}",
        title=f"Every public image has a right {name}",
        rationale="Users and programs choose an image by what it says of itself.",
        ask=has_property,
        parameters={"property": name},
        services=("image",),
    )


def _about(key: str, **more: Any) -> Mapping[str, Any]:
    pattern, sources = _VENDORS[key]
    return {"pattern": pattern, "sources": sources, **more}


def _present(key: str, name: str, severity: Severity) -> Check:
    return Check(
        id=f"scs-0104-image-{key}",
        title=f"There is an image {name}",
        rationale="The same name means the same system in every SCS cloud.",
        ask=there,
        severity=severity,
        parameters=_about(key, name=name),
        services=("image",),
    )


def _source(key: str) -> Check:
    return Check(
        id=f"scs-0104-source-{key}",
        title=f"Images called {key} come from their maker",
        rationale="A well-known name must not hide somebody else's image.",
        ask=from_its_maker,
        parameters=_about(key),
        services=("image",),
    )


METADATA_STANDARD = Standard(
    "scs-0102",
    "v1",
    "Image metadata",
    METADATA,
    (
        *(_property(name) for name in RULES),
        Check(
            id="scs-0102-image-recency",
            title="Public images are as fresh as they say",
            rationale="An old image has holes that are known.",
            ask=recent,
            services=("image",),
        ),
    ),
)

NEXT = Standard(
    "scs-0102",
    "next",
    "Image metadata (successor)",
    METADATA,
    (
        Check(
            id="scs-0102-prop-os_purpose",
            title="Every public image says what it is for",
            rationale="So that programs tell an ordinary system from a node of a cluster.",
            ask=purpose,
            services=("image",),
        ),
        Check(
            id="scs-0102-os-purpose-uniqueness",
            title="Of each system one image is the generic one",
            rationale="So that a search by properties finds one image and not several.",
            ask=one_generic,
            services=("image",),
        ),
    ),
)

STANDARD = Standard(
    "scs-0104",
    "v1",
    "Standard images",
    STANDARD_IMAGES,
    (
        _present("ubuntu-2404", "Ubuntu 24.04", Severity.MANDATORY),
        _present("debian-12", "Debian 12", Severity.RECOMMENDED),
        _present("capi", "ubuntu-capi-image", Severity.RECOMMENDED),
        *(_source(key) for key in _VENDORS if key not in _LATER),
    ),
)

NEXT_STANDARD = Standard(
    "scs-0104",
    "v1.1",
    "Standard images (successor)",
    STANDARD_IMAGES,
    tuple(_source(key) for key in _LATER),
)
