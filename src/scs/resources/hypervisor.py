# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Keys that the hypervisor knows, so that it can open guests' disks in Ceph."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from .base import ConvergeError, Resource, Seen, command, unseen

XML = """\
<secret ephemeral='no' private='no'>
  <uuid>{uuid}</uuid>
  <usage type='ceph'><name>{usage}</name></usage>
</secret>
"""
KEY = re.compile(r"^\s*key\s*=\s*(\S+)\s*$", re.MULTILINE)


def _virsh(*words: str, stdin: str | None = None) -> str:
    argv = ["virsh", "--quiet", "--connect", "qemu:///system", *words]
    return command(argv, stdin=stdin, timeout=30)


@dataclass(frozen=True, kw_only=True)
class HypervisorSecret(Resource):
    """The key in a keyring of Ceph as a secret of libvirt's; the name is the secret's UUID.

    The key itself goes nowhere: it is taken from the keyring on the node.
    """

    kind: ClassVar[str] = "hypervisor-secret"
    usage: str
    """What it is for, unique on the node."""
    keyring: str
    """The path of the keyring."""

    @classmethod
    def observe(cls, wanted: Sequence[HypervisorSecret]) -> dict[str, Seen]:
        if not wanted:
            return {}
        try:
            known = _virsh("secret-list").split()
            return {want.id: want._seen() if want.name in known else {} for want in wanted}
        except ConvergeError as error:
            nothing = unseen(error, "the hypervisor does not answer")
            return {want.id: nothing for want in wanted}

    def _seen(self) -> Seen:
        try:
            value = _virsh("secret-get-value", self.name).strip()
        except ConvergeError:  # defined, and has no value yet
            value = ""
        return {"same": bool(value) and value == self._key()}

    def _key(self) -> str:
        """The key as the keyring has it (base64); empty when there is none."""
        try:
            found = KEY.search(Path(self.keyring).read_text())
        except FileNotFoundError:
            return ""
        return found[1] if found else ""

    def compare(self, seen: Seen) -> str | None:
        if not seen:
            return "is missing"
        return None if seen["same"] else f"is not the key in {self.keyring}"

    def converge(self) -> None:
        key = self._key()
        if not key:
            raise ConvergeError(f"{self.keyring} holds no key")
        # By standard input: a command line can be read by everybody on the node.
        text = XML.format(uuid=self.name, usage=self.usage)
        _virsh("secret-define", "/dev/stdin", stdin=text)
        _virsh("secret-set-value", self.name, "--file", "/dev/stdin", stdin=key)
