# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the cloud has, what is broken in it, and its answers, service by service."""

from __future__ import annotations

import base64
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from fake_openstack import lan
from fake_openstack.admin import AdminAnswers
from fake_openstack.things import CODE, Json, a_flavor, a_rule, ago, an_image, default_rules
from scs.standards.flavors import MANDATORY, RECOMMENDED
from scs.standards.iaas.guests import BLOCKS, LINE, MARK
from scs.standards.randomness import BLOCK

PROJECT, USER = "p" * 32, "u" * 32
PASSWORDS = {"demo": "demo-password-3141", "admin": "admin-password-2718"}


class FakeOpenStack(AdminAnswers):
    """What the cloud has, and what is broken in it."""

    def __init__(self) -> None:
        vendors = "https://cloud.debian.org/images/cloud/"
        self.lock = threading.RLock()
        self.base = ""
        self.types = [
            *("compute", "identity", "image", "network", "load-balancer", "placement"),
            *("volumev3", "object-store", "object-store-s3", "key-manager", "dns"),
        ]
        self.interfaces = {kind: ["public"] for kind in self.types}
        self.urls: dict[tuple[str, str], str] = {}
        """(type, interface) → another address than the usual."""
        self.roles_of = {"demo": ["member", "reader"], "admin": ["admin", "member"]}
        self.flavors = [a_flavor(name) for name in (*MANDATORY, *RECOMMENDED)]
        capi = "https://swift.services.a.regiocloud.tech/swift/v1/AUTH_b182637428444b9aa302bb8d5a5a418c"
        self.images = [
            an_image("Ubuntu 24.04", "ubuntu", "24.04", CODE),
            an_image("Own Linux 1", "own", "1", "https://images.example.org/own-1.qcow2"),
            an_image("Debian 13", "debian", "13", f"{vendors}trixie/x.qcow2"),
            an_image("Debian 12", "debian", "12", f"{vendors}bookworm/x.qcow2"),
            an_image(
                "ubuntu-capi-image-v1.31.1",
                "ubuntu",
                "22.04",
                f"{capi}/openstack-k8s-capi-images/ubuntu-2204-kube-v1.31/x",
                os_purpose="k8snode",
            ),
        ]
        self.data: dict[str, bytes] = {}
        self.default_rules: list[Json] | None = default_rules()
        self.new_group_rules = [a_rule("egress", "IPv4"), a_rule("egress", "IPv6")]
        self.things: dict[str, list[Json]] = {
            "networks": [
                {
                    "id": "outside",
                    "name": "external",
                    "project_id": "admin",
                    "router:external": True,
                    "is_default": True,
                }
            ],
            "subnetpools": [
                {"id": "six", "name": "six", "ip_version": 6, "shared": True, "is_default": True}
            ],
            "volume_types": [
                {"id": "1", "name": "plain", "description": "nothing said"},
                {"id": "2", "name": "luks", "description": "[scs:encrypted] with LUKS"},
                {"id": "3", "name": "both", "description": "[scs:encrypted, replicated] all"},
            ],
            "roles": [
                {"id": f"role-{name}", "name": name}
                for name in ("admin", "manager", "member", "reader")
            ],
        }
        self.zones = {"compute": ["nova"], "block-storage": ["nova"]}
        self.shut: set[str] = set()
        self.off: list[str] = []
        self.s3 = "<Error><Code>InvalidAccessKeyId</Code></Error>"
        self.guest: Json = {
            "kernel": "6.12.41+deb13-cloud-amd64",
            "entropy": "256",
            "flags": "rdrand rdseed",
            "rng": "virtio_rng.0",
            "hwrng": "16",
        }
        # The same each time: even good bytes fail the tests for them now and then.
        self.random: Callable[[], bytes] = lambda: Random(1402).randbytes(BLOCK * BLOCKS + LINE)
        self.booting = "ACTIVE"
        self.broken: dict[str, tuple[int, Any]] = {}
        """"GET /compute/v2.1/flavors/detail" → (status, body) instead of the answer."""
        self.holes: set[str] = set()
        """"POST /users": lets a domain manager do that anywhere; and other ways to be wrong."""
        self.stuck: set[str] = set()
        """Kinds of volumes' things that never become available."""
        self.restores: Callable[[bytes], bytes] = lambda data: data
        self.extensions = ["external-net", "port-security", "router", "dns-integration"]
        self.extensions += ["dns-domain-ports"]
        self.zone_status = "ACTIVE"
        self.swift: Json | None = {"swift": {}, "tempurl": {}}
        self.enforces = True
        """An image must be of the format that it is said to have."""
        self.gateway = "127.0.0.1"
        """What a router gets outside."""
        self.remembers = 0
        """How many passwords of a user it remembers."""
        self.project = PROJECT
        """Whose token the request has that is being answered."""
        self.seen: list[str] = []
        """All requests, as "GET /path"."""
        self.tokens: dict[str, Json] = {}
        self.projects: dict[str, str] = {}
        """Token → the project that it is for."""
        self.users: dict[str, Json] = {
            name: {"id": USER if name == "demo" else name, "name": name, "password": password}
            for name, password in PASSWORDS.items()
        }

    # What there is of one kind.

    def all(self, key: str) -> list[Json]:
        return self.things.setdefault(key, [])

    def add(self, key: str, values: Json, **more: Any) -> Json:
        made = {"id": uuid.uuid4().hex, **values, **more}
        self.all(key).append(made)
        return made

    def image(self, name: str) -> Json:
        return next(image for image in self.images if image["name"] == name)

    def flavor(self, name: str) -> Json:
        return next(flavor for flavor in self.flavors if flavor["name"] == name)

    @property
    def left(self) -> list[str]:
        """The names of all things that users made and that are still there."""
        fixed = {"external", "six", "plain", "luks", "both", "admin", "manager", "member", "reader"}
        names = [item.get("name", key) for key, items in self.things.items() for item in items]
        own = [image["name"] for image in self.images if image["visibility"] != "public"]
        return [name for name in [*names, *own] if name not in fixed]

    # Answers.

    def catalog(self) -> list[Json]:
        paths = {
            "compute": "/compute/v2.1",
            "identity": "/identity",
            "image": "/image",
            "network": "/network",
            "volumev3": f"/volume/v3/{PROJECT}",
            "object-store": f"/swift/v1/AUTH_{PROJECT}",
            "key-manager": "/key-manager",
            "dns": "/dns",
        }
        return [
            {
                "type": kind,
                "name": kind,
                "endpoints": [
                    {
                        "interface": interface,
                        "region": "RegionOne",
                        "region_id": "RegionOne",
                        "url": self.urls.get(
                            (kind, interface), self.base + paths.get(kind, f"/{kind}")
                        ),
                    }
                    for interface in self.interfaces.get(kind, ["public"])
                ],
            }
            for kind in self.types
        ]

    def answer(
        self, method: str, path: str, query: Mapping[str, str], caller: str, body: Any, raw: bytes
    ) -> tuple[int, Any]:
        """Status and body for one request."""
        if forced := self.broken.get(f"{method} {path}"):
            return forced
        if path == "/":
            return 403, self.s3
        if path == "/swift/info":
            return (200, self.swift) if self.swift is not None else (404, "no such bucket")
        if path == "/volume/":
            return 300, {"versions": [{"id": "v3.0", "version": "3.71"}]}
        service, _, rest = path.strip("/").partition("/")
        if not caller and not re.fullmatch(r"/identity(/v3)?/?", path):
            return 401, {"error": {"code": 401, "message": "no token"}}
        if caller == "admin" and (given := self.administered(method, path, body)):
            return given
        handler = getattr(self, f"_{service.replace('-', '_')}", None)
        found = handler(method, f"/{rest}", query, caller, body, raw) if handler else None
        return found or (404, {"error": {"message": f"nothing at {method} {path}"}})

    def _compute(
        self, method: str, path: str, query: Mapping[str, str], caller: str, body: Any, raw: bytes
    ) -> tuple[int, Any] | None:
        path = path.removeprefix("/v2.1")
        if path in {"", "/"}:
            return 200, {"version": {"id": "v2.1", "version": "2.100"}}
        if path == "/os-keypairs":
            user = query.get("user_id")
            found = [one for one in self.all("keypairs") if user in (None, one.get("user_id"))]
            return 200, {"keypairs": [{"keypair": one} for one in found]}
        if method == "DELETE" and path.startswith("/os-keypairs/"):
            name = path.split("/")[2]
            self.things["keypairs"] = [k for k in self.all("keypairs") if k["name"] != name]
            return 204, None
        if path == "/flavors/detail":
            return 200, {"flavors": self.flavors}
        if path == "/os-availability-zone":
            return 200, {"availabilityZoneInfo": self._zones("compute")}
        if path == "/servers" and method == "POST":
            assert "#!/bin/sh" in base64.b64decode(body["server"]["user_data"]).decode()
            made = self.add("servers", body["server"], status=self.booting, tenant_id=PROJECT)
            if self.booting == "ERROR":
                made["fault"] = {"message": "No valid host was found."}
            return 202, {"server": {"id": made["id"]}}
        if match := re.fullmatch(r"/servers/(\w+)/action", path):
            server = next(one for one in self.all("servers") if one["id"] == match[1])
            return 200, {"output": self._console(server)}
        if path == "/os-server-groups":
            return 200, {"server_groups": []}
        return self._plain(method, path, body, ("servers",))

    def _zones(self, service: str) -> list[Json]:
        return [
            {"zoneName": name, "zoneState": {"available": name not in self.shut}, "hosts": None}
            for name in self.zones[service]
        ]

    def _console(self, server: Json) -> str:
        flavor = next(one for one in self.flavors if one["id"] == server["flavorRef"])
        volume = next(iter(server.get("block_device_mapping_v2", [])), None)
        size = flavor["disk"]
        if volume:
            size = next(one for one in self.all("volumes") if one["id"] == volume["uuid"])["size"]
        said = {
            "cpus": flavor["vcpus"],
            "memory": flavor["ram"] * 1024 - 60_000,
            "disk": size * (1 << 21),
            **lan.told(self, server),
            **self.guest,
        }
        said = {key: value for key, value in said.items() if value is not None}
        data = self.random()
        parts = (data[start : start + LINE] for start in range(0, len(data), LINE))
        packed = [base64.b64encode(part).decode() for part in parts]
        lines = [f"[   11.0] cloud-init: {MARK} {key} {value}" for key, value in said.items()]
        lines += [f"{MARK} = {line}" for line in packed]
        return "\n".join(["[    0.0] Linux version", *lines, f"{MARK} end", "login: "])

    def _image(
        self, method: str, path: str, query: Mapping[str, str], caller: str, body: Any, raw: bytes
    ) -> tuple[int, Any] | None:
        path = path.removeprefix("/v2")
        if path == "/images" and method == "GET":
            wanted = (query.get("visibility"), False)
            shown = (
                i for i in self.images if (i["visibility"], i.get("os_hidden", False)) == wanted
            )
            return 200, {"images": list(shown)}
        if path == "/info/import":
            return 200, {"import-methods": {"value": ["glance-direct"]}}
        if path == "/schemas/image":
            formats = {
                "disk_format": {"enum": [None, "qcow2", "raw"]},
                "container_format": {"enum": [None, "bare"]},
            }
            return 200, {"properties": formats}
        if path == "/images":
            mine = {"owner": PROJECT, "status": "queued", "created_at": ago(0)}
            made = {"id": uuid.uuid4().hex, **mine, **body}
            self.images.append(made)
            return 201, made
        known = path.split("/")[2]
        image = next((one for one in self.images if one["id"] == known), None)
        if image is None:
            return 404, {"message": "no such image"}
        if path.endswith("/file"):
            if method == "PUT" and self.enforces and raw.startswith(b"no image"):
                return 415, {"message": "Image content does not match disk_format"}
            if method == "PUT":
                self.data[known], image["status"] = raw, "active"
                return 204, None
            return 200, self.data[known]
        if method == "DELETE":
            self.images.remove(image)
            return 204, None
        if method == "PATCH":
            for change in body:
                image.pop(change["path"][1:], None)
                if change["op"] != "remove":
                    image[change["path"][1:]] = change["value"]
        return 200, image

    def _network(
        self, method: str, path: str, query: Mapping[str, str], caller: str, body: Any, raw: bytes
    ) -> tuple[int, Any] | None:
        path = path.removeprefix("/v2.0")
        if path == "/default-security-group-rules":
            if self.default_rules is None:
                return 404, {"message": "The resource could not be found."}
            return 200, {"default_security_group_rules": self.default_rules}
        if path == "/security-groups" and method == "POST":
            values = {**body["security_group"], "security_group_rules": self.new_group_rules}
            return 201, {"security_group": self.add("security_groups", values, project_id=PROJECT)}
        if path == "/networks" and query.get("router:external"):
            outside = [one for one in self.all("networks") if one.get("router:external")]
            return 200, {"networks": outside}
        if path.endswith("_router_interface"):
            return 200, {}
        if path.startswith("/rbac-policies"):
            if "POST /rbac-policies" not in self.holes:
                return 403, {"NeutronError": {"message": "rule:create_rbac_policy is disallowed"}}
            return 201, {"rbac_policy": {"id": "1", **(body or {}).get("rbac_policy", {})}}
        if path == "/extensions":
            return 200, {"extensions": [{"alias": one} for one in self.extensions]}
        if path == "/routers" and method == "POST":
            values = dict(body["router"])
            addresses = [{"ip_address": "fd00::1"}, {"ip_address": self.gateway}]
            if values.get("external_gateway_info"):
                values["external_gateway_info"] = {"external_fixed_ips": addresses}
            return 201, {"router": self.add("routers", values, project_id=PROJECT)}
        if path == "/subnets" and method == "POST":
            made = self.add("subnets", lan.subnet(body["subnet"]), project_id=PROJECT)
            return 201, {"subnet": made}
        if path == "/ports" and query.get("network_id"):
            return 200, {"ports": lan.router_ports(self, query["network_id"])}
        if path == "/ports" and query.get("device_id"):
            return 200, {"ports": lan.server_ports(self, query["device_id"])}
        if method == "DELETE" and path.startswith("/networks/"):
            known = path.split("/")[2]
            if lan.in_use(self, known):
                return 409, {"NeutronError": {"message": "There are one or more ports in use"}}
            kept = [one for one in self.all("subnets") if one.get("network_id") != known]
            self.things["subnets"] = kept
        more = ("floatingips", "ports", "address-groups")
        kinds = ("networks", "subnets", "routers", "subnetpools", "security-groups", *more)
        return self._plain(method, path, body, kinds, project_id=PROJECT)

    def _volume(
        self, method: str, path: str, query: Mapping[str, str], caller: str, body: Any, raw: bytes
    ) -> tuple[int, Any] | None:
        path = path.removeprefix(f"/v3/{PROJECT}")
        if path == "/extensions":
            return 200, {"extensions": [{"alias": "backups"}]}
        if path == "/types":
            return 200, {"volume_types": self.all("volume_types")}
        if path == "/os-availability-zone":
            return 200, {"availabilityZoneInfo": self._zones("block-storage")}
        if path == "/volumes" and method == "POST":
            values = body["volume"]
            status = "creating" if "volume" in self.stuck else "available"
            made = self.add("volumes", values, status=status)
            self.data[made["id"]] = self.data.get(values.get("imageRef", ""), b"")
            return 202, {"volume": made}
        if path == "/backups" and method == "POST":
            status = "error" if "backup" in self.stuck else "available"
            made = self.add("backups", body["backup"], status=status)
            self.data[made["id"]] = self.data[body["backup"]["volume_id"]]
            return 202, {"backup": made}
        if match := re.fullmatch(r"/backups/(\w+)/restore", path):
            self.data[body["restore"]["volume_id"]] = self.restores(self.data[match[1]])
            return 202, {"restore": body["restore"]}
        if match := re.fullmatch(r"/volumes/(\w+)/action", path):
            asked = body["os-volume_upload_image"]
            made = {"id": uuid.uuid4().hex, "owner": PROJECT, "name": asked["image_name"]}
            self.images.append({**made, "status": "active", "visibility": "shared"})
            self.data[made["id"]] = self.data[match[1]].ljust(1 << 20, b"\0") + bytes(1 << 20)
            return 202, {"os-volume_upload_image": {"image_id": made["id"]}}
        return self._plain(method, path, body, ("volumes", "backups", "snapshots"))

    def _dns(
        self, method: str, path: str, query: Mapping[str, str], caller: str, body: Any, raw: bytes
    ) -> tuple[int, Any] | None:
        path = path.removeprefix("/v2")
        if path == "/zones" and method == "POST":
            return 202, self.add("zones", body, project_id=PROJECT, status=self.zone_status)
        if path == "/zones":
            return 200, {"zones": self.all("zones")}
        if path.endswith("/recordsets"):
            return 202, {"status": "PENDING", **body}
        if path.endswith("/nameservers"):
            return 200, {"nameservers": [{"hostname": lan.NAME_SERVER, "priority": 1}]}
        zone = next((one for one in self.all("zones") if one["id"] == path.split("/")[2]), None)
        if zone is None:
            return 404, {"message": "no such zone"}
        if method == "DELETE":
            self.all("zones").remove(zone)
            return 202, zone
        return 200, zone

    def _swift(
        self, method: str, path: str, query: Mapping[str, str], caller: str, body: Any, raw: bytes
    ) -> tuple[int, Any] | None:
        container, _, thing = path.removeprefix(f"/v1/AUTH_{PROJECT}").strip("/").partition("/")
        if not container:
            return 200, [{"name": one["name"]} for one in self.all("containers")]
        found = next((one for one in self.all("containers") if one["name"] == container), None)
        if found is None:
            return 404, "no such container"
        if method == "DELETE" and thing:
            found["objects"].remove(thing)
        elif method == "DELETE" and found["objects"]:
            return 409, "not empty"
        elif method == "DELETE":
            self.all("containers").remove(found)
        else:
            return 200, [{"name": name} for name in found["objects"]]
        return 204, None

    def _key_manager(
        self, method: str, path: str, query: Mapping[str, str], caller: str, body: Any, raw: bytes
    ) -> tuple[int, Any] | None:
        path = path.removeprefix("/v1")
        if path == "/secrets" and method == "POST":
            known = uuid.uuid4().hex
            ref = f"{self.base}/key-manager/v1/secrets/{known}"
            self.add("secrets", {"id": known, "secret_ref": ref, **body})
            return 201, {"secret_ref": ref}
        if path.endswith("/payload"):
            known = path.split("/")[2]
            found = next(one for one in self.all("secrets") if one["id"] == known)
            return 200, "gibberish" if "another payload" in self.holes else found["payload"]
        if method == "DELETE" and "secrets stay" in self.holes:
            return 403, {"description": "not for members"}
        if method == "GET" and "no secrets listed" in self.holes:
            return 200, {"secrets": []}
        return self._plain(method, path, body, ("secrets",))

    def _plain(
        self, method: str, path: str, body: Any, kinds: tuple[str, ...], **more: Any
    ) -> tuple[int, Any] | None:
        """Lists, single things, making and deleting of ordinary kinds."""
        parts = path.strip("/").split("/")
        if parts[0] not in kinds:
            return None
        key = parts[0].replace("-", "_")
        single = key.removesuffix("s")
        if parts[1:] in ([], ["detail"]):
            if method == "POST":
                return 201, {single: self.add(key, body[single], **more)}
            return 200, {key: [item for item in self.all(key) if self._mine(item)]}
        found = next((item for item in self.all(key) if item["id"] == parts[1]), None)
        if found is None:
            return 404, {"message": f"no {single} {parts[1]}"}
        if method == "DELETE":
            self.all(key).remove(found)
            return 204, None
        if method == "PATCH":
            found.update(body[single])
        return 200, {single: found}

    def _mine(self, item: Json) -> bool:
        """A list has what is in the project that asks, and what is in none."""
        owner = item.get("tenant_id", self.project) if "project_id" not in item else self.project
        return bool(owner == self.project)

    # Identity, with as much of a policy as domain managers need.

    def _identity(
        self, method: str, path: str, query: Mapping[str, str], caller: str, body: Any, raw: bytes
    ) -> tuple[int, Any] | None:
        path = path.removeprefix("/v3")
        if path in {"", "/"}:
            here = {"rel": "self", "href": f"{self.base}/identity/v3/"}
            return 200, {"version": {"id": "v3.14", "status": "stable", "links": [here]}}
        if not self._may(method, path, query, caller, body):
            return 403, {"error": {"code": 403, "message": "You are not authorized"}}
        if match := re.fullmatch(r"/users/(\w+)/password", path):
            user = next(one for one in self.all("users") if one["id"] == match[1])
            before = user.setdefault("before", [user["password"]])
            wanted = body["user"]["password"]
            wrong = body["user"]["original_password"] != user["password"]
            if wrong or (self.remembers and wanted in before[-self.remembers :]):
                return 400, {"error": {"message": "The password was used before"}}
            user["password"] = wanted
            before.append(wanted)
            return 204, None
        if path == "/roles" and query.get("name"):
            return 200, {"roles": [r for r in self.all("roles") if r["name"] == query["name"]]}
        if re.match(r"/(projects|domains|system)/", path) and "/roles/" in path:
            parts = path.split("/")
            user = next((one for one in self.all("users") if one["id"] == parts[4]), {})
            granted = user.setdefault("roles", [])
            if method == "PUT":
                granted.append(parts[-1].removeprefix("role-"))
            return 204, None
        if method == "GET" and query.get("domain_id"):
            key = path.strip("/")
            mine = [one for one in self.all(key) if one.get("domain_id") == query["domain_id"]]
            return 200, {key: mine}
        if method == "DELETE" and path.startswith("/domains/"):
            for key in ("users", "projects", "groups"):
                known = path.split("/")[2]
                self.things[key] = [one for one in self.all(key) if one.get("domain_id") != known]
        return self._plain(method, path, body, ("users", "projects", "groups", "roles", "domains"))

    def _may(
        self, method: str, path: str, query: Mapping[str, str], caller: str, body: Any
    ) -> bool:
        if caller == "admin":
            return True
        me = next((one for one in self.all("users") if one["name"] == caller), None)
        if me and "admin" in me.get("roles", ()):
            return True
        if me is None or "manager" not in me.get("roles", ()):
            return False
        shape = re.sub(r"/[0-9a-f]{32}", "/ID", path)
        if f"{method} {shape}" in self.holes:
            return True
        if f"no {method} {shape}" in self.holes:
            return False
        parts = path.strip("/").split("/")
        if parts[0] in {"roles", "domains", "system"}:
            return False
        if "roles" in parts and parts[-1] not in {"role-member", "role-reader"}:
            return False
        if method == "POST":
            return bool(next(iter(body.values())).get("domain_id") == me["domain_id"])
        if len(parts) == 1:
            return bool(query.get("domain_id") == me["domain_id"])
        found = [one for one in self.all(parts[0]) if one["id"] == parts[1]]
        return any(bool(one.get("domain_id") == me["domain_id"]) for one in found)

    def token(self, body: Json) -> tuple[str, Json] | None:
        asked = body["auth"]["identity"]["password"]["user"]
        known = [*self.users.values(), *self.all("users")]
        fields = [key for key in ("id", "name") if key in asked]
        user = next((u for u in known if all(u[key] == asked[key] for key in fields)), None)
        if not user or user["password"] != asked["password"]:
            return None
        token = uuid.uuid4().hex
        self.tokens[token] = user
        roles = self.roles_of.get(user["name"], user.get("roles", []))
        values: Json = {
            "methods": ["password"],
            "user": {"id": user["id"], "name": user["name"], "domain": {"id": "d", "name": "D"}},
            "roles": [{"id": name, "name": name} for name in roles],
            "catalog": self.catalog(),
            "expires_at": "2099-01-01T00:00:00.000000Z",
            "issued_at": "2026-01-01T00:00:00.000000Z",
        }
        domain = {"id": "d", "name": "D"}
        if "project" in body["auth"].get("scope", {}):
            meant = body["auth"]["scope"]["project"]
            named = [one for one in self.all("projects") if one["name"] == meant.get("name")]
            project = meant.get("id") or next((one["id"] for one in named), PROJECT)
            name = meant.get("name", "demo")
            values["project"] = {"id": project, "name": name, "domain": domain}
            self.projects[token] = project
        return token, {"token": values}
