# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What options a service knows, and an operator's that it does not know."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scs.errors import Problem
from scs.model.overrides import Overrides, Setting
from scs.plan import own
from scs.plan.expand import Expander
from scs.plan.ini import same
from scs.plan.words import nearest


@dataclass(frozen=True)
class Option:
    """An option as its service declares it to oslo.config."""

    default: tuple[str, ...]
    """As it would be written; empty when there is none."""
    help: str = ""
    type: str = ""
    secret: bool = False
    going: str = ""
    """Why it should no longer be set."""
    instead: tuple[str, str] | None = None
    """Section and option that it is an old name of."""


Known = Mapping[str, Mapping[str, Option]]
"""Section → option → what is known of it."""


def from_values(values: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Known:
    """From what release/options.py has collected."""
    found: dict[str, dict[str, Option]] = {}
    for section, items in values.items():
        for name, item in items.items():
            found.setdefault(section, {})[same(name)] = Option(
                default=tuple(item["default"]),
                help=item["help"],
                type=item["type"],
                secret=item["secret"],
                going=item["going"],
            )
    for section, items in values.items():
        for name, item in items.items():
            for old_section, old_name in item["old"]:
                old = same(old_name or name)
                home = found.setdefault(old_section or section, {})
                home.setdefault(old, Option((), instead=(section, same(name))))
    return found


SECRET = (
    "password",
    "secret",
    "secret_key",
    "transport_url",
    "connection",
    "private_key",
    "encryption_key",
)


def sounds_secret(option: str) -> bool:
    """Whether the name says that the value is nobody's business."""
    name = same(option).lower()
    return any(name == word or name.endswith(f"_{word}") for word in SECRET)


def secret_values(overrides: Overrides) -> Iterator[str]:
    """What in an operator's files should be shown nowhere."""
    for mine in overrides.settings:
        for item in mine.settings:
            if sounds_secret(item.option):
                # Shorter ones would blot out half of every text.
                yield from (value for value in item.values if len(value) > 3)


def look_up(known: Known, section: str, option: str) -> Option | None:
    return known.get(section, {}).get(same(option))


def warnings(expander: Expander, known: Callable[[str], Known | None]) -> Iterator[Problem]:
    """The operator's options that a service does not know, or should no longer be told.

    `known` says what a service knows; None: not known yet, and so nothing is said.
    """
    view = expander.view
    overrides = view.overrides
    settings: dict[str, list[Setting]] = {}
    for service, sections in view.config.items():
        for section, options in sections.items():
            for option in options:
                line = overrides.lines.get((service, section, option))
                where = f"cloud.yaml:{line}" if line else f"cloud.yaml: config.{service}"
                settings.setdefault(service, []).append(Setting(section, option, (), where))
    for mine in overrides.settings:
        settings.setdefault(mine.service, []).extend(mine.settings)
    names = own.services(view.components)
    for service, items in settings.items():
        if service in names and (there := known(service)):
            yield from unknown(items, there, service, written_sections(expander, service))


def written_sections(expander: Expander, service: str) -> frozenset[str]:
    """The sections that templates write into the service's files."""
    return frozenset(
        item.section
        for node in expander.view.nodes
        for part, declared in own.configs(expander.view.on(node).components_here)
        if declared.service == service
        for item in expander.composed(part, declared, expander.view.on(node)).candidates
        if item.source in ("component", "template")
    )


def unknown(
    settings: Iterable[Setting], known: Known, service: str, written: Collection[str] = ()
) -> Iterator[Problem]:
    """What is wrong with settings of a service, as it knows its options.

    `written` are sections that belong to a library or plugin which tells oslo.config nothing.
    """
    settings = tuple(settings)
    # Sections may be named in an option, such as `enabled_backends = fast:rbd`; and the plugin
    # that `auth_type` names has options of its own, listed only where a service names one.
    named = {word for item in settings for value in item.values for word in _words(value)}
    of_plugins = {name for options in known.values() if "auth_type" in options for name in options}
    anywhere = {name for options in known.values() for name in options}
    for item in settings:
        what = f"[{item.section}] {item.option}"
        found = look_up(known, item.section, item.option)
        if found is not None:
            if found.instead:
                section, option = found.instead
                hint = f"write [{section}] {option}: what scs writes there wins over an old name"
                yield Problem(item.where, f"{what} is an old name", hint)
            elif found.going:
                yield Problem(item.where, f"{what} will go away", found.going)
            continue
        name = same(item.option)
        here = known.get(item.section)
        if here is None:
            if (item.section in named or item.section in written) and name in anywhere:
                continue
            guess = nearest(item.section, known)
            hint = f"did you mean [{guess}]?" if guess else _homes(known, name)
            hint = hint or "something of its own may read it; scs can't tell"
            yield Problem(item.where, f"{service} knows no section [{item.section}]", hint)
            continue
        if "auth_type" in here and name in of_plugins:
            continue
        guess = nearest(name, {*here, *of_plugins} if "auth_type" in here else here)
        homes = _homes(known, name)
        hint = homes or (f"did you mean {guess}?" if guess else "")
        yield Problem(item.where, f"{service} knows no option {what}", hint)


def _words(value: str) -> list[str]:
    return value.replace(":", " ").replace(",", " ").split()


def _homes(known: Known, name: str) -> str:
    homes = [
        section
        for section, options in known.items()
        if name in options and not options[name].instead
    ]
    return f"it belongs in {' or '.join(f'[{home}]' for home in homes[:3])}" if homes else ""
