# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Keys and other secrets of projects, among them those of encrypted volumes."""

from __future__ import annotations

from collections.abc import Iterable

from scs.model.component import (
    CONTROL,
    Component,
    Config,
    Endpoint,
    Folder,
    Keeps,
    Text,
    User,
    Wsgi,
)
from scs.model.database import schema
from scs.model.needs import Cache, Database, Environment, ServiceUser
from scs.model.view import ENVIRONMENT, View, fernet_key
from scs.resources import Link, Resource

PASTE = "barbican-api-paste.ini"
MASTER = "/etc/barbican/barbican.conf.d"
"""Barbican reads what lies there after /etc/barbican/barbican.conf."""


def master_key(view: View) -> str:
    """What the keys of all projects are encrypted with: from scs's secrets, not in the database."""
    return f"[simple_crypto_plugin]\nkek = {fernet_key(view.secret('barbican/master-key'))}\n"


def paste(_: View) -> Iterable[Resource]:
    """Barbican looks for its paste file at this place only."""
    yield Link(name=f"/etc/barbican/{PASTE}", target=f"{ENVIRONMENT}/etc/barbican/{PASTE}")


component = Component(
    name="barbican",
    summary="keys and secrets of projects",
    roles=CONTROL,
    source="pypi:barbican",
    license="Apache-2.0",
    service="barbican",
    needs=(Environment(), Database("barbican"), Cache(), ServiceUser("barbican")),
    endpoints=(Endpoint("barbican", port=9311, type="key-manager", description="Key manager"),),
    users=(User("barbican", home="/var/lib/barbican"),),
    folders=(
        Folder("/etc/barbican", group="barbican", mode=0o750),
        Folder(MASTER, group="barbican", mode=0o750),
    ),
    files=(
        # It takes no other path: its commands read this one whatever they are told.
        Config(
            "barbican.conf.j2",
            "/etc/barbican/barbican.conf",
            group="barbican",
            service="barbican",
            policy=True,
        ),
        Text(f"{MASTER}/master-key.conf", master_key, group="barbican", mode=0o640, secret=True),
    ),
    prepares=paste,
    migrations=(schema("barbican", "barbican-manage", "db", "upgrade"),),
    units=(
        Wsgi(
            "barbican-api",
            module="barbican.wsgi.api:application",
            port=9311,
            user="barbican",
            # It opens its database when it is loaded.
            lazy=True,
        ),
    ),
    keeps=(Keeps(MASTER, unsaved="made again from the cloud's secrets"),),
)
