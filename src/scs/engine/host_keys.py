# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Host keys for machines that are still to be made, from the cloud's secrets. Pure.

The same secret gives the same key, byte for byte: a machine must not look changed to whoever
makes it because its key was written down once more. OpenSSH's own format has random bytes in it
(twice the same ones, by which a wrong passphrase is noticed); here they are the key's as well.
"""

from __future__ import annotations

import base64
import hashlib
import struct
import textwrap

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from scs.providers.tofu import HostKey

KIND = b"ssh-ed25519"
_BLOCK = 8


def host_key(secret: str) -> HostKey:
    """The Ed25519 key that a secret stands for."""
    seed = hashlib.sha256(f"host key {secret}".encode()).digest()
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    blob = _text(KIND) + _text(raw)
    line = f"{KIND.decode()} {base64.b64encode(blob).decode()}"
    return HostKey(_openssh(seed, raw, blob), line)


def _text(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _openssh(seed: bytes, public: bytes, blob: bytes) -> str:
    check = hashlib.sha256(b"check" + seed).digest()[:4]
    inner = check * 2 + _text(KIND) + _text(public) + _text(seed + public) + _text(b"")
    inner += bytes(range(1, 1 + -len(inner) % _BLOCK))
    none = _text(b"none")
    packed = b"openssh-key-v1\0" + none + none + _text(b"") + struct.pack(">I", 1)
    packed += _text(blob) + _text(inner)
    lines = textwrap.wrap(base64.b64encode(packed).decode(), 70)
    name = "OPENSSH PRIVATE KEY"
    return "\n".join([f"-----BEGIN {name}-----", *lines, f"-----END {name}-----", ""])
