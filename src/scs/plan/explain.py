# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where what stands in a managed file comes from, and who reads it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from scs.errors import BadInput, Problem
from scs.model.component import Component, Config
from scs.model.overrides import Setting
from scs.plan import own
from scs.plan.expand import Expander
from scs.plan.ini import same
from scs.plan.options import Known, Option, look_up
from scs.plan.words import hint, nearest
from scs.resources import File, Unit


@dataclass(frozen=True)
class Managed:
    """A file that scs writes on nodes."""

    path: str
    component: str
    origin: str
    """The template it is made from; empty: made from the declaration."""
    service: str
    """Of a file with options: the service that they belong to; else empty."""
    secret: bool
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Place:
    """Nodes on which a file is the same, and is read by the same."""

    nodes: tuple[str, ...]
    readers: tuple[str, ...]
    """Units that would take over a change of it."""
    reloaded: tuple[str, ...]
    """Those of them that are reloaded, not restarted."""
    text: str
    candidates: tuple[Setting, ...] = ()


@dataclass(frozen=True)
class Explained:
    """An option in one place: who wanted what, weakest first; the last one won."""

    section: str
    option: str
    place: Place
    candidates: tuple[Setting, ...]
    about: Option | None


def managed(expander: Expander, wanted: str) -> Managed:
    """The file of that path or base name; raises BadInput with the nearest name."""
    view = expander.view
    found: dict[str, list[tuple[str, File, tuple[Unit, ...]]]] = {}
    paths: set[str] = set()
    for node in view.nodes:
        items = expander.node(node)
        units = [item for item in items if isinstance(item, Unit)]
        for item in items:
            if isinstance(item, File):
                paths.add(item.name)
                if wanted in (item.name, own.base_name(item.name)):
                    readers = tuple(unit for unit in units if item.name in unit.reads)
                    found.setdefault(item.name, []).append((node.name, item, readers))
    if not found:
        guess = nearest(wanted, paths if "/" in wanted else map(own.base_name, paths))
        advice = f"did you mean {guess}?" if guess else "name a file that scs writes on nodes"
        raise BadInput(Problem("explain", f"no managed file {wanted}", advice))
    if len(found) > 1:
        what = f"{len(found)} managed files are called {wanted}"
        raise BadInput(Problem("explain", what, f"name one: {', '.join(sorted(found))}"))
    ((path, where),) = found.items()
    component = where[0][1].component
    part, declared = _declared(view.components, component, path)
    places: list[Place] = []
    for name, item, readers in where:
        candidates: tuple[Setting, ...] = ()
        if declared and declared.service:
            here = view.on(next(node for node in view.nodes if node.name == name))
            candidates = expander.composed(part, declared, here).candidates
        place = Place(
            (name,),
            tuple(unit.name for unit in readers),
            tuple(unit.name for unit in readers if unit.reloadable(path)),
            item.content,
            candidates,
        )
        for number, other in enumerate(places):
            if replace(other, nodes=(name,)) == place:
                places[number] = replace(other, nodes=(*other.nodes, name))
                break
        else:
            places.append(place)
    mine = view.overrides.templates.get((component, declared.template)) if declared else None
    origin = mine.path if mine else declared.template if declared else own.origin(view, path)
    service = declared.service if declared else ""
    return Managed(path, component, origin, service, where[0][1].secret, tuple(places))


def _declared(
    parts: Iterable[Component], component: str, path: str
) -> tuple[Component, Config | None]:
    part = next(part for part in parts if part.name == component)
    configs = (item for item in part.files if isinstance(item, Config) and item.path == path)
    return part, next(configs, None)


def split(words: str) -> tuple[str, str]:
    """`[SECTION]OPTION`, `SECTION.OPTION` or `OPTION` as section (may be empty) and option."""
    words = words.strip()
    if words.startswith("["):
        section, _, option = words[1:].partition("]")
        return section.strip(), option.strip(" .")
    section, _, option = words.rpartition(".")
    return section, option


def options(
    file: Managed, words: str, known: Callable[[str], Known | None], release: str
) -> tuple[Explained, ...]:
    """All options of a file, or those that are meant; raises BadInput with the nearest name."""
    declared = known(file.service) or {}
    section, option = split(words)
    found: list[Explained] = []
    names: set[tuple[str, str]] = set()
    for place in file.places:
        here: dict[tuple[str, str], list[Setting]] = {}
        for item in place.candidates:
            # An option may be written `log-dir` and `log_dir`; both are looked for in one place.
            here.setdefault((item.section, same(item.option)), []).append(item)
        names |= here.keys()
        wanted = [key for key in here if _meant(key, section, option)]
        if option and not wanted:
            # Nobody sets it: then the release's default is what holds.
            keys = [(part, name) for part, items in declared.items() for name in items]
            names |= set(keys)
            wanted = [key for key in keys if _meant(key, section, option)]
        for part, name in wanted:
            about = look_up(declared, part, name)
            default: tuple[Setting, ...] = ()
            if about and not about.instead:
                default = (Setting(part, name, about.default, f"release {release}", "release"),)
            candidates = (*default, *here.get((part, name), ()))
            found.append(Explained(part, name, place, candidates, about))
    if option and not found:
        raise BadInput(_unknown(file, section, option, names))
    if option and len({(item.section, item.option) for item in found}) > 1:
        sections = sorted({f"[{item.section}]" for item in found})
        what = f"{option} stands in {', '.join(sections)}"
        raise BadInput(Problem("explain", what, f"name one: '{sections[0]}{option}'"))
    return _folded(found)


def _folded(found: list[Explained]) -> tuple[Explained, ...]:
    """The same with nodes together on which an option has the same story."""
    folded: list[Explained] = []
    for item in found:
        for number, other in enumerate(folded):
            same_story = replace(item, place=other.place) == other
            if same_story and item.place.readers == other.place.readers:
                nodes = (*other.place.nodes, *item.place.nodes)
                folded[number] = replace(other, place=replace(other.place, nodes=nodes))
                break
        else:
            folded.append(item)
    return tuple(folded)


def _meant(key: tuple[str, str], section: str, option: str) -> bool:
    return (not section or key[0] == section) and (not option or key[1] == same(option))


def _unknown(file: Managed, section: str, option: str, names: set[tuple[str, str]]) -> Problem:
    sections = {part for part, _ in names}
    if section and section not in sections:
        return Problem(
            "explain", f"{file.path} has no section [{section}]", hint(section, sections)
        )
    inside = {name for part, name in names if not section or part == section}
    homes = sorted(f"[{part}]" for part, name in names if name == same(option))
    advice = f"it stands in {', '.join(homes)}" if homes else hint(option, inside)
    label = f"[{section}]{option}" if section else option
    return Problem("explain", f"{file.path} has no option {label}", advice)


def lines(file: Managed, words: str) -> tuple[tuple[Place, tuple[tuple[int, str], ...]], ...]:
    """Of a file without options: the lines in which the words stand, by place."""
    found = []
    for place in file.places:
        numbered = enumerate(place.text.splitlines(), 1)
        hits = tuple((number, line) for number, line in numbered if words.lower() in line.lower())
        found.append((place, hits))
    if words and not any(hits for _, hits in found):
        known = {word for place, _ in found for word in place.text.replace("=", " ").split()}
        guess = nearest(words, known)
        advice = f"did you mean {guess}?" if guess else f"`explain {file.path}` shows all of it"
        raise BadInput(Problem("explain", f"{file.path} has no line with {words}", advice))
    return tuple(found)
