# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Imports point one way, so that each part can be understood and tested without those above.

cli → (verify, derive) → engine → (api, providers) → (images, release) → plan → model
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import scs

SOURCE = Path(scs.__file__).parent

BASE = frozenset({"archive", "errors", "paths", "patience", "shell"})
VALUES = frozenset({"model", "resources", "spec"})

ALLOWED: dict[str, frozenset[str]] = {
    "errors": frozenset(),
    "icmp": frozenset(),
    "marks": frozenset(),
    "paths": frozenset(),
    "private": frozenset(),
    "patience": frozenset({"errors"}),
    "shell": frozenset({"errors", "patience"}),
    "archive": frozenset({"errors", "shell"}),
    # Resources run on nodes, by whatever Python is there: nothing but the standard library.
    "resources": frozenset(),
    "model": frozenset({"errors", "resources"}),
    "spec": frozenset({"errors", "model"}),
    # Values and judgments that a component may be made from (flavors), so it lies below them.
    "standards": frozenset({"errors"}),
    "components": frozenset({"errors", "model", "resources", "standards"}),
    "plan": frozenset({"errors", "model", "resources"}),
    "policy": frozenset({"errors", "model"}),
    "images": BASE | {"model"},
    "release": BASE,
    "api": BASE | {"images", "model", "resources"},
    "providers": BASE | {"model", "private", "release"},
    "derive": frozenset({"errors", "model", "plan", "resources"}),
    "engine": BASE
    | VALUES
    | {"api", "components", "derive", "images", "plan", "private", "providers", "release"},
    # Any cloud, not only ours: it knows the API and the standards, and nothing of the engine.
    "certify": frozenset({"errors", "icmp", "marks", "patience", "private", "standards"}),
    "verify": BASE
    | VALUES
    | {"api", "derive", "engine", "icmp", "images", "marks"}
    | {"plan", "providers"},
    "cli": BASE
    | VALUES
    | {"certify", "derive", "engine", "plan", "policy", "private"}
    | {"release", "standards", "verify"},
}

LIBRARIES: dict[str, frozenset[str]] = {
    "api": frozenset({"keystoneauth1", "openstack", "yaml"}),
    # tempest lies in an environment of its own, with one program of ours beside what that needs.
    "certify": frozenset(
        {"cryptography", "jinja2", "keystoneauth1", "openstack", "tempest", "yaml"}
    ),
    "cli": frozenset({"click", "rich"}),
    "engine": frozenset({"ansible", "cryptography", "pyrage"}),
    "plan": frozenset({"jinja2"}),
    "policy": frozenset({"regorus"}),
    "spec": frozenset({"pydantic", "pydantic_core", "yaml"}),
    "verify": frozenset({"openstack"}),
}
"""Who may use what besides the standard library; nobody else may use anything."""

NO_INPUT_OR_OUTPUT = frozenset({"components", "errors", "model", "plan", "standards"})
INPUT_AND_OUTPUT = (
    *("asyncio", "concurrent", "fcntl", "http", "os", "select", "shutil", "signal", "socket"),
    *("sqlite3", "ssl", "subprocess", "tempfile", "threading", "urllib.request"),
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


@cache
def arrows() -> tuple[tuple[str, str, str], ...]:
    """(where, from which part, what is imported) for every import in the source."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        if path == SOURCE / "__init__.py":
            continue
        module = ("scs", *path.relative_to(SOURCE).parent.parts)
        for line, name in imports(ast.parse(path.read_text()), module):
            where = f"{path.relative_to(SOURCE.parent)}:{line}"
            found.append((where, package_of(path), name))
    return tuple(found)


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
        if package in NO_INPUT_OR_OUTPUT and any(
            f"{name}.".startswith(f"{other}.") for other in INPUT_AND_OUTPUT
        ):
            wrong.append(f"{where}: {package} imports {name}, but has no input or output")
    assert not wrong, "\n" + "\n".join(wrong)


def test_each_library_has_its_place() -> None:
    wrong = []
    for where, package, name in arrows():
        top = name.partition(".")[0]
        allowed = top in sys.stdlib_module_names or top in LIBRARIES.get(package, ())
        if top != "scs" and not allowed:
            wrong.append(f"{where}: {package} may not use {top}")
    assert not wrong, "\n" + "\n".join(wrong)


def test_what_runs_on_nodes_knows_only_its_neighbours() -> None:
    """Ansible ships `resources` under another name, so only relative imports find it there."""
    wrong = [
        f"{path.name}:{line} imports {name}"
        for path in sorted((SOURCE / "resources").glob("*.py"))
        for line, name in imports(ast.parse(path.read_text()), ("here",))
        if name.partition(".")[0] not in sys.stdlib_module_names | {"here"}
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_the_module_for_nodes_needs_only_what_is_shipped_with_it() -> None:
    found = {
        name
        for path in (SOURCE / "engine/library").glob("*.py")
        for _, name in imports(ast.parse(path.read_text()), ())
        if name.partition(".")[0] not in sys.stdlib_module_names
    }
    assert found
    assert all(name.startswith("ansible.module_utils") for name in found), found


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
