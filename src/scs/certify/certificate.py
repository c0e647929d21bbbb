# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Certificates (SCS-0004): subject × scope × version, for a year, verified without a network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from scs.certify.report import FORMAT as REPORT
from scs.certify.report import canonical, stamp
from scs.certify.signing import Signer, check, key_id, refused
from scs.standards.model import Outcome

FORMAT = "scs-certificate-1"
REVOCATIONS = "scs-revocations-1"
LIFE = timedelta(days=365)
FRESH = timedelta(days=7)
"""A report may be that old when a certificate is issued for it."""


def moment(text: str) -> datetime:
    """A moment as reports and certificates have it."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def read(data: bytes, wanted: str, where: str) -> Mapping[str, Any]:
    """The values of a signed file; raises Refused when it is not one of that kind."""
    try:
        found = json.loads(data)
    except ValueError as error:
        raise refused(where, f"is no JSON: {error}") from error
    if not isinstance(found, dict) or found.get("format") != wanted:
        raise refused(where, f"is not of the format {wanted}")
    return found


def issue(report: bytes, signature: bytes, signer: Signer, now: datetime) -> Mapping[str, Any]:
    """A certificate for what a report proves; raises Refused when it proves less.

    The report must be signed with the same key, whole, fresh, and passed.
    """
    check(signer.public, report, signature, "report")
    told = read(report, REPORT, "report")
    if told["verdict"] != Outcome.PASS or not told["whole"]:
        bad = [
            f"{item['id']} {item['outcome']}"
            for item in told["results"]
            if item["outcome"] != Outcome.PASS
            and item["severity"] == "mandatory"
            and not item["preview"]
        ]
        what = f"its verdict is {told['verdict']}: {', '.join(bad[:8])}"
        what += f" and {len(bad) - 8} more" if len(bad) > 8 else ""
        raise refused("report", what, "mend that and run scs certify again")
    if not timedelta(hours=-1) < now - moment(told["checked_at"]) < FRESH:
        hint = "run scs certify again"
        raise refused("report", f"is of {told['checked_at']}: older than a week", hint)
    digest = hashlib.sha256(report).hexdigest()
    serial = hashlib.sha256(f"{digest} {stamp(now)}".encode()).hexdigest()[:16]
    return {
        "format": FORMAT,
        "serial": serial,
        "subject": told["subject"],
        "identity": told["identity"],
        "region": told["region"],
        "scope": told["scope"],
        "issued": stamp(now),
        "ends": stamp(now + LIFE),
        "report_sha256": digest,
        "signer": key_id(signer.public),
    }


def revocations(serials: Mapping[str, str], signer: Signer, now: datetime) -> Mapping[str, Any]:
    """The list of certificates that do not hold any more: serial → reason."""
    return {
        "format": REVOCATIONS,
        "signer": key_id(signer.public),
        "updated": stamp(now),
        "revoked": dict(sorted(serials.items())),
    }


def verify(
    certificate: bytes,
    signature: bytes,
    public: bytes,
    now: datetime,
    revoked: tuple[bytes, bytes] | None = None,
    report: bytes | None = None,
) -> Mapping[str, Any]:
    """What a certificate says; raises Refused when it is altered, not yet or no longer valid,
    revoked, or not for this report. `revoked` is the list with its signature.
    """
    check(public, certificate, signature, "certificate")
    told = read(certificate, FORMAT, "certificate")
    if canonical(told) != certificate:
        raise refused("certificate", "is not written in the canonical way")
    where = f"certificate {told['serial']}"
    if now < moment(told["issued"]) - timedelta(hours=1):
        raise refused(where, f"is valid from {told['issued']} on only")
    if now > moment(told["ends"]):
        raise refused(where, f"expired at {told['ends']}", "ask for a new one")
    if revoked is not None:
        check(public, *revoked, "list of revoked certificates")
        listed = read(revoked[0], REVOCATIONS, "list of revoked certificates")["revoked"]
        if told["serial"] in listed:
            raise refused(where, f"was revoked: {listed[told['serial']]}")
    if report is not None and hashlib.sha256(report).hexdigest() != told["report_sha256"]:
        raise refused(where, "was issued for another report")
    return told


def text_of(told: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """What a certificate says, for people."""
    scope = told["scope"]
    return (
        ("subject", f"{told['subject']} ({told['identity']})"),
        ("scope", f"{scope['title']} {scope['version']}"),
        ("issued", told["issued"]),
        ("ends", told["ends"]),
        ("serial", told["serial"]),
        ("signer", told["signer"]),
    )
