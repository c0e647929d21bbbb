# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Pages that one can read and publish: static, without scripts, and with nothing from elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

WORDS: Mapping[str, tuple[str, str, str]] = {
    "PASS": ("pass", "✓", "passed"),
    "FAIL": ("fail", "✗", "failed"),
    "COULD NOT RUN": ("open", "?", "could not run"),
}
"""Outcome → class, sign and word of it: never the colour alone."""
VERDICTS = {
    "PASS": "All mandatory checks passed",
    "FAIL": "Mandatory checks failed",
    "COULD NOT RUN": "Not all mandatory checks could run",
}


@cache
def _environment() -> Environment:
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    made = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(words=WORDS, verdicts=VERDICTS)
    return made


def report_page(told: Mapping[str, Any]) -> str:
    """One report: verdict, what is wrong first, then every standard with its checks."""
    groups: dict[tuple[bool, str], list[Mapping[str, Any]]] = {}
    for item in told["results"]:
        groups.setdefault((item["preview"], item["standard"]), []).append(item)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(told=told, groups=groups, tally=tally(told))
    )


def history_page(kept: Sequence[tuple[str, Mapping[str, Any], bool]]) -> str:
    """All reports: (folder, report, whether its signature fits), the newest first."""
    rows = [(folder, told, genuine, tally(told)) for folder, told, genuine in kept]
    return _environment().get_template("history.html.j2").render(rows=rows)


def tally(told: Mapping[str, Any]) -> Sequence[tuple[str, Mapping[str, int]]]:
    """(mandatory, recommended or preview, how many of each outcome)."""
    counts: dict[str, Counter[str]] = {}
    for item in told["results"]:
        kind = "preview" if item["preview"] else item["severity"]
        counts.setdefault(kind, Counter())[item["outcome"]] += 1
    return [
        (kind, {outcome: counts[kind][outcome] for outcome in WORDS})
        for kind in ("mandatory", "recommended", "preview")
        if kind in counts
    ]
