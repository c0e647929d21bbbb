# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""From the file to the spec, or to everything that is wrong with the file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from scs.errors import BadInput, Problem
from scs.spec.document import MAX_BYTES, Complaint, Document, Tree, read
from scs.spec.finding import ContradictionError, Finding
from scs.spec.images import BUILD_TAG, DOWNLOAD_TAG
from scs.spec.kinds import Kind, KindError
from scs.spec.model import CloudSpec
from scs.spec.wording import Loc, dotted, listed, nearest, shorten

MAX_PROBLEMS = 100
"""No one reads more, and finding the nearest word for each takes time."""


def load(
    path: Path,
    services: Collection[str] | None = None,
    releases: Collection[str] | None = None,
) -> CloudSpec:
    """Read and check a cloud.yaml.

    `services` are the names that may stand in `config`, `releases` those that exist; None
    leaves them unchecked. Raises BadInput with every problem of the file, in its order.
    """
    name = shorten(str(path), 4096)
    try:
        if path.is_dir():
            raise BadInput(Problem(name, "expected a file, got a folder", "name the file in it"))
        if path.exists() and not path.is_file():
            raise BadInput(Problem(name, "expected a file, got a device or pipe", "copy it"))
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        hint = "`scs init` writes one"
        raise BadInput(Problem(name, "expected a file, there is none", hint)) from None
    except PermissionError:
        hint = "run as its owner, or as root"
        raise BadInput(Problem(name, "this user may not read it", hint)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        problem = Problem(name, f"it can't be read: {reason}", "check the path")
        raise BadInput(problem) from None
    return parse(raw, name=name, services=services, releases=releases)


def parse(
    text: str | bytes,
    *,
    name: str = "cloud.yaml",
    services: Collection[str] | None = None,
    releases: Collection[str] | None = None,
) -> CloudSpec:
    """As `load`, from text; `name` is how the errors call it."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    document = read(raw, name)
    spec, complaints = _validate(document)
    complaints += document.complaints
    complaints += islice(_unknown(document.tree, services, releases), MAX_PROBLEMS + 1)
    if spec is None or complaints:
        # The same thing at the same place only once; sorted as a person goes through the file.
        ordered = sorted(dict.fromkeys(complaints), key=lambda complaint: complaint.mark)
        problems = [complaint.problem(name) for complaint in ordered[:MAX_PROBLEMS]]
        if len(ordered) > MAX_PROBLEMS:
            problems.append(Problem(name, "there are more problems", "solve these first"))
        raise BadInput(*problems)
    return spec


def option_lines(path: Path) -> dict[tuple[str, str, str], int]:
    """Service, section and option → the line of a cloud.yaml at which its value stands."""
    services = read(path.read_bytes(), str(path)).tree.find(("config",))
    return {
        (service, section, option): mark.line
        for service, sections in ((services and services.entries) or {}).items()
        for section, options in (sections.entries or {}).items()
        for option, mark in options.keys.items()
    }


def _validate(document: Document) -> tuple[CloudSpec | None, list[Complaint]]:
    tree = document.tree
    if tree.entries is None:
        what = f"expected a mapping (lines of `key: value`), got {tree.describe()}"
        return None, [Complaint(tree.mark, what, "start with `name: scs`")]
    data = tree.data()
    try:
        return CloudSpec.model_validate(data), []
    except ValidationError as error:
        details = error.errors(include_url=False)[: MAX_PROBLEMS + 1]
    complaints: list[Complaint] = []
    wrong: set[Loc] = set(document.spoiled)
    findings = _findings(details)
    for detail in details:
        loc = _written(detail["loc"])
        if detail["type"] == "value_error" and not loc:
            continue
        if not _related(loc, document.spoiled):
            complaints.append(_explain(detail, loc, tree))
        wrong.add(loc)
        misspelled = detail["type"] == "extra_forbidden"
        if misspelled and (guess := nearest(str(loc[-1]), _keys(loc[:-1]))):
            # It was meant to be given, so its default is not what holds.
            wrong.add((*loc[:-1], guess))
    if findings is None and len(details) <= MAX_PROBLEMS:
        # Rules need a whole spec. So the wrong values are replaced by their defaults, and what
        # the rules say about those is left out.
        for loc in wrong:
            _replace(data, loc)
        try:
            CloudSpec.model_validate(data)
            findings = ()
        except ValidationError as error:
            findings = _findings(error.errors(include_url=False)) or ()
    around = {loc[:length] for loc in wrong for length in range(len(loc) + 1)}
    for finding in findings or ():
        if not any(_related(loc, wrong) or loc in around for loc in finding.reads):
            written = [loc for loc in finding.reads if tree.find(loc) is not None]
            mark = tree.mark_of(written[-1] if written else ())
            complaints.append(Complaint(mark, finding.what, finding.hint))
    return None, complaints


def _written(loc: Loc) -> Loc:
    """The location of an error without the tag that pydantic puts into it."""
    tagged = loc[:1] == ("images",) and loc[3:4] in ((BUILD_TAG,), (DOWNLOAD_TAG,))
    return loc[:3] + loc[4:] if tagged else loc


def _findings(details: list[ErrorDetails]) -> tuple[Finding, ...] | None:
    """What the rules found, or None when they could not be asked."""
    for detail in details:
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, ContradictionError):
            return cause.findings
    return None


def _related(loc: Loc, places: set[Loc]) -> bool:
    """Whether the place is one of `places` or within."""
    return any(loc[:length] in places for length in range(1, len(loc) + 1))


def _replace(data: dict[str, Any], loc: Loc) -> None:
    """Put the default, or something harmless, where a value is wrong."""
    match loc:
        case ("nodes", int(index), *rest) if isinstance(data.get("nodes"), list):
            entries = data["nodes"]
            if not rest or not isinstance(entries[index], dict):
                entries[index] = {"name": f"unknown-{index}"}
            elif rest[0] == "name":
                entries[index]["name"] = f"unknown-{index}"
            else:
                entries[index].pop(rest[0], None)
        case ("images" | "config", *_):  # no rule reads them
            data.pop(str(loc[0]), None)
        case (*parents, last):
            inner: Any = data
            for part in parents:
                inner = inner.get(part) if isinstance(inner, dict) else None
            if isinstance(inner, dict):
                inner.pop(last, None)
            else:
                _replace(data, loc[:-1])


_STRUCTURES = {
    "model_type": "a mapping (lines of `key: value`)",
    "dict_type": "a mapping (lines of `key: value`)",
    "mapping_type": "a mapping (lines of `key: value`)",
    "tuple_type": "a list",
    "list_type": "a list",
}


def _explain(detail: ErrorDetails, loc: Loc, tree: Tree) -> Complaint:
    """One error of pydantic as a person wants to read it."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(loc, tree)
    if kind == "missing":
        label = dotted(loc[:-1])
        what = f"{label}: expected the key `{loc[-1]}`, got none"
        return Complaint(tree.mark_of(loc), what, f"add `{loc[-1]}: …`")
    if loc[-1:] == ("[key]",) and tree.find(loc) is None:
        parent, key = tree.find(loc[:-2]), str(loc[-2])
        mark = tree.mark_of(loc[:-2]) if parent is None else parent.keys.get(key, parent.mark)
        label = dotted(loc[:-2])
        what = f'{label}: expected {context.get("expected")}, got "{shorten(key)}"'
        return Complaint(mark, what, str(context.get("hint", "")))
    found = tree.find(loc) or Tree(mark=tree.mark_of(loc))
    expected = context.get("expected") or _STRUCTURES.get(kind)
    label = dotted(loc)
    if expected is None:
        # Nothing is known to come here; pydantic's own words are better than none.
        return Complaint(found.mark, f"{label}: {detail['msg']}", "see docs/cloud-yaml.md")
    hint = _hint(context, found) or _structure_hint(kind, loc, found)
    return Complaint(found.mark, f"{label}: expected {expected}, got {found.describe()}", hint)


def _hint(context: Mapping[str, Any], found: Tree) -> str:
    kind = context.get("kind")
    if found.plain and isinstance(found.value, int | float) and isinstance(kind, Kind):
        # A number or truth value: would its text have been right?
        try:
            kind.parse(found.text)
        except KindError:
            pass
        else:
            return f'write it in quotes: "{found.text}"'
    return str(context.get("hint", ""))


def _structure_hint(kind: str, loc: Loc, found: Tree) -> str:
    scalar = found.entries is None and found.items is None and found.value is not None
    if kind in ("tuple_type", "list_type") and scalar:
        return f"in brackets it is a list: [{shorten(found.text)}]"
    if kind in ("tuple_type", "list_type") and found.entries is not None:
        return "start each entry with `- `"
    if kind in _STRUCTURES and len(loc) == 3 and loc[0] == "config":
        return f"options belong in a section: `DEFAULT: {{{loc[-1]}: …}}`"
    if kind in _STRUCTURES and (known := _keys(loc)):
        return f"known here: {listed(known)}"
    if found.value is None and found.plain:
        return "give a value, or take the line out, and the default holds"
    return ""


def _unknown_key(loc: Loc, tree: Tree) -> Complaint:
    parent, key = tree.find(loc[:-1]) or tree, str(loc[-1])
    mark = parent.keys.get(key, parent.mark)
    known = _keys(loc[:-1])
    homes = [path for path in places_of(CloudSpec) if path[-1] == key]
    if guess := nearest(key, known):
        hint = f"did you mean `{guess}`?"
    elif homes:
        hint = f"it belongs in {listed(dotted(path[:-1]) or 'the left edge' for path in homes)}"
    else:
        hint = f"known here: {listed(known)}"
    where = f"{dotted(loc[:-1])}: " if len(loc) > 1 else ""
    return Complaint(mark, f"{where}unknown key `{shorten(key)}`", hint)


def _unknown(
    tree: Tree, services: Collection[str] | None, releases: Collection[str] | None
) -> Iterator[Complaint]:
    """Names that only the caller knows."""
    config, release = tree.find(("config",)), tree.find(("release",))
    if services is not None and config is not None:
        for service, mark in config.keys.items():
            if service not in services:
                guess = nearest(service, services)
                hint = f"did you mean `{guess}`?" if guess else f"known: {listed(sorted(services))}"
                yield Complaint(mark, f"config: unknown service `{shorten(service)}`", hint)
    if releases is None or release is None or not isinstance(release.value, str):
        return
    if release.value not in releases:
        what = f"release: expected {listed(sorted(releases))}, got {release.describe()}"
        yield Complaint(release.mark, what, "`scs` of another version may have it")


def models_of(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in a type, wherever they are in it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is Annotated:
        yield from models_of(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, UnionType, tuple):
        for argument in get_args(annotation):
            yield from models_of(argument)


def is_list(annotation: Any) -> bool:
    """Whether a list is written there, be it that nothing may be written there as well."""
    if get_origin(annotation) in (Union, UnionType):
        return any(is_list(argument) for argument in get_args(annotation))
    return get_origin(annotation) is tuple


def _children(model: type[BaseModel]) -> Iterator[tuple[str, list[type[BaseModel]]]]:
    for name, info in model.model_fields.items():
        yield info.alias or name, list(models_of(info.annotation))


def _keys(loc: Loc) -> list[str]:
    """The keys that a mapping at the place may have."""
    models: list[type[BaseModel]] = [CloudSpec]
    for part in loc:
        if isinstance(part, str):
            models = [
                inner
                for model in models
                for key, inners in _children(model)
                if key == part
                for inner in inners
            ]
    return [key for model in models for key, _inner in _children(model)]


def places_of(model: type[BaseModel], above: Loc = ()) -> Iterator[Loc]:
    """The place of every key of the file."""
    for key, inners in _children(model):
        yield (*above, key)
        for inner in inners:
            yield from places_of(inner, (*above, key))
