# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""`scs doctor`: examines the machine and the cloud, and says what to do next."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from scs.errors import Exit

if TYPE_CHECKING:
    from scs.model.finding import Finding

_MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "bad": ("✗", "red")}


def run(options: dict[str, Any]) -> None:
    """Print all findings; ends with 6 when one is bad."""
    from scs.cli.main import _session
    from scs.model.finding import Level
    from scs.verify.doctor import examine

    with _session(options, "doctor") as session:
        findings = examine(session)
        findings = [_masked(session.secrets.mask, finding) for finding in findings]
    if options["as_json"]:
        click.echo(json.dumps([finding.__dict__ for finding in findings], indent=2))
    else:
        _print(findings, quiet=options["quiet"])
    if any(finding.level is Level.BAD for finding in findings):
        sys.exit(Exit.UNHEALTHY)


def _masked(mask: Any, finding: Finding) -> Finding:
    from dataclasses import replace

    return replace(finding, what=mask(finding.what))


def _print(findings: Sequence[Finding], *, quiet: bool) -> None:
    width = max((len(finding.subject) for finding in findings), default=0)
    for finding in findings:
        if quiet and finding.level == "ok":
            continue
        mark, shade = _MARKS[finding.level]
        sign = click.style(mark, fg=shade)
        click.echo(f"{sign} {finding.subject.ljust(width)}  {finding.what}")
        if finding.next:
            click.echo(f"  {' ' * width}  → {finding.next}")
    counts = {level: sum(finding.level == level for finding in findings) for level in _MARKS}
    click.echo(f"\n{counts['ok']} well, {counts['warn']} to watch, {counts['bad']} bad.")
