# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The flavors of the SCS standard (scs-0103); all that one has follows from its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from scs.errors import BadInput, Problem
from scs.model.component import CONTROL, Component
from scs.model.content import OwnFlavor
from scs.model.objects import ApiObject, Flavor
from scs.model.view import View
from scs.standards.flavor_names import PREFIX, FlavorName, NotAFlavorName
from scs.standards.flavors import MANDATORY, RECOMMENDED

# Recommended there as well: the only small one with a disk, for clouds without volumes.
ALSO = ("SCS-1L-1-5",)
RANDOM: Mapping[str, str] = {"hw_rng:allowed": "True"}


def flavor(name: str) -> Flavor:
    """The flavor that an SCS name stands for."""
    meaning = FlavorName.parse(name)
    return Flavor(
        name=name,
        vcpus=meaning.cpus,
        ram=int(meaning.ram * 1024),
        disk=meaning.disk.size if meaning.disk else 0,
        extra_specs={**meaning.extra_specs, **RANDOM},
    )


def own(asked: OwnFlavor) -> Flavor:
    """A flavor of the provider's; raises NotAFlavorName."""
    if not asked.name.startswith(PREFIX):
        specs = {**RANDOM, **asked.extra_specs}
        return Flavor(
            name=asked.name, vcpus=asked.vcpus, ram=asked.ram, disk=asked.disk, extra_specs=specs
        )
    meant = flavor(asked.name)
    return replace(meant, extra_specs={**asked.extra_specs, **meant.extra_specs})


def flavors(view: View) -> Iterable[ApiObject]:
    """Those that the standard demands, and those that are asked for; raises BadInput."""
    content = view.content
    names = (*MANDATORY, *(RECOMMENDED if content.recommended_flavors else ALSO))
    found = {name: flavor(name) for name in names}
    problems = []
    for number, asked in enumerate(content.flavors):
        try:
            found[asked.name] = own(asked)
        except NotAFlavorName as error:
            where = f"content.flavors[{number}].name"
            hint = "docs/content.md says what the parts of a name mean"
            problems.append(Problem(where, f"`{asked.name}` is no name of scs-0100: {error}", hint))
    if problems:
        raise BadInput(*problems)
    return found.values()


component = Component(
    name="flavors", summary="flavors of the SCS standard", roles=CONTROL, objects=flavors
)
