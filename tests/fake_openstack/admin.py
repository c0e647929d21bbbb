# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What only an administrator changes: flavors, volume types, default rules, catalog, hosts."""

from __future__ import annotations

import re
import uuid
from typing import Any

from fake_openstack.things import Json, a_rule

Given = tuple[int, Any] | None


class AdminAnswers:
    """Answers to an administrator; None: the same as to everybody."""

    types: list[str]
    interfaces: dict[str, list[str]]
    urls: dict[tuple[str, str], str]
    flavors: list[Json]
    default_rules: list[Json] | None
    things: dict[str, list[Json]]
    zones: dict[str, list[str]]
    shut: set[str]
    off: list[str]
    """Types of services that are switched off in the catalog."""
    base: str

    def administered(self, method: str, path: str, body: Any) -> Given:
        for pattern, answer in (
            (r"/compute/v2.1/flavors(?:/([^/]+))?", self._flavor),
            (r"/compute/v2.1/flavors/([^/]+)/os-extra_specs(?:/(.+))?", self._specs),
            (r"/compute/v2.1/os-services(?:/(\w+))?", self._host),
            (r"/volume/v3/\w+/types(?:/(\w+))?", self._type),
            (r"/network/v2.0/default-security-group-rules(?:/([\w-]+))?", self._rule),
            (r"/network/v2.0/networks/(\w+)", self._outside),
            (r"/identity/v3/services(?:/([\w-]+))?", self._service),
            (r"/identity/v3/endpoints(?:/(.+))?", self._endpoint),
        ):
            if match := re.fullmatch(pattern, path):
                given: Given = answer(method, body, *match.groups())
                return given
        return None

    def _flavor(self, method: str, body: Any, known: str | None) -> Given:
        if method == "POST":
            if any(one["id"] == body["flavor"]["id"] for one in self.flavors):
                return 409, {"conflictingRequest": {"message": "Flavor exists"}}
            values = {key: one for key, one in body["flavor"].items() if (key, one) != ("swap", 0)}
            self.flavors.append({**values, "extra_specs": {}})
            return 200, body
        if method == "DELETE":
            left = [one for one in self.flavors if one["id"] != known]
            found, self.flavors = len(left) < len(self.flavors), left
            return (202, None) if found else (404, {"itemNotFound": {"message": "no flavor"}})
        return None

    def _specs(self, method: str, body: Any, known: str, key: str | None) -> Given:
        found = next(one for one in self.flavors if one["id"] == known)
        if method == "POST":
            found["extra_specs"].update(body["extra_specs"])
        elif method == "DELETE":
            del found["extra_specs"][key]
        return 200, {"extra_specs": found["extra_specs"]}

    def _host(self, method: str, body: Any, known: str | None) -> Given:
        if method == "PUT":
            change = self.shut.discard if body["status"] == "enabled" else self.shut.add
            change(str(known))
        hosts = [
            {"id": zone, "status": "disabled" if zone in self.shut else "enabled"}
            for zone in self.zones["compute"]
        ]
        return 200, {"services": hosts}

    def _type(self, method: str, body: Any, known: str | None) -> Given:
        kinds = self.things["volume_types"]
        if method == "POST":
            kinds.append({"id": uuid.uuid4().hex, **body["volume_type"]})
        elif method == "PUT":
            next(one for one in kinds if one["id"] == known).update(body["volume_type"])
        elif method == "DELETE":
            kinds[:] = [one for one in kinds if one["id"] != known]
        return None if method == "GET" else (200, {})

    def _rule(self, method: str, body: Any, known: str | None) -> Given:
        assert self.default_rules is not None
        if method == "POST":
            values = dict(body["default_security_group_rule"])
            self.default_rules.append(a_rule(values.pop("direction"), values.pop("ethertype")))
            self.default_rules[-1].update(values)
        elif method == "DELETE":
            self.default_rules[:] = [one for one in self.default_rules if one["id"] != known]
        return None if method == "GET" else (201, {})

    def _outside(self, method: str, body: Any, known: str) -> Given:
        if method != "PUT":
            return None
        found = next(one for one in self.things["networks"] if one["id"] == known)
        found.update(body["network"])
        return 200, {"network": found}

    # The catalog: a service goes by its type here, an endpoint by type and interface.

    def _service(self, method: str, body: Any, known: str | None) -> Given:
        if method == "PATCH":
            kind = str(known)
            old, new = (
                (self.off, self.types) if body["service"]["enabled"] else (self.types, self.off)
            )
            old.remove(kind)
            new.append(kind)
        everything = [*((one, True) for one in self.types), *((one, False) for one in self.off)]
        told = [{"id": kind, "type": kind, "enabled": on} for kind, on in everything]
        return 200, {"services": told}

    def _endpoint(self, method: str, body: Any, known: str | None) -> Given:
        kind, _, interface = (known or "").partition("/")
        values = dict(body["endpoint"]) if body else {}
        if method == "POST":
            kind, interface = values["service_id"], values["interface"]
            self.interfaces[kind].append(interface)
        elif method == "DELETE":
            self.interfaces[kind].remove(interface)
        if "url" in values:
            self.urls[kind, interface] = values["url"]
        if "enabled" in values and method == "PATCH":
            change = self.interfaces[kind].append if values["enabled"] else None
            (change or self.interfaces[kind].remove)(interface)
        return 200, {"endpoints": self._points()}

    def _points(self) -> list[Json]:
        return [
            {
                "id": f"{kind}/{interface}",
                "service_id": kind,
                "interface": interface,
                "region_id": "RegionOne",
                "url": self.urls.get((kind, interface), f"{self.base}/{kind}"),
            }
            for kind in self.types
            for interface in self.interfaces.get(kind, ["public"])
        ]
