# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The revisions of alembic migration trees, read without importing a service.

Importing one costs seconds of CPU; the revisions are constants in small files.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scs.errors import Problem, ScsError


@dataclass(frozen=True)
class Revision:
    """One migration: its identifier and what must have run before it."""

    identifier: str
    follows: frozenset[str]
    """down_revision and depends_on; the latter may name a branch."""
    labels: frozenset[str]
    contracts: bool = False
    """It takes something away that older code may still use."""


CONTRACT = re.compile(r"/contract/|_contract\d")
"""In the place of such a revision: a folder's name, or (glance) a part of the file's."""


def described(tree: Path) -> Mapping[str, Sequence[str] | Mapping[str, Sequence[str]]]:
    """What `resources.schema.Schema` has to know of a tree, as plain values.

    `heads` is what `alembic_version` holds once all migrations have run: every revision that no
    other one follows or depends on. alembic drops the row of a branch as soon as a revision that
    depends on its end has run (so glance has its contract branch only, keystone and neutron have
    both). `expanded` are the ends of what may run while older code is at work, and `follows` tells
    of each revision which ones have run before it. Raises ScsError on a tree that has no
    migrations, or one that names a revision it does not have.
    """
    revisions = [
        revision
        for file in sorted((tree / "versions").rglob("*.py"))
        if (revision := parse(file, file.relative_to(tree).as_posix())) is not None
    ]
    known = {revision.identifier: revision.identifier for revision in revisions}
    # alembic takes the name of a branch for the revision that introduced it.
    names = {label: rev.identifier for rev in revisions for label in rev.labels} | known
    follows: dict[str, list[str]] = {}
    for revision in revisions:
        for name in revision.follows:
            if name not in names:
                raise ScsError(Problem(str(tree), f"{revision.identifier} follows {name}: unknown"))
        follows[revision.identifier] = sorted(names[name] for name in revision.follows)
    if not follows:
        raise ScsError(Problem(str(tree), "there are no alembic migrations here"))
    harmless = {rev.identifier for rev in revisions if not rev.contracts}
    return {
        "heads": _ends(follows, follows),
        "expanded": _ends(follows, harmless),
        "follows": dict(sorted(follows.items())),
    }


def _ends(follows: Mapping[str, Sequence[str]], among: Iterable[str]) -> Sequence[str]:
    """Those that none of them follows."""
    mine = set(among)
    return sorted(mine - {name for revision in mine for name in follows[revision]})


def parse(file: Path, place: str = "") -> Revision | None:
    """The revision that a file at that place in its tree declares; None if it declares none."""
    values: dict[str, object] = {}
    for node in ast.parse(file.read_bytes()).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case _:
                continue
        if name in ("revision", "down_revision", "depends_on", "branch_labels"):
            values[name] = _literal(file, name, value)
    if "revision" not in values:
        return None
    return Revision(
        identifier=str(values["revision"]),
        follows=_names(values.get("down_revision")) | _names(values.get("depends_on")),
        labels=_names(values.get("branch_labels")),
        contracts=bool(CONTRACT.search(place)),
    )


def _literal(file: Path, name: str, value: ast.expr) -> object:
    try:
        return ast.literal_eval(value)
    except ValueError:
        if name == "branch_labels":
            # Often a constant of the service; it is only missed if something depends on it,
            # and then `heads` says so.
            return None
        raise ScsError(Problem(str(file), f"{name} is not a constant")) from None


def _names(value: object) -> frozenset[str]:
    match value:
        case None:
            return frozenset()
        case str():
            return frozenset({value})
        case Iterable():
            return frozenset(map(str, value))
        case _:
            return frozenset({str(value)})
