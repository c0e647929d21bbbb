# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What scs has last brought about, and what has become of it since: drift.

Drift is what somebody has changed by hand. A changed cloud.yaml is none, and neither is what a
run of scs has done that did not come to its end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scs.engine.fingerprint import seen, wanted
from scs.engine.journal import Result
from scs.errors import BadInput, Problem
from scs.plan.announce import Key
from scs.plan.ownership import declaration
from scs.plan.plan import API
from scs.private import write_private
from scs.resources import Unit

if TYPE_CHECKING:
    from scs.api.executor import Executor
    from scs.engine.looking import Look
    from scs.engine.session import Session

VERSION = 1


@dataclass(frozen=True)
class Drift:
    """One thing that is not as scs has left it."""

    where: str
    thing: str
    component: str
    declared: str
    """Who owns it by rights: where in the declarations it comes from."""
    what: str
    diff: str = ""
    """What would put it back; secrets are blotted out."""
    mended: bool = True
    """Whether `up` puts it back; else nothing is declared of it, and it is left alone."""

    def values(self) -> dict[str, Any]:
        return asdict(self)


def _path(session: Session) -> Path:
    return session.paths.state / "applied.json"


def remember(session: Session, look: Look) -> None:
    """Keep how everything is, at the end of a run that went well."""
    marks, there = wanted(session, look.view), seen(look)
    things = [
        {"where": where, "id": name, "wanted": marks[where, name], "seen": values}
        for (where, name), values in there.items()
    ]
    values = {"version": VERSION, "run": session.run_id, "things": things}
    write_private(_path(session), json.dumps(values))


def remembered(session: Session) -> bool:
    """Whether there is something to compare with."""
    return _path(session).exists()


def drift(session: Session, look: Look) -> list[Drift]:
    """What was changed by hand since; raises BadInput when nothing is remembered."""
    try:
        kept = json.loads(_path(session).read_text())
        things = {(item["where"], item["id"]): item for item in kept["things"]}
    except FileNotFoundError:
        what = "there is nothing to compare with: this scs has not brought it up yet"
        raise BadInput(Problem(f"cloud {session.spec.name}", what, "scs up")) from None
    except (ValueError, KeyError, TypeError) as error:
        hint = "scs up writes it anew"
        raise BadInput(Problem(str(_path(session)), "is damaged", hint)) from error
    found = [
        Drift(step.where, step.id, step.component, "nodes", step.reason)
        for step in look.plan.machine
    ]
    own = _own_doing(session, kept["run"])
    marks, there = wanted(session, look.view), seen(look)
    items = _items(look)
    executor = session.executor(look.view)
    for key, item in things.items():
        where, name = key
        if key in own or key not in there or key not in marks or "unseen" in there[key]:
            continue
        wish = items[key]
        same = marks[key] == item["wanted"]
        reason, diff = _compared(executor, look, key, wish) if same else ("", "")
        what = reason or _difference(item["seen"], there[key], every=same)
        if what:
            mask = session.secrets.mask
            component = wish.component
            told = declaration(look.view, component, name)
            mended = bool(reason) or not same
            found.append(Drift(where, name, component, told, mask(what), mask(diff), mended))
    return _causes(found, items)


def accept(session: Session, look: Look, found: Iterable[Drift]) -> None:
    """Take what `up` leaves alone as it is now."""
    path = _path(session)
    kept = json.loads(path.read_text())
    taken = {(item.where, item.thing) for item in found if not item.mended}
    there = seen(look)
    for item in kept["things"]:
        key = (item["where"], item["id"])
        if key in taken:
            item["seen"] = there[key]
    write_private(path, json.dumps(kept))


def _own_doing(session: Session, last: str) -> set[Key]:
    """What runs after the last good one were about to do, and may have done."""
    keys: set[Key] = set()
    for run in session.journal.runs():
        if run.id == last:
            break
        if run.result not in (Result.NOTHING, Result.REFUSED):
            keys.update(run.announced)
            keys.update((entry.where, entry.step) for entry in run.steps)
    return keys


def _items(look: Look) -> dict[Key, Any]:
    found: dict[Key, Any] = {
        (node, item.id): item for node, items in look.desired.items() for item in items
    }
    return found | {(API, wish.id): wish for wish in look.objects}


def _compared(executor: Executor, look: Look, key: Key, wish: Any) -> tuple[str, str]:
    """Why a thing is not as wanted (empty when it is), and what would put it back."""
    where, name = key
    if where == API:
        values = look.api[name]
        return executor.compare(wish, values) or "", executor.diff(wish, values)
    values = look.observed[where][name]
    return wish.why(values) or "", wish.diff(values)


def _difference(before: Mapping[str, Any], now: Mapping[str, Any], *, every: bool) -> str:
    """What else is not as it was; of what is wanted differently now, only what was known."""
    if before and not now:
        return "is gone"
    keys = [key for key in ({**before, **now} if every else before) if key != "late"]
    words = []
    for key in keys:
        old, new = before.get(key, "nothing"), now.get(key, "nothing")
        if old != new:
            words.append("other content" if key == "sha256" else f"{key}: {old} → {new}")
    return "; ".join(words)


def _causes(found: Iterable[Drift], items: Mapping[Key, Any]) -> list[Drift]:
    """Without units that are only older than a file which is in the list itself."""
    changed = {(item.where, item.thing.partition(":")[2]) for item in found}
    return [
        item
        for item in found
        if not (
            isinstance(unit := items.get((item.where, item.thing)), Unit)
            and item.what.startswith("runs with an older ")
            and any((item.where, path) in changed for path in unit.reads)
        )
    ]
