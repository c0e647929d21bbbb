# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Accounts and virtual hosts of the message queue."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from .base import CANT_BE_SEEN, ConvergeError, Resource, Seen, command, unseen
from .probe import ask_all, until

DEFINITIONS = Path("/var/lib/rabbitmq/.scs-accounts.json")


@dataclass(frozen=True, kw_only=True)
class QueueAccounts(Resource):
    """One virtual host per service and the account (two while it is rotated) that may use it.

    All accounts are one resource, because each call of rabbitmqctl costs a start of Erlang.
    """

    kind: ClassVar[str] = "queue"
    host: str
    port: int
    accounts: tuple[tuple[str, str, str], ...]
    """User, password and virtual host."""
    gone: tuple[tuple[str, str, str], ...] = ()
    """The same of users that must not be let in any more."""

    @classmethod
    def observe(cls, wanted: Sequence[QueueAccounts]) -> dict[str, Seen]:
        probes = {
            f"{want.id} {user}": {
                "type": "amqp",
                "host": want.host,
                "port": want.port,
                "vhost": vhost,
                "user": user,
                "password": password,
            }
            for want in wanted
            for user, password, vhost in want.accounts + want.gone
        }
        answers = ask_all(probes)
        return {
            want.id: {
                user: answers[f"{want.id} {user}"] for user, _, _ in want.accounts + want.gone
            }
            for want in wanted
        }

    def compare(self, seen: Seen) -> str | None:
        answers = {user: str(seen.get(user, "missing")) for user, _, _ in self.accounts}
        if answers and all(answer.startswith("amqp: ") for answer in answers.values()):
            return f"{CANT_BE_SEEN}: the message queue does not answer"
        wrong = [user for user, answer in answers.items() if answer]
        if wrong:
            return f"cannot be used: {', '.join(wrong)}"
        left = [user for user, _, _ in self.gone if not seen.get(user, "missing")]
        return f"is to be removed: {', '.join(left)}" if left else None

    def converge(self) -> None:
        names = sorted({vhost for _, _, vhost in self.accounts})
        definitions = {
            "users": [
                {"name": user, "password": password, "tags": ""}
                for user, password, _ in self.accounts
            ],
            "vhosts": [{"name": name, "default_queue_type": "quorum"} for name in names],
            "permissions": [
                {"user": user, "vhost": vhost, "configure": ".*", "write": ".*", "read": ".*"}
                for user, _, vhost in self.accounts
            ],
        }
        # rabbitmqctl reads the file as its own user; from standard input it would wait forever.
        descriptor = os.open(DEFINITIONS, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "w") as stream:
                shutil.chown(DEFINITIONS, "rabbitmq", "rabbitmq")
                stream.write(json.dumps(definitions))
            command(["rabbitmqctl", "import_definitions", str(DEFINITIONS)], timeout=120)
        finally:
            DEFINITIONS.unlink()
        for user, _, _ in self.gone:
            command(["rabbitmqctl", "delete_user", user], timeout=60, check=False)


@dataclass(frozen=True, kw_only=True)
class QueueFeature(Resource):
    """A feature flag of the message queue that is enabled on all of its nodes."""

    kind: ClassVar[str] = "queue-feature"
    members: tuple[str, ...]
    """The nodes, by what they are called in the queue. One that joins while what it joins changes
    its store has been seen to be of no use for ever after."""

    @classmethod
    def observe(cls, wanted: Sequence[QueueFeature]) -> dict[str, Seen]:
        if not wanted:
            return {}
        if shutil.which("rabbitmqctl") is None:
            return {want.id: {} for want in wanted}
        try:
            # Before it runs, rabbitmqctl would start Erlang's port mapper, in the way of its unit.
            command(["systemctl", "is-active", "rabbitmq-server"])
            told = command(["rabbitmqctl", "-q", "list_feature_flags", "name", "state"])
        except ConvergeError as error:
            nothing = unseen(error, "the message queue does not answer")
            return {want.id: nothing for want in wanted}
        states = dict(line.split()[:2] for line in told.splitlines() if len(line.split()) > 1)
        return {want.id: {"state": states.get(want.name, "unknown")} for want in wanted}

    def compare(self, seen: Seen) -> str | None:
        state = seen.get("state", "unknown")
        return None if state == "enabled" else f"is {state}"

    def converge(self) -> None:
        def wrong() -> str:
            asked = ["rabbitmqctl", "-q", "cluster_status", "--formatter=json"]
            enable = ["rabbitmqctl", "-q", "enable_feature_flag", "--opt-in", self.name]
            try:
                away = set(self.members) - set(json.loads(command(asked))["running_nodes"])
                if away:
                    return f"{', '.join(sorted(away))} has not joined yet"
                command(enable, timeout=120)
            except ConvergeError as error:
                return str(error)  # a member that joins is away for a moment
            return ""

        until(wrong, 300)
