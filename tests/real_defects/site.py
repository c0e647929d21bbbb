# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The cloud that defects are made in: its administrator, its nodes, and what certify sees."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from real_defects.record import Record, Step
from scs.certify.cloud import Asked, Run, session_of
from scs.certify.run import Result, certify, now
from scs.certify.wire import Limiter
from scs.errors import BadInput
from scs.patience import patient
from scs.standards.model import Answer, Check, CouldNotRun, Needs, Scope
from scs.standards.scopes import IAAS_5_1

MARK = "scs-defect"
"""The name of things that are made, and the end of the names of files that are kept."""
RATE = 100.0
"""Requests a second: the cloud is ours."""
NODE_SECONDS = 300

OnNode = Callable[[str, str, bytes], str]
"""Runs a shell script on a node, with a standard input; gives what it said."""


class Unfit(Exception):
    """This cloud has nothing in which the defect could be made."""


class Admin(Asked):
    """The administrator, who finds the identity service also when the catalog has lost it."""

    def url(self, service: str) -> str:
        if service != "identity":
            return super().url(service)
        address = str(getattr(self._session.auth, "auth_url", "")).rstrip("/")
        return address if address.endswith("/v3") else f"{address}/v3"


def over_ssh(argv: Mapping[str, Sequence[str]]) -> OnNode:
    """Reaches nodes by the ssh command of each."""

    def run(node: str, script: str, stdin: bytes) -> str:
        done = subprocess.run(
            [*argv[node], script],
            input=stdin,
            capture_output=True,
            timeout=patient(NODE_SECONDS),
            check=False,
        )
        if done.returncode:
            said = (done.stderr or done.stdout).decode(errors="replace").strip()[-300:]
            raise CouldNotRun(f"on {node}: {said or f'ended with {done.returncode}'}")
        return done.stdout.decode(errors="replace")

    return run


@dataclass
class Site:
    """One cloud, by its names in clouds.yaml."""

    member: str
    administrator: str
    record: Record
    control: Sequence[str] = ()
    """The nodes on which the API is served."""
    on_node: OnNode = field(default_factory=lambda: over_ssh({}))
    scope: Scope = IAAS_5_1

    # As certify sees it.

    @cached_property
    def checks(self) -> Mapping[str, Check]:
        return {check.id: check for _, check, _ in self.scope.checks}

    def look(self, *checks: str) -> Mapping[str, Result]:
        """What the certifier says now; with the administrator only where one needs that.

        Raises CouldNotRun where nobody is let in.
        """
        session, region, interface = session_of(self.member)
        needed = any(Needs.ADMIN in self.checks[one].needs for one in checks)
        boss = session_of(self.administrator)[0] if needed else None
        cloud = Asked(session, region, interface, Run(now(), Limiter(RATE, 8)), boss)
        try:
            report = certify(cloud, self.scope, self.member, checks)
        except BadInput as error:  # no token, for one
            raise CouldNotRun(str(error)) from error
        return {result.check.id: result for result in report.results}

    # As its administrator.

    @cached_property
    def admin(self) -> Admin:
        session, region, interface = session_of(self.administrator)
        run = Run(now(), Limiter(RATE, 8))
        return Admin(session, region, interface, run, who="administrator")

    def anew(self) -> None:
        """Log in again: the catalog may be another one."""
        self.__dict__.pop("admin", None)

    def ask(
        self,
        method: str,
        service: str,
        path: str,
        json: Any = None,
        *,
        microversion: str = "",
        fine: Sequence[int] = (),
        data: bytes | None = None,
    ) -> Answer:
        """Ask as administrator; raises CouldNotRun if the answer is no success and not fine."""
        answer = self.admin.send(method, service, path, json, microversion=microversion, data=data)
        return answer if answer.status in fine else answer.checked()

    def listed(self, service: str, path: str, key: str, microversion: str = "") -> list[Any]:
        """A list as it is now."""
        self.admin.run.once = type(self.admin.run.once)()
        return self.admin.items(service, path, key, microversion)

    # On its nodes.

    def on(self, node: str, script: str, stdin: bytes = b"") -> str:
        return self.on_node(node, script, stdin)

    # Undoing.

    def before(self, *steps: Step) -> None:
        """Tell what undoes the change that comes now."""
        self.record.add(*steps)

    def undo(self, keep: int = 0) -> None:
        """Undo what was recorded, but for the first `keep` changes; raises CouldNotRun."""
        self.record.undo(self._do, keep)

    def _do(self, step: Step) -> None:
        values = dict(step)
        match values.pop("do"):
            case "ask":
                self.ask(**values)
            case "remove":
                self._remove(**values)
            case "ensure":
                self._ensure(**values)
            case "on":
                self.on(**values)
            case other:
                raise CouldNotRun(f"nobody knows how to undo {other!r}")

    def _found(self, service: str, path: str, key: str, where: Mapping[str, Any]) -> list[Any]:
        return [
            item
            for item in self.listed(service, path, key)
            if all(item.get(name) == value for name, value in where.items())
        ]

    def _remove(
        self, service: str, path: str, key: str, where: Mapping[str, Any], but: Sequence[str]
    ) -> None:
        for item in self._found(service, path, key, where):
            if item["id"] not in but:
                self.ask("DELETE", service, f"{path}/{item['id']}", fine=[404])

    def _ensure(self, service: str, path: str, key: str, where: Any, json: Any) -> None:
        if not self._found(service, path, key, where):
            self.ask("POST", service, path, json)

    # What most changes are made of.

    def make(
        self,
        service: str,
        path: str,
        single: str,
        values: Mapping[str, Any],
        known_by: Sequence[str] = ("name",),
    ) -> Answer:
        """Make one thing whose id only the service knows.

        Undoing removes what was not there before and has the same values in `known_by`.
        """
        key = f"{single}s"
        known = [item["id"] for item in self.listed(service, path, key)]
        where = {name: values[name] for name in known_by}
        self.before(
            {
                "do": "remove",
                "service": service,
                "path": path,
                "key": key,
                "where": where,
                "but": known,
            }
        )
        return self.ask("POST", service, path, {single: dict(values)})

    def change(
        self,
        method: str,
        service: str,
        path: str,
        json: Any,
        back: Any,
        microversion: str = "",
    ) -> None:
        """Change one thing; `back` is the body that changes it back."""
        step = {
            "do": "ask",
            "method": method,
            "service": service,
            "path": path,
            "json": back,
            "microversion": microversion,
        }
        self.before(step)
        self.ask(method, service, path, json, microversion=microversion)
