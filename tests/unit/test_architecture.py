# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Imports point one way, so that each part can be understood and tested without those above.

cli → (verify, derive, engine, providers, api, images, release) → plan → model
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import scs

SOURCE = Path(scs.__file__).parent

BASE = frozenset({"archive", "errors", "paths", "shell"})
VALUES = frozenset({"model", "resources", "spec"})
MIDDLE = frozenset({"api", "derive", "engine", "images", "providers", "release", "verify"})

ALLOWED: dict[str, frozenset[str]] = {
    "errors": frozenset(),
    "paths": frozenset(),
    "shell": frozenset({"errors"}),
    "archive": frozenset({"errors", "shell"}),
    # Resources run on nodes, by whatever Python is there: nothing but the standard library.
    "resources": frozenset(),
    "model": frozenset({"errors", "resources"}),
    "spec": frozenset({"errors", "model"}),
    "components": frozenset({"errors", "model", "resources"}),
    "plan": frozenset({"errors"}) | VALUES,
    # The middle's own arrows may go anywhere but in a circle.
    **{package: BASE | VALUES | MIDDLE | {"plan", "components"} for package in MIDDLE},
    "cli": BASE | VALUES | MIDDLE | {"plan", "components"},
}

STANDARD_LIBRARY_ONLY = BASE | {"resources", "model"}
NO_INPUT_OR_OUTPUT = frozenset({"errors", "model", "plan"})
INPUT_AND_OUTPUT = frozenset(
    {"ansible", "asyncio", "http", "openstack", "requests", "shutil", "socket", "subprocess"}
)


def package_of(path: Path) -> str:
    """The part of the house that a file belongs to: "plan" for scs/plan/order.py."""
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def imports(tree: ast.AST, module: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Line and full name of all that is imported anywhere in a file, types included.

    `module` is the name of the package that the file is in: relative imports start there.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            start = module[: len(module) - node.level + 1] if node.level else ()
            origin = ".".join((*start, *([node.module] if node.module else [])))
            if origin in {"scs", "scs.components"}:  # from scs import plan
                yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, origin


def arrows() -> Iterator[tuple[str, str, str]]:
    """(where, from which part, what is imported) for every import in the source."""
    for path in sorted(SOURCE.rglob("*.py")):
        if path == SOURCE / "__init__.py":
            continue
        module = ("scs", *path.relative_to(SOURCE).parent.parts)
        for line, name in imports(ast.parse(path.read_text()), module):
            yield f"{path.relative_to(SOURCE.parent)}:{line}", package_of(path), name


def test_every_part_has_its_place() -> None:
    parts = {package_of(path) for path in SOURCE.rglob("*.py")} - {"__init__"}
    assert parts <= ALLOWED.keys(), "a new part of the house needs a row in ALLOWED"


def test_imports_point_one_way() -> None:
    wrong = []
    for where, package, name in arrows():
        match name.split("."):
            case ["scs", "__version__"]:
                pass
            case ["scs", other, *_] if other != package and other not in ALLOWED.get(package, ()):
                wrong.append(f"{where}: {package} may not import {name}")
    assert not wrong, "\n" + "\n".join(wrong)


def test_nothing_goes_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for _where, package, name in arrows():
        match name.split("."):
            case ["scs", other, *_] if other != package and other in ALLOWED:
                graph.setdefault(package, set()).add(other)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_nobody_knows_a_component_by_name() -> None:
    """Not even another component: all may be asked for, none may be imported."""
    names = {path.name.removesuffix(".py") for path in (SOURCE / "components").iterdir()}
    wrong = []
    for where, package, name in arrows():
        match name.split("."):
            case ["scs", "components", component, *_] if component in names:
                own = package == "components" and Path(where.partition(":")[0]).parts[2]
                if own != component:
                    wrong.append(f"{where}: imports {name}")
    assert not wrong, "\n" + "\n".join(wrong)


def test_the_inside_is_pure() -> None:
    wrong = []
    for where, package, name in arrows():
        top = name.partition(".")[0]
        own = top in sys.stdlib_module_names or top == "scs"
        if package in STANDARD_LIBRARY_ONLY and not own:
            wrong.append(f"{where}: {package} imports {name}, only the standard library may be")
        if package in NO_INPUT_OR_OUTPUT and top in INPUT_AND_OUTPUT:
            wrong.append(f"{where}: {package} imports {name}, but has no input or output")
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import os, scs.plan.order", ["os", "scs.plan.order"]),
        ("from scs import plan", ["scs.plan"]),
        ("from scs.plan import order", ["scs.plan"]),
        ("from .. import errors", ["scs.errors"]),
        ("from ..plan.order import x", ["scs.plan.order"]),
        ("from .base import Resource", ["scs.resources.base"]),
        ("def f():\n    import socket", ["socket"]),
    ],
)
def test_all_ways_to_import_are_seen(text: str, expected: list[str]) -> None:
    assert [name for _, name in imports(ast.parse(text), ("scs", "resources"))] == expected
