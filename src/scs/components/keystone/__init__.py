# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Identity."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from scs.model.component import (
    CONTROL,
    Component,
    Config,
    Endpoint,
    Folder,
    Gives,
    Keeps,
    KeyFolder,
    Migration,
    Text,
    User,
    Wsgi,
)
from scs.model.database import schema
from scs.model.needs import Cache, Database, Environment, Need, ServiceUser, UserDomain
from scs.model.objects import ApiObject, CatalogEntry, Domain, Person, Project, Role
from scs.model.view import ENVIRONMENT, View, fernet_key

FERNET = "/etc/keystone/fernet-keys"
CREDENTIAL = "/etc/keystone/credential-keys"
LIBRARY = "/usr/local/lib/scs/keystone"
SEED = "/usr/local/lib/scs/keystone-seed"
SIGNATURES = "scs-signatures"
"""The role of services that may read users' EC2 credentials."""
POLICIES = "/etc/keystone/policy.d"
RELAY = 35357
"""On loopback; the number that Keystone's administrators knew, and nobody else uses."""


def key(name: str) -> Callable[[View], str]:
    """A Fernet key (32 bytes, base64) that stays the same for the life of the cloud."""

    def text(view: View) -> str:
        return fernet_key(view.secret(f"keystone/{name}"))

    return text


def keys(folder: str) -> tuple[Text, ...]:
    short = folder.rsplit("/", 1)[1]
    return tuple(
        Text(
            f"{folder}/{number}",
            key(f"{short}/{number}"),
            owner="keystone",
            group="keystone",
            mode=0o400,
            secret=True,
        )
        for number in (0, 1)
    )


def signatures(needs: Iterable[Need]) -> bool:
    """Whether anybody checks signatures that were made with EC2 credentials."""
    return any(isinstance(need, ServiceUser) and need.signatures for need in needs)


def policies(view: View) -> str | None:
    """Keystone's own rule, and one role more: its administrators' rights are far too many."""
    if not signatures(view.needs(ServiceUser)):
        return None
    who = (
        "rule:admin_required",
        "(role:reader and system_scope:all)",
        "user_id:%(target.credential.user_id)s",
        f"role:{SIGNATURES}",
    )
    return f'"identity:ec2_get_credential": "{" or ".join(who)}"\n'


def service_users(view: View, needs: tuple[Need, ...]) -> Iterable[ApiObject]:
    """The service project, a user for each need, and the catalog from all endpoints."""
    yield Project(name="service", description="users of the services")
    if signatures(needs):
        yield Role(name=SIGNATURES)
    for need in needs:
        assert isinstance(need, ServiceUser)
        more = (SIGNATURES,) if need.signatures else ()
        for item in view.credentials(f"user/{need.name}"):
            yield Person(
                name=item.user,
                password=item.password,
                project="service",
                roles=(*need.roles, *more),
                after=("project:service", *(f"role:{name}" for name in more)),
                absent=not item.valid,
            )
    for part, point in view.endpoints:
        if point.type:
            urls = {"internal": view.url(point.name)}
            if point.external:
                urls["public"] = view.url(point.name, external=True)
            yield CatalogEntry(
                name=point.name,
                component=part.name,
                type=point.type,
                description=point.description or part.summary,
                urls=urls,
            )


def user_domains(view: View, needs: tuple[Need, ...]) -> Iterable[ApiObject]:
    """A domain for each need, with who administers it."""
    for need in needs:
        assert isinstance(need, UserDomain)
        owner = next(part.name for part in view.components if need in part.needs)
        yield Domain(
            name=need.name,
            description=f"users of {owner}",
            component=owner,
            data=True,
        )
        for item in view.credentials(f"domain/{need.name}"):
            yield Person(
                name=item.user,
                password=item.password,
                domain=need.name,
                roles=("admin",),
                component=owner,
                after=(f"domain:{need.name}",),
                absent=not item.valid,
            )


def seed(view: View) -> Mapping[str, str]:
    """What the seed makes beside the bootstrap: all that anybody wants of the identity service."""
    wanted = [
        *service_users(view, view.needs(ServiceUser)),
        *user_domains(view, view.needs(UserDomain)),
    ]
    for part in view.components:
        wanted += part.objects(view) if part.objects else ()
    wanted = [item for item in wanted if not (isinstance(item, Person) and item.absent)]
    values: dict[str, Any] = {
        kind.kind: [asdict(item) for item in wanted if type(item) is kind]
        for kind in (Domain, Project, Role, Person, CatalogEntry)
    }
    values |= {
        "admin": view.secret("user/admin"),
        "region": view.region,
        "internal": view.url("identity"),
        "public": view.url("identity", external=True),
    }
    return {"SCS_SEED": json.dumps(values)}


component = Component(
    name="keystone",
    summary="identity",
    roles=CONTROL,
    source="pypi:keystone",
    license="Apache-2.0",
    needs=(Environment(), Database("keystone"), Cache()),
    gives=(
        Gives(ServiceUser, objects=service_users, account="user"),
        Gives(UserDomain, objects=user_domains, account="domain"),
    ),
    endpoints=(
        Endpoint("keystone", port=5000, type="identity", description="Identity", relay=RELAY),
    ),
    users=(User("keystone", home="/var/lib/keystone"),),
    folders=(
        Folder("/etc/keystone", group="keystone", mode=0o750),
        Folder(LIBRARY),
        Folder(POLICIES, group="keystone", mode=0o750),
        Folder(FERNET, owner="keystone", group="keystone", mode=0o700),
        Folder(CREDENTIAL, owner="keystone", group="keystone", mode=0o700),
    ),
    files=(
        Config(
            "keystone.conf.j2",
            "/etc/keystone/keystone.conf",
            group="keystone",
            service="keystone",
            policy=True,
        ),
        Text(f"{POLICIES}/scs.yaml", policies, group="keystone", mode=0o640),
        *keys(CREDENTIAL),
        Config("api.py.j2", f"{LIBRARY}/scs_keystone_api.py", mode=0o644),
        Config("seed.py.j2", SEED, mode=0o755),
    ),
    keys=(KeyFolder(FERNET, "keystone/fernet-keys", owner="keystone"),),
    migrations=(
        schema(
            *("keystone", "keystone-manage", "db_sync"),
            expand=("db_sync", "--expand"),
            contract=("db_sync", "--contract"),
        ),
        Migration(
            "keystone-seed",
            argv=(f"{ENVIRONMENT}/bin/python", SEED),
            user="keystone",
            rows={
                "SELECT COUNT(*) FROM keystone.local_user WHERE name = 'admin'": "1",
                "SELECT COUNT(*) > 0 FROM keystone.endpoint": "1",
            },
            environment=seed,
            later=True,
        ),
    ),
    units=(
        Wsgi(
            "keystone",
            module="scs_keystone_api:application",
            port=5000,
            user="keystone",
            environment={"OS_KEYSTONE_CONFIG_DIR": "/etc/keystone", "PYTHONPATH": LIBRARY},
        ),
    ),
    keeps=tuple(
        Keeps(path, unsaved="made again from the cloud's secrets") for path in (FERNET, CREDENTIAL)
    ),
)
