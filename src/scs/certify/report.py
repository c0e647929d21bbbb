# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A run's report in the forms that people and programs read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

import yaml

from scs.certify.run import Report, Result
from scs.standards.model import Outcome

FORMAT = "scs-report-1"
OFFICIAL: Mapping[Outcome, int] = {Outcome.PASS: 1, Outcome.COULD_NOT_RUN: 0, Outcome.FAIL: -1}
"""Numbers that the official suite's reports have for results."""


def stamp(moment: datetime) -> str:
    """A moment as reports have it: UTC, to the second."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def values(report: Report, creator: str) -> Mapping[str, Any]:
    """All of a report as plain values: what is signed."""
    scope = report.scope
    return {
        "format": FORMAT,
        "creator": creator,
        "subject": report.subject,
        "identity": report.identity,
        "region": report.region,
        "scope": {
            "name": scope.name,
            "title": scope.title,
            "version": scope.version,
            "uuid": scope.uuid,
            "url": scope.url,
        },
        "checked_at": stamp(report.started),
        "seconds": round(report.seconds, 1),
        "api_calls": report.calls,
        "whole": report.whole,
        "verdict": report.verdict.value,
        "results": [_result(result) for result in report.results],
        "omitted": [{"what": what, "why": why} for what, why in scope.omitted],
        "removed_of_earlier_runs": report.removed,
        "could_not_be_removed": list(report.stayed),
        "notes": list(report.notes),
    }


def _result(result: Result) -> Mapping[str, Any]:
    check = result.check
    return {
        "id": check.id,
        "standard": result.standard.name,
        "standard_title": result.standard.title,
        "standard_url": result.standard.url,
        "title": check.title,
        "rationale": check.rationale,
        "severity": check.severity.value,
        "preview": result.preview,
        "outcome": result.outcome.value,
        "seconds": round(result.seconds, 2),
        "reason": result.reason,
        "findings": [
            {
                "subject": finding.subject,
                "expected": finding.expected,
                "seen": finding.seen,
                "mend": finding.mend,
            }
            for finding in result.findings
        ],
        "evidence": [
            {
                "method": call.method,
                "url": call.url,
                "status": call.status,
                "request_id": call.request_id,
            }
            for call in result.calls
        ],
    }


def canonical(what: Mapping[str, Any]) -> bytes:
    """The one way to write these values: sorted keys, no spaces, UTF-8. This is what is signed."""
    text = json.dumps(
        what, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def as_yaml(told: Mapping[str, Any]) -> str:
    """In the manner of the official suite's reports: a number per testcase and version."""
    scope = told["scope"]
    results = {item["id"]: item for item in told["results"]}
    official = {
        "spec": {"uuid": scope["uuid"], "name": scope["title"], "url": scope["url"]},
        "subject": told["subject"],
        "checked_at": told["checked_at"],
        "creator": told["creator"],
        "verdict": told["verdict"],
        "versions": {
            scope["version"]: {
                known: {"result": OFFICIAL[Outcome(item["outcome"])]}
                for known, item in results.items()
            }
        },
        "run": {
            "seconds": told["seconds"],
            "api_calls": told["api_calls"],
            "notes": told.get("notes", []),
            "messages": {
                known: text for known, item in results.items() if (text := messages(item))
            },
        },
    }
    return yaml.safe_dump(official, sort_keys=False, allow_unicode=True, width=100)


def messages(item: Mapping[str, Any]) -> list[str]:
    """What a result has to say, a line each."""
    found = [
        f"{one['subject']}: expected {one['expected']}; seen {one['seen']}; {one['mend']}"
        for one in item["findings"]
    ]
    return [*found, *([item["reason"]] if item["reason"] else [])]


def as_junit(told: Mapping[str, Any]) -> str:
    """For CI systems. What could not run is an error: CI systems take `skipped` for well."""
    counts = Counter(item["outcome"] for item in told["results"])
    suite = ElementTree.Element(
        "testsuite",
        name=f"{told['scope']['title']} {told['scope']['version']}",
        tests=str(len(told["results"])),
        failures=str(counts[Outcome.FAIL.value]),
        errors=str(counts[Outcome.COULD_NOT_RUN.value]),
        time=str(told["seconds"]),
        timestamp=told["checked_at"].removesuffix("Z"),
    )
    for item in told["results"]:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=item["standard"],
            name=item["id"],
            time=str(item["seconds"]),
        )
        if item["outcome"] == Outcome.PASS:
            continue
        tag = "failure" if item["outcome"] == Outcome.FAIL else "error"
        lines = messages(item)
        told_of = ElementTree.SubElement(
            case, tag, message=lines[0] if lines else item["outcome"], type=item["severity"]
        )
        told_of.text = "\n".join(lines)
    ElementTree.indent(suite)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suite, "unicode") + "\n"
    )
