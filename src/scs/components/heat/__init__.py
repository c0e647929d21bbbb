# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Orchestration: stacks of resources, made from templates."""

from __future__ import annotations

from collections.abc import Iterable

from scs.model.component import CONTROL, Component, Config, Endpoint, Folder, Service, User, Wsgi
from scs.model.database import schema
from scs.model.needs import Cache, Database, Environment, Queue, ServiceUser, UserDomain
from scs.model.objects import ApiObject, Person, Role
from scs.model.view import ENVIRONMENT, View

CONF = "/etc/heat/heat.conf"
TRUSTEE = "heat-trustee"


def objects(view: View) -> Iterable[ApiObject]:
    """Who acts for users when they are away, and the role of the users that stacks have."""
    # Users' trusts name it by its id: it stays, and its password is not rotated.
    yield Person(
        name=TRUSTEE,
        password=view.secret(f"user/{TRUSTEE}"),
        project="service",
        roles=(),
        after=("project:service",),
        data=True,
    )
    yield Role(name="heat_stack_user", data=True)


component = Component(
    name="heat",
    summary="orchestration",
    roles=CONTROL,
    source="pypi:openstack-heat",
    license="Apache-2.0",
    service="heat",
    needs=(
        Environment(),
        Database("heat"),
        Queue("heat"),
        Cache(),
        ServiceUser("heat"),
        UserDomain("heat"),
    ),
    endpoints=(
        Endpoint(
            "heat",
            port=8004,
            type="orchestration",
            description="Orchestration",
            path="/v1/%(tenant_id)s",
        ),
        Endpoint(
            "heat-cfn",
            port=8000,
            type="cloudformation",
            description="Orchestration, as guests call it",
            path="/v1",
        ),
    ),
    users=(User("heat", home="/var/lib/heat"),),
    folders=(Folder("/etc/heat", group="heat", mode=0o750),),
    files=(Config("heat.conf.j2", CONF, group="heat", service="heat", policy=True),),
    migrations=(schema("heat", "heat-manage", f"--config-file={CONF}", "db_sync"),),
    units=(
        # Both find heat.conf by themselves.
        Wsgi("heat-api", module="heat.wsgi.api:application", port=8004, user="heat", lazy=True),
        Wsgi(
            "heat-api-cfn",
            module="heat.wsgi.cfn:application",
            port=8000,
            user="heat",
            lazy=True,
            threads=2,
        ),
        Service(
            "heat-engine",
            description="Heat engine",
            exec=f"{ENVIRONMENT}/bin/heat-engine --config-file {CONF}",
            user="heat",
        ),
    ),
    objects=objects,
)
