# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The end of an upgrade: what the release before needs is given up.

Until then an upgrade is nothing but an `up` to another release, and so is the way back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scs.engine.apply import refuse
from scs.errors import BadInput, Problem
from scs.plan.upgrade import unfinished

if TYPE_CHECKING:
    from scs.engine.looking import Look
    from scs.engine.session import Session

WHERE = "upgrade finish"


def look_to_finish(session: Session) -> Look:
    """What there is to do to finish an upgrade. Changes nothing.

    Raises BadInput where there is none, or where not all of the cloud has arrived in the new
    release: what is given up may be needed there.
    """
    look = session.look()
    refuse(look.plan)
    if look.plan:
        what = f"the cloud is not yet what cloud.yaml says ({len(look.plan.changes)} changes)"
        raise BadInput(Problem(WHERE, what, "scs up; scs plan tells what is left to do"))
    if not unfinished(look.view, look.observed):
        what = f"there is no upgrade to finish: the cloud runs {look.view.release}"
        raise BadInput(Problem(WHERE, what, "scs status"))
    session.finishing = True
    return session.look()
