# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The flavors of the SCS standard (scs-0103); all that one has follows from its name."""

from __future__ import annotations

from collections.abc import Iterable

from scs.model.component import CONTROL, Component
from scs.model.objects import ApiObject, Flavor
from scs.model.view import View
from scs.standards.flavor_names import FlavorName
from scs.standards.flavors import MANDATORY

# Recommended there as well: the only small one with a disk, for clouds without volumes.
ALSO = ("SCS-1L-1-5",)


def flavor(name: str) -> Flavor:
    """The flavor that an SCS name stands for."""
    meaning = FlavorName.parse(name)
    return Flavor(
        name=name,
        vcpus=meaning.cpus,
        ram=int(meaning.ram * 1024),
        disk=meaning.disk.size if meaning.disk else 0,
        extra_specs={**meaning.extra_specs, "hw_rng:allowed": "True"},
    )


def flavors(_view: View) -> Iterable[ApiObject]:
    return (flavor(name) for name in (*MANDATORY, *ALSO))


component = Component(
    name="flavors", summary="flavors of the SCS standard", roles=CONTROL, objects=flavors
)
