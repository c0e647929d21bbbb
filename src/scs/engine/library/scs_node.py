#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The Ansible module that converges everything on a node in one call."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import zlib
from pathlib import Path

from ansible.module_utils import resources
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.resources.base import PATIENCE
from ansible.module_utils.resources.graph import run

PROGRESS = Path("/run/scs/progress")
LOCK = Path("/run/scs/at-work")
STOP = Path("/run/scs/stop")


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            # Holds secrets: no_log keeps it out of the node's journal.
            "payload": {"type": "str", "required": True, "no_log": True},
            "run": {"type": "str", "default": ""},
            "patience": {"type": "int", "default": 1},
        },
    )
    os.environ[PATIENCE] = str(module.params["patience"])
    packed = base64.b64decode(module.params["payload"])
    wanted = [resources.build(item) for item in json.loads(zlib.decompress(packed))]
    PROGRESS.mkdir(mode=0o700, parents=True, exist_ok=True)
    with LOCK.open("a") as lock:
        # One whose scs was killed may still be at work here: what it does now it brings to an end.
        # Two migrations of a database at the same time would be the end of both.
        STOP.touch()
        fcntl.flock(lock, fcntl.LOCK_EX)
        STOP.unlink()
        for old in PROGRESS.iterdir():
            old.unlink()
        with (PROGRESS / (module.params["run"] or "run")).open("a", buffering=1) as stream:
            outcomes = run(
                wanted,
                lambda event: print(json.dumps(event), file=stream),
                width=48,
                stop=STOP.exists,
            )
    module.exit_json(changed=True, answer=pack([outcome.__dict__ for outcome in outcomes]))


def pack(value: object) -> str:
    """Text that Ansible neither looks into nor rewrites."""
    return base64.b64encode(zlib.compress(json.dumps(value).encode())).decode()


if __name__ == "__main__":
    os.environ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    main()
