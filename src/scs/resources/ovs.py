# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Settings, bridges and ports of Open vSwitch."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .base import ConvergeError, Resource, Seen, command, patient, unseen

TRIES = 3


def _vsctl(*arguments: str) -> str:
    """All these commands may be repeated: the database drops a connection when it is busy.

    One without a socket does not run, which is an answer.
    """
    for number in range(1, TRIES + 1):
        try:
            return command(["ovs-vsctl", "--timeout=20", *arguments])
        except ConvergeError as error:
            told = str(error)
            dropped = "database connection failed" in told and "No such file" not in told
            if not dropped or number == TRIES:
                raise
            time.sleep(patient(1))
    raise AssertionError("the last try returned or raised")


def rows(table: str) -> list[dict[str, Any]]:
    """The rows of one table of the local switch's database, with maps and sets as Python values."""
    answer = json.loads(_vsctl("--format=json", "list", table))
    return [dict(zip(answer["headings"], map(_value, row), strict=True)) for row in answer["data"]]


def _value(value: Any) -> Any:
    if isinstance(value, list) and len(value) == 2:
        tag, inner = value
        if tag == "map":
            return {key: _value(item) for key, item in inner}
        if tag == "set":
            return [_value(item) for item in inner]
        if tag == "uuid":
            return inner
    return value


@dataclass(frozen=True, kw_only=True)
class SwitchSettings(Resource):
    """Settings of the whole switch: external_ids and other_config."""

    kind: ClassVar[str] = "switch"
    external_ids: Mapping[str, str]
    other_config: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def observe(cls, wanted: Sequence[SwitchSettings]) -> dict[str, Seen]:
        try:
            there = rows("Open_vSwitch")[0] if wanted else {}
        except ConvergeError as error:
            nothing = unseen(error, "the switch's database does not answer")
            return {want.id: nothing for want in wanted}
        keys = ("external_ids", "other_config")
        return {want.id: {key: there[key] for key in keys} for want in wanted}

    def _wrong(self, seen: Seen) -> list[tuple[str, str, str]]:
        return [
            (column, key, value)
            for column, wanted in (
                ("external_ids", self.external_ids),
                ("other_config", self.other_config),
            )
            for key, value in wanted.items()
            if seen.get(column, {}).get(key) != value
        ]

    def compare(self, seen: Seen) -> str | None:
        wrong = self._wrong(seen)
        return f"differs in {', '.join(key for _, key, _ in wrong)}" if wrong else None

    def diff(self, seen: Seen) -> str:
        return "\n".join(
            f"{column}:{key}: {seen.get(column, {}).get(key, 'nothing')} → {value}"
            for column, key, value in self._wrong(seen)
        )

    def converge(self) -> None:
        pairs = [
            f"{column}:{key}={json.dumps(value)}"
            for column, wanted in (
                ("external_ids", self.external_ids),
                ("other_config", self.other_config),
            )
            for key, value in wanted.items()
        ]
        # The switch itself is started after this: nobody is there yet to take the change over.
        _vsctl("--no-wait", "set", "Open_vSwitch", ".", *pairs)


@dataclass(frozen=True, kw_only=True)
class Bridge(Resource):
    """A bridge with these ports (interfaces of the node) and, if given, an address."""

    kind: ClassVar[str] = "bridge"
    ports: tuple[str, ...] = ()
    datapath: str = "system"
    address: str = ""
    """Address with prefix length for the bridge's own interface."""
    mtu: int = 0
    """Bytes; 0 leaves it as it is."""

    @classmethod
    def observe(cls, wanted: Sequence[Bridge]) -> dict[str, Seen]:
        if not wanted:
            return {}
        try:
            bridges = {row["name"]: row for row in rows("Bridge")}
            names = {row["_uuid"]: row["name"] for row in rows("Port")}
            wishes = {row["name"]: row["mtu_request"] for row in rows("Interface")}
        except ConvergeError as error:
            nothing = unseen(error, "the switch's database does not answer")
            return {want.id: nothing for want in wanted}
        found: dict[str, Seen] = {}
        for want in wanted:
            row = bridges.get(want.name)
            if row is None:
                found[want.id] = {}
                continue
            uuids = row["ports"] if isinstance(row["ports"], list) else [row["ports"]]
            addresses = command(["ip", "-j", "address", "show", "dev", want.name], check=False)
            infos = json.loads(addresses) if addresses.startswith("[") else []
            found[want.id] = {
                "datapath": row["datapath_type"] or "system",
                "ports": sorted(names.get(uuid, uuid) for uuid in uuids),
                "mtu": wishes.get(want.name),
                "addresses": [
                    f"{info['local']}/{info['prefixlen']}"
                    for link in infos
                    for info in link.get("addr_info", [])
                ],
                "up": any("UP" in link.get("flags", []) for link in infos),
            }
        return found

    def compare(self, seen: Seen) -> str | None:
        if not seen:
            return "is missing"
        if seen["datapath"] != self.datapath:
            return f"has datapath {seen['datapath']}"
        missing = [port for port in self.ports if port not in seen["ports"]]
        if missing:
            return f"lacks {', '.join(missing)}"
        if self.address and self.address not in seen["addresses"]:
            return f"lacks address {self.address}"
        if self.mtu and seen["mtu"] != self.mtu:
            return f"has MTU {seen['mtu']}"
        return None if seen["up"] else "is down"

    def converge(self) -> None:
        words = ["--may-exist", "add-br", self.name]
        words += ["--", "set", "bridge", self.name, f"datapath_type={self.datapath}"]
        for port in self.ports:
            words += ["--", "--may-exist", "add-port", self.name, port]
            if self.mtu:
                words += ["--", "set", "interface", port, f"mtu_request={self.mtu}"]
        if self.mtu:
            words += ["--", "set", "interface", self.name, f"mtu_request={self.mtu}"]
        _vsctl(*words)
        if self.address:
            command(["ip", "address", "replace", self.address, "dev", self.name])
        command(["ip", "link", "set", self.name, "up"])
