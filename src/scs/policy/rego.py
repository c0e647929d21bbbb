# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The only place that knows which library evaluates Rego."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import regorus

from scs.errors import BadInput, Problem

_PLACE = re.compile(r"^--> (.+?):(\d+):(\d+)$", re.MULTILINE)
_REASON = re.compile(r"^error: (.+(?:\n(?!\n|Stack backtrace:|\s*\d+: ).+)*)", re.MULTILINE)

UNDEFINED = object()
"""What a rule is when nothing makes it true."""


@dataclass(frozen=True)
class Source:
    """One file of rules."""

    name: str
    """How messages call it."""
    text: str


@dataclass(frozen=True)
class Head:
    """Where a rule is written: one of its definitions."""

    package: str
    """With its root: `data.main`."""
    name: str
    file: str
    line: int

    @property
    def path(self) -> str:
        return f"{self.package}.{self.name}"


class Rules:
    """Some files together, as OPA has them: rules of one package are one whole.

    Used by `with`: the library's engine must go in the thread that made it, and who waits for
    the collector (as what an exception holds does) goes in any.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        """Raises BadInput, with file and line, for text that is not Rego."""
        self._sources = tuple(sources)
        self._engine = regorus.Engine()
        problems: list[Problem] = []
        for source in self._sources:
            try:
                self._engine.add_policy(source.name, source.text)
            except RuntimeError as error:
                problems.append(_problem(str(error), source.name, "not Rego (version 1)"))
        if problems:
            del self._engine
            raise BadInput(*problems)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        del self._engine

    def heads(self) -> tuple[Head, ...]:
        """Every definition of every rule, in the order of the files."""
        found: list[Head] = []
        for module in json.loads(self._engine.get_ast_as_json()):
            package = ".".join(["data", *_words(module["ast"]["package"]["refr"])])
            file = module["source"]["file"]
            for rule in module["ast"]["rules"]:
                (made,) = rule.values()
                head = next(iter(made["head"].values())) if "head" in made else made
                names = list(_words(head["refr"]))
                if names:
                    found.append(Head(package, names[0], file, made["span"]["line"]))
        return tuple(found)

    def asks_the_network(self) -> Iterator[Head]:
        """Calls of http.send: it is not there, so such a rule would be silent for ever."""
        for module in json.loads(self._engine.get_ast_as_json()):
            for node in _nodes(module["ast"]["rules"]):
                if list(_words(node)) == ["http", "send"]:
                    span = node["RefDot"]["span"]
                    yield Head("", "http.send", module["source"]["file"], span["line"])

    def look_at(self, document: Any) -> None:
        """Take this as the input."""
        self._engine.set_input_json(json.dumps(document))

    def value(self, path: str) -> Any:
        """What a rule is for the input, or UNDEFINED; raises BadInput when it can't be known."""
        try:
            answer = json.loads(self._engine.eval_query_as_json(path))
        except RuntimeError as error:
            raise BadInput(_problem(str(error), path, "can't be evaluated")) from None
        results = answer.get("result", [])
        return results[0]["expressions"][0]["value"] if results else UNDEFINED


def _problem(text: str, name: str, wrong: str) -> Problem:
    place, reason = _PLACE.search(text), _REASON.search(text)
    where = f"{place[1]}:{place[2]}:{place[3]}" if place else name
    what = reason[1].split("\n")[0].strip() if reason else text.strip().split("\n")[0]
    return Problem(where, f"{wrong}: {what}", "see docs/policies.md")


def _words(node: Any) -> Iterator[str]:
    """The words of a reference: `a.b["c"]`."""
    match node:
        case {"Var": {"value": str(word)}} | {"String": {"value": str(word)}}:
            yield word
        case {"RefDot": {"refr": refr, "field": field}}:
            yield from _words(refr)
            if field:
                yield field[1]
        case {"RefBrack": {"refr": refr, "index": index}}:
            yield from _words(refr)
            yield from _words(index)


def _nodes(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        yield node
        for inner in node.values():
            yield from _nodes(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _nodes(inner)
