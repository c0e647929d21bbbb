# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Nova and Neutron on paper, by their HTTP API: hosts that may be lost, and guests that move."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from paper.cloud import PaperCloud
from scs.api.clients import Clients, Unavailable
from scs.model.view import View
from scs.providers import Connection
from scs.providers.reach import Said

SIZE = {"vcpus": 1, "ram": 1024, "disk": 5, "ephemeral": 0, "swap": 0}
START = datetime(2026, 11, 27, 12, tzinfo=UTC)


class PaperNova(Clients):
    """The API as the administrator's connection shows it, and the ways to nodes beside it."""

    def __init__(self, cloud: PaperCloud, view: View) -> None:
        super().__init__(view, Path("/nonexistent"))
        self.cloud = cloud
        self.now = START
        self.services: dict[str, dict[str, Any]] = {}
        self.agents: dict[str, bool] = {}
        self.servers: dict[str, dict[str, Any]] = {}
        self.migrations: list[dict[str, Any]] = []
        self.room: dict[str, int] = {}
        """Host → how many more guests it takes."""
        self.changes: list[str] = []
        """What was changed, in order."""
        self.away = 0
        """How many of the next changes are not answered."""
        self.heard: set[tuple[str, str]] = set()
        """(node, what answers there) although it is silent from here."""
        self.deaf: set[str] = set()
        """Nodes that can't be asked."""
        self.silent: set[str] = set()
        """Nodes that do not answer from here."""
        for node in view.nodes:
            for binary in ("nova-compute", "nova-scheduler"):
                self._service(node.name, binary)
            self.agents[node.name] = True
            self.room[node.name] = 100

    def _service(self, host: str, binary: str) -> None:
        self.services[f"{binary}-{host}"] = {
            "id": f"{binary}-{host}",
            "binary": binary,
            "host": host,
            "state": "up",
            "status": "enabled",
            "forced_down": False,
            "disabled_reason": None,
            "updated_at": self.now,
        }

    # What happens to it.

    def boot(self, name: str, host: str, **values: Any) -> str:
        """A guest of that name and id on a host."""
        states = {"ACTIVE": "active", "SHUTOFF": "stopped", "ERROR": "error", "REBOOT": "active"}
        status = values.get("status", "ACTIVE")
        self.servers[name] = {
            "OS-EXT-STS:vm_state": states.get(status, status.lower()),
            "id": name,
            "name": name,
            "status": "ACTIVE",
            "OS-EXT-SRV-ATTR:host": host,
            "OS-EXT-STS:task_state": None,
            "metadata": {},
            "flavor": {"extra_specs": {}},
            "image": {"id": "an-image"},
            "locked": False,
            "created": f"2026-11-{len(self.servers) + 1:02}T00:00:00Z",
            **values,
        }
        self.servers[name]["flavor"] = {**SIZE, **self.servers[name]["flavor"]}
        return name

    def pass_by(self, seconds: float) -> None:
        """So much time goes by: whatever runs gives its signs of life."""
        self.now += timedelta(seconds=seconds)
        for item in self.services.values():
            if item["host"] in self.cloud.running:
                item["updated_at"] = self.now

    def lose(self, *nodes: str, seconds: float = 20) -> None:
        """These nodes have had no power for so long."""
        self.cloud.running -= set(nodes)
        self.silent |= set(nodes)
        self.pass_by(seconds)

    # Ways to nodes.

    def greets(self, address: str, port: int) -> bool:
        assert port == 22
        names = {str(node.address): node.name for node in self.view.nodes}
        return names[address] not in self.silent

    def talk(self, link: Connection, words: str, given: Any, seconds: float) -> Said:
        assert "shakes_hands" in str(given)
        assert seconds > 1
        names = {str(node.address): node.name for node in self.view.nodes}
        name = names[link.host]
        if name in self.deaf or name not in self.cloud.running:
            return Said(255, "", "no route to host")
        asked = json.loads(words.partition("'")[2].rpartition("'")[0])
        heard = {
            node: [what for what, _, _ in doors if (node, what) in self.heard]
            for node, doors in asked.items()
        }
        return Said(0, f"{json.dumps(heard)}\n", "")

    # The API.

    def refresh(self) -> None:
        """There is no session to be made anew."""

    def moment(self) -> Self:
        return self

    def rest(
        self, service: str, path: str, key: str, *, project: str = "", microversion: str = ""
    ) -> list[dict[str, Any]]:
        parts = urlsplit(path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        found: Sequence[Mapping[str, Any]]
        match parts.path:
            case "/os-services":
                binary = asked.get("binary")
                shown = [
                    item for item in self.services.values() if binary in (None, item["binary"])
                ]
                found = [self._shown(item) for item in shown]
            case "/os-hypervisors/detail":
                shown = [
                    item for item in self.services.values() if item["binary"] == "nova-compute"
                ]
                found = [
                    {"service": item, "state": self._shown(item)["state"], **_status(item)}
                    for item in shown
                ]
            case "/v2.0/agents":
                found = [{"host": host, "alive": alive} for host, alive in self.agents.items()]
            case "/servers/detail":
                assert asked["all_tenants"] == "1"
                for item in self.servers.values():
                    self._go_on(item)
                found = [
                    item
                    for item in self.servers.values()
                    if asked.get("host") in (None, item["OS-EXT-SRV-ATTR:host"])
                    and asked.get("uuid") in (None, item["id"])
                ]
            case "/os-migrations":
                found = [
                    item
                    for item in self.migrations
                    if item["source_compute"] == asked["source_compute"]
                ]
            case told if told.endswith("/os-instance-actions"):
                found = [{"action": "live-migration", "message": "No valid host was found."}]
            case _:
                raise AssertionError(path)
        assert service == ("network" if key == "agents" else "compute")
        return [dict(item) for item in found]

    def whole(self, service: str, path: str) -> dict[str, Any]:
        assert service == "placement"
        _, *rest = path.removeprefix("/resource_providers").split("/")
        if not rest:
            known = [{"uuid": f"of-{name}", "name": name} for name in self.room]
            return {"resource_providers": known}
        host, what = rest[0].removeprefix("of-"), rest[1]
        if what == "usages":
            return {"usages": {"VCPU": 2, "MEMORY_MB": 1024}}
        ratios = {"VCPU": 4.0, "MEMORY_MB": 1.0, "DISK_GB": 1.0}
        totals = {"VCPU": 25, "MEMORY_MB": 1024 * (self.room[host] + 2), "DISK_GB": 1000}
        return {
            "inventories": {
                kind: {"total": totals[kind], "reserved": 0, "allocation_ratio": ratio}
                | ({"reserved": 1024} if kind == "MEMORY_MB" else {})
                for kind, ratio in ratios.items()
            }
        }

    def _shown(self, item: Mapping[str, Any]) -> dict[str, Any]:
        old = (self.now - item["updated_at"]).total_seconds() > 60
        moment = item["updated_at"].strftime("%Y-%m-%dT%H:%M:%S.000000")
        state = "down" if old or item["forced_down"] else "up"
        return {**item, "state": state, "updated_at": moment}

    def _go_on(self, server: dict[str, Any]) -> None:
        """One that moves gets on each time that somebody looks."""
        task = server["OS-EXT-STS:task_state"]
        if task == "rebuild_spawning":
            server["OS-EXT-STS:task_state"] = None
            server["status"] = "SHUTOFF" if server["status"] == "SHUTOFF" else "ACTIVE"
        elif task in ("migrating", "powering-off", "powering-on"):
            if server["OS-EXT-SRV-ATTR:host"] in self.cloud.running:
                self._done(server, task)
        elif task == "rebuilding":
            source = server["OS-EXT-SRV-ATTR:host"]
            free = self._free(source)
            move = {"instance_uuid": server["id"], "source_compute": source}
            if not free:
                server |= {"OS-EXT-STS:task_state": None, "status": "ERROR"}
                server["fault"] = {"message": "No valid host was found."}
                self.migrations.append({**move, "status": "error"})
                return
            self.room[free[0]] -= 1
            server["OS-EXT-SRV-ATTR:host"] = free[0]
            server["OS-EXT-STS:task_state"] = "rebuild_spawning"
            self.migrations.append({**move, "status": "done"})

    def change(
        self,
        method: str,
        service: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        microversion: str = "",
    ) -> Any:
        assert service == "compute"
        assert microversion == "2.88", "from 2.95 on guests that ran would stay stopped"
        if self.away:
            self.away -= 1
            raise Unavailable("compute: answered 503")
        if found := re.fullmatch("/os-services/(.+)", path):
            assert method == "PUT"
            item = self.services[found[1]]
            for key, value in (body or {}).items():
                self.cloud.at_step("api", f"{item['host']} {key} {value}")
                self.changes.append(f"{item['host']}: {key} {value}")
                item[key] = value
            item["updated_at"] = self.now
            return {}
        found = re.fullmatch("/servers/(.+)/action", path)
        assert found, path
        if found[1] not in self.servers:
            raise RuntimeError(f"compute {path}: 404 no such server")
        server = self.servers[found[1]]
        host = self.services[f"nova-compute-{server['OS-EXT-SRV-ATTR:host']}"]
        (verb,) = body or {}
        if verb != "evacuate":
            self._order(server, verb)
            return {}
        assert body == {"evacuate": {}}
        self.cloud.at_step("api", f"evacuate {server['id']}")
        if self._shown(host)["state"] == "up":
            raise RuntimeError("compute: 409 the host is still in use")
        # The end of it: whoever is started while the other still runs loses its data.
        assert host["host"] not in self.cloud.running, "evacuated from a host that runs"
        self.changes.append(f"evacuate {server['id']}")
        server["OS-EXT-STS:task_state"] = "rebuilding"
        return {}

    def _order(self, server: dict[str, Any], verb: str) -> None:
        """What its owner, or an administrator, wants of a guest whose host is up."""
        self.cloud.at_step("api", f"{verb} {server['id']}")
        tasks = {
            "os-migrateLive": ("migrating", {"ACTIVE", "PAUSED"}),
            "os-stop": ("powering-off", {"ACTIVE", "ERROR"}),
            "os-start": ("powering-on", {"SHUTOFF"}),
        }
        task, able = tasks[verb]
        if server["status"] not in able or server["OS-EXT-STS:task_state"]:
            raise RuntimeError(f"compute: 409 cannot {verb} while it is {server['status']}")
        self.changes.append(f"{verb} {server['id']}")
        server["OS-EXT-STS:task_state"] = task

    def _free(self, source: str) -> list[str]:
        """The hosts that take one more guest from another one."""
        return [
            item["host"]
            for item in self.services.values()
            if item["binary"] == "nova-compute"
            and item["host"] != source
            and self._shown(item)["state"] == "up"
            and item["status"] == "enabled"
            and self.room[item["host"]] > 0
        ]

    def _done(self, server: dict[str, Any], task: str) -> None:
        """The end of what was ordered."""
        server["OS-EXT-STS:task_state"] = None
        if task == "migrating":
            source = server["OS-EXT-SRV-ATTR:host"]
            for host in self._free(source)[:1]:
                self.room[host] -= 1
                self.room[source] += 1
                server["OS-EXT-SRV-ATTR:host"] = host
            return
        stops = task == "powering-off"
        server["status"] = "SHUTOFF" if stops else "ACTIVE"
        server["OS-EXT-STS:vm_state"] = "stopped" if stops else "active"


def _status(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"status": item["status"]}
