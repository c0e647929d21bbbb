# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""System users of services."""

from __future__ import annotations

import grp
import pwd
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from .base import Resource, Seen, command

_ONE = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Account(Resource):
    """A system user with a group of its own, no shell and these further groups."""

    kind: ClassVar[str] = "account"
    home: str = "/nonexistent"
    groups: tuple[str, ...] = ()

    @classmethod
    def observe(cls, wanted: Sequence[Account]) -> dict[str, Seen]:
        found: dict[str, Seen] = {}
        for want in wanted:
            try:
                entry = pwd.getpwnam(want.name)
            except KeyError:
                found[want.id] = {}
                continue
            member = [group.gr_name for group in grp.getgrall() if want.name in group.gr_mem]
            found[want.id] = {"home": entry.pw_dir, "groups": sorted(member)}
        return found

    def compare(self, seen: Seen) -> str | None:
        if not seen:
            return "is missing"
        missing = sorted(set(self.groups) - set(seen["groups"]))
        return f"not in {', '.join(missing)}" if missing else None

    def converge(self) -> None:
        # Side by side, one of these programs can undo what another one has just written.
        with _ONE:
            self._make()

    def _make(self) -> None:
        try:
            pwd.getpwnam(self.name)
        except KeyError:
            # The group may be there already, made for a user who is to be in it.
            command(["groupadd", "--system", "--force", self.name])
            base = ["useradd", "--system", "--gid", self.name, "--shell", "/usr/sbin/nologin"]
            command([*base, "--home-dir", self.home, "--no-create-home", self.name])
        for group in self.groups:
            # It may belong to a component whose turn comes later.
            command(["groupadd", "--system", "--force", group])
        if self.groups:
            command(["usermod", "--append", "--groups", ",".join(self.groups), self.name])
