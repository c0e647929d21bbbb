# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Policies: asked by `up` before it touches anything, and run by hand with `scs policy`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from scs.errors import BadInput, Denied, Exit, Problem

if TYPE_CHECKING:
    from scs.engine.looking import Look
    from scs.engine.session import Session
    from scs.policy import Ruling

HINT = "change it, or let it be with an `exception` rule in policy/: see docs/policies.md"


def enforce(
    session: Session, look: Look, delete_data: Sequence[str] = (), *, warned: bool = False
) -> None:
    """Raise Denied when a policy forbids the plan; show what policies warn of.

    `delete_data` names components or steps whose data the operator agreed to lose; `warned`:
    this run has shown the warnings before.
    """
    from scs.policy import Outcome

    rulings = _judged(session, look, delete_data)
    for ruling in rulings:
        if ruling.outcome is Outcome.WARNED and not warned:
            for message in ruling.messages:
                click.echo(f"warning: {message} ({_source(ruling)})", err=True)
    denied = [
        Problem(_source(ruling), message, HINT)
        for ruling in rulings
        if ruling.outcome is Outcome.DENIED
        for message in ruling.messages
    ]
    if denied:
        raise Denied(*denied)


def foretell(session: Session, look: Look, delete_data: Sequence[str] = ()) -> None:
    """Tell, beside a plan, that `up` would be refused; and what policies warn of."""
    try:
        enforce(session, look, delete_data)
    except (BadInput, Denied) as error:
        for problem in error.problems:
            click.echo(f"`up` would be refused: {problem}", err=True)


def _source(ruling: Ruling) -> str:
    return f"policy {ruling.file}:{ruling.line}, rule {ruling.rule}"


def _judged(
    session: Session, look: Look | None, delete_data: Sequence[str] = ()
) -> tuple[Ruling, ...]:
    from scs.cli import plans
    from scs.policy import document, judge, read

    plan: dict[str, Any] | None = None
    left_out: list[str] = []
    if look is not None:
        plan = plans.plan_values(session, look.plan)
        left_out = sorted(set(look.states) - {node.name for node in look.view.nodes})
    view = session.view() if look is None else look.view
    wanted = document(
        session.spec.filled(), view.components, plan, left_out=left_out, delete_data=delete_data
    )
    return judge(read(session.folder), wanted)


@click.command()
@click.option("--spec-only", is_flag=True, help="Do not look at the cloud: no plan to judge.")
@click.pass_obj
def test(options: dict[str, Any], spec_only: bool) -> None:
    """Run all policies on cloud.yaml and on the plan; changes nothing.

    Ends with 3, as `up` would, when one forbids something.
    """
    from scs.cli.main import _session
    from scs.policy import Outcome

    with _session(options, "policy test") as session:
        rulings = _judged(session, None if spec_only else session.look())
    if options["as_json"]:
        click.echo(json.dumps([_values(ruling) for ruling in rulings], indent=2))
    else:
        _table(rulings, options, spec_only=spec_only)
    if any(ruling.outcome is Outcome.DENIED for ruling in rulings):
        sys.exit(Exit.BAD_INPUT)


def _values(ruling: Ruling) -> dict[str, Any]:
    return {
        "file": ruling.file,
        "line": ruling.line,
        "package": ruling.package,
        "rule": ruling.rule,
        "outcome": ruling.outcome.value,
        "messages": list(ruling.messages),
    }


def _table(rulings: Sequence[Ruling], options: dict[str, Any], *, spec_only: bool) -> None:
    from scs.cli import show

    rows = [
        (item.outcome.value, f"{item.file}:{item.line}", item.rule, message)
        for item in rulings
        for message in item.messages or ("",)
    ]
    show.table(("OUTCOME", "POLICY", "RULE", "MESSAGE"), rows)
    counts = {name: sum(item.outcome == name for item in rulings) for name in ("denied", "warned")}
    judged = "cloud.yaml" if spec_only else "cloud.yaml and the plan"
    click.echo(
        f"\n{len(rulings)} rules judged {judged}: {counts['denied']} forbid something,"
        f" {counts['warned']} warn."
    )


@click.command()
@click.pass_obj
def verify(options: dict[str, Any]) -> None:
    """Run the tests of the policies: rules whose names start with `test_`.

    Ends with 6 when one fails.
    """
    from scs.cli import show
    from scs.policy import read
    from scs.policy import verify as run

    trials = run(read(options["path"].resolve().parent))
    if options["as_json"]:
        click.echo(json.dumps([trial.__dict__ for trial in trials], indent=2))
    else:
        rows = [
            ("ok" if trial.ok else "failed", f"{trial.file}:{trial.line}", trial.rule)
            for trial in trials
        ]
        show.table(("RESULT", "POLICY", "TEST"), rows)
        failed = sum(not trial.ok for trial in trials)
        click.echo(f"\n{len(trials)} tests, {failed} failed.")
    if not all(trial.ok for trial in trials):
        sys.exit(Exit.UNHEALTHY)


COMMANDS = {"test": test, "verify": verify}
