# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""SCS-0100 and SCS-0103: flavors keep what their names promise, and the usual ones are there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scs.standards.flavor_names import PREFIX, FlavorName, NotAFlavorName
from scs.standards.flavors import MANDATORY, RECOMMENDED
from scs.standards.model import Check, Cloud, CouldNotRun, Finding, Severity, Standard

NAMES = "https://docs.scs.community/standards/scs-0100-v3-flavor-naming"
STANDARDS = "https://docs.scs.community/standards/scs-0103-v1-standard-flavors"
MICROVERSION = "2.61"
"""From this one on, lists of flavors hold their extra specs."""


def flavors(cloud: Cloud) -> list[dict[str, Any]]:
    """All flavors that the user sees; raises CouldNotRun where there are none."""
    found = cloud.items("compute", "/flavors/detail", "flavors", MICROVERSION)
    if not found:
        raise CouldNotRun("there are no flavors")
    return found


def _names(flavor: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(where it stands, SCS name) for each SCS name that a flavor carries."""
    if flavor["name"].startswith(PREFIX):
        yield "its name", flavor["name"]
    for key, value in (flavor.get("extra_specs") or {}).items():
        if re.fullmatch(r"scs:name-v\d+", key):
            yield key, value


def syntax(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """Whatever calls itself SCS- has a name that the grammar knows."""
    for flavor in flavors(cloud):
        for where, name in _names(flavor):
            try:
                FlavorName.parse(name)
            except NotAFlavorName as error:
                yield Finding(
                    f"flavor {flavor['name']}, {where}",
                    "a name as SCS-0100 writes it",
                    str(error),
                    "names of flavors cannot be changed: make it anew under a right name",
                )


def semantics(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """No name promises more than the flavor gives."""
    for flavor in flavors(cloud):
        for where, name in _names(flavor):
            try:
                meaning = FlavorName.parse(name)
            except NotAFlavorName:
                continue  # told by the other check
            more = meaning.overstates(flavor["vcpus"], flavor["ram"] / 1024, flavor["disk"])
            if more:
                yield Finding(
                    f"flavor {flavor['name']}, {where}",
                    "no more than the flavor gives",
                    f"{name} promises {'; '.join(more)}",
                    "give the flavor what it promises, or another name",
                )


def standard_flavor(cloud: Cloud, parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """A flavor of exactly this kind, found by its extra spec or by its name."""
    wanted = FlavorName.parse(parameters["name"])
    name, subject = str(wanted), f"flavor {wanted}"
    known = flavors(cloud)
    found = next((item for item in known if _specs(item).get("scs:name-v2") == name), None)
    found = found or next((item for item in known if item["name"] == name), None)
    if not found:
        yield Finding(
            subject,
            "it is there",
            "no flavor is named so, or says so in scs:name-v2",
            f"openstack flavor create {name} --vcpus {wanted.cpus} --ram {wanted.ram * 1024:.0f}"
            f" --disk {wanted.disk.size if wanted.disk else 0}",
        )
        return
    figures = {
        "vcpus": (wanted.cpus, found["vcpus"]),
        "ram": (int(wanted.ram * 1024), found["ram"]),
        "disk": (wanted.disk.size if wanted.disk else 0, found["disk"]),
    }
    for what, (expected, seen) in figures.items():
        if expected != seen:
            yield Finding(
                subject, f"{what} {expected}", f"{what} {seen}", "delete it and make it anew"
            )
    specs = _specs(found)
    if not specs:
        yield Finding(
            subject,
            "extra specs that members can read",
            "none to be seen",
            "set them, and let members read them (os_compute_api:os-flavor-extra-specs:index)",
        )
        return
    for key, value in wanted.extra_specs.items():
        if specs.get(key) != value:
            yield Finding(
                subject,
                f"{key}={value}",
                f"{key}={specs.get(key, '(not set)')}",
                f"openstack flavor set {found['name']} --property {key}={value}",
            )


def _specs(flavor: Mapping[str, Any]) -> Mapping[str, str]:
    return flavor.get("extra_specs") or {}


NAMING = Standard(
    "scs-0100",
    "v3.1",
    "Flavor naming",
    NAMES,
    (
        Check(
            id="scs-0100-syntax-check",
            title="SCS flavor names follow the grammar",
            rationale="Programs read names; one that cannot be read tells nothing.",
            ask=syntax,
            services=("compute",),
        ),
        Check(
            id="scs-0100-semantics-check",
            title="No flavor name promises more than the flavor gives",
            rationale="Whoever chooses by name must get at least that.",
            ask=semantics,
            services=("compute",),
        ),
    ),
)


def _one(name: str, severity: Severity) -> Check:
    short = name.removeprefix(PREFIX).lower().replace("-", "_")
    return Check(
        id=f"scs-0103-flavor-{short}",
        title=f"There is a flavor {name}",
        rationale="The same templates run in every cloud that has the same flavors.",
        ask=standard_flavor,
        severity=severity,
        parameters={"name": name},
        services=("compute",),
    )


STANDARD = Standard(
    "scs-0103",
    "v1",
    "Standard flavors",
    STANDARDS,
    (
        *(_one(name, Severity.MANDATORY) for name in MANDATORY),
        *(_one(name, Severity.RECOMMENDED) for name in RECOMMENDED),
    ),
)
