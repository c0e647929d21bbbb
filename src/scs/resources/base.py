# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What every kind of resource on a node has in common.

This package also runs on nodes (Ansible ships it there as module utilities), so it imports
nothing but the standard library and its own siblings.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar, Self

Seen = Mapping[str, Any]
"""What was observed of one resource, as plain JSON values; empty when it does not exist."""


CANT_BE_SEEN = "can't be seen"
"""How the reason begins when something could not be looked at, and may be right all the same."""


def users(name: str) -> tuple[str, str]:
    """The two accounts of that name that take turns when a password is rotated."""
    return name, f"{name}-b"


class ConvergeError(Exception):
    """A resource could not be made as wanted; the text ends with the command's output."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One thing on a node that scs wants to be so.

    A kind says how it is looked at (`observe`, many at once), what is different
    (`compare`, pure) and how it is brought about (`converge`). Whether that worked is
    only ever decided by looking again.
    """

    kind: ClassVar[str] = ""
    seen: ClassVar[bool] = True
    """Whether there is anything to see of it; what only waits has nothing."""
    data: ClassVar[bool] = False
    """Making it touches what is in databases."""
    through: ClassVar[tuple[str, ...]] = ()
    """Files that say where it is looked at: when one changes, what was seen is somebody else's."""
    volatile: ClassVar[frozenset[str]] = frozenset()
    """What is seen of it but changes by itself."""
    name: str
    component: str = ""
    after: tuple[str, ...] = ()
    """Ids of resources on the same node that must be right before this one is converged."""

    @cached_property
    def id(self) -> str:
        return f"{self.kind}:{self.name}"

    @classmethod
    def observe(cls, wanted: Sequence[Self]) -> dict[str, Seen]:
        """Look at all these resources on this node; id → what is there."""
        raise NotImplementedError

    def compare(self, seen: Seen) -> str | None:
        """Why this resource is not as wanted, in a few words; None when it is."""
        raise NotImplementedError

    def why(self, seen: Seen) -> str | None:
        """As `compare`, for what could not be looked at as well."""
        if "unseen" in seen:
            return f"{CANT_BE_SEEN}: {seen['unseen']}"
        return self.compare(seen)

    def converge(self) -> None:
        """Make it so on this node; raises ConvergeError.

        What could not be seen before looks first, and leaves alone what is right.
        """
        raise NotImplementedError

    def diff(self, seen: Seen) -> str:
        """What would change, as a unified diff or a line per value; may contain secrets."""
        return ""

    @property
    def paths(self) -> tuple[str, ...]:
        """What it changes when it is made: whoever reads one of these must start anew."""
        return ()

    def payload(self) -> dict[str, Any]:
        """Plain JSON values from which `resources.build` makes an equal resource."""
        return {"kind": self.kind, **{item.name: getattr(self, item.name) for item in fields(self)}}

    def question(self) -> dict[str, Any]:
        """As `payload`, but only what looking takes: `build` makes something that sees the same."""
        return {name: value for name, value in self.payload().items() if name != "after"}

    @cached_property
    def asked(self) -> str:
        """The question as JSON; worked out once, however many nodes are asked the same."""
        return json.dumps(self.question())

    @classmethod
    def from_payload(cls, values: Mapping[str, Any]) -> Self:
        known = {field.name for field in fields(cls)}
        return cls(**{key: _frozen(value) for key, value in values.items() if key in known})


def unseen(error: ConvergeError, what: str) -> Seen:
    """What is seen when looking fails: nothing where the command is not even installed."""
    missing = "no such command" in str(error) or "ended with 127" in str(error)
    return {} if missing else {"unseen": what}


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


PATIENCE = "SCS_PATIENCE"
"""Environment variable: the factor for time limits here, as scs was told it on its machine."""


def patient(seconds: float) -> float:
    """A time limit in seconds, as a machine as slow as this one needs it."""
    return seconds * int(os.environ.get(PATIENCE) or "1")


BUS = "SYSTEMD_BUS_TIMEOUT"
"""systemd's own variable: seconds until one of its programs gives up on another."""


def command(
    argv: Sequence[str],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 600,
    check: bool = True,
) -> str:
    """Run a command on this node, return its output; raises ConvergeError with the end of it."""
    timeout = patient(timeout)
    try:
        done = subprocess.run(
            list(argv),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # systemctl gives up after 25 s when systemd is busy with the start of everything else.
            env={**(os.environ if env is None else env), BUS: f"{patient(90):.0f}"},
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        raise ConvergeError(f"{argv[0]}: no such command") from error
    except subprocess.TimeoutExpired as error:
        # Bytes, although text was asked for.
        text = bytes(error.stdout or b"")[-2000:].decode(errors="replace")
        raise ConvergeError(
            f"{' '.join(argv)}\ntook longer than {timeout:.0f} s\n{text}"
        ) from error
    if check and done.returncode:
        tail_lines = "\n".join(done.stdout.splitlines()[-15:])
        raise ConvergeError(f"{' '.join(argv)}\nended with {done.returncode}\n{tail_lines}")
    return done.stdout
