# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Examines a cloud and the machine under it: how each thing is, and what to do. Looks only."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from scs.api.clients import Clients, answers
from scs.engine.journal import Result, Run
from scs.engine.pki import RENEW_DAYS
from scs.model.finding import Finding, Level
from scs.model.view import View
from scs.plan.questions import Question, by_node, questions
from scs.providers.examined import examined

if TYPE_CHECKING:
    from scs.engine.looking import Look
    from scs.engine.session import Session

URGENT_DAYS = 14


def examine(session: Session) -> list[Finding]:
    """All findings: the machine first, then the cloud from its nodes to its users."""
    groups = examined(
        (
            ("machine", session.provider.examine),
            ("certificates", lambda: certificates(session.authority.ends(), _now())),
            ("runs", lambda: last_run(session.journal.runs())),
            ("cloud", lambda: _cloud(session)),
        )
    )
    return list(groups)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def certificates(
    ends: Mapping[str, datetime.datetime], now: datetime.datetime
) -> Iterator[Finding]:
    """Certificates that end soon; `up` should have renewed them."""
    late = False
    for name, end in sorted(ends.items()):
        days = (end - now).days
        if days >= RENEW_DAYS:
            continue
        late = True
        level = Level.BAD if days < URGENT_DAYS else Level.WARN
        what = f"{name} ends in {days} days" if days >= 0 else f"{name} has ended"
        yield Finding("certificates", level, what, "scs up")
    if not late:
        first = min(ends.values(), default=now)
        what = f"{len(ends)} kept, the first ends in {(first - now).days} days"
        yield Finding("certificates", Level.OK, what)


def last_run(runs: Sequence[Run]) -> Iterator[Finding]:
    """Whether the last run (newest first) that wanted to change something went well."""
    if not runs:
        yield Finding("runs", Level.OK, "none is recorded")
        return
    last = runs[0]
    told = f"`{last.start.command}` {last.id}"
    failed = [entry for entry in last.steps if not entry.ok]
    for entry in failed[:5]:
        what = f"{told} failed at {entry.step} on {entry.where}"
        yield Finding("runs", Level.WARN, what, "scs up")
    if failed:
        return
    if last.result in (Result.FAILED, Result.KILLED, Result.INTERRUPTED):
        yield Finding("runs", Level.WARN, f"{told}: {last.result}", f"scs journal show {last.id}")
    else:
        yield Finding("runs", Level.OK, f"{told}: {last.result}")


def _cloud(session: Session) -> Iterator[Finding]:
    states = session.provider.observe()
    if not states:
        yield Finding("cloud", Level.OK, "there is none yet", "scs up")
        return
    down = [node.name for node in session.spec.nodes() if not _runs(states.get(node.name))]
    for name in down:
        detail = states[name].detail if name in states else "does not exist"
        yield Finding("nodes", Level.BAD, f"{name} {detail}", "scs up")
    for name in sorted(set(states) - {node.name for node in session.spec.nodes()}):
        yield Finding(
            "nodes", Level.WARN, f"{name} is not in cloud.yaml", "put it back, or scs down"
        )
    if down:
        return
    yield Finding("nodes", Level.OK, f"{', '.join(sorted(states))} run")
    if any(lack.cuts_off for lack in session.provider.lacks()):
        return  # told by the provider; nothing else can be asked
    look = session.look()
    yield from examined(
        (
            ("plan", lambda: _plan(look)),
            ("checks", lambda: _checks(session, look.view)),
            ("endpoints", lambda: _endpoints(look.view)),
            ("servers", lambda: _servers(session, look.view)),
        )
    )


def _runs(state: object) -> bool:
    return bool(getattr(state, "running", False))


def _plan(look: Look) -> Iterator[Finding]:
    """What `up` would put right: the same look as `plan` and `status`."""
    by_component = Counter((step.component, step.where) for step in look.plan.changes)
    for (component, where), count in by_component.items():
        steps = [
            step for step in look.plan.changes if (step.component, step.where) == (component, where)
        ]
        what = f"{component} on {where}: {steps[0].id} {steps[0].reason}"
        what += f", and {count - 1} more" if count > 1 else ""
        yield Finding("plan", Level.BAD, what, "scs plan, then scs up")
    if not by_component:
        yield Finding("plan", Level.OK, "everything is as cloud.yaml says")


def _checks(session: Session, view: View) -> Iterator[Finding]:
    asked = list(questions(view))
    seen = session.hand.observe(session.connections(), by_node(asked).items())
    yield from answered(asked, seen)


def answered(
    asked: Sequence[Question], seen: Mapping[str, Mapping[str, Mapping[str, object]]]
) -> Iterator[Finding]:
    """What the answers say: a line for each that is not well, one for each component that is."""
    well: dict[str, list[str]] = {}
    for item in asked:
        subject = item.component or f"node {item.node}"
        wrong = item.check.compare(seen.get(item.node, {}).get(item.check.id, {}))
        if wrong is None:
            well.setdefault(subject, []).append(item.what)
            continue
        following = (
            f"scs logs {item.component}"
            if item.component
            else f"scs ssh {item.node} systemctl --failed"
        )
        where = f" on {item.node}" if item.component else ""
        yield Finding(subject, Level.BAD, f"not so{where}: {item.what}: {wrong}", following)
    for subject, facts in well.items():
        yield Finding(subject, Level.OK, ", ".join(dict.fromkeys(facts)))


def _endpoints(view: View) -> Iterator[Finding]:
    silent = 0
    points = [(part, point) for part, point in view.endpoints if point.http]
    for part, point in points:
        url = view.url(point.name, external=point.external)
        if not answers(url, view.ca):
            silent += 1
            what = f"{point.name} does not answer at {url}"
            yield Finding("endpoints", Level.BAD, what, f"scs logs {part.name}")
    if not silent:
        yield Finding("endpoints", Level.OK, f"all {len(points)} answer")


def _servers(session: Session, view: View) -> Iterator[Finding]:
    clients = Clients(view, session.paths.state / "ca.pem")
    path = "/servers/detail?all_tenants=1"
    listed = clients.rest("compute", path, "servers")
    broken = [server for server in listed if server["status"] == "ERROR"]
    for server in broken:
        following = f"scs openstack --os-cloud {view.cloud}-admin server show {server['id']}"
        yield Finding("servers", Level.BAD, f"{server['name']} is in ERROR", following)
    if not broken:
        yield Finding("servers", Level.OK, f"none of {len(listed)} is in ERROR")
