# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The note in the state folder that a restore is under way."""

from __future__ import annotations

import json
import time

from scs.errors import BadInput, Problem
from scs.paths import Paths
from scs.private import write_private

NOTE = "restoring.json"


def note(paths: Paths, name: str) -> None:
    """The restore of this backup begins."""
    values = {"id": name, "since": round(time.time(), 3)}
    write_private(paths.state / NOTE, json.dumps(values))


def done(paths: Paths) -> None:
    """It has come to its end."""
    (paths.state / NOTE).unlink()


def unfinished(paths: Paths) -> str:
    """The ID of the backup whose restore has begun and not ended; empty when there is none."""
    try:
        return str(json.loads((paths.state / NOTE).read_text())["id"])
    except FileNotFoundError:
        return ""
    except (ValueError, KeyError, TypeError):
        return "ID"


def refuse_unfinished(paths: Paths) -> None:
    """Raises BadInput while a restore has not come to its end: data may be there in half."""
    if begun := unfinished(paths):
        what = f"the restore of {begun} has not come to its end, so data may be there in half"
        hint = f"go on with it: scs restore {begun}; or give the cloud up: scs down"
        raise BadInput(Problem(f"cloud {paths.state.name}", what, hint))
