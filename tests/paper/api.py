# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The API on paper: its objects are dictionaries; order and comparison are the real ones."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from paper.cloud import PaperCloud, Values
from paper.machine import PaperStock
from scs.api.clients import Clients
from scs.api.executor import Executor
from scs.api.kinds import Kind
from scs.model.objects import (
    ApiObject,
    DefaultRules,
    FloatingIp,
    Image,
    Keypair,
    Person,
    Quota,
    Server,
)
from scs.model.view import Tenant

NEUTRONS_OWN = (
    "egress IPv4 any, in default and custom groups",
    "egress IPv6 any, in default and custom groups",
    "ingress IPv4 any from PARENT, in default groups",
    "ingress IPv6 any from PARENT, in default groups",
)
"""The rules of new security groups that its first migration brings."""


class PaperKind(Kind[ApiObject]):
    """A kind of API object: its comparison is the real one's."""

    def __init__(self, cloud: PaperCloud, real: Kind[Any]) -> None:
        self.cloud = cloud
        self.real = real

    def observe(self, clients: Clients, wanted: Sequence[ApiObject]) -> dict[str, Any]:
        tenant = clients.view.tenant
        if any(_asked_as_tenant(want, tenant) for want in wanted):
            user = f"user:{tenant.user}"
            if user not in self.cloud.api:
                raise RuntimeError(f"no token for user {tenant.user}: 401")
        with self.cloud.lock:
            found = {want.id: copy.deepcopy(self.cloud.api.get(want.id, {})) for want in wanted}
            for want in wanted:
                found[want.id] = self._by_itself(want) | found[want.id]
            return found

    def _by_itself(self, want: ApiObject) -> Values:
        """What is there of it although nobody has made it."""
        if isinstance(want, Quota):
            return {"cores": self.cloud.cores}
        return {"rules": list(NEUTRONS_OWN)} if isinstance(want, DefaultRules) else {}

    def compare(self, want: ApiObject, seen: Mapping[str, Any]) -> str | None:
        return self.real.compare(want, seen)

    def diff(self, want: ApiObject, seen: Mapping[str, Any]) -> str:
        return self.real.diff(want, seen)

    def converge(self, clients: Clients, want: ApiObject, seen: Mapping[str, Any]) -> None:
        with self.cloud.lock:
            self.cloud.at_step("the cloud's API", want.id)
            if want.id in self.cloud.broken:
                raise RuntimeError(f"{want.id} does not want to")
            known = {"id": seen.get("id", f"id-{self.cloud.now()}")}
            if isinstance(want, Person) and want.absent:
                del self.cloud.api[want.id]
            else:
                self.cloud.api[want.id] = SHAPES[want.kind](want, known)
            self.cloud.keep()

    def remove(self, clients: Clients, want: ApiObject, seen: Mapping[str, Any]) -> None:
        with self.cloud.lock:
            self.cloud.api.pop(want.id, None)
            self.cloud.keep()


def _asked_as_tenant(want: ApiObject, tenant: Tenant) -> bool:
    """Whether the real kind logs in as the first project's user to look at this."""
    if isinstance(want, Image):
        return want.project == tenant.project
    return isinstance(want, Keypair | Server | FloatingIp)


def _rules(want: Any) -> list[list[Any]]:
    return sorted(
        [kind, "ipv6-icmp" if (kind, protocol) == ("IPv6", "icmp") else protocol, port]
        for kind, protocol, port in want.ingress
    )


SHAPES: Mapping[str, Callable[[Any, Values], Values]] = {
    "domain": lambda want, known: known,
    "project": lambda want, known: known,
    "role": lambda want, known: known,
    "user": lambda want, known: {**known, "roles": sorted(want.roles)},
    "catalog": lambda want, known: {
        **known,
        "name": want.name,
        "urls": {name: [f"{name}-id", url] for name, url in want.urls.items()},
    },
    "host": lambda want, known: {
        "service": known,
        "state": "up",
        "status": "enabled",
        "reason": "",
    },
    "flavor": lambda want, known: {
        **known,
        "vcpus": want.vcpus,
        "ram": want.ram,
        "disk": want.disk,
        "extra_specs": dict(want.extra_specs),
    },
    "keypair": lambda want, known: {"public_key": want.public_key},
    "server": lambda want, known: {**known, "status": "ACTIVE"},
    "floating-ip": lambda want, known: {
        **known,
        "status": "ACTIVE",
        "address": "10.0.0.9",
        "ssh": True,
    },
    "image": lambda want, known: {**known, "status": "active"},
    "network": lambda want, known: {
        **known,
        "subnets": sorted(subnet.name for subnet in want.subnets),
    },
    "router": lambda want, known: {**known, "gateway": True, "subnets": sorted(want.subnets)},
    "security-group": lambda want, known: {**known, "ingress": _rules(want)},
    "default-security-group-rules": lambda want, _known: {
        "rules": sorted(rule.text for rule in want.rules)
    },
    "aggregate": lambda want, known: {
        **known,
        "zone": want.zone,
        "hosts": sorted(want.hosts),
        "properties": dict(want.properties),
    },
    "subnet-pool": lambda want, known: {
        **known,
        "prefixes": sorted(want.prefixes),
        "prefix_length": want.prefix_length,
        "default": want.default,
    },
    **dict.fromkeys(
        ("quota", "network-quota", "volume-quota"), lambda want, _known: dict(want.limits)
    ),
    "volume-type": lambda want, known: {
        **known,
        "description": want.description,
        "public": want.public,
        "extra_specs": dict(want.extra_specs),
        "encryption": dict(want.encryption),
    },
}
"""Kind → what the real one's `observe` shows of an object that is as wanted."""


class PaperExecutor(Executor):
    """The real graph and order; the API is paper, and answers while its services run."""

    def __init__(self, cloud: PaperCloud, clients: Clients) -> None:
        super().__init__(clients, PaperStock().built)
        self.cloud = cloud
        self.kinds = {name: PaperKind(cloud, kind) for name, kind in self.kinds.items()}

    def _answers(self, service: str) -> bool:
        view = self.clients.view
        parts = [part for part, point in view.endpoints if point.type == service]
        parts += [part for part in view.components if part.fronts]
        return all(
            self.cloud.active(node.name, part.name)
            for part in parts
            for node in view.nodes_of(part)
        )
