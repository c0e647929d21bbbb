# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Asks an S3 store of the operator's whether it knows their account, before anything is touched."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import re
import ssl
from datetime import UTC, datetime
from urllib.parse import urlsplit

from scs.model.external import ObjectStore
from scs.patience import patient

SECONDS = 10.0
BROKEN = 500
"""From this status on a server speaks of itself, and not of who asks."""
EMPTY = hashlib.sha256(b"").hexdigest()
SIGNED = "host;x-amz-content-sha256;x-amz-date"


def refused(store: ObjectStore) -> str:
    """Why the store can't be used; empty when it can. Raises OSError when it does not answer now.

    The buckets are listed, as Cinder does whenever it starts. That the bucket is missing is no
    reason: the first backup makes it.
    """
    try:
        status, text = _asked(store, "")
        if status >= BROKEN:
            raise OSError(f"it answers {status}{_code(text)}")
        if status != 200:
            return f"{store.endpoint} answers {status}{_code(text)} to {store.access_key}"
        status, _ = _asked(store, store.bucket, method="HEAD")
    except ssl.SSLError as error:
        return f"{store.endpoint}: {getattr(error, 'verify_message', '') or error}"
    except http.client.HTTPException as error:
        return f"{store.endpoint} is no S3: {type(error).__name__}"
    if status == 403:
        return f"bucket {store.bucket} of {store.endpoint} is not for {store.access_key}"
    return ""


def _asked(store: ObjectStore, bucket: str, method: str = "GET") -> tuple[int, str]:
    """Status and text of a signed request without a body."""
    parts = urlsplit(store.endpoint)
    path = f"{parts.path}/{bucket}"
    trust = ssl.create_default_context(cadata=store.ca or None)
    link = http.client.HTTPSConnection(parts.netloc, timeout=patient(SECONDS), context=trust)
    try:
        headers = signed(store, method, parts.netloc, path, datetime.now(UTC))
        link.request(method, path, headers=headers)
        answer = link.getresponse()
        return answer.status, answer.read(65536).decode(errors="replace")
    finally:
        link.close()


def _code(text: str) -> str:
    """What S3 calls the error, if it says so."""
    found = re.search(r"<Code>(\w+)</Code>", text)
    return f" ({found[1]})" if found else ""


def signed(store: ObjectStore, method: str, host: str, path: str, now: datetime) -> dict[str, str]:
    """The headers of a request, signed with the account's key (AWS Signature Version 4)."""
    stamp, day = f"{now:%Y%m%dT%H%M%SZ}", f"{now:%Y%m%d}"
    scope = f"{day}/{store.region}/s3/aws4_request"
    lines = f"host:{host}\nx-amz-content-sha256:{EMPTY}\nx-amz-date:{stamp}\n"
    canonical = f"{method}\n{path}\n\n{lines}\n{SIGNED}\n{EMPTY}"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{store.secret_key}".encode()
    for word in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    return {
        "Host": host,
        "X-Amz-Content-Sha256": EMPTY,
        "X-Amz-Date": stamp,
        "Authorization": (
            f"AWS4-HMAC-SHA256 Credential={store.access_key}/{scope}, SignedHeaders={SIGNED},"
            f" Signature={key.hex()}"
        ),
    }
