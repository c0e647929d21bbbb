# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Databases and their accounts in MariaDB."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from typing import ClassVar

from .base import ConvergeError, Resource, Seen, command, unseen

NO_ANSWER = "the database does not answer"
CLIENT = "/root/.my.cnf"
"""Where root's client of MariaDB looks: it asks the server that is named there, else its own."""


def sql(query: str, database: str = "") -> str:
    """Run statements as the database's root on this node; rows on lines, tabs between."""
    argv = ["mariadb", "--batch", "--skip-column-names"]
    return command([*argv, database] if database else argv, stdin=query)


def ask(queries: Sequence[str]) -> list[list[str]]:
    """The rows that each query answers, from one client: its start costs more than they do.

    A query that fails answers nothing. Raises ConvergeError when the database does not answer.
    """
    marks = [f"scs-answer-{number}" for number in range(len(queries))]
    lines = [f"SELECT '{mark}';\n{query};" for mark, query in zip(marks, queries, strict=True)]
    argv = ["mariadb", "--batch", "--skip-column-names", "--force", "--unbuffered"]
    told = command(["sh", "-c", f"{' '.join(argv)} 2>/dev/null"], stdin="\n".join(lines))
    answers: dict[str, list[str]] = {}
    rows: list[str] = []
    for line in told.splitlines():
        if line in marks:
            rows = answers.setdefault(line, [])
        else:
            rows.append(line)
    return [answers.get(mark, []) for mark in marks]


def native_hash(password: str) -> str:
    """The password as MariaDB stores it for mysql_native_password."""
    inner = sha1(password.encode(), usedforsecurity=False).digest()
    return "*" + sha1(inner, usedforsecurity=False).hexdigest().upper()


@dataclass(frozen=True, kw_only=True)
class Database(Resource):
    """Databases of one service and the accounts that may use them, over TLS only.

    There is one account, and two of them while its password is rotated.
    """

    kind: ClassVar[str] = "database"
    through: ClassVar[tuple[str, ...]] = (CLIENT,)
    data: ClassVar[bool] = True
    accounts: tuple[tuple[str, str], ...]
    """User and password."""
    gone: tuple[str, ...] = ()
    """Users that must not be."""
    databases: tuple[str, ...]

    @classmethod
    def observe(cls, wanted: Sequence[Database]) -> dict[str, Seen]:
        if not wanted:
            return {}
        try:
            names, accounts, rights = ask(
                [
                    "SHOW DATABASES",
                    "SELECT user, CONCAT(authentication_string, ' ', ssl_type)"
                    " FROM mysql.user WHERE host = '%'",
                    "SELECT user, db FROM mysql.db WHERE host = '%'",
                ]
            )
        except ConvergeError as error:
            nothing = unseen(error, NO_ANSWER)
            return {want.id: nothing for want in wanted}
        schemas = set(names)
        users = dict(line.split("\t", 1) for line in accounts)
        grants: dict[str, set[str]] = {}
        for line in rights:
            user, schema = line.split("\t")
            grants.setdefault(user, set()).add(schema.replace("\\", ""))
        return {
            want.id: {
                "databases": sorted(schemas & set(want.databases)),
                "wrong": sorted(
                    user
                    for user, password in want.accounts
                    if users.get(user) != f"{native_hash(password)} ANY"
                ),
                "grants": {user: sorted(grants.get(user, set())) for user, _ in want.accounts},
                "left": sorted(set(want.gone) & set(users)),
            }
            for want in wanted
        }

    def compare(self, seen: Seen) -> str | None:
        if not seen:
            return "is missing"
        missing = sorted(set(self.databases) - set(seen["databases"]))
        if missing:
            return f"no database {', '.join(missing)}"
        if seen["wrong"]:
            return f"account {', '.join(seen['wrong'])} is missing or has another password"
        powerless = sorted(
            user
            for user, schemas in seen["grants"].items()
            if not set(self.databases) <= set(schemas)
        )
        if powerless:
            return f"account {', '.join(powerless)} lacks rights"
        return f"account {', '.join(seen['left'])} is to be removed" if seen["left"] else None

    def converge(self) -> None:
        if self.why(self.observe([self])[self.id]) is None:
            return  # it could not be seen before; replacing an account would lock it out a moment
        lines = [
            f"CREATE DATABASE IF NOT EXISTS `{schema}` CHARACTER SET utf8mb4;"
            for schema in self.databases
        ]
        for user, password in self.accounts:
            # Not replaced: for a moment it would have no rights, and services use it.
            lines.append(f"CREATE USER IF NOT EXISTS '{user}'@'%';")
            lines.append(f"ALTER USER '{user}'@'%' IDENTIFIED BY '{password}' REQUIRE SSL;")
            for schema in self.databases:
                # An underscore is a wildcard in a grant: nova_% must not open nova_api to others.
                escaped = schema.replace("_", "\\_")
                lines.append(f"GRANT ALL PRIVILEGES ON `{escaped}`.* TO '{user}'@'%';")
        lines += [f"DROP USER IF EXISTS '{user}'@'%';" for user in self.gone]
        sql("\n".join(lines))


@dataclass(frozen=True, kw_only=True)
class HealthAccount(Resource):
    """An account that may log in from these addresses without a password, and do nothing else."""

    kind: ClassVar[str] = "health-account"
    through: ClassVar[tuple[str, ...]] = (CLIENT,)
    data: ClassVar[bool] = True
    host: str

    @classmethod
    def observe(cls, wanted: Sequence[HealthAccount]) -> dict[str, Seen]:
        if not wanted:
            return {}
        try:
            (rows,) = ask(["SELECT user, host FROM mysql.user"])
        except ConvergeError as error:
            nothing = unseen(error, NO_ANSWER)
            return {want.id: nothing for want in wanted}
        return {want.id: {"there": f"{want.name}\t{want.host}" in rows} for want in wanted}

    def compare(self, seen: Seen) -> str | None:
        return None if seen and seen["there"] else "is missing"

    def converge(self) -> None:
        sql(f"CREATE USER IF NOT EXISTS '{self.name}'@'{self.host}';")
