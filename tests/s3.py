# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""As much of S3 as tests need: signed requests (AWS signature 4), by path."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

REGION = "default"


class S3:
    """One user's view of an object storage."""

    def __init__(self, url: str, access: str, secret: str, ca: Path) -> None:
        self.url = url
        self.access = access
        self.secret = secret
        self.tls = ssl.create_default_context(cafile=str(ca))

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """State and body of the answer."""
        request = urllib.request.Request(
            f"{self.url}{path}", body or None, self.signed(method, path, body), method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=90, context=self.tls) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def signed(self, method: str, path: str, body: bytes) -> dict[str, str]:
        """The headers of a request."""
        now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(body).hexdigest()
        headers = {
            "host": urlsplit(self.url).netloc,
            "x-amz-content-sha256": digest,
            "x-amz-date": now,
        }
        names = ";".join(headers)
        lines = [f"{name}:{value}" for name, value in headers.items()]
        canonical = "\n".join([method, path, "", *lines, "", names, digest])
        scope = f"{now[:8]}/{REGION}/s3/aws4_request"
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        key = f"AWS4{self.secret}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashed}"
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        credential = f"Credential={self.access}/{scope}"
        told = f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}"
        del headers["host"]
        return {**headers, "authorization": told, "content-type": "application/octet-stream"}
