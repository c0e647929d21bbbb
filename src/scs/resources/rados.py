# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Asking Ceph's monitors: many commands by one short-lived client.

The client is a process of its own: librados waits on when monitors do not answer, and a process
can be ended.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .base import ConvergeError, command

Command = Mapping[str, Any]
Asked = Command | tuple[Command, str]
"""A command, with its input where it takes any."""

PROGRAM = """
import json, rados, sys
from concurrent.futures import ThreadPoolExecutor
asked = json.load(sys.stdin)
options = {"client_mount_timeout": asked["seconds"], "rados_mon_op_timeout": asked["seconds"],
           "rados_osd_op_timeout": asked["seconds"]}
def answer(cluster, item):
    text = json.dumps(item["command"])
    for_manager = item["command"].get("target", [""])[0] == "mon-mgr"
    ask = cluster.mgr_command if for_manager else cluster.mon_command
    code, out, err = ask(text, item["input"].encode())
    return [code, out.decode(), err]
options = {name: str(value) for name, value in options.items()}
try:
    with rados.Rados(name=asked["account"], conffile=asked["config"], conf=options) as cluster:
        def work(chain):
            answers = []
            for item in chain:
                answers.append(answer(cluster, item))
                if answers[-1][0] and asked["strict"]:
                    break
            return answers
        with ThreadPoolExecutor(max_workers=16) as pool:
            answers = list(pool.map(work, asked["chains"]))
except rados.Error as error:
    print(json.dumps({"error": str(error)}))
else:
    print(json.dumps({"answers": answers}))
"""


class Answer(NamedTuple):
    """What a monitor answers."""

    code: int
    """0, or a negative error number."""
    out: str
    err: str

    @property
    def values(self) -> Any:
        return json.loads(self.out)


class Silent(ConvergeError):
    """No monitor answers, or none lets the account in."""


def ask(
    commands: Sequence[Asked],
    *,
    account: str = "client.admin",
    config: str = "/etc/ceph/ceph.conf",
    seconds: int = 20,
    strict: bool = True,
) -> list[Answer]:
    """The answers to these commands, in order; as `ask_chains` for a single chain."""
    (answers,) = ask_chains(
        [commands], account=account, config=config, seconds=seconds, strict=strict
    )
    return answers


def ask_chains(
    chains: Sequence[Sequence[Asked]],
    *,
    account: str = "client.admin",
    config: str = "/etc/ceph/ceph.conf",
    seconds: int = 20,
    strict: bool = True,
) -> list[list[Answer]]:
    """The answers to chains of commands: one after the other in a chain, chains side by side.

    Monitors agree on changes once a second, and then on all that are there. Raises Silent when
    nobody answers, and ConvergeError, if `strict`, with the first command that failed: those
    after it in its chain are not sent. An input never appears in an error.
    """
    sent = [
        [(item if isinstance(item, tuple) else (item, "")) for item in chain] for chain in chains
    ]
    question = {
        "account": account,
        "config": config,
        "seconds": seconds,
        "strict": strict,
        "chains": [
            [{"command": {"format": "json", **item}, "input": text} for item, text in chain]
            for chain in sent
        ],
    }
    told = command(
        ["/usr/bin/python3", "-c", PROGRAM],
        stdin=json.dumps(question),
        timeout=seconds * (max(map(len, sent), default=0) + 1),
    )
    answer = json.loads(told.strip().splitlines()[-1])
    if "error" in answer:
        raise Silent(f"{account}: {answer['error']}")
    answers = [[Answer(*item) for item in chain] for chain in answer["answers"]]
    for chain, told_of in zip(sent, answers, strict=True):
        for (item, _), got in zip(chain, told_of, strict=False):
            if got.code and strict:
                raise ConvergeError(f"Ceph refuses `{item['prefix']}` ({got.code}): {got.err}")
    return answers
