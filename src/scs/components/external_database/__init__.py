# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A MariaDB that the operator brings along: accounts and databases are made there."""

from __future__ import annotations

from collections.abc import Iterable

from scs.model.component import CONTROL, Component, Gives, Probe, Text
from scs.model.database import accounts
from scs.model.external import DatabaseServer
from scs.model.needs import Database, Need
from scs.model.view import DATABASE_CA, View
from scs.resources import Resource
from scs.resources.database import CLIENT

NAME = "external-database"


def server(view: View) -> DatabaseServer:
    assert view.external.database is not None
    return view.external.database


def quoted(text: str) -> str:
    """A value of an option file, whatever is in it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def client(view: View) -> str:
    there = server(view)
    return (
        f"[client]\nhost = {there.host}\nport = {there.port}\nuser = {quoted(there.user)}\n"
        f"password = {quoted(there.password)}\n"
        f"ssl-ca = {view.database_ca}\nssl-verify-server-cert\n"
    )


def made(view: View, needs: tuple[Need, ...]) -> Iterable[tuple[Need, Resource]]:
    """As in a server of the cloud's own, but after the client that can reach this one."""
    return accounts(view, needs, after=(f"packages:{NAME}", f"file:{CLIENT}"))


def reachable(view: View, _need: Need) -> Probe:
    there = server(view)
    return {"type": "tcp", "host": there.host, "port": there.port}


def certificate(view: View) -> str | None:
    """The server's own CA; readable, because services check it."""
    return server(view).ca or None


def left(view: View) -> Iterable[str]:
    """The databases and accounts: only the operator removes data from a server of theirs."""
    there = server(view)
    names = sorted({schema for need in view.needs(Database) for schema in need.schemas})
    yield f"databases and their accounts on {there.host}: {', '.join(names)}"


component = Component(
    name=NAME,
    summary="relational database of the operator's",
    roles=CONTROL,
    packages=("mariadb-client",),
    gives=(Gives(Database, resources=made, ready=reachable, account="database"),),
    files=(
        Text(DATABASE_CA, certificate),
        Text(CLIENT, client, mode=0o600, secret=True),
    ),
    outlives=left,
    when=lambda view: view.external.database is not None,
)
