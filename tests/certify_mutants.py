# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Mutants of the checks: each condition turned round, each finding left out, one at a time."""

from __future__ import annotations

import ast
import copy
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scs.standards.model import Check, Standard


@dataclass(frozen=True)
class Mutant:
    """A module of checks with one change."""

    where: str
    what: str
    tree: ast.Module

    def checks(self) -> dict[str, Check]:
        """The checks that the changed module declares."""
        module = types.ModuleType("mutant")
        sys.modules["mutant"] = module  # dataclasses look there
        exec(compile(self.tree, self.where, "exec"), module.__dict__)
        standards = [value for value in vars(module).values() if isinstance(value, Standard)]
        return {check.id: check for standard in standards for check in standard.checks}


def mutants(path: Path) -> Iterator[Mutant]:
    """All mutants of a module: inside its functions only."""
    tree = ast.parse(path.read_text())
    spots = [(index, kind) for index, node in enumerate(_inside(tree)) for kind in _kinds(node)]
    for index, kind in spots:
        changed = copy.deepcopy(tree)
        node = list(_inside(changed))[index]
        where = f"{path.name}:{getattr(node, 'lineno', 0)}"
        _change(node, kind)
        yield Mutant(where, kind, ast.fix_missing_locations(changed))


def _inside(tree: ast.Module) -> Iterator[ast.AST]:
    for function in tree.body:
        if isinstance(function, ast.FunctionDef):
            yield from ast.walk(function)


def _kinds(node: ast.AST) -> list[str]:
    if isinstance(node, ast.If | ast.IfExp):
        return ["condition turned round"]
    if isinstance(node, ast.comprehension) and node.ifs:
        return ["filter turned round"]
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Yield | ast.YieldFrom):
        return ["finding left out"]
    return []


def _change(node: ast.AST, kind: str) -> None:
    if isinstance(node, ast.If | ast.IfExp):
        node.test = ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.comprehension):
        node.ifs = [ast.UnaryOp(ast.Not(), node.ifs[0]), *node.ifs[1:]]
    elif isinstance(node, ast.Expr):
        node.value = ast.YieldFrom(ast.Tuple([], ast.Load()))
