# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a person, or a program, sees of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scs.cli.screen import seconds_text
from scs.plan.announce import expected
from scs.plan.document import values
from scs.plan.plan import Plan, Step, size_text
from scs.resources import CANT_BE_SEEN

if TYPE_CHECKING:
    from scs.engine.session import Session

NEW = ("is missing", "was never done")


def plan_values(session: Session, plan: Plan) -> dict[str, Any]:
    """A plan for programs."""
    return values(session.spec.name, plan, session.secrets.mask, session.journal.expected())


def show(session: Session, plan: Plan, *, verbose: bool = False, out: Path | None = None) -> None:
    """A plan for people: in its order, with diffs where something changes.

    What is all new, or can't be seen, is one line per place and component, unless `verbose`.
    """
    kept(plan)
    for refusal in plan.refusals:
        click.echo(click.style(str(refusal), fg="red"))
    for name, why in plan.objections:
        click.echo(click.style(f"component {name}: {why}", fg="red"))
    if not plan:
        click.echo("Nothing to do: the cloud is what cloud.yaml says.")
        return
    seconds = session.journal.expected()
    mask = session.secrets.mask
    steps = sorted(plan.changes, key=lambda step: step.number)
    groups = {} if verbose else _alike(steps)
    told: set[tuple[str, str, bool]] = set()
    where = ""
    for step in steps:
        group = groups.get((step.where, step.component, step.sure))
        key = (step.where, step.component, step.sure)
        if group and key in told:
            continue
        if step.where != where:
            where = step.where
            click.echo(click.style(where, bold=True))
        if group:
            told.add(key)
            click.echo(_together(step, group))
            continue
        took = f" ({seconds_text(seconds[step.id])})" if seconds.get(step.id, 0.0) >= 0.1 else ""
        mark = "+" if step.reason in NEW else "?" if step.reason.startswith(CANT_BE_SEEN) else "~"
        effects = _effects(step)
        reason = mask(step.reason)
        click.echo(f"{step.number:>4} {mark} {step.component}: {step.id} {reason}{effects}{took}")
        for line in mask(step.diff).splitlines():
            if not line.startswith(("---", "+++")):
                click.echo(f"         {_coloured(line)}")
    _total(plan, seconds)
    click.echo(f"To make them: scs up{f' {out}' if out else ''}")


def kept(plan: Plan) -> None:
    """Data of components that are gone, and how to let them go, too."""
    for item in plan.kept:
        size = f" ({size_text(item.size)})" if item.size else ""
        click.echo(
            f"{item.node}: {item.id} stays, data of {item.component}{size};"
            f" to delete it: scs up --delete-data {item.component}"
        )


def _alike(steps: list[Step]) -> dict[tuple[str, str, bool], list[Step]]:
    """Place and component → its steps, where all are new, or can't be seen for one reason."""
    found: dict[tuple[str, str, bool], list[Step]] = {}
    for step in steps:
        found.setdefault((step.where, step.component, step.sure), []).append(step)
    return {
        key: group
        for key, group in found.items()
        if len(group) > 1
        and (
            all(step.reason in NEW for step in group)
            or (
                group[0].reason.startswith(CANT_BE_SEEN)
                and len({step.reason for step in group}) == 1
            )
        )
    }


def _together(first: Step, group: list[Step]) -> str:
    kinds = ", ".join(sorted({step.id.split(":", 1)[0] for step in group}))
    numbers = f"{first.number:>4}"
    if first.reason.startswith(CANT_BE_SEEN):
        why = first.reason
        return f"{numbers} ? {first.component}: {len(group)} {why}, so looked at again ({kinds})"
    return f"{numbers} + {first.component}: {len(group)} to make ({kinds})"


def _effects(step: Step) -> str:
    words = [step.effect] if step.effect else []
    if step.interrupts:
        words.append(f"interrupts {', '.join(step.interrupts)}")
    if step.data:
        words.append("data")
    return click.style(f" [{'; '.join(words)}]", fg="yellow") if words else ""


def _coloured(line: str) -> str:
    shade = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
    return click.style(line, fg=shade) if shade else line


def _total(plan: Plan, seconds: Mapping[str, float]) -> None:
    changes = plan.changes
    restarts = sum(step.effect == "restart" for step in changes)
    away = dict.fromkeys(name for step in changes for name in step.interrupts)
    words = [f"{len(changes)} {'change' if len(changes) == 1 else 'changes'}"]
    words += [f"{restarts} {'restart' if restarts == 1 else 'restarts'}"] if restarts else []
    text = ", ".join(words)
    time = expected(plan, seconds)
    text += f"; about {seconds_text(time)}" if time >= 0.1 else ""
    click.echo(f"{text}.")
    if not all(step.sure for step in changes):
        click.echo("What can't be seen yet is looked at again first, and left when it is right.")
    if away:
        click.echo(f"For a moment these do not answer: {', '.join(away)}.")
