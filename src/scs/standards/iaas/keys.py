# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""SCS-0116: the key manager, and what a member may do with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from scs.standards.iaas.catalog import present
from scs.standards.model import Check, Cloud, Finding, Needs, Severity, Standard

URL = "https://docs.scs.community/standards/scs-0116-v1-key-manager-standard"
PAYLOAD = "scs-certify wrote this"
MEND = "let members (creator) use Barbican's secrets: look at its policy"


def usable(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """A member makes a secret, finds it, reads it back and deletes it; without the service nothing
    is demanded.
    """
    if not cloud.has("key-manager"):
        return
    values = {
        "name": cloud.marks["name"],
        "payload": PAYLOAD,
        "payload_content_type": "text/plain",
        "secret_type": "opaque",
    }
    made = cloud.send("POST", "key-manager", "/secrets", values)
    if not made.ok:
        yield Finding("a new secret", "201", made.words, MEND)
        return
    path = f"/secrets/{made.body['secret_ref'].rstrip('/').rpartition('/')[2]}"
    try:
        listed = cloud.send("GET", "key-manager", f"/secrets?name={cloud.marks['name']}")
        refs = [item["secret_ref"] for item in listed.body["secrets"]] if listed.ok else []
        if made.body["secret_ref"] not in refs:
            yield Finding("the list of secrets", "has the new one", listed.words, MEND)
        # Not as JSON: that is refused for what was put in as text.
        read = cloud.send("GET", "key-manager", f"{path}/payload", first=len(PAYLOAD) + 1)
        if read.content.decode(errors="replace") != PAYLOAD:
            seen = "something else" if read.ok else read.words
            yield Finding("its payload", "what was put in", seen, MEND)
    finally:
        gone = cloud.send("DELETE", "key-manager", path)
    if not gone.ok:
        yield Finding("deleting it", "204", gone.words, MEND)


STANDARD = Standard(
    "scs-0116",
    "v1",
    "Key manager",
    URL,
    (
        Check(
            id="scs-0116-presence",
            title="There is a key manager",
            rationale="Without one there are no encrypted volumes.",
            ask=present,
            severity=Severity.RECOMMENDED,
            parameters={"types": ("key-manager",)},
        ),
        Check(
            id="scs-0116-permissions",
            title="Members can make, read and delete secrets",
            rationale="A key manager that only administrators may use protects nobody.",
            ask=usable,
            needs=frozenset({Needs.MAKES}),
        ),
    ),
)
