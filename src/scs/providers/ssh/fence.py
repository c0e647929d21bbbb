# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Switching machines off by a program of the operator's, run on the machine that runs scs.

Only the operator knows how that goes: IPMI, Redfish, a switched socket. Passwords for it stay with
the program, on no node of the cloud and not in cloud.yaml.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from scs.errors import CommandFailed, Problem, ScsError
from scs.model.topology import Node
from scs.patience import patient
from scs.shell import run

CALL_SECONDS = 20
"""How long one call of the program may take."""
OFF_SECONDS = 60
"""How long a machine may take from the order to being off."""
PACE = 1.0


class Switch:
    """The operator's program: `off NODE ADDRESS` and `status NODE ADDRESS`."""

    def __init__(self, program: Path) -> None:
        self._program = program

    def unusable(self) -> str:
        """Why it can't be run; empty when it can."""
        if not self._program.is_file():
            return f"instance_ha.fence: there is no file {self._program}"
        if not os.access(self._program, os.X_OK):
            return f"instance_ha.fence: {self._program} can't be run: chmod +x"
        return ""

    def off(self, node: Node) -> bool | None:
        """Whether the machine is off; None when the program does not say `on` or `off`."""
        try:
            said = run(
                [self._program, "status", node.name, str(node.address)], timeout=CALL_SECONDS
            )
        except CommandFailed:
            return None
        # Warnings may come before it.
        word = said.split()[-1].lower() if said.split() else ""
        return {"off": True, "on": False}.get(word)

    def fence(self, node: Node) -> None:
        """Have it switched off, and wait until it is; raises ScsError unless that is proven."""
        if self.off(node):
            return
        hint = f"switch it off by hand, and see what this says: {self._program} status {node.name}"
        run(
            [self._program, "off", node.name, str(node.address)],
            where=f"node {node.name}",
            hint=hint,
            timeout=CALL_SECONDS,
        )
        end = time.monotonic() + patient(OFF_SECONDS)
        while not self.off(node):
            if time.monotonic() > end:
                what = f"was ordered off and is not proven off after {patient(OFF_SECONDS):.0f} s"
                raise ScsError(Problem(f"node {node.name}", what, hint))
            time.sleep(PACE)
