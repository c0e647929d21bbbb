# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What scs manages on a node, written down there, and how what is no more wanted goes.

The record lies on the node, so that it is true as long as the node is: it survives a lost
state folder. It holds names and paths, never a secret.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from .base import ConvergeError, Resource, Seen, command, users
from .ceph_osd import TOP as OSDS
from .ceph_osd import drain, purge
from .ceph_pools import delete_account, delete_pool, pool_bytes
from .database import ask, sql

PATH = Path("/var/lib/scs/managed.json")
Item = Mapping[str, Any]
"""`kind`, `name`, `component`, and `data` where its removal would lose data."""
_writing = threading.Lock()


def read() -> dict[str, Item]:
    """Id → item, as written down; nothing when there is no record yet."""
    try:
        items: dict[str, Item] = json.loads(PATH.read_text())["items"]
    except (FileNotFoundError, ValueError, KeyError):
        return {}
    return items


def change(add: Mapping[str, Item], drop: Sequence[str] = ()) -> None:
    """Write the record anew, whole and at once."""
    with _writing:
        items = {**read(), **add}
        for name in drop:
            items.pop(name, None)
        PATH.parent.mkdir(parents=True, exist_ok=True)
        temporary = PATH.with_name(f".{PATH.name}.new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            json.dump({"items": items}, stream, indent=0, sort_keys=True)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(PATH)


@dataclass(frozen=True, kw_only=True)
class Record(Resource):
    """All that is to be managed on this node is in the record. Written before anything is made."""

    kind: ClassVar[str] = "record"
    items: Mapping[str, Item] = field(default_factory=dict)

    @classmethod
    def observe(cls, wanted: Sequence[Record]) -> dict[str, Seen]:
        items = read()
        found: dict[str, Seen] = {}
        for want in wanted:
            gone = {name: item for name, item in items.items() if name not in want.items}
            sizes = {name: _bytes(item) for name, item in gone.items() if item.get("data")}
            missing = [name for name, item in want.items.items() if items.get(name) != item]
            found[want.id] = {"gone": gone, "bytes": sizes, "missing": len(missing)}
        return found

    def compare(self, seen: Seen) -> str | None:
        if not seen:
            return "is missing"
        return f"lacks {seen['missing']} things" if seen["missing"] else None

    def converge(self) -> None:
        change(self.items)


def _bytes(item: Item) -> int:
    """How much data would be lost; 0 when there is none or it can't be told."""
    if item["kind"] == "schema":
        query = "SELECT COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables"
        with suppress(ConvergeError, IndexError, ValueError):
            return int(ask([f"{query} WHERE table_schema = '{item['name']}'"])[0][0])
        return 0
    if item["kind"] == "ceph-pool":
        return pool_bytes(item["name"])
    where = f"{OSDS}/{item['name']}" if item["kind"] == "osd" else item["name"]
    done = subprocess.run(["du", "-sbx", "--", where], capture_output=True, text=True, check=False)
    size = done.stdout.partition("\t")[0]
    return int(size) if size.isdigit() else 0


def _unit(name: str) -> None:
    command(["systemctl", "disable", "--now", name], check=False, timeout=180)
    state = command(["systemctl", "is-active", name], check=False).strip()
    if state in ("active", "activating", "deactivating", "reloading"):
        raise ConvergeError(f"{name} does not stop: it is {state}")
    command(["systemctl", "reset-failed", name], check=False)


def _path(name: str) -> None:
    path = Path(name)
    if path.is_dir() and not path.is_symlink():
        raise ConvergeError(f"{name} is a directory, and should be a file")
    path.unlink(missing_ok=True)
    if path.parent.name.endswith((".service.d", ".socket.d")):
        with suppress(OSError):
            path.parent.rmdir()


def _directory(name: str) -> None:
    with suppress(OSError):  # what others have put there is theirs
        Path(name).rmdir()


def _data(name: str) -> None:
    path = Path(name)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _account(name: str) -> None:
    # 6: there is no such user.
    told = command(["sh", "-c", f"userdel {name} 2>&1; echo $?"])
    code = told.strip().rpartition("\n")[2]
    if code not in ("0", "6"):
        raise ConvergeError(f"userdel {name} ended with {told}")


def _database(name: str) -> None:
    sql("".join(f"DROP USER IF EXISTS '{user}'@'%';" for user in users(name)))


def _schema(name: str) -> None:
    sql(f"DROP DATABASE IF EXISTS `{name}`;")


def _queue(name: str) -> None:
    for noun, going in (("user", users(name)), ("vhost", (name,))):
        listed = command(["rabbitmqctl", "--quiet", f"list_{noun}s"], timeout=60)
        there = {line.split("\t")[0] for line in listed.splitlines()}
        for item in going:
            if item in there:
                command(["rabbitmqctl", "--quiet", f"delete_{noun}", item], timeout=60)


def _bridge(name: str) -> None:
    command(["ovs-vsctl", "--timeout=20", "--if-exists", "del-br", name])


def _hypervisor_secret(name: str) -> None:
    if name in command(["virsh", "--quiet", "--connect", "qemu:///system", "secret-list"]).split():
        command(["virsh", "--quiet", "--connect", "qemu:///system", "secret-undefine", name])


REMOVERS: Mapping[str, tuple[int, Callable[[str], None]]] = {
    "osd": (-1, drain),
    # These are taken out of a service that runs: it may be one of those that go next.
    "bridge": (-1, _bridge),
    "hypervisor-secret": (-1, _hypervisor_secret),
    "unit": (0, _unit),
    "ceph-account": (1, delete_account),
    "ceph-pool": (1, delete_pool),
    "database": (1, _database),
    "queue": (1, _queue),
    "schema": (2, _schema),
    "file": (3, _path),
    "link": (3, _path),
    "data": (4, _data),
    "directory": (5, _directory),
    "account": (6, _account),
}
"""Kind → when it goes, the lowest first, and how."""

ALONE: Mapping[str, Callable[[str], None]] = {"osd": purge}
"""Kind → how it goes when its server goes as well."""

SERVED = ("database", "schema", "queue", "ceph-account", "ceph-pool")
"""Kinds that live in a server: when nobody on a node wants any, the server goes, too."""


@dataclass(frozen=True, kw_only=True)
class Absent(Resource):
    """Something that was managed and is no more wanted; the name is its former id."""

    kind: ClassVar[str] = "absent"
    seen: ClassVar[bool] = False
    what: str
    """Its kind."""
    item: str
    """Its name."""
    served: bool = True
    """Its server is still there."""

    @classmethod
    def observe(cls, wanted: Sequence[Absent]) -> dict[str, Seen]:
        return {}

    def compare(self, seen: Seen) -> str | None:
        return "is no more wanted"

    def converge(self) -> None:
        if self.served:
            REMOVERS[self.what][1](self.item)
        elif self.what in ALONE:
            ALONE[self.what](self.item)
        change({}, drop=[self.name])
