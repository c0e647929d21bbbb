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

PROGRAM = """
import json, rados, sys
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
        answers = []
        for item in asked["commands"]:
            answers.append(answer(cluster, item))
            if answers[-1][0] and asked["strict"]:
                break
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
    commands: Sequence[Command | tuple[Command, str]],
    *,
    account: str = "client.admin",
    config: str = "/etc/ceph/ceph.conf",
    seconds: int = 20,
    strict: bool = True,
) -> list[Answer]:
    """The answers to these commands (each with its input, if it takes any), in order.

    Raises Silent when nobody answers, and ConvergeError, if `strict`, with the first command
    that failed: those after it are not sent. An input never appears in an error.
    """
    sent = [(item if isinstance(item, tuple) else (item, "")) for item in commands]
    question = {
        "account": account,
        "config": config,
        "seconds": seconds,
        "strict": strict,
        "commands": [{"command": {"format": "json", **item}, "input": text} for item, text in sent],
    }
    told = command(
        ["/usr/bin/python3", "-c", PROGRAM],
        stdin=json.dumps(question),
        timeout=seconds * (len(sent) + 1),
    )
    answer = json.loads(told.strip().splitlines()[-1])
    if "error" in answer:
        raise Silent(f"{account}: {answer['error']}")
    answers = [Answer(*item) for item in answer["answers"]]
    for (item, _), got in zip(sent, answers, strict=False):
        if got.code and strict:
            raise ConvergeError(f"Ceph refuses `{item['prefix']}` ({got.code}): {got.err}")
    return answers
