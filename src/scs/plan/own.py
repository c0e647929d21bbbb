# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""How an operator's own files meet the components: which counts where, and what is misnamed.

config/SERVICE.conf, config/SERVICE/*.conf   options of all files of a service
config/SERVICE/FILE                          of the one file of that service with that name
config/SERVICE/policy.yaml                   policy
templates/COMPONENT/FILE.j2                  in place of the component's template
systemd/UNIT.service.d/*.conf                drop-ins
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from scs.errors import Problem
from scs.model.component import Component, Config
from scs.model.overrides import Overrides, OwnText, Setting, SettingsFile
from scs.model.view import View
from scs.plan import templating
from scs.plan.ini import same, text
from scs.plan.units import unit_file
from scs.plan.words import hint

DROP_IN = "zz-{}"
"""What an operator's drop-in is called on a node: it comes after those of packages and of scs."""


def configs(parts: Iterable[Component]) -> Iterator[tuple[Component, Config]]:
    """All files that are made from templates, with their components."""
    for part in parts:
        for item in part.files:
            if isinstance(item, Config):
                yield part, item


def services(parts: Iterable[Component]) -> frozenset[str]:
    """The services that take options."""
    return frozenset(item.service for _, item in configs(parts) if item.service)


def base_name(path: str) -> str:
    return PurePosixPath(path).name


def file_names(parts: Iterable[Component], service: str) -> frozenset[str]:
    """The names of a service's files that options are merged into."""
    return frozenset(base_name(i.path) for _, i in configs(parts) if i.service == service)


def policy_path(declared: Config) -> str:
    return str(PurePosixPath(declared.path).with_name("policy.yaml"))


def drop_ins(overrides: Overrides, unit: str) -> dict[str, OwnText]:
    """Name on the node → drop-in of that unit."""
    return {
        DROP_IN.format(name): item
        for (of, name), item in sorted(overrides.drop_ins.items())
        if of == unit
    }


def meant_for(mine: SettingsFile, names: frozenset[str]) -> str:
    """The one file of the service that it counts for; empty: all of them."""
    path = PurePosixPath(mine.path)
    inside = len(path.parts) > 2  # config/SERVICE/FILE, not config/SERVICE.conf
    return path.name if inside and path.name in names else ""


def settings(declared: Config, view: View, names: frozenset[str]) -> tuple[Setting, ...]:
    """What is merged into a file, weakest first.

    `names` are those of all files of its service. cloud.yaml comes before the folder, and
    within it what counts for all files before what counts for one.
    """
    found: list[Setting] = []
    service, overrides = declared.service, view.overrides
    if declared.policy and (policy := overrides.policies.get(service)):
        path = policy_path(declared)
        found.append(Setting("oslo_policy", "policy_file", (path,), policy.path, "policy"))
    for section, options in view.config.get(service, {}).items():
        for option, value in options.items():
            line = overrides.lines.get((service, section, option))
            where = f"cloud.yaml:{line}" if line else "cloud.yaml"
            found.append(Setting(section, option, (text(value),), where, "cloud.yaml"))
    mine = [item for item in overrides.settings if item.service == service]
    for target in ("", base_name(declared.path)):
        for item in mine:
            if meant_for(item, names) == target:
                found += item.settings
    return tuple(replace(item, option=same(item.option)) for item in found)


def origin(view: View, path: str) -> str:
    """The operator's file that a file on a node is a copy of; empty if it is none."""
    for (unit, name), item in view.overrides.drop_ins.items():
        if path.endswith(f"/{unit}.d/{DROP_IN.format(name)}"):
            return item.path
    for _, declared in configs(view.components):
        if declared.policy and policy_path(declared) == path:
            policy = view.overrides.policies.get(declared.service)
            return policy.path if policy else ""
    return ""


def problems(overrides: Overrides, parts: Iterable[Component]) -> Iterator[Problem]:
    """What is called like nothing that there is, and templates that are none."""
    parts = tuple(parts)
    known = services(parts)
    for item in overrides.settings:
        if item.service not in known:
            yield Problem(item.path, f"no service {item.service}", hint(item.service, known))
    policed = {item.service for _, item in configs(parts) if item.policy}
    for service, policy in overrides.policies.items():
        if service not in policed:
            what = f"no service {service} that has policies"
            yield Problem(policy.path, what, hint(service, policed))
    yield from _templates(overrides.templates, parts)
    units = {unit_file(unit) for part in parts for unit in part.units}
    for (unit, name), drop_in in overrides.drop_ins.items():
        if unit not in units:
            yield Problem(drop_in.path, f"no unit {unit}", hint(unit, units))
        yield from drop_in_problems(drop_in)
        del name


def _templates(
    mine: Mapping[tuple[str, str], OwnText], parts: tuple[Component, ...]
) -> Iterator[Problem]:
    known: dict[str, set[str]] = {}
    for part, item in configs(parts):
        known.setdefault(part.name, set()).add(item.template)
    for (component, name), template in mine.items():
        if component not in known:
            what = f"no component {component} that has templates"
            yield Problem(template.path, what, hint(component, known))
        elif name not in known[component]:
            what = f"component {component} has no template {name}"
            yield Problem(template.path, what, hint(name, known[component]))
        elif problem := templating.check(template.path, template.text):
            yield problem


SECTIONS = ("Unit", "Service", "Install")


def drop_in_problems(drop_in: OwnText) -> Iterator[Problem]:
    """What systemd would skip with no more than a line in its journal."""
    section, continues = "", False
    for number, raw in enumerate(drop_in.text.splitlines(), 1):
        line, where = raw.strip(), f"{drop_in.path}:{number}"
        continued, continues = continues, line.endswith("\\")
        if not line or line[0] in "#;" or continued:
            continues = continues and line[:1] not in ("#", ";")
            continue
        if line.startswith("["):
            section = line.strip("[]")
            if line != f"[{section}]" or section not in SECTIONS:
                what = f"expected one of the sections of a service, got {line[:40]!r}"
                yield Problem(where, what, hint(section, SECTIONS))
        elif "=" not in line:
            yield Problem(where, f"expected `Setting=value`, got {line[:40]!r}", "see systemd.unit")
        elif not section:
            yield Problem(where, "stands in no section", "write [Service] above it")
