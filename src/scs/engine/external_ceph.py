# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reads and checks what an operator says of a Ceph of their own, before anything is touched."""

from __future__ import annotations

import base64
import binascii
import json
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from configparser import ConfigParser
from configparser import Error as ConfigError
from pathlib import Path

from scs.errors import BadInput, Problem
from scs.model.external import CephCluster
from scs.model.needs import BlockStorage
from scs.patience import patient
from scs.shell import run

CONFIG, KEYRINGS = "external.ceph.config", "external.ceph.keyrings"
KEYRING = re.compile(r"ceph\.(client\.[A-Za-z0-9_.-]+)\.keyring")
BANNERS = (b"ceph v2\n", b"ceph v027")
"""What a monitor says first, on its newer port and on its older one."""
PORTS = (3300, 6789)
SECONDS = 5.0


def cluster(config: Path, folder: Path, read: Callable[[str, Path], str]) -> CephCluster:
    """The cluster that these files describe; raises BadInput with all that is wrong with them.

    `read` takes what names a file in cloud.yaml and its path, and gives its text.
    """
    text = read(CONFIG, config)
    try:
        values = _global(text)
    except ConfigError as error:
        first = str(error).partition("\n")[0]
        raise BadInput(Problem(CONFIG, f"{config} is no ceph.conf: {first}")) from error
    problems = [
        Problem(CONFIG, f"{config} does not say `{name}` in [global]", "take the cluster's own")
        for name in ("fsid", "mon_host")
        if not values.get(name)
    ]
    keys: dict[str, str] = {}
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    for path in paths:
        if named := KEYRING.fullmatch(path.name):
            account = named[1]
            try:
                keys[account] = key_of(read(KEYRINGS, path), account)
            except ValueError as error:
                problems.append(Problem(KEYRINGS, f"{path}: {error}"))
    if not paths:
        what = f"{folder} is no folder, or nothing is in it"
        problems.append(Problem(KEYRINGS, what, "put ceph.client.NAME.keyring files there"))
    if problems:
        raise BadInput(*problems)
    return CephCluster(config=text, monitors=tuple(monitors(values["mon_host"])), keys=keys)


def _global(text: str) -> dict[str, str]:
    """The options of [global], with underscores: Ceph takes spaces and dashes as well."""
    parser = ConfigParser(interpolation=None, strict=False, inline_comment_prefixes=(";", "#"))
    parser.read_string(text)
    found = dict(parser["global"]) if parser.has_section("global") else {}
    return {re.sub(r"[ -]", "_", name): value.strip() for name, value in found.items()}


def key_of(text: str, account: str) -> str:
    """The key of an account in a keyring's text; raises ValueError with what is wrong."""
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        # Ceph indents the lines of a section.
        parser.read_string("\n".join(line.strip() for line in text.splitlines()))
    except ConfigError as error:
        raise ValueError("is no keyring") from error
    if not parser.has_section(account):
        raise ValueError(f"has no [{account}]")
    key = parser[account].get("key", "")
    try:
        raw = base64.b64decode(key, validate=True)
    except binascii.Error as error:
        raise ValueError(f"the key of {account} is none") from error
    if len(raw) < 12 or len(raw) != 12 + int.from_bytes(raw[10:12], "little"):
        raise ValueError(f"the key of {account} is none")
    return key


def monitors(mon_host: str) -> Iterator[tuple[str, int]]:
    """Host and port of each monitor that `mon_host` names; port 0: not said."""
    for word in re.split(r"[\s,;\[\]]+", mon_host):
        plain = re.sub(r"^v\d:", "", word.partition("/")[0])
        host, _, port = plain.rpartition(":") if plain.count(":") == 1 else (plain, "", "")
        if host:
            yield host, int(port) if port.isdigit() else 0


def unreachable(there: CephCluster) -> str:
    """Why no monitor can be reached from here; empty when one answers as a monitor does."""
    told = []
    for host, port in there.monitors:
        for number in (port,) if port else PORTS:
            try:
                with socket.create_connection((host, number), patient(SECONDS)) as link:
                    link.settimeout(patient(SECONDS))
                    if link.recv(9).startswith(BANNERS):
                        return ""
                    told.append(f"{host}:{number} is no monitor of Ceph")
            except OSError as error:
                told.append(f"{host}:{number}: {error}")
    return "; ".join(told)


LOGIN = """
import errno, json, rados, sys
asked = json.load(sys.stdin)
with open("/tmp/ceph.conf", "w") as stream:
    stream.write(asked["config"])
said = {}
for account, (key, pools) in asked["accounts"].items():
    options = {"key": key, "client_mount_timeout": "10", "rados_osd_op_timeout": "10"}
    try:
        with rados.Rados(name=account, conffile="/tmp/ceph.conf", conf=options) as cluster:
            missing = [pool for pool in pools if not cluster.pool_exists(pool)]
        said[account] = f"there is no pool {', '.join(missing)}" if missing else ""
    except rados.Error as error:
        refused = getattr(error, "errno", 0) in (errno.EACCES, errno.EPERM, errno.ENOENT)
        said[account] = f"is not let in with the key of {account}: {error}" if refused else ""
print(json.dumps(said))
"""
"""Run by the nodes' Python: what each account is told. Whoever does not answer says nothing."""

IN_ROOT = 'mount -t tmpfs tmpfs "$1/tmp" && exec chroot "$1" /usr/bin/python3 -B -c "$2"'


def login(there: CephCluster, blocks: Sequence[BlockStorage], root: Path) -> Sequence[Problem]:
    """What the cluster says of accounts and pools, asked from here with the Ceph in `root`.

    `root` is the nodes' own file system, before there is any node; nothing is left in it.
    """
    accounts = {
        f"client.{need.name}": (there.keys[f"client.{need.name}"], (*need.pools, *need.reads))
        for need in blocks
        if f"client.{need.name}" in there.keys
    }
    said = json.loads(
        run(
            [
                "unshare",
                "--mount",
                "--propagation=private",
                "sh",
                "-ec",
                IN_ROOT,
                "sh",
                root,
                LOGIN,
            ],
            where="external.ceph",
            stdin=json.dumps({"config": there.config, "accounts": accounts}),
            timeout=20 * (len(accounts) + 1),
        )
        .strip()
        .splitlines()[-1]
    )
    return [
        Problem(KEYRINGS if "key" in why else CONFIG, f"{account}: {why}", "nothing was changed")
        for account, why in said.items()
        if why
    ]
