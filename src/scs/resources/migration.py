# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Migrations of a database and the proof that they are complete: what the database itself says."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from .base import ConvergeError, Resource, Seen, command
from .database import sql

HEADS = Path("/opt/scs/openstack/heads.json")
"""Written when the environment was built: migration tree → the revisions it ends in."""
ARTIFACTS = Path("/var/lib/scs/artifacts")
"""Shared by the nodes of a machine: what was worked out once for an environment."""


@dataclass(frozen=True, kw_only=True)
class Migration(Resource):
    """Brings databases to the state that the installed code expects.

    `proofs` names for each database the migration tree whose heads its alembic_version
    must hold; `rows` are further queries with the answer that tells that seeding is done.
    """

    kind: ClassVar[str] = "migration"
    argv: tuple[str, ...]
    user: str
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the command's environment; the place for secrets."""
    proofs: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, str] = field(default_factory=dict)
    snapshot: bool = False
    """The result depends on nothing but the environment: it may be kept and restored."""

    @classmethod
    def observe(cls, wanted: Sequence[Migration]) -> dict[str, Seen]:
        with ThreadPoolExecutor(max_workers=4) as pool:
            answers = list(pool.map(lambda want: want.missing(), wanted))
        return {want.id: {"wrong": text} for want, text in zip(wanted, answers, strict=True)}

    def missing(self) -> str:
        """What the database lacks; empty when it is complete."""
        try:
            for database, tree in self.proofs.items():
                heads = set(json.loads(HEADS.read_text())[tree])
                there = set(sql("SELECT version_num FROM alembic_version", database).split())
                if there != heads:
                    return f"{database} is at {' '.join(sorted(there)) or 'nothing'}"
            for query, answer in self.rows.items():
                if sql(query).strip() != answer:
                    return "its first rows are missing"
        except (ConvergeError, FileNotFoundError, KeyError):
            return "was never done"
        return ""

    def compare(self, seen: Seen) -> str | None:
        return str(seen.get("wrong", "was never done")) or None

    @property
    def kept(self) -> Path:
        return ARTIFACTS / HEADS.parent.resolve().name / f"{self.name}.sql"

    def converge(self) -> None:
        if self.snapshot and self.kept.exists() and not self._tables():
            command(["mariadb"], stdin=self.kept.read_text())
            if not self.missing():
                return
        runuser = ["runuser", "-u", self.user, "--", *self.argv]
        command(runuser, env={**os.environ, **self.env}, timeout=900)
        if wrong := self.missing():
            raise ConvergeError(f"{' '.join(self.argv)} ended well, but {wrong}")
        if self.snapshot:
            self._keep()

    def _tables(self) -> bool:
        names = ", ".join(f"'{name}'" for name in self.proofs)
        tables = "SELECT COUNT(*) FROM information_schema.tables"
        count = sql(f"{tables} WHERE table_schema IN ({names})")
        return count.strip() != "0"

    def _keep(self) -> None:
        self.kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self.kept.with_suffix(".new")
        with temporary.open("w") as stream:
            dump = ["mariadb-dump", "--single-transaction", "--skip-comments", "--databases"]
            done = subprocess.run([*dump, *self.proofs], stdout=stream, check=False)
        if done.returncode == 0:
            temporary.replace(self.kept)
        else:
            temporary.unlink()
