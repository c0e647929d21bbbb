# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""As much of Nova and Neutron as machines with ports on networks of their own need."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Mapping
from typing import Any

from fake_openstack.cloud import PROJECT, FakeOpenStack
from fake_openstack.things import Json

Answer = tuple[int, Any]
NETWORK_KINDS = (
    *("networks", "subnets", "ports", "routers"),
    *("security-groups", "security-group-rules"),
)


class OpenStackForMachines(FakeOpenStack):
    """One project in which machines are made."""

    def __init__(self) -> None:
        super().__init__()
        self._count = itertools.count(1)
        self.things["networks"] = []
        self.things["subnets"] = []
        self.outside = self.add("networks", {"name": "public", "router:external": True})
        self.largest = 9000
        """The MTU that networks can have."""

    def user_data(self, name: str) -> str:
        """What a machine is told."""
        (server,) = (one for one in self.all("servers") if one["name"] == name)
        return base64.b64decode(server["user_data"]).decode()

    def names(self, key: str) -> list[str]:
        return sorted(one.get("name", "") for one in self.all(key))

    def _network(
        self, method: str, path: str, query: Mapping[str, str], caller: str, body: Any, raw: bytes
    ) -> Answer | None:
        path = path.removeprefix("/v2.0")
        kind, *rest = path.strip("/").split("/")
        if kind not in NETWORK_KINDS:
            return None
        if match := re.fullmatch(r"/routers/(\w+)/(add|remove)_router_interface", path):
            return self._plug(match[1], match[2], body)
        if method == "POST":
            return self._made(kind, body)
        if method == "GET" and not rest:
            key = kind.replace("-", "_")
            found = [one for one in self.all(key) if _matches(one, query)]
            return 200, {key: found}
        if method == "PUT":
            method = "PATCH"
        if refused := method == "DELETE" and self._in_use(kind, rest[0]):
            return 409, {"NeutronError": {"message": f"in use: {refused}", "type": "InUse"}}
        return self._plain(method, path, body, NETWORK_KINDS)

    def _made(self, kind: str, body: Json) -> Answer:
        key = kind.replace("-", "_")
        single = key.removesuffix("s")
        wish: Json = {"tenant_id": PROJECT, "status": "ACTIVE", "tags": [], **body[single]}
        if wish.get("mtu", 0) > self.largest:
            what = f"Requested MTU is too big, maximum is {self.largest}"
            return 400, {"NeutronError": {"message": what, "type": "InvalidInput"}}
        if kind == "ports":
            number = next(self._count)
            wish = {"mac_address": f"fa:16:3e:00:00:{number:02x}", "fixed_ips": [], **wish}
            wish.setdefault("port_security_enabled", True)
        if kind == "subnets":
            wish = {"ip_version": 4, "dns_nameservers": [], "allocation_pools": [], **wish}
        return 201, {single: self.add(key, wish)}

    def _plug(self, router: str, word: str, body: Json) -> Answer:
        subnet = next(one for one in self.all("subnets") if one["id"] == body["subnet_id"])
        owner = "network:router_interface"
        if word == "add":
            fixed = [{"subnet_id": subnet["id"], "ip_address": subnet["gateway_ip"]}]
            values = {"network_id": subnet["network_id"], "device_id": router, "fixed_ips": fixed}
            _, made = self._made("ports", {"port": {**values, "device_owner": owner}})
            return 200, {"id": router, "subnet_id": subnet["id"], "port_id": made["port"]["id"]}
        self.things["ports"] = [
            one
            for one in self.all("ports")
            if one.get("device_owner") != owner or one["fixed_ips"][0]["subnet_id"] != subnet["id"]
        ]
        return 200, {"id": router, "subnet_id": subnet["id"]}

    def _in_use(self, kind: str, known: str) -> str:
        if kind == "networks":
            return ", ".join(o["id"] for o in self.all("ports") if o["network_id"] == known)
        if kind == "security-groups":
            groups = self.all("ports")
            return ", ".join(o["id"] for o in groups if known in o.get("security_groups", ()))
        return ""

    def _image(
        self, method: str, path: str, query: Mapping[str, str], caller: str, body: Any, raw: bytes
    ) -> Answer | None:
        if path == "/v2/images" and method == "GET":
            return 200, {"images": [one for one in self.images if _matches(one, query)]}
        return super()._image(method, path, query, caller, body, raw)

    def _compute(
        self, method: str, path: str, query: Mapping[str, str], caller: str, body: Any, raw: bytes
    ) -> Answer | None:
        path = path.removeprefix("/v2.1")
        if path == "/servers" and method == "POST":
            return self._boot(body["server"])
        if path == "/flavors/detail":
            return 200, {"flavors": self.flavors}
        if match := re.fullmatch(r"/flavors/([\w-]+)", path):
            return 200, {"flavor": next(f for f in self.flavors if f["id"] == match[1])}
        if match := re.fullmatch(r"/servers/(\w+)/os-interface", path):
            found = [p for p in self.all("ports") if p.get("device_id") == match[1]]
            attached = [
                {
                    "port_id": port["id"],
                    "net_id": port["network_id"],
                    "mac_addr": port["mac_address"],
                    "fixed_ips": port["fixed_ips"],
                    "port_state": "ACTIVE",
                }
                for port in found
            ]
            return 200, {"interfaceAttachments": attached}
        if match := re.fullmatch(r"/servers/(\w+)/os-interface/(\w+)", path):
            port = next(one for one in self.all("ports") if one["id"] == match[2])
            if method == "DELETE":
                port["device_id"] = ""
                return 202, None
            if port.get("device_id") != match[1]:
                return 404, {"itemNotFound": {"message": "is not attached", "code": 404}}
            told = {"port_id": port["id"], "net_id": port["network_id"]}
            return 200, {"interfaceAttachment": told}
        if match := re.fullmatch(r"/servers/(\w+)/action", path):
            return self._act(match[1], body)
        if match := re.fullmatch(r"/servers/(\w+)/metadata", path):
            return 200, {"metadata": self._server(match[1])["metadata"]}
        if path == "/os-keypairs":
            return 200, {"keypairs": []}
        return self._plain(method, path, body, ("servers",))

    def _server(self, known: str) -> Json:
        return next(one for one in self.all("servers") if one["id"] == known)

    def _boot(self, wish: Json) -> Answer:
        flavor = next(one for one in self.flavors if one["id"] == wish["flavorRef"])
        addresses: Json = {}
        made = self.add(
            "servers",
            {
                "metadata": {},
                **wish,
                "status": "ACTIVE",
                "tenant_id": PROJECT,
                "addresses": addresses,
                "flavor": {"id": flavor["id"]},
                "image": {"id": wish["imageRef"]} if wish.get("imageRef") else "",
                "OS-EXT-AZ:availability_zone": wish.get("availability_zone", "nova"),
                "OS-EXT-STS:vm_state": "active",
                "OS-EXT-STS:power_state": 1,
                "created": "2026-01-01T00:00:00Z",
                "updated": "2026-01-01T00:00:00Z",
                "security_groups": [],
            },
        )
        wanted = [one["port"] for one in wish["networks"]]
        for port in self.all("ports"):
            if port["id"] in wanted:
                port["device_id"] = made["id"]
                network = next(o for o in self.all("networks") if o["id"] == port["network_id"])
                addresses[network["name"]] = [
                    {
                        "addr": at["ip_address"],
                        "version": 4,
                        "OS-EXT-IPS:type": "fixed",
                        "OS-EXT-IPS-MAC:mac_addr": port["mac_address"],
                    }
                    for at in port["fixed_ips"]
                ]
        return 202, {"server": {"id": made["id"], "adminPass": "x"}}

    def _act(self, known: str, body: Json) -> Answer:
        server = self._server(known)
        if "os-stop" in body:
            server |= {"status": "SHUTOFF", "OS-EXT-STS:vm_state": "stopped"}
        if "resize" in body:
            flavor = body["resize"]["flavorRef"]
            server |= {"status": "VERIFY_RESIZE", "flavor": {"id": flavor}, "flavorRef": flavor}
        if "confirmResize" in body:
            server["status"] = "ACTIVE"
        return 202, None


def _matches(thing: Json, query: Mapping[str, str]) -> bool:
    return all(
        str(thing.get(key, False if key == "router:external" else "")).lower() == value.lower()
        for key, value in query.items()
        if key in ("name", "id", "network_id", "cidr", "router:external", "device_id")
    )
