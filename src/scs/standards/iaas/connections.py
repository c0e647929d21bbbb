# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The draft SCS-0125: how the endpoints speak TLS (Mozilla's intermediate recommendation)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from scs.standards.model import Check, Cloud, Connection, CouldNotRun, Finding, Standard

SECURE = "https://docs.scs.community/standards/scs-0125-v1-secure-connections"
PROTOCOLS = frozenset({"TLSv1.2", "TLSv1.3"})
CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "DHE-RSA-AES128-GCM-SHA256",
    "DHE-RSA-AES256-GCM-SHA384",
    "DHE-RSA-CHACHA20-POLY1305",
)
"""Mozilla's intermediate ciphers for TLS 1.2, in OpenSSL's words; those of TLS 1.3 are all fine."""
DAYS = 14
"""So long before its end a certificate should have been replaced."""


def _addresses(cloud: Cloud) -> Iterator[tuple[str, str]]:
    """(type, address) of each public endpoint; those that share host and port once."""
    found = [
        (service.type, service.urls["public"])
        for service in cloud.services
        if "public" in service.urls
    ]
    if not found:
        raise CouldNotRun("the catalog has no public endpoint")
    seen = set()
    for kind, url in found:
        where = url.split("/")[2]
        if where not in seen:
            seen.add(where)
            yield kind, url


def encrypted(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """No endpoint speaks in the clear."""
    for service in cloud.services:
        for interface, url in service.urls.items():
            if not url.startswith("https://"):
                yield Finding(
                    f"{interface} endpoint of {service.type}",
                    "https://",
                    url,
                    "put TLS before the service and correct its address in the catalog",
                )


def _spoken_to(cloud: Cloud) -> Iterator[tuple[str, Connection]]:
    """(endpoint, how it speaks) of all that speak TLS."""
    asked = False
    for kind, url in _addresses(cloud):
        if url.startswith("https://"):
            asked = True
            yield f"endpoint of {kind}", cloud.connection(url)
    if not asked:
        raise CouldNotRun("no public endpoint speaks TLS")


def trusted(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """A careful client goes on: the chain leads to who is trusted, name and time are right."""
    for subject, spoken in _spoken_to(cloud):
        if spoken.problem:
            yield Finding(
                f"{subject} ({spoken.where})",
                "a certificate that clients accept",
                spoken.problem,
                "replace the certificate, or name its CA as cacert in clouds.yaml",
            )


def protocols(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """TLS 1.2 and 1.3, and nothing older."""
    for subject, spoken in _spoken_to(cloud):
        if old := [name for name in spoken.protocols if name not in PROTOCOLS]:
            yield Finding(
                f"{subject} ({spoken.where})",
                "TLS 1.2 and 1.3 only",
                f"accepts {', '.join(old)}",
                "HAProxy: ssl-default-bind-options ssl-min-ver TLSv1.2",
            )


def ciphers(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """With TLS 1.2, no cipher that Mozilla does not recommend."""
    for subject, spoken in _spoken_to(cloud):
        if spoken.ciphers:
            yield Finding(
                f"{subject} ({spoken.where})",
                "only ciphers of Mozilla's intermediate list",
                f"accepts {', '.join(spoken.ciphers)}",
                f"HAProxy: ssl-default-bind-ciphers {':'.join(CIPHERS[:2])}:…",
            )


def lasting(cloud: Cloud, parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """No certificate is about to end."""
    days = parameters["days"]
    for subject, spoken in _spoken_to(cloud):
        if spoken.ends is None:
            raise CouldNotRun(f"the certificate of {spoken.where} cannot be read")
        if spoken.ends < cloud.now + timedelta(days=days):
            yield Finding(
                f"{subject} ({spoken.where})",
                f"a certificate that lasts {days} more days",
                f"it ends {spoken.ends:%Y-%m-%d %H:%M} UTC",
                "renew it, and have it renewed by a program",
            )


def _check(name: str, title: str, ask: Any, rationale: str, **parameters: Any) -> Check:
    return Check(
        id=f"scs-0125-{name}",
        title=title,
        ask=ask,
        rationale=rationale,
        parameters=parameters,
        seconds=5,
    )


DRAFT = Standard(
    "scs-0125",
    "draft",
    "Secure connections",
    SECURE,
    (
        _check("https", "All endpoints speak TLS", encrypted, "Passwords and tokens pass here."),
        _check("trust", "Clients accept all certificates", trusted, "Who skips the check is lost."),
        _check("protocols", "TLS 1.2 and 1.3 only", protocols, "Older ones have been broken."),
        _check("ciphers", "Only ciphers that Mozilla recommends", ciphers, "Others are weak."),
        _check(
            "lifetime",
            f"No certificate ends within {DAYS} days",
            lasting,
            "An expired certificate stops every client at once.",
            days=DAYS,
        ),
    ),
)
