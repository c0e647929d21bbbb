# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Texts of tests without secrets. Also run by tempest's Python: only the standard library."""

from __future__ import annotations

import re
from collections.abc import Iterable

HIDDEN = "(hidden)"
LINES = 14
"""So many of a traceback's last lines are kept."""
LENGTH = 1500
"""And so many of their characters."""

_KEYS = (
    r"[\w-]*pass(?:word)?|[\w-]*secret|[\w-]*token|[\w-]*api[_-]?key"
    r"|private_key|blob|payload|user_data"
)
PATTERNS = (
    # Keys first: what is in them would be taken for something else.
    re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S
    ),
    # Keystone's tokens: Fernet, and JWS.
    re.compile(r"gAAAAA[\w-]{20,}=*"),
    re.compile(r"\beyJ[\w-]{10,}\.[\w-]+\.[\w-]+"),
    # "adminPass": "…", password=…, X-Auth-Token: …
    re.compile(
        rf"""(?i)(?<=['"])(?:{_KEYS})['"]\s*[:=]\s*(?:['"](?:[^'"\\]|\\.)*['"]|[^\s,}}]+)"""
    ),
    re.compile(rf"(?i)\b(?:{_KEYS})\s*[:=]\s*(?:'[^']*'|\"[^\"]*\"|[^\s,;)}}]+)"),
    # An address with a password, and the signature of a temporary one.
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),
    re.compile(r"(?i)(?:temp_url_sig|signature)=[^&\s'\"]+"),
)


def without_secrets(text: str, known: Iterable[str] = ()) -> str:
    """A text with all that is or looks like a secret replaced."""
    for secret in sorted(filter(None, known), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    for pattern in PATTERNS:
        text = pattern.sub(_hide, text)
    return text


def _hide(match: re.Match[str]) -> str:
    """What names a secret stays: it tells what there was."""
    named = re.match(r"([\w-]+['\"]?\s*[:=]\s*)", match[0])
    return f"{named[1]}{HIDDEN}" if named else HIDDEN


def last_words(text: str, known: Iterable[str] = ()) -> str:
    """The end of a traceback, without secrets, and without this machine's folders."""
    # Before it is cut: half a secret would not be known as one.
    text = re.sub(r"/\S*/site-packages/", "", without_secrets(text, known))
    lines = [line.rstrip() for line in text.splitlines() if line.strip(" ^~")]
    said = "\n".join(lines[-LINES:])
    return said if len(said) <= LENGTH else f"…{said[-LENGTH:]}"
