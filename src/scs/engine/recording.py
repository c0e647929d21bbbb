# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Writing a run into the journal while it runs."""

from __future__ import annotations

import getpass
import os
import socket
import time
from collections.abc import Mapping
from importlib.metadata import version
from types import TracebackType
from typing import TYPE_CHECKING, Self

from scs import __version__
from scs.engine.events import Event
from scs.engine.journal import Announced, End, Entry, Result, Start
from scs.errors import Exit
from scs.plan.plan import Plan, Step

if TYPE_CHECKING:
    from scs.engine.session import Session


def who() -> str:
    """Who runs this: behind sudo the person, not only root."""
    user = getpass.getuser()
    person = os.environ.get("SUDO_USER", "")
    return f"{person} as {user}" if person and person != user else user


class Recording:
    """One run's records: its start, each step when it ends, and its own end."""

    def __init__(self, session: Session, started: float) -> None:
        self._session = session
        self._started = started
        self._by = who()
        self._steps: Mapping[tuple[str, str], Step] = {}
        self.result = Result.DONE
        """What is written when the run ends without an error."""

    def __enter__(self) -> Self:
        session = self._session
        start = Start(
            run=session.run_id,
            command=session.command,
            at=self._started,
            by=self._by,
            host=socket.gethostname(),
            process=os.getpid(),
            versions={
                "scs": __version__,
                "release": session.release.environment_id,
                "ansible-core": version("ansible-core"),
            },
        )
        session.journal.add([start], lasting=True)
        session.events.listen(self._event)
        return self

    def announce(self, plan: Plan) -> None:
        """The steps that follow are those of this plan."""
        self._steps = {(step.where, step.id): step for step in plan.steps}
        announced = Announced(run=self._session.run_id, at=time.time(), steps=tuple(self._steps))
        self._session.journal.add([announced], lasting=True)

    def _event(self, event: Event) -> None:
        if event.kind != "end":
            return
        step = self._steps.get((event.where, event.step))
        mask = self._session.secrets.mask
        entry = Entry(
            run=self._session.run_id,
            command=self._session.command,
            step=event.step,
            where=event.where,
            reason=step.reason if step else "",
            started=event.at - event.seconds,
            seconds=round(event.seconds, 3),
            ok=event.ok,
            by=self._by,
            component=step.component if step else "",
            diff=mask(step.diff) if step else "",
            effects=step.effects if step else (),
            error=mask(event.text),
        )
        self._session.journal.add([entry])

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        now = time.time()
        if error is None:
            result = self.result
        elif not isinstance(error, Exception):
            result = Result.INTERRUPTED
        elif self._steps or getattr(error, "exit_code", None) == Exit.FAILED:
            result = Result.FAILED
        else:
            result = Result.REFUSED  # nothing was announced, so nothing was touched
        text = self._session.secrets.mask(str(error)) if error else ""
        end = End(
            run=self._session.run_id,
            at=now,
            result=result,
            seconds=round(now - self._started, 3),
            error=text,
        )
        self._session.journal.add([end], lasting=True)
