# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A cloud on paper that can be changed: fakes at the seam that talks to nodes, and nowhere else.

`PaperCloud` is the state of all nodes and of the API, as plain values; with a path it is kept
on the disk after each step, so that a process may be killed and the next one finds what was
done. `PaperSession` is a real session on it: only its hand, its provider and the connections of
its executor are fakes. What a node shows is what `scs.resources` would observe on a real one,
and what converging does is what those kinds mean; compare, plan, order and records are real.
"""

from __future__ import annotations

import copy
import fnmatch
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from scs.api.clients import Clients
from scs.api.executor import Executor
from scs.api.kinds import Kind
from scs.engine.apply import apply
from scs.engine.events import Events
from scs.engine.hand import Hand
from scs.engine.known import KnownOptions
from scs.engine.recording import Recording
from scs.engine.session import Look, Session
from scs.engine.ssh import Watcher
from scs.errors import Problem
from scs.images import BuiltImage
from scs.model.objects import ApiObject, Person, Quota
from scs.model.topology import Node
from scs.model.view import View
from scs.providers import Connection, Lack, NodeFacts, NodeState
from scs.providers.local import LocalProvider
from scs.resources import (
    Absent,
    Account,
    Bridge,
    CephPools,
    ConvergeError,
    Database,
    Directory,
    File,
    Gate,
    HypervisorSecret,
    Keys,
    Leftovers,
    Link,
    Migration,
    Monitor,
    Osd,
    Packages,
    QueueAccounts,
    Record,
    Resource,
    Restored,
    Seen,
    SwitchSettings,
    Unit,
    build,
)
from scs.resources.graph import attempt, schedule
from scs.shell import Say
from scs.spec import CloudSpec

SILENT = {"unseen": "it does not answer"}
FACTS = NodeFacts(container=True, ovs_datapath="netdev", virt_type="qemu")
Values = dict[str, Any]


class PaperCloud:
    """All that there is: nodes, the things on them, and the API's objects."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.clock = 0
        """Counts changes: what is later has a higher number."""
        self.running: set[str] = set()
        self.nodes: dict[str, dict[str, Values]] = {}
        """Node → id → the thing."""
        self.api: dict[str, Values] = {}
        self.cores = 20
        """The quota of the first project."""
        self.broken: set[str] = set()
        """Ids of steps that fail."""
        self.at_step: Callable[[str, str], None] = lambda _where, _step: None
        """Called before a step; may raise or end the process."""
        self.lock = threading.RLock()
        if path is not None and path.exists():
            kept = json.loads(path.read_text())
            self.clock, self.running = kept["clock"], set(kept["running"])
            self.nodes, self.api = kept["nodes"], kept["api"]

    def keep(self) -> None:
        """Have it survive the process."""
        if self.path is None:
            return
        values = {
            "clock": self.clock,
            "running": sorted(self.running),
            "nodes": self.nodes,
            "api": self.api,
        }
        temporary = self.path.with_suffix(".new")
        temporary.write_text(json.dumps(values))
        temporary.replace(self.path)

    def now(self) -> int:
        self.clock += 1
        return self.clock

    def copied(self) -> PaperCloud:
        """The same cloud again, to be changed on its own."""
        other = PaperCloud()
        other.clock, other.running = self.clock, set(self.running)
        other.nodes, other.api = copy.deepcopy(self.nodes), copy.deepcopy(self.api)
        return other

    def snapshot(self) -> dict[tuple[str, str], str]:
        """(where, id) → the whole thing as text, to compare."""
        found = {
            (node, name): json.dumps(values, sort_keys=True)
            for node, things in self.nodes.items()
            for name, values in things.items()
        }
        found |= {
            ("api", name): json.dumps(item, sort_keys=True) for name, item in self.api.items()
        }
        return found

    def active(self, node: str, component: str) -> bool:
        """Whether all units of a component run on a node (and there are some)."""
        units = [
            values
            for name, values in self.nodes.get(node, {}).items()
            if name.startswith("unit:") and values["component"] == component
        ]
        return bool(units) and all(unit["active"] == "active" for unit in units)


class PaperNode:
    """One node: shows and makes what resources say."""

    def __init__(self, cloud: PaperCloud, name: str) -> None:
        self.cloud = cloud
        self.name = name
        self.things = cloud.nodes.setdefault(name, {})

    # Looking: the same values as the kinds' own `observe`.

    def observe(self, item: Resource) -> Seen:
        thing = self.things.get(item.id)
        match item:
            case Packages():
                there = thing or {}
                return {name: there[name] for name in item.packages if name in there}
            case Account() | Directory() | Link():
                return _plain(thing, "home", "groups", "owner", "group", "mode", "target")
            case Leftovers():
                left = [name.rpartition("/")[2] for name in self._left(item)]
                return {"left": left} if left else {}
            case File():
                if thing is None:
                    return {}
                digest = sha256(thing["content"].encode()).hexdigest()
                seen = {"sha256": digest, **_plain(thing, "owner", "group", "mode")}
                if digest != item.sha256 and not item.secret:
                    seen["content"] = thing["content"]
                return seen
            case Unit():
                return self._unit(item, thing)
            case Database():
                if not self.cloud.active(self.name, item.component):
                    return SILENT
                there = thing or {"databases": [], "accounts": {}, "grants": {}}
                known = there["accounts"]
                return {
                    "databases": there["databases"],
                    "wrong": [user for user, word in item.accounts if known.get(user) != word],
                    "grants": there["grants"],
                    "left": [user for user in item.gone if user in known],
                }
            case Restored():
                return thing or {"there": False}
            case Migration():
                if not self._database_answers():
                    return SILENT
                return {"wrong": (thing or {"wrong": "was never done"})["wrong"]}
            case QueueAccounts():
                if not self.cloud.active(self.name, item.component):
                    return {user: "amqp: connection refused" for user, _, _ in item.accounts}
                there = thing or {}
                return {
                    user: "" if there.get(user) == password else f"refuses user {user}"
                    for user, password, _ in item.accounts + item.gone
                }
            case Keys() | HypervisorSecret():
                return thing or {}
            case SwitchSettings() | Bridge():
                return _plain(
                    thing,
                    "external_ids",
                    "other_config",
                    "datapath",
                    "ports",
                    "mtu",
                    "addresses",
                    "up",
                )
            case Monitor():
                return thing or {"there": False, "made": ""}
            case Osd():
                return thing or {"number": "", "made": False, "foreign": "", "block": False}
            case CephPools():
                if not self.cloud.active(self.name, item.component):
                    return SILENT
                return thing or {"wrong": [*item.accounts], "pools": {}, "unset": []}
            case Record():
                noted = (thing or {"items": {}})["items"]
                missing = [name for name, want in item.items.items() if noted.get(name) != want]
                gone = {name: was for name, was in noted.items() if name not in item.items}
                return {"gone": gone, "bytes": {}, "missing": len(missing)}
        raise TypeError(f"no fake of {item.kind}")

    def _left(self, item: Leftovers) -> list[str]:
        """The files that have one of our names in a folder and should not be there."""
        keep = {f"file:{item.name}/{name}" for name in item.keep}
        return sorted(
            name
            for name in fnmatch.filter(self.things, f"file:{item.name}/{item.pattern}")
            if name not in keep
        )

    def _unit(self, item: Unit, thing: Values | None) -> Seen:
        if thing is None:
            return {
                "loaded": "",
                "active": "inactive",
                "sub": "dead",
                "enabled": "",
                "since": 0,
                "late": [],
                "wrong": "",
            }
        late = [
            path
            for path in item.reads
            if any(
                self.things.get(f"{kind}:{path}", {}).get("time", 0)
                > thing["changed" if item.reloadable(path) else "started"]
                for kind in ("file", "link", "leftovers")
            )
        ]
        running = thing["active"] == "active"
        return {
            "loaded": "loaded",
            "active": thing["active"],
            "sub": "running" if running else "dead",
            "enabled": thing["enabled"],
            "since": 1000.0 + thing["changed"],
            "late": late if running else [],
            "wrong": "",
        }

    def _database_answers(self) -> bool:
        # Wherever accounts were made, there is the database.
        givers = {
            (node, values["component"])
            for node, things in self.cloud.nodes.items()
            for name, values in things.items()
            if name.startswith("database-server:")
        }
        return any(self.cloud.active(node, component) for node, component in givers)

    # Making.

    def converge(self, item: Resource) -> None:
        cloud = self.cloud
        with cloud.lock:
            cloud.at_step(self.name, item.id)
            if item.id in cloud.broken:
                raise ConvergeError(f"{item.id} does not want to")
            self._converge(item)
            cloud.keep()

    def _converge(self, item: Resource) -> None:
        now = self.cloud.now()
        match item:
            case Gate():
                return
            case Packages():
                self.things[item.id] = dict.fromkeys(item.packages, "1.0")
            case Account():
                groups = sorted({*self.things.get(item.id, {}).get("groups", ()), *item.groups})
                self.things[item.id] = {"home": item.home, "groups": groups}
            case Directory():
                self.things[item.id] = _owned(item)
            case File():
                self.things[item.id] = {**_owned(item), "content": item.content, "time": now}
            case Leftovers():
                for name in self._left(item):
                    del self.things[name]
                self.things[item.id] = {"time": now}
            case Link():
                self.things[item.id] = {"target": item.target, "time": now}
            case Unit():
                known = self.things.get(item.id)
                late = self._unit(item, known)["late"]
                reloads = bool(late) and all(map(item.reloadable, late))
                self.things[item.id] = {
                    "component": item.component,
                    "active": "active",
                    "enabled": "enabled",
                    "started": known["started"] if known is not None and reloads else now,
                    "changed": now,
                }
            case Database():
                self.things[f"database-server:{item.component}"] = {"component": item.component}
                if item.why(self.observe(item)) is None:
                    return
                self.things[item.id] = {
                    "databases": sorted(item.databases),
                    "accounts": dict(item.accounts),
                    "grants": {user: sorted(item.databases) for user, _ in item.accounts},
                }
            case Restored():
                self.things[item.id] = {"there": True}
            case Migration():
                self.things[item.id] = {"wrong": ""}
            case QueueAccounts():
                self.things[item.id] = {user: word for user, word, _ in item.accounts}
            case Keys():
                self.things[item.id] = {
                    str(number): sha256(key.encode()).hexdigest() for number, key in item.keys
                }
            case HypervisorSecret():
                self.things[item.id] = {"same": True}
            case SwitchSettings():
                self.things[item.id] = {
                    "external_ids": dict(item.external_ids),
                    "other_config": dict(item.other_config),
                }
            case Bridge():
                self.things[item.id] = {
                    "datapath": item.datapath,
                    "ports": sorted(item.ports),
                    "mtu": item.mtu,
                    "addresses": [item.address] if item.address else [],
                    "up": True,
                }
            case Monitor():
                self.things[item.id] = {"there": True, "made": item.fsid}
            case Osd():
                self.things[f"file:{item.paths[0]}"] = {"time": now}
                self.things[item.id] = {"number": "0", "made": True, "foreign": "", "block": True}
            case CephPools():
                pools = {
                    name: {
                        "size": item.replicas,
                        "domain": item.domain,
                        "application": [wanted["application"]],
                    }
                    for name, wanted in item.pools.items()
                }
                self.things[item.id] = {"wrong": [], "pools": pools, "unset": []}
            case Record():
                noted = self.things.get(item.id, {"items": {}})["items"]
                self.things[item.id] = {"items": {**noted, **item.items}}
            case Absent():
                self.things.pop(item.name, None)
                noted = self.things["record:managed"]["items"]
                kept = {name: was for name, was in noted.items() if name != item.name}
                self.things["record:managed"] = {"items": kept}
            case _:
                raise TypeError(f"no fake of {item.kind}")


def _plain(thing: Values | None, *keys: str) -> Values:
    return {key: thing[key] for key in keys if key in thing} if thing else {}


def _owned(item: File | Directory) -> Values:
    return {"owner": item.owner, "group": item.group, "mode": item.mode}


class PaperWatcher(Watcher):
    """Nothing to follow: the fake hand tells of its steps itself."""

    def __init__(self) -> None:
        """Needs no connection."""

    def close(self) -> None:
        pass


class PaperHand(Hand):
    """Looks at and changes paper; answers in the real one's shapes, by way of payloads."""

    def __init__(self, cloud: PaperCloud) -> None:
        super().__init__()
        self.cloud = cloud
        self.told: dict[str, Events] = {}
        self.calls: list[tuple[str, tuple[str, ...]]] = []
        """(observe or converge, nodes): the round trips."""

    def start(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def observe(
        self,
        nodes: Mapping[str, Connection],
        payloads: Mapping[str, Sequence[Mapping[str, Any]]],
    ) -> dict[str, dict[str, Seen]]:
        self.calls.append(("observe", tuple(nodes)))
        return {
            name: {
                item.id: PaperNode(self.cloud, name).observe(item) for item in _sent(payloads[name])
            }
            for name in nodes
        }

    def converge(
        self,
        nodes: Mapping[str, Connection],
        payloads: Mapping[str, Sequence[Mapping[str, Any]]],
        run: str,
    ) -> dict[str, list[dict[str, Any]]]:
        self.calls.append(("converge", tuple(nodes)))
        answers = {}
        for name in nodes:
            steps = {item.id: item for item in _sent(payloads[name])}
            node, tell = PaperNode(self.cloud, name), self.told[name].told(name)

            def work(
                step: str,
                node: PaperNode = node,
                steps: dict[str, Resource] = steps,
                tell: Callable[[Mapping[str, object]], None] = tell,
            ) -> Any:
                return attempt(step, lambda: node.converge(steps[step]), tell)

            after = {step: set(item.after) for step, item in steps.items()}
            answers[name] = [outcome.__dict__ for outcome in schedule(after, work, width=4)]
        return answers

    def watch(self, events: Events, node: str, link: Connection, run: str) -> Watcher:
        self.told[node] = events
        return PaperWatcher()


def _sent(payloads: Sequence[Mapping[str, Any]]) -> list[Resource]:
    return [build(item) for item in json.loads(json.dumps(list(payloads)))]


class PaperProvider:
    """Nodes that are made by writing them down."""

    def __init__(self, cloud: PaperCloud, key: Path) -> None:
        self.cloud = cloud
        self.key = key

    def preflight(self, *, online: bool = True) -> Sequence[Problem]:
        return []

    def observe(self) -> Mapping[str, NodeState]:
        return {
            name: NodeState(name, True, name in self.cloud.running, "is not running")
            for name in self.cloud.nodes
        }

    def lacks(self) -> Sequence[Lack]:
        return []

    def facts(self) -> NodeFacts:
        return FACTS

    def create(self, nodes: Sequence[Node], say: Say) -> None:
        for node in nodes:
            with self.cloud.lock:
                self.cloud.at_step("this machine", f"node:{node.name}")
                things = self.cloud.nodes.setdefault(node.name, {})
                if node.name not in self.cloud.running:
                    for name, values in things.items():
                        if name.startswith("unit:"):  # all is started at boot
                            on = values["enabled"] == "enabled"
                            values["active"] = "active" if on else "inactive"
                            values["started"] = values["changed"] = self.cloud.now()
                    self.cloud.running.add(node.name)
                self.cloud.keep()

    def connection(self, node: Node) -> Connection:
        return Connection(str(node.address), "root", self.key, self.key)

    def remove(self, say: Say) -> None:
        self.cloud.nodes.clear()
        self.cloud.running.clear()
        self.cloud.api.clear()
        self.cloud.keep()


class PaperStock:
    """No layers and no images are needed on paper."""

    complete = True

    def layers(self, _say: Say) -> Sequence[Path]:
        return []

    def start_beside(self, parts: Sequence[str]) -> Sequence[Future[Path]]:
        assert not parts, "no environment is made on paper"
        return []

    def start_images(self) -> None:
        pass

    def start_options(self, known: KnownOptions) -> None:
        pass

    def built(self, recipe: str) -> BuiltImage:
        raise LookupError(recipe)


class PaperKind(Kind[ApiObject]):
    """A kind of API object: its comparison is the real one's."""

    def __init__(self, cloud: PaperCloud, real: Kind[Any]) -> None:
        self.cloud = cloud
        self.real = real

    def observe(self, clients: Clients, wanted: Sequence[ApiObject]) -> dict[str, Any]:
        with self.cloud.lock:
            found = {want.id: copy.deepcopy(self.cloud.api.get(want.id, {})) for want in wanted}
            # Every project has some, whoever made it.
            limits = {"cores": self.cloud.cores}
            return {
                want.id: limits | found[want.id] if isinstance(want, Quota) else found[want.id]
                for want in wanted
            }

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
    "server": lambda want, known: {
        **known,
        "status": "ACTIVE",
        "floating": "10.0.0.9",
        "ssh": True,
    },
    "image": lambda want, known: {**known, "status": "active"},
    "network": lambda want, known: {
        **known,
        "subnets": sorted(subnet.name for subnet in want.subnets),
    },
    "router": lambda want, known: {**known, "gateway": True, "subnets": sorted(want.subnets)},
    "security-group": lambda want, known: {**known, "ingress": _rules(want)},
    "aggregate": lambda want, known: {
        **known,
        "zone": want.zone,
        "hosts": sorted(want.hosts),
        "properties": dict(want.properties),
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


class PaperSession(Session):
    """A real session of a cloud on paper; its state folder is where SCS_STATE says."""

    def __init__(
        self, cloud: PaperCloud, spec: CloudSpec, folder: Path, command: str = "up"
    ) -> None:
        super().__init__(spec, folder, command, PaperHand(cloud))
        self.cloud = cloud
        self.run_id = f"{self.run_id}-{time.monotonic_ns()}"
        self.stock = cast("Any", PaperStock())

    @cached_property
    def provider(self) -> LocalProvider:
        return cast("LocalProvider", PaperProvider(self.cloud, self.paths.state / "key"))

    def executor(self, view: View) -> Executor:
        return PaperExecutor(self.cloud, Clients(view, self.paths.state / "ca.pem"))


class World:
    """A cloud on paper with its cloud.yaml and its state folder (SCS_STATE must say where)."""

    def __init__(self, cloud: PaperCloud, folder: Path) -> None:
        self.cloud = cloud
        self.folder = folder
        self.yaml: dict[str, Any] = {"name": "paper"}

    @property
    def node(self) -> dict[str, Any]:
        """What there is on the first node."""
        return self.cloud.nodes["node-1"]

    @property
    def state(self) -> Path:
        return self.folder / "state" / "paper"

    def secrets(self) -> set[str]:
        """The values of all its secrets."""
        kept = self.session().secrets
        return {kept(name) for name in kept}

    def session(self, command: str = "up") -> PaperSession:
        spec = CloudSpec.model_validate(self.yaml)
        return PaperSession(self.cloud, spec, self.folder, command)

    def up(self) -> PaperSession:
        """What the command `up` does, without its words."""
        with self.session() as session, Recording(session, time.time()) as recording:
            look = session.look()
            if look.plan:
                apply(session, look, recording)
        return session

    def plan(self) -> Look:
        with self.session("plan") as session:
            return session.look()
