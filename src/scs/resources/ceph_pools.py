# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Accounts and pools of Ceph: all in one resource, because asking costs a client's start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .base import CANT_BE_SEEN, ConvergeError, Resource, Seen
from .probe import until
from .rados import Asked, Command, ask, ask_chains

SPREAD_SECONDS = 300
"""How long disks of new nodes may take to come up before copies are put there."""


@dataclass(frozen=True, kw_only=True)
class CephPools(Resource):
    """What others need of a cluster. Pools that are no more wanted stay: see record.py."""

    kind: ClassVar[str] = "ceph"
    accounts: Mapping[str, Mapping[str, str]]
    """Account → kind of daemon → what it may do there."""
    keys: Mapping[str, str] = field(repr=False)
    pools: Mapping[str, Mapping[str, Any]]
    """Pool → `application`, and the number of placement groups it begins with (`groups`)."""
    replicas: int
    domain: str
    """What no two copies have in common: `host` or `osd`."""
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Whose → option → value, in the cluster's own configuration: taken over at once."""

    @classmethod
    def observe(cls, wanted: Sequence[CephPools]) -> dict[str, Seen]:
        return {want.id: want._look() for want in wanted}

    def _look(self) -> Seen:
        asked = ("auth ls", "osd pool ls", "config dump", "osd crush rule dump")
        commands: list[Command] = [{"prefix": name} for name in asked]
        commands[1] = {"prefix": "osd pool ls", "detail": "detail"}
        try:
            accounts, pools, settings, rules = (item.values for item in ask(commands))
        except ConvergeError as error:
            return {"unseen": str(error).partition("\n")[0]}
        known = {item["entity"]: item for item in accounts["auth_dump"]}
        wrong = [
            name
            for name, caps in self.accounts.items()
            if known.get(name, {}).get("caps") != dict(caps)
            or known[name]["key"] != self.keys[name]
        ]
        steps = [
            (rule, step)
            for rule in rules
            for step in rule["steps"]
            if step["op"].startswith("choose")
        ]
        domains = {rule["rule_id"]: step["type"] for rule, step in steps}
        there = {
            item["pool_name"]: {
                "size": item["size"],
                "domain": domains.get(item["crush_rule"], ""),
                "application": sorted(item["application_metadata"]),
            }
            for item in pools
            if item["pool_name"] in self.pools
        }
        values = {
            ("/".join(filter(None, (item["section"], item["mask"]))), item["name"]): item["value"]
            for item in settings
        }
        unset = [
            f"{who} {name}"
            for who, options in self.settings.items()
            for name, value in options.items()
            if values.get((who, name)) != value
        ]
        named = {rule["rule_name"]: step["type"] for rule, step in steps}
        return {"wrong": wrong, "pools": there, "unset": unset, "rules": named}

    def compare(self, seen: Seen) -> str | None:
        if not seen:
            return f"{CANT_BE_SEEN}: the monitors do not answer"
        told = []
        if seen["wrong"]:
            told.append(f"accounts {', '.join(seen['wrong'])}")
        bad = [name for name in self.pools if self._pool(name, seen["pools"], "")]
        if bad:
            told.append(f"pools {', '.join(bad)}")
        if seen["unset"]:
            told.append(f"settings {', '.join(seen['unset'])}")
        return f"are not as wanted: {'; '.join(told)}" if told else None

    def _pool(self, name: str, there: Mapping[str, Any], rule: str) -> list[Command]:
        """What brings a pool about, with that CRUSH rule."""
        wanted = self.pools[name]
        known = there.get(name)
        if known is None:
            return list(self._new(name, wanted, rule))
        found: list[Command] = []
        if known["size"] != self.replicas:
            sure = {"yes_i_really_mean_it": True} if self.replicas == 1 else {}
            found.append(_set(name, "size", str(self.replicas), **sure))
        if known["domain"] != self.domain:
            found.append(_set(name, "crush_rule", rule))
        if wanted["application"] not in known["application"]:
            found.append(_enable(name, wanted["application"]))
        return found

    def _new(self, name: str, wanted: Mapping[str, Any], rule: str) -> Iterator[Command]:
        groups = wanted["groups"]
        sure = name.startswith(".") or self.replicas == 1
        yield {
            "prefix": "osd pool create",
            "pool": name,
            "pg_num": groups,
            "pgp_num": groups,
            # Else the autoscaler shrinks pools that are still empty.
            "pg_num_min": groups,
            "pool_type": "replicated",
            "rule": rule,
            "size": self.replicas,
            "autoscale_mode": "on",
            **({"yes_i_really_mean_it": True} if sure else {}),
        }
        yield _enable(name, wanted["application"])

    def _too_narrow(self) -> str:
        """Why copies can't be spread as wanted yet; empty when there are disks for each."""
        (tree,) = (item.values for item in ask([{"prefix": "osd tree"}]))
        things = {item["id"]: item for item in tree["nodes"]}
        up = {item["id"] for item in things.values() if item.get("status") == "up"}
        ready = [
            item
            for item in things.values()
            if item["type"] == self.domain and up & {item["id"], *item.get("children", ())}
        ]
        if len(ready) >= self.replicas:
            return ""
        need = f"{self.replicas} copies need as many {self.domain}s"
        return f"{need} with disks that are up: {len(ready)}"

    def converge(self) -> None:
        seen = self._look()
        if "unseen" in seen:
            raise ConvergeError(f"the monitors do not answer: {seen['unseen']}")
        rule = next((n for n, domain in seen["rules"].items() if domain == self.domain), "")
        if not rule:
            rule = f"scs-{self.domain}"
            prefix = "osd crush rule create-replicated"
            ask([{"prefix": prefix, "name": rule, "root": "default", "type": self.domain}])
        if any(known["domain"] not in ("", self.domain) for known in seen["pools"].values()):
            # Where copies find no place, nobody can write until they do.
            until(self._too_narrow, SPREAD_SECONDS)
        # What pools there may be depends on them.
        ask_chains(
            [
                [{"prefix": "config set", "who": who, "name": option, "value": value}]
                for who, options in self.settings.items()
                for option, value in options.items()
                if f"{who} {option}" in seen["unset"]
            ]
        )
        chains: list[list[Asked]] = []
        for name in seen["wrong"]:
            lines = [f"[{name}]", f"key = {self.keys[name]}"]
            lines += [f'caps {kind} = "{text}"' for kind, text in self.accounts[name].items()]
            # Replaced as a whole; clients that are in stay in.
            chains.append([({"prefix": "auth import"}, "\n".join(lines) + "\n")])
        chains += [list(self._pool(name, seen["pools"], rule)) for name in self.pools]
        ask_chains(chains, seconds=60)


def _set(pool: str, var: str, val: str, **more: Any) -> Command:
    return {"prefix": "osd pool set", "pool": pool, "var": var, "val": val, **more}


def _enable(pool: str, application: str) -> Command:
    return {"prefix": "osd pool application enable", "pool": pool, "app": application}


def delete_account(name: str) -> None:
    ask([{"prefix": "auth rm", "entity": f"client.{name}"}])


def delete_pool(name: str) -> None:
    """Delete a pool with all that is in it; the switch that guards pools is on for that moment."""
    guard = {"prefix": "config set", "who": "mon", "name": "mon_allow_pool_delete"}
    gone = {"pool": name, "pool2": name, "yes_i_really_really_mean_it": True}
    ask([{**guard, "value": "true"}])
    try:
        ask([{"prefix": "osd pool delete", **gone}], seconds=60)
    finally:
        ask([{**guard, "value": "false"}])


def pool_bytes(name: str) -> int:
    """Bytes that are stored in a pool, counted once; 0 when it can't be told."""
    with suppress(ConvergeError, ValueError, KeyError):
        for pool in ask([{"prefix": "df"}], seconds=5)[0].values["pools"]:
            if pool["name"] == name:
                return int(pool["stats"]["stored"])
    return 0
