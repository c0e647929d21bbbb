# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Clouds on paper: views of clouds that need no node, no secret and no certificate."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

from scs import components
from scs.model.component import Component
from scs.model.topology import Role
from scs.model.view import View
from scs.plan.expand import Expander
from scs.plan.resolve import resolve
from scs.resources import Resource
from scs.spec import CloudSpec

ROOT = Path(__file__).parents[1]
TEMPLATES = ROOT / "src/scs/plan/templates"

ONE = CloudSpec(name="paper")
THREE = CloudSpec.model_validate(
    {
        "name": "paper",
        "nodes": [
            {"name": "control-1", "roles": ["control", "network"]},
            {"name": "compute-1", "roles": ["compute"]},
            {"name": "compute-2", "roles": ["compute"]},
        ],
    }
)
ONE_CEPH = CloudSpec(name="paper", storage="ceph")
THREE_CEPH = CloudSpec.model_validate(
    {
        "name": "paper",
        "storage": "ceph",
        "ceph": {"disks": 2},
        "nodes": [
            {"name": "control-1", "roles": ["control", "network"]},
            {"name": "store-1", "roles": ["compute", "storage"]},
            {"name": "store-2", "roles": ["storage"], "disks": ["/dev/vdb", "/dev/disk/by-id/x.y"]},
        ],
    }
)
SERVICES = sorted({part.service for part, _ in components.discover().values()} - {""})


def _with(spec: CloudSpec, services: list[str]) -> CloudSpec:
    written = spec.model_dump(exclude_unset=True, by_alias=True)
    return CloudSpec.model_validate(written | {"services": services})


ONE_FULL, THREE_FULL = (_with(spec, SERVICES) for spec in (ONE_CEPH, THREE_CEPH))
"""The same with all services that can be chosen."""
EQUALS = CloudSpec.model_validate(
    {
        "name": "paper",
        "storage": "ceph",
        "nodes": [{"name": f"node-{number}", "roles": list(Role)} for number in (1, 2, 3)],
    }
)
"""Three control nodes."""
EQUALS_FULL = _with(EQUALS, SERVICES).model_copy(
    update={"dns": (IPv4Address("9.9.9.9"), IPv6Address("2620:fe::fe"))}
)
CONTAINERS: Mapping[str, Any] = {"container": True, "datapath": "netdev", "virt_type": "qemu"}
MACHINES: Mapping[str, Any] = {"container": False, "datapath": "system", "virt_type": "kvm"}
CLOUDS = {
    "one container": (ONE, CONTAINERS),
    "one machine": (ONE, MACHINES),
    "three containers": (THREE, CONTAINERS),
    "three machines": (THREE, MACHINES),
    "one container with Ceph": (ONE_CEPH, CONTAINERS),
    "three machines with Ceph": (THREE_CEPH, MACHINES),
    "one container with everything": (ONE_FULL, CONTAINERS),
    "three machines with everything": (THREE_FULL, MACHINES),
    "three equal containers": (EQUALS, CONTAINERS),
    "three equal machines with everything": (EQUALS_FULL, MACHINES),
}

Available = Mapping[str, tuple[Component, Path]]


def secret(name: str) -> str:
    """Always the same for a name, and another one for every other name."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def certificate(name: str, addresses: tuple[str, ...]) -> tuple[str, str]:
    """Tells for what it was asked."""
    return f"certificate of {name} for {' '.join(addresses)}\n", f"key of {name}\n"


def view_of(
    spec: CloudSpec,
    available: Available,
    *,
    secret: Callable[[str], str] = secret,
    certificate: Callable[[str, tuple[str, ...]], tuple[str, str]] = certificate,
    **facts: Any,
) -> View:
    """The cloud of that spec, resolved; `facts` are those of its nodes."""
    view = View(
        cloud=spec.name,
        region=spec.region,
        nodes=spec.nodes(),
        networks=spec.networks(),
        floating=(spec.floating.first, spec.floating.last),
        internal_address=spec.internal_address,
        external_address=spec.external_address,
        dns=spec.dns,
        release=spec.release,
        services=frozenset(spec.services),
        tenant=spec.first_project(),
        content=spec.provided(),
        environments={
            part: f"/opt/scs/releases/paper-{part}" for part in ("openstack", "dashboard")
        },
        config=spec.config,
        secret=secret,
        certificate=certificate,
        storage=spec.stored(),
        ca="the CA's certificate\n",
        ssh_public_key="ssh-ed25519 AAAA scs\n",
        **facts,
    )
    return resolve([part for part, _ in available.values()], view)


def expander_of(
    spec: CloudSpec = ONE, available: Available | None = None, **facts: Any
) -> Expander:
    """What makes resources of the cloud of that spec; by default in containers."""
    available = components.discover() if available is None else available
    view = view_of(spec, available, **{**CONTAINERS, **facts})
    return Expander(
        view, {name: str(path) for name, (_, path) in available.items()}, str(TEMPLATES)
    )


def expanded(expander: Expander) -> dict[str, tuple[Resource, ...]]:
    """Node → its resources."""
    return {node.name: expander.node(node) for node in expander.view.nodes}
