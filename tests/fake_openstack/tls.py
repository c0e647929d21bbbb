# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A CA for servers of tests, and TLS as it should be."""

from __future__ import annotations

import datetime
import ssl
import uuid
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from scs.standards.iaas.connections import CIPHERS


class Authority:
    """A CA for servers of tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"CA {folder.name}")])
        self.path = folder / "ca.pem"
        made = self._builder(self._name, self._key.public_key(), 300, is_ca=True)
        self.path.write_bytes(self._signed(made))

    def server(self, days: float = 300, address: str = "127.0.0.1") -> Path:
        """A file with the certificate and the key of a server at this address."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        made = self._builder(name, key.public_key(), days, is_ca=False)
        path = self.folder / f"server-{uuid.uuid4().hex}.pem"
        clear = serialization.NoEncryption()
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, clear
        )
        path.write_bytes(self._signed(made.add_extension(names, critical=False)) + private)
        return path

    def _builder(
        self, name: x509.Name, key: ec.EllipticCurvePublicKey, days: float, *, is_ca: bool
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=400))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        )

    def _signed(self, builder: x509.CertificateBuilder) -> bytes:
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def good_tls(both: Path) -> ssl.SSLContext:
    """As Mozilla recommends."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(":".join(CIPHERS))
    return context
