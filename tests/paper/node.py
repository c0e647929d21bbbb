# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A node on paper: shows what the kinds of resources observe, makes what they mean."""

from __future__ import annotations

import fnmatch
from hashlib import sha256
from itertools import pairwise

from paper.cloud import PaperCloud, Values
from scs.resources import (
    Absent,
    Account,
    Bridge,
    CephPools,
    Check,
    ConvergeError,
    Database,
    Directory,
    File,
    Gate,
    HealthAccount,
    HypervisorSecret,
    Keys,
    Leftovers,
    Link,
    Migration,
    Monitor,
    Osd,
    Packages,
    QueueAccounts,
    QueueFeature,
    Reboot,
    Record,
    Resource,
    Restored,
    Seen,
    Sum,
    SwitchSettings,
    Unit,
    Updates,
)
from scs.resources.migration import Found
from scs.resources.schema import Schema, release_of

SILENT = {"unseen": "it does not answer"}
RELEASES = ("2025.2", "2026.1", "2026.2", "2027.1")
"""Those that revisions on paper are of."""


def schema(release: str) -> Schema:
    """The revisions that a release's environment knows."""
    kinds = ("expand", "contract")
    follows: dict[str, list[str]] = {f"{kind}-{RELEASES[0]}": [] for kind in kinds}
    for before, name in pairwise(name for name in RELEASES if name <= release):
        follows |= {f"{kind}-{name}": [f"{kind}-{before}"] for kind in kinds}
    expand, contract = (f"{kind}-{release}" for kind in kinds)
    return Schema(frozenset({expand, contract}), frozenset({expand}), follows)


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
            case File() | Sum():
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
            case Restored() | HealthAccount():
                return thing or {"there": False}
            case Migration():
                if not self._database_answers():
                    return SILENT
                known = thing or {"wrong": ""}
                judged = item.judge(self._found(item, known))
                return {**judged, "wrong": known["wrong"] or judged["wrong"]}
            case QueueFeature():
                return thing or {"state": "disabled"}
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
            case Updates():
                system = self.cloud.systems[self.name]
                coming = system.get("packages", {})
                return {"packages": coming, "used": [*set(coming) & set(system.get("used", ()))]}
            case Reboot():
                system = self.cloud.systems[self.name]
                return {**_plain(system, "boot", "behind"), "starts": False}
            case Check():
                return {"answer": self.things.get("wrong", {}).get(item.id, "")}
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
            **({"held": True} if thing.get("held") else {}),
        }

    def _found(self, item: Migration, thing: Values) -> Found:
        """What the databases say: of each release the one revision that comes, and one that takes
        something away.
        """
        release = release_of(item.environment)
        rows: list[str] = thing.get("revisions", [])
        return Found(
            schemas=dict.fromkeys(item.proofs.values(), schema(release)),
            versions=dict.fromkeys(item.proofs, rows),
            rows=[answer.splitlines() if thing else [] for answer in item.rows.values()],
            held=thing.get("held", ""),
            running=self._running(),
        )

    def _running(self) -> str:
        return release_of(self.things.get("link:/opt/scs/openstack", {}).get("target", ""))

    def _migrated(self, item: Migration) -> Values:
        """What a migration makes of it; notes what leads back as the real one does."""
        thing = self.things.get(item.id, {"held": "", "revisions": []})
        release, seen = release_of(item.environment), self.observe(item)
        held = thing.get("held", "")
        if item.why(seen) is None or seen["do"] == "back":
            return {**thing, "wrong": ""}
        if not held and "" < self._running() < release:
            held = self._running()
        rows = [f"expand-{release}", f"contract-{release}"]
        if seen["do"] == "expand" and item.expand:
            rows = [rows[0], *(row for row in thing["revisions"] if row.startswith("contract"))]
        return {
            "wrong": "",
            "held": "" if seen["do"] == "finish" else held,
            "revisions": rows if item.proofs else [],
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
        cloud = self.cloud
        now = cloud.now()
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
                if item.turn and known is not None and known["active"] == "active" and late:
                    known["held"] = True
                    cloud.keep()
                    cloud.at_step(self.name, f"held {item.id}")
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
            case Restored() | HealthAccount():
                self.things[item.id] = {"there": True}
            case Migration():
                self.things[item.id] = self._migrated(item)
            case QueueFeature():
                self.things[item.id] = {"state": "enabled"}
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
            case Updates():
                system = self.cloud.systems[self.name]
                if {*system.get("packages", {})} & {*system.get("used", ())}:
                    system["behind"] = ["a process"]
                system["packages"] = {}
            case Reboot():
                self._reboot(item)
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

    def _reboot(self, item: Reboot) -> None:
        """The node starts anew, and is well by itself, but for members that are held."""
        if item.was != self.cloud.systems[self.name]["boot"]:
            return
        for unit in item.turns:
            self.things[f"unit:{unit}"]["held"] = True
        self.cloud.keep()
        self.cloud.at_step(self.name, f"held for {item.id}")
        self.cloud.boot(self.name)


def _plain(thing: Values | None, *keys: str) -> Values:
    return {key: thing[key] for key in keys if key in thing} if thing else {}


def _owned(item: File | Directory) -> Values:
    return {"owner": item.owner, "group": item.group, "mode": item.mode}
