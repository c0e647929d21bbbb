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
from .database import CLIENT, NO_ANSWER, ask, sql
from .probe import GRACE, hurry
from .schema import Schema, Stage, release_of

ENVIRONMENT = Path("/opt/scs/openstack")
"""Leads to the environment that runs on this node."""
HEADS = "heads.json"
"""Written when an environment was built: its migration trees, see `Schema`."""
NEVER = "was never done"
NO_HEADS = "its environment is not on the node yet"
SECONDS = 900
"""How long one command of it may take."""
LONG = 6 * 3600
"""The same for one that goes through all rows there are, while services work on them."""
ARTIFACTS = Path("/var/lib/scs/artifacts")
"""Shared by the nodes of a machine: what was worked out once for an environment."""
HELD = "scs: leads back to "
"""How the comment of a database's alembic_version begins while an upgrade is not finished; then
follows the release that the cloud can go back to. The database itself says so, and so does each
backup of it."""


def kept(environment: str, migration: str) -> Path:
    """Where what a migration of an environment makes of empty databases is kept."""
    return ARTIFACTS / Path(environment).name / f"{migration}.sql"


def running() -> str:
    """The release that runs on this node; empty when none does yet."""
    try:
        return release_of(os.readlink(ENVIRONMENT))  # noqa: PTH115
    except OSError:
        return ""


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


def _schemas(environment: str) -> Mapping[str, Schema]:
    """Tree → its revisions, as an environment has them; none where it is not there."""
    try:
        trees = json.loads((Path(environment) / HEADS).read_text())
    except FileNotFoundError:
        return {}
    return {name: Schema.of(values) for name, values in trees.items()}


def complete(path: Path) -> bool:
    """Whether something is kept there, to its end."""
    try:
        with path.open("rb") as stream:
            stream.seek(-min(len(COMPLETE), path.stat().st_size), os.SEEK_END)
            return stream.read() == COMPLETE.encode()
    except OSError:
        return False


@dataclass(frozen=True)
class Found:
    """What the databases of one migration say, and on what."""

    schemas: Mapping[str, Schema]
    """Of the wanted environment; none while it is not on the node."""
    versions: Mapping[str, Sequence[str]]
    """Database → the rows of its alembic_version."""
    rows: Sequence[Sequence[str]]
    """What its further queries answer."""
    held: str = ""
    """The release that an upgrade which is not finished leads back to."""
    running: str = ""
    """The release that runs on the node."""


@dataclass(frozen=True, kw_only=True)
class Migration(Resource):
    """Brings databases to the state that the code of an environment expects.

    `proofs` names for each database the migration tree whose revisions its alembic_version
    must hold; `rows` are further queries with the answer that tells that seeding is done.

    A database that another release works on is only expanded: that release bears it, so it may go
    on meanwhile, and may come back. From then on the database tells (`HELD`) which one that was,
    until `finishing` has done the rest.
    """

    kind: ClassVar[str] = "migration"
    through: ClassVar[tuple[str, ...]] = (CLIENT,)
    data: ClassVar[bool] = True
    environment: str
    """The path of the environment whose migrations they are, whichever one runs."""
    argv: tuple[str, ...]
    """Does everything at once."""
    user: str
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the command's environment; the place for secrets."""
    proofs: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, str] = field(default_factory=dict)
    elsewhere: bool = False
    """Another node does it, and this one waits until it sees the result."""
    snapshot: bool = False
    """The result depends on nothing but the environment: it may be kept and restored."""
    expand: tuple[str, ...] = ()
    """Does what code of the release before can bear; empty: `argv` does no more than that."""
    finish: tuple[tuple[str, ...], ...] = ()
    """Commands that do the rest, when no code of the release before is needed any more."""
    back: tuple[str, ...] = ()
    """Prepares the databases for older code that comes back."""
    finishing: bool = False
    """The rest is to be done now."""

    @classmethod
    def observe(cls, wanted: Sequence[Migration]) -> dict[str, Seen]:
        questions = [want._questions() for want in wanted]
        try:
            answers = iter(ask([query for queries in questions for query in queries]))
        except ConvergeError as error:
            nothing = unseen(error, NO_ANSWER)
            return {want.id: nothing for want in wanted}
        schemas = {want.environment: _schemas(want.environment) for want in wanted}
        here = running()
        found: dict[str, Seen] = {}
        for want, queries in zip(wanted, questions, strict=True):
            told = [next(answers) for _ in queries]
            (comment,) = told.pop(0) or [""]
            versions = dict(zip(want.proofs, told, strict=False))
            held = comment.removeprefix(HELD) if comment.startswith(HELD) else ""
            facts = Found(schemas[want.environment], versions, told[len(versions) :], held, here)
            found[want.id] = want.judge(facts)
        return found

    def missing(self) -> str:
        """What the database lacks; empty when it is complete."""
        return self.why(self.observe([self])[self.id]) or ""

    def _questions(self) -> list[str]:
        first = next(iter(self.proofs), "")
        comment = (
            "SELECT table_comment FROM information_schema.tables"  # noqa: S608
            f" WHERE table_name = 'alembic_version' AND table_schema = '{first}'"
        )
        versions = [
            f"SELECT version_num FROM `{database}`.alembic_version"  # noqa: S608
            for database in self.proofs
        ]
        return [comment, *versions, *self.rows]

    def judge(self, found: Found) -> Seen:
        """What is wrong (`wrong`), which commands mend it (`do`), and what else there is to know:
        the release that leads back (`held`), and a database that is too new (`ahead`). Pure.
        """
        seen = {"do": "argv", "wrong": ""}
        if self.proofs:
            seen |= {"held": found.held, "ahead": ""}
        if not found.schemas and self.proofs:
            # On a node that runs nothing yet it comes along with the node.
            return {**seen, "unseen": NO_HEADS} if found.running else {}
        wanted = release_of(self.environment)
        upgrading = found.held not in ("", wanted) or (
            not found.held and "" < found.running < wanted
        )
        bearable = {Stage.COMPLETE, Stage.EXPANDED} if upgrading else {Stage.COMPLETE}
        for database, tree in self.proofs.items():
            rows = found.versions[database]
            told = f"{database} is at {' '.join(sorted(rows)) or 'nothing'}"
            if tree not in found.schemas:
                return {**seen, "wrong": NEVER}
            stage = found.schemas[tree].stage(rows)
            if stage is Stage.AHEAD and found.held == wanted:
                continue  # what an upgrade has made, which leads back to here
            if stage is Stage.AHEAD:
                seen |= {"ahead": told, "wrong": told}
            elif stage not in bearable:
                does = "expand" if upgrading and stage is not Stage.EMPTY else "argv"
                seen |= {"do": does, "wrong": told}
        if seen["wrong"]:
            return seen
        if self.proofs and upgrading and not found.held:
            return {**seen, "do": "expand", "wrong": f"is that of release {found.running}"}
        if self.proofs and upgrading and self.finishing:
            return {**seen, "do": "finish", "wrong": f"still leads back to release {found.held}"}
        if self.back and found.held == wanted < found.running and not self.elsewhere:
            return {**seen, "do": "back", "wrong": f"release {found.running} is at work on it"}
        for want, answer in zip(self.rows.values(), found.rows, strict=True):
            if list(answer) != want.splitlines():
                does = "expand" if upgrading else "argv"
                return {**seen, "do": does, "wrong": "its first rows are missing"}
        return seen

    def compare(self, seen: Seen) -> str | None:
        return str(seen.get("wrong", NEVER)) or None

    def converge(self) -> None:
        seen = self.observe([self])[self.id]
        if self.why(seen) is None:
            return  # restored before the server started, or only out of sight
        if self.elsewhere:
            self._wait()
            return
        does = seen.get("do", "argv")
        here = running()
        leads_back = not seen.get("held") and "" < here < release_of(self.environment)
        if does == "expand" and leads_back:
            # First: what a killed run has begun must not be taken for finished.
            self._note(f"{HELD}{here}")
        # What somebody's cloud has in its databases must not come to another one.
        keep = does == "argv" and self.snapshot and self._empty()
        commands = self._commands(does)
        for argv in commands:
            runuser = ["runuser", "-u", self.user, "--", *argv]
            command(
                [*AHEAD, *runuser],
                env={**os.environ, **self.env},
                timeout=LONG if does == "finish" else SECONDS,
            )
        if does == "back":
            return  # that it went well is seen when the older release runs
        if does == "finish":
            self._finished()
        elif does == "argv" and leads_back and self.proofs:
            self._note(f"{HELD}{here}")  # new databases, which go or stay with the others
        if wrong := self.missing():
            told = "; ".join(" ".join(argv) for argv in commands)
            raise ConvergeError(f"{told} ended well, but {wrong}")
        if keep:
            self._keep()

    def _commands(self, does: str) -> tuple[tuple[str, ...], ...]:
        ways = {"expand": (self.expand or self.argv,), "finish": self.finish, "back": (self.back,)}
        return ways.get(does, (self.argv,))

    def _finished(self) -> None:
        """Nothing leads back any more, if all is there by now; raises ConvergeError."""
        schemas = _schemas(self.environment)
        answers = ask(self._questions()[1 : 1 + len(self.proofs)])
        for (database, tree), rows in zip(self.proofs.items(), answers, strict=True):
            if schemas[tree].stage(rows) is not Stage.COMPLETE:
                raise ConvergeError(f"finishing ended well, but {database} is at {' '.join(rows)}")
        self._note("")

    def _note(self, comment: str) -> None:
        """Have the databases say that, in a place that no service looks at."""
        tables = (f"`{database}`.alembic_version" for database in self.proofs)
        sql("\n".join(f"ALTER TABLE {table} COMMENT = '{comment}';" for table in tables))

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
        path = kept(self.environment, self.name)
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
