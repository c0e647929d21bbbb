# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The flavors of the SCS standard (scs-0103) with their extra specs."""

from __future__ import annotations

import re
from collections.abc import Iterable

from scs.model.component import CONTROL, Component
from scs.model.objects import ApiObject, Flavor
from scs.model.view import View

# scs-0103-v1; the letter tells how a vCPU is shared, the last part the disk.
MANDATORY = (
    "SCS-1V-2",
    "SCS-1V-4",
    "SCS-1V-8",
    "SCS-2V-4",
    "SCS-2V-8",
    "SCS-2V-16",
    "SCS-4V-8",
    "SCS-4V-16",
    "SCS-4V-32",
    "SCS-8V-16",
    "SCS-8V-32",
    "SCS-16V-32",
    "SCS-1L-1",
    "SCS-2V-4-20s",
    "SCS-4V-16-100s",
)
# Recommended there as well: the only small one with a disk, for clouds without volumes.
RECOMMENDED = ("SCS-1L-1-5",)
NAME = re.compile(r"SCS-(\d+)([VL])-(\d+)(?:-(\d+)(s?))?")
CPU_TYPES = {"V": "shared-core", "L": "crowded-core"}


def flavor(name: str) -> Flavor:
    """The flavor that an SCS name stands for."""
    match = NAME.fullmatch(name)
    if not match:
        raise ValueError(f"{name} is not one of the names that are used here")
    vcpus, letter, ram, disk, ssd = match.groups()
    specs = {
        "scs:name-v1": re.sub(r"^SCS-(\d+[VL])-(\d+)(-(.*))?$", _first_version, name),
        "scs:name-v2": name,
        "scs:cpu-type": CPU_TYPES[letter],
        "hw_rng:allowed": "True",
    }
    if ssd:
        specs["scs:disk0-type"] = "ssd"
    return Flavor(
        name=name, vcpus=int(vcpus), ram=int(ram) * 1024, disk=int(disk or 0), extra_specs=specs
    )


def _first_version(match: re.Match[str]) -> str:
    disk = f":{match[4]}" if match[4] else ""
    return f"SCS-{match[1]}:{match[2]}{disk}"


def flavors(_view: View) -> Iterable[ApiObject]:
    return (flavor(name) for name in (*MANDATORY, *RECOMMENDED))


component = Component(
    name="flavors", summary="flavors of the SCS standard", roles=CONTROL, objects=flavors
)
