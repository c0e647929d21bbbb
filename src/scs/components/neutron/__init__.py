# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Networking: Neutron with ML2/OVN."""

from __future__ import annotations

from scs.model.component import (
    CONTROL,
    Component,
    Config,
    Endpoint,
    Folder,
    Migration,
    Service,
    User,
    Wsgi,
)
from scs.model.content import quotas
from scs.model.needs import (
    Cache,
    Certificate,
    Database,
    Environment,
    NetworkDatabase,
    Queue,
    ServiceUser,
)
from scs.model.objects import NetworkQuota
from scs.model.view import ENVIRONMENT

CONF = "/etc/neutron/neutron.conf"
MIGRATE = "/usr/local/lib/scs/neutron-migrate"
LIBRARY = "/usr/local/lib/scs/neutron"


def worker(name: str, description: str) -> Service:
    """One of the processes that belong to Neutron beside its API."""
    return Service(
        name,
        description=description,
        exec=f"{ENVIRONMENT}/bin/{name} --config-file {CONF}",
        user="neutron",
        environment={"PYTHONPATH": LIBRARY},
    )


component = Component(
    name="neutron",
    summary="networking",
    roles=CONTROL,
    source="pypi:neutron",
    license="Apache-2.0",
    needs=(
        Environment(),
        Database("neutron"),
        Queue("neutron"),
        Cache(),
        NetworkDatabase(),
        Certificate("neutron", owner="neutron"),
        ServiceUser("neutron", roles=("service", "admin")),
    ),
    objects=lambda view: quotas(NetworkQuota, view.projects),
    endpoints=(Endpoint("neutron", port=9696, type="network", description="Networking"),),
    users=(User("neutron", home="/var/lib/neutron"),),
    folders=(
        Folder("/etc/neutron", group="neutron", mode=0o750),
        Folder(LIBRARY),
    ),
    files=(
        Config("neutron.conf.j2", CONF, group="neutron", service="neutron", policy=True),
        Config("migrate.py.j2", MIGRATE, mode=0o755),
        Config("api.py.j2", f"{LIBRARY}/scs_neutron_api.py", mode=0o644),
        Config("gateway_mtu.py.j2", f"{LIBRARY}/scs_gateway_mtu.py", mode=0o644),
    ),
    migrations=(
        Migration(
            "neutron",
            argv=(f"{ENVIRONMENT}/bin/python", MIGRATE, "heads"),
            user="neutron",
            expand=(f"{ENVIRONMENT}/bin/python", MIGRATE, "--expand"),
            contract=(f"{ENVIRONMENT}/bin/python", MIGRATE, "--contract"),
            proofs={"neutron": "neutron"},
            rows={"SELECT COUNT(*) > 0 FROM neutron.ml2_geneve_allocations": "1"},
            snapshot=True,
        ),
    ),
    units=(
        Wsgi(
            "neutron-api",
            module="scs_neutron_api:application",
            port=9696,
            user="neutron",
            environment={"OS_NEUTRON_CONFIG_FILES": CONF, "PYTHONPATH": LIBRARY},
            lazy=True,
        ),
        worker("neutron-rpc-server", "Neutron RPC server"),
        worker("neutron-periodic-workers", "Neutron periodic workers"),
        worker("neutron-ovn-maintenance-worker", "Neutron OVN maintenance"),
    ),
)
