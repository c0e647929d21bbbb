# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""How an address speaks TLS: found out by speaking to it in all ways that OpenSSL can."""

from __future__ import annotations

import socket
import ssl
import threading
import warnings
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from cryptography import x509

from scs.patience import patient
from scs.standards.iaas.connections import CIPHERS
from scs.standards.model import Connection, CouldNotRun

SECONDS = 5
VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
EVERYTHING = "ALL:COMPLEMENTOFALL:aNULL:eNULL:@SECLEVEL=0"
"""All that OpenSSL can, however weak: to see what the other side takes."""
MOST = 40
"""Ciphers that are told of one address."""

_warnings = threading.Lock()


def examine(url: str, cafile: str | None) -> Connection:
    """Speak to an https address; raises CouldNotRun when nothing answers there."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    where = f"{host}:{port}"
    problem = ""
    try:
        _handshake(host, port, ssl.create_default_context(cafile=cafile))
    except ssl.SSLCertVerificationError as error:
        problem = error.verify_message or str(error)
    except ssl.SSLError as error:
        problem = f"{error.reason or error}"
    except OSError as error:
        raise CouldNotRun(f"{where} does not answer: {error}") from error
    protocols = [name for name in VERSIONS if _accepts(host, port, _anything(name))]
    return Connection(where, problem, tuple(protocols), tuple(_weak(host, port)), _ends(host, port))


def _handshake(host: str, port: int, context: ssl.SSLContext) -> tuple[str, bytes]:
    """The cipher that was agreed on, and the certificate that was shown."""
    with (
        socket.create_connection((host, port), timeout=patient(SECONDS)) as link,
        context.wrap_socket(link, server_hostname=host) as spoken,
    ):
        cipher = spoken.cipher()
        return cipher[0] if cipher else "", spoken.getpeercert(binary_form=True) or b""


def _accepts(host: str, port: int, context: ssl.SSLContext) -> bool:
    try:
        _handshake(host, port, context)
    except (ssl.SSLError, ConnectionError, TimeoutError):
        return False
    return True


def _anything(version: str, ciphers: Sequence[str] = (EVERYTHING,)) -> ssl.SSLContext:
    """A client that takes everything of one version and looks at no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers(":".join(ciphers))
    with _warnings, warnings.catch_warnings():
        # Python warns of old versions; to find them is what this is for.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = VERSIONS[version]
    return context


def _weak(host: str, port: int) -> list[str]:
    """The ciphers of TLS 1.2 that are taken although Mozilla does not name them."""
    known = _anything("TLSv1.2").get_ciphers()
    left = [
        item["name"]
        for item in known
        if item["name"] not in CIPHERS and not item["name"].startswith("TLS_")
    ]
    found: list[str] = []
    while left and len(found) < MOST:
        try:
            cipher, _ = _handshake(host, port, _anything("TLSv1.2", [*left, "@SECLEVEL=0"]))
        except (ssl.SSLError, ConnectionError, TimeoutError):
            break
        found.append(cipher)
        if cipher not in left:
            break
        left.remove(cipher)
    return found


def _ends(host: str, port: int) -> datetime | None:
    for version in ("TLSv1.3", "TLSv1.2"):
        try:
            _, shown = _handshake(host, port, _anything(version))
            return x509.load_der_x509_certificate(shown).not_valid_after_utc
        except (OSError, ValueError):
            continue
    return None
