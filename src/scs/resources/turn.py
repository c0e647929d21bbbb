# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Members of a cluster that start anew one after the other: each only when it can be spared.

What is done around a restart depends on the kind of member (TURNS). That one is held is noted on
the node's disk before it is: a run that was killed meanwhile is completed by the next one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Protocol

from .base import ConvergeError
from .ceph_turn import DiskTurn, MonitorTurn

HELD = Path("/var/lib/scs/held")
"""A file for each unit whose cluster has been told that it will be away for a moment."""

_alone = threading.Lock()
"""For members of a node that may not be away together."""


class Turn(Protocol):
    """What surrounds the restart of one member."""

    def hold(self, others: Sequence[Any] = ()) -> None:
        """Tell the cluster, and return when it can do without it and these others, which are held
        already; raises ConvergeError if it can't.
        """

    def settle(self) -> None:
        """Return when the cluster is whole enough for the next one to go."""

    def release(self) -> None:
        """Take back what `hold` has told; raises ConvergeError when nobody listens."""


TURNS: Mapping[str, Callable[..., Turn]] = {"disk": DiskTurn, "monitor": MonitorTurn}


def held(unit: str) -> bool:
    """Whether a run has begun with a unit and not come to its end."""
    return (HELD / unit).exists()


def release(unit: str, declared: Mapping[str, Any]) -> None:
    """End a unit's turn, this run's or one that a killed run has left; raises ConvergeError."""
    _made(declared).release()
    (HELD / unit).unlink(missing_ok=True)


@contextmanager
def taken(unit: str, declared: Mapping[str, Any]) -> Iterator[None]:
    """The turn of a unit; `declared` has a `type`, that type's arguments, and `alone`.

    `alone`: no other member on this node starts anew at the same time.
    """
    member = _made(declared)
    with _alone if declared.get("alone") else nullcontext():
        HELD.mkdir(parents=True, exist_ok=True)
        (HELD / unit).touch()
        try:
            member.hold()
            yield
            member.settle()
        except BaseException:
            # Where even that can't be told, the next run does.
            with suppress(ConvergeError):
                release(unit, declared)
            raise
        release(unit, declared)


def away(members: Mapping[str, Mapping[str, Any]]) -> None:
    """Hold the turns of these units (unit → its turn) together: their node goes.

    Each is released when it is back, as after a run that was killed. Those that take turns even on
    their node can't be spared together: nobody is asked. Raises ConvergeError when they can't be
    spared; then none is held.
    """
    HELD.mkdir(parents=True, exist_ok=True)
    gone: list[Turn] = []
    try:
        for unit, declared in members.items():
            (HELD / unit).touch()
            member = _made({**declared, "spared": False} if declared.get("alone") else declared)
            member.hold(gone)
            gone.append(member)
    except BaseException:
        for unit, declared in members.items():
            if held(unit):
                with suppress(ConvergeError):
                    release(unit, declared)
        raise


def _made(declared: Mapping[str, Any]) -> Turn:
    arguments = {key: value for key, value in declared.items() if key not in ("type", "alone")}
    return TURNS[declared["type"]](**arguments)
