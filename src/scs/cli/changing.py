# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What commands have in common that change a cloud: how they begin, and how a plan is applied."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from scs.cli import policy as policies
from scs.cli.screen import Screen
from scs.engine.apply import apply
from scs.engine.backup.note import refuse_unfinished
from scs.engine.recording import Recording
from scs.engine.state import lock
from scs.errors import PreflightFailed

if TYPE_CHECKING:
    from scs.engine.looking import Look
    from scs.engine.session import Session
    from scs.plan.plan import Plan


@contextmanager
def changing(
    options: dict[str, Any], command: str, started: float, *, create: bool = False
) -> Iterator[tuple[Session, Recording, Screen]]:
    """A session that has the cloud for itself, with its record; the machine is fit for it.

    Raises Busy, BadInput while a restore is not finished, and PreflightFailed.
    """
    from scs.cli.main import _session

    with (
        _session(options, command, create=create, changes=True) as session,
        lock(session.paths, command),
        Recording(session, started) as recording,
    ):
        screen = Screen(session, options, started)
        session.reread()
        refuse_unfinished(session.paths)
        preflight(session)
        yield session, recording, screen


def preflight(session: Session) -> None:
    """Raises PreflightFailed with all that would stop a run here."""
    if problems := session.preflight():
        raise PreflightFailed(*problems)


def applied(
    session: Session,
    look: Look,
    recording: Recording,
    screen: Screen,
    delete_data: Sequence[str] = (),
    agree: Callable[[Plan], None] = lambda _plan: None,
) -> Look:
    """Apply what was looked at; what could not be seen before the nodes ran is judged then.

    `agree` raises where what is seen then is not what was agreed to.
    """

    def again(seen: Look) -> None:
        policies.enforce(session, seen, delete_data, warned=True)
        agree(seen.plan)
        screen.plan(seen.plan)

    return apply(session, look, recording, again)
