# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A plan in a file: `up` does exactly that, or nothing when the cloud has moved since."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scs import __version__
from scs.engine.fingerprint import mark, seen, wanted
from scs.engine.recording import who
from scs.errors import BadInput, Problem, StepFailed
from scs.plan.announce import Key
from scs.plan.plan import Plan
from scs.private import write_private

if TYPE_CHECKING:
    from scs.engine.looking import Look
    from scs.engine.session import Session

VERSION = 1
SHOWN = 10
"""How many differences are named."""


def values(session: Session, look: Look) -> dict[str, Any]:
    """The plan with marks of what it is made from: no diffs, no secrets."""
    marks, there = wanted(session, look.view), seen(look)
    return {
        "version": VERSION,
        "cloud": session.spec.name,
        "made": time.time(),
        "by": who(),
        "scs": __version__,
        "release": session.release.environment_id,
        "spec": mark(session.spec.model_dump(mode="json")),
        "steps": [
            {
                "number": step.number,
                "where": step.where,
                "step": step.id,
                "component": step.component,
                "reason": session.secrets.mask(step.reason),
                "effects": list(step.effects),
                "sure": step.sure,
                "wanted": marks.get((step.where, step.id), ""),
                "seen": mark(there[step.where, step.id]) if (step.where, step.id) in there else "",
            }
            for step in sorted(look.plan.steps, key=lambda step: step.number)
        ],
    }


@dataclass(frozen=True)
class SavedPlan:
    """A plan that was written to a file."""

    path: Path
    values: Mapping[str, Any]

    @classmethod
    def write(cls, path: Path, session: Session, look: Look) -> SavedPlan:
        found = values(session, look)
        write_private(path, json.dumps(found, indent=1) + "\n")
        return cls(path, found)

    @classmethod
    def read(cls, path: Path) -> SavedPlan:
        """Raises BadInput when it is no plan."""
        hint = f"write one with: scs plan --out {path}"
        try:
            found = json.loads(path.read_text())
            if found["version"] != VERSION:
                raise BadInput(Problem(str(path), "is a plan of another version of scs", hint))
            list(cls(path, found).steps)
        except OSError as error:
            raise BadInput(Problem(str(path), f"cannot be read: {error.strerror}", hint)) from error
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(Problem(str(path), "is not a plan of scs", hint)) from error
        return cls(path, found)

    @property
    def steps(self) -> dict[Key, Mapping[str, Any]]:
        return {(step["where"], step["step"]): step for step in self.values["steps"]}

    def check(self, session: Session, look: Look) -> None:
        """Raises BadInput, naming what has moved, unless this is what a plan would be now."""
        now = SavedPlan(self.path, values(session, look))
        moved = [text for text in _moved(self, now) if text]
        if not moved:
            return
        problems = [Problem(str(self.path), text) for text in moved[:SHOWN]]
        left = len(moved) - SHOWN
        last = f"and {left} more: " if left > 0 else ""
        what = f"{last}the cloud has moved since the plan was made, so nothing was done"
        hint = f"look at what would be done now, and keep that: scs plan --out {self.path}"
        raise BadInput(*problems, Problem(str(self.path), what, hint))

    def agree(self, plan: Plan) -> None:
        """Raises StepFailed if there are steps that were not announced.

        When nodes that did not run can be seen, there may be less to do than announced, not more.
        """
        more = [step for step in plan.steps if (step.where, step.id) not in self.steps]
        if more:
            names = ", ".join(f"{step.id} on {step.where}" for step in more[:SHOWN])
            what = f"now that all nodes can be seen, it lacks {names}"
            raise StepFailed(Problem(str(self.path), what, "scs plan tells what is left to do"))


def _moved(before: SavedPlan, now: SavedPlan) -> list[str]:
    then, new = before.values, now.values
    if then["cloud"] != new["cloud"]:
        return [f"is a plan for cloud {then['cloud']}, not for {new['cloud']}"]
    found = []
    if then["scs"] != new["scs"]:
        found.append(f"was made by scs {then['scs']}, this is {new['scs']}")
    if then["release"] != new["release"]:
        found.append(f"release {then['release']} has become {new['release']}")
    if then["spec"] != new["spec"]:
        found.append("cloud.yaml has changed")
    old, fresh = before.steps, now.steps
    for key in old | fresh:
        where, name = key
        if key not in fresh:
            found.append(f"{name} on {where} is no longer to be done")
        elif key not in old:
            found.append(f"{name} on {where} would be done as well: {fresh[key]['reason']}")
        elif old[key]["wanted"] != fresh[key]["wanted"]:
            found.append(f"{name} on {where} is wanted to be different now")
        elif old[key]["seen"] != fresh[key]["seen"] or old[key]["effects"] != fresh[key]["effects"]:
            found.append(f"{name} on {where} has changed meanwhile: {fresh[key]['reason']}")
    return found
