# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Detached Ed25519 signatures: 64 bytes beside a file, made so that OpenSSL can verify them, too.

openssl pkeyutl -verify -pubin -inkey signer.pem -rawin -in report.json -sigfile report.sig
"""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from scs.errors import Exit, Problem, ScsError


class Refused(ScsError):
    """A signature or a certificate that is not to be believed; the text says why."""

    exit_code = Exit.UNHEALTHY


def refused(where: str, what: str, hint: str = "do not rely on it") -> Refused:
    """The error for a thing that is not to be believed."""
    return Refused(Problem(where, what, hint))


class Signer:
    """A private key, known by a secret that the cloud keeps."""

    def __init__(self, secret: str) -> None:
        # The secret has 190 random bits; the digest gives them the length that a key has.
        seed = hashlib.sha256(b"scs certify: " + secret.encode()).digest()
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public(self) -> bytes:
        """The public key (PEM): what others verify with."""
        return self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def sign(self, data: bytes) -> bytes:
        """The signature of these bytes."""
        return self._key.sign(data)


def key_id(public: bytes) -> str:
    """A public key's short name: the start of its digest."""
    return hashlib.sha256(_load(public).public_bytes_raw()).hexdigest()[:16]


def check(public: bytes, data: bytes, signature: bytes, where: str) -> None:
    """Raise Refused unless the holder of the key signed exactly these bytes."""
    try:
        _load(public).verify(signature, data)
    except InvalidSignature:
        what = "was altered, or signed by somebody else: its signature does not fit"
        raise refused(where, what) from None


def _load(public: bytes) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(public)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise refused("public key", f"cannot be read: {error}", "name a PEM file") from error
    if not isinstance(key, Ed25519PublicKey):
        raise refused("public key", "is none of Ed25519", "name the signer's public key")
    return key
