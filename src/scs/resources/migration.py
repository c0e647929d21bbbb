# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Migrations of a database and the proof that they are complete: what the database itself says."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from .base import ConvergeError, Resource, Seen, command, patient, unseen
from .database import CLIENT, NO_ANSWER, ask
from .probe import GRACE, hurry

HEADS = Path("/opt/scs/openstack/heads.json")
"""Written when the environment was built: migration tree → the revisions it ends in."""
NEVER = "was never done"
SECONDS = 900
"""How long one may take."""
ARTIFACTS = Path("/var/lib/scs/artifacts")
"""Shared by the nodes of a machine: what was worked out once for an environment."""


def kept(migration: str) -> Path:
    """Where what a migration makes of empty databases is kept, for the environment in use."""
    return ARTIFACTS / HEADS.parent.resolve().name / f"{migration}.sql"


AHEAD = (
    *("setsid", "--wait", "sh", "-c"),
    'test -w /proc/self/autogroup && echo -10 > /proc/self/autogroup; exec nice -n -10 "$@"',
    "ahead",
)
"""Runs a command ahead of all that starts beside it: nobody waits for those, and all for this.

Where the kernel shares time out by session first, a process's own niceness counts only among
those of its session: so it gets one of its own.
"""
COMPLETE = "-- scs: complete\n"
"""The last line of what is kept: a file that lost its end with the machine's power is none."""


def complete(path: Path) -> bool:
    """Whether something is kept there, to its end."""
    try:
        with path.open("rb") as stream:
            stream.seek(-min(len(COMPLETE), path.stat().st_size), os.SEEK_END)
            return stream.read() == COMPLETE.encode()
    except OSError:
        return False


@dataclass(frozen=True, kw_only=True)
class Migration(Resource):
    """Brings databases to the state that the installed code expects.

    `proofs` names for each database the migration tree whose heads its alembic_version
    must hold; `rows` are further queries with the answer that tells that seeding is done.
    """

    kind: ClassVar[str] = "migration"
    through: ClassVar[tuple[str, ...]] = (CLIENT,)
    data: ClassVar[bool] = True
    argv: tuple[str, ...]
    user: str
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the command's environment; the place for secrets."""
    proofs: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, str] = field(default_factory=dict)
    elsewhere: bool = False
    """Another node does it, and this one waits until it sees the result."""
    snapshot: bool = False
    """The result depends on nothing but the environment: it may be kept and restored."""

    @classmethod
    def observe(cls, wanted: Sequence[Migration]) -> dict[str, Seen]:
        questions = [want._questions() for want in wanted]
        try:
            heads = json.loads(HEADS.read_text())
            rows = iter(ask([query for queries in questions for query in queries]))
        except FileNotFoundError:
            return {want.id: {} for want in wanted}
        except ConvergeError as error:
            nothing = unseen(error, NO_ANSWER)
            return {want.id: nothing for want in wanted}
        return {
            want.id: {"wrong": want._judge(heads, [next(rows) for _ in queries])}
            for want, queries in zip(wanted, questions, strict=True)
        }

    def missing(self) -> str:
        """What the database lacks; empty when it is complete."""
        return self.why(self.observe([self])[self.id]) or ""

    def _questions(self) -> list[str]:
        versions = [
            f"SELECT version_num FROM `{database}`.alembic_version"  # noqa: S608
            for database in self.proofs
        ]
        return [*versions, *self.rows]

    def _judge(self, heads: Mapping[str, Sequence[str]], answers: Sequence[Sequence[str]]) -> str:
        left = iter(answers)
        for database, tree in self.proofs.items():
            there = next(left)
            if tree not in heads:
                return NEVER
            if set(there) != set(heads[tree]):
                return f"{database} is at {' '.join(sorted(there)) or 'nothing'}"
        for answer in self.rows.values():
            if list(next(left)) != answer.splitlines():
                return "its first rows are missing"
        return ""

    def compare(self, seen: Seen) -> str | None:
        return str(seen.get("wrong", NEVER)) or None

    def converge(self) -> None:
        if not self.missing():
            return  # restored before the server started, or only out of sight
        if self.elsewhere:
            self._wait()
            return
        # What somebody's cloud has in its databases must not come to another one.
        keep = self.snapshot and self._empty()
        runuser = ["runuser", "-u", self.user, "--", *self.argv]
        command([*AHEAD, *runuser], env={**os.environ, **self.env}, timeout=SECONDS)
        if wrong := self.missing():
            raise ConvergeError(f"{' '.join(self.argv)} ended well, but {wrong}")
        if keep:
            self._keep()

    def _empty(self) -> bool:
        """Whether none of its databases has a table yet."""
        return not any(ask([f"SHOW TABLES IN `{database}`" for database in self.proofs]))

    def _wait(self) -> None:
        start = time.monotonic()
        while wrong := self.missing():
            waited = time.monotonic() - start
            if waited > patient(GRACE if hurry.is_set() else SECONDS):
                raise ConvergeError(f"no other node has done it after {waited:.0f} s: {wrong}")
            time.sleep(1)

    def _keep(self) -> None:
        path = kept(self.name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        with temporary.open("w") as stream:
            dump = ["mariadb-dump", "--single-transaction", "--skip-comments", "--databases"]
            done = subprocess.run([*dump, *self.proofs], stdout=stream, check=False)
            stream.write(COMPLETE)
            stream.flush()
            os.fsync(stream.fileno())
        if done.returncode == 0:
            temporary.replace(path)
        else:
            temporary.unlink()
