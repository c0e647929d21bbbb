# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The cloud's own certificate authority."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from scs.engine.vault import Vault
from scs.errors import Problem, ScsError

CA_DAYS = 3650
DAYS = 397
"""The longest life that clients accept of a server certificate."""
RENEW_DAYS = 60
"""How long before its end a certificate is renewed."""


def _key_text(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


@dataclass(frozen=True)
class Given:
    """A CA of the operator's."""

    chain: str
    """Its certificate, then those up to the root's (PEM)."""
    key: str = field(repr=False)
    """PEM; never kept."""


class Authority:
    """Issues certificates; keeps those it has issued, so that a second plan is empty.

    Nothing is written until `save`.
    """

    def __init__(self, path: Path, cloud: str, vault: Vault) -> None:
        self._path = path
        self._vault = vault
        self._now = datetime.datetime.now(datetime.UTC)
        self._stale = False
        self._asked: set[str] = set()
        self.renews = True
        """Whether what ends soon is issued anew when it is asked for."""
        self._kept = self._read() or {"ca": self._found(cloud), "issued": {}}
        self._saved = json.dumps(self._kept) if path.exists() else ""
        self._before = {name: kept["crt"] for name, kept in self._kept["issued"].items()}
        self._ca = x509.load_pem_x509_certificate(self._kept["ca"]["crt"].encode())
        self._key = self._chain = ""

    def use(self, given: Given | None, cloud: str) -> None:
        """Sign with the operator's CA, or again with one of the cloud's own.

        What another CA has signed is issued anew.
        """
        if given is None and "key" in self._kept["ca"]:
            return
        ca = {"crt": given.chain} if given else self._found(cloud)
        if self._kept["ca"]["crt"] != ca["crt"]:
            self._kept = {**self._kept, "ca": ca, "issued": {}}
        self._ca = x509.load_pem_x509_certificate(ca["crt"].encode())
        self._key, self._chain = (given.key, given.chain) if given else ("", "")

    @property
    def certificate(self) -> str:
        """The CA's certificate (PEM); of an operator's CA the whole chain."""
        return str(self._kept["ca"]["crt"])

    def issue(self, name: str, addresses: tuple[str, ...]) -> tuple[str, str]:
        """Certificate and key (PEM) for these DNS names and addresses.

        Issued anew when the addresses differ from the last time or the end is near.
        """
        self._asked.add(name)
        wanted = sorted(set(addresses))
        kept = self._kept["issued"].get(name)
        if (
            not kept
            or kept["addresses"] != wanted
            or (self.renews and self._ends_soon(kept["crt"]))
        ):
            kept = {"addresses": wanted, **self._sign(name, wanted)}
            self._kept["issued"][name] = kept
        return kept["crt"] + self._chain, kept["key"]

    def ends(self) -> dict[str, datetime.datetime]:
        """When the certificates that nodes have end, by name."""
        return {name: end for name, (_, end) in self.lives.items()}

    @property
    def lives(self) -> Mapping[str, tuple[datetime.datetime, datetime.datetime]]:
        """Name → first and last moment of each certificate that nodes have, the CA's own first.

        As they were before this command: what it issues anew does not hide what is due.
        """
        issued = {
            name: x509.load_pem_x509_certificate(crt.encode())
            for name, crt in sorted(self._before.items())
        }
        return {
            name: (item.not_valid_before_utc, item.not_valid_after_utc)
            for name, item in {"ca": self._ca, **issued}.items()
        }

    def renew(self, name: str) -> None:
        """Have a certificate issued anew when it is next asked for."""
        self._kept["issued"].pop(name, None)

    def forget_unasked(self) -> None:
        """Forget the certificates that nobody has asked for: of nodes and components that are gone.

        To be called when all of the cloud has been expanded.
        """
        issued = self._kept["issued"]
        self._kept["issued"] = {name: issued[name] for name in issued if name in self._asked}

    def save(self) -> None:
        """Keep what was issued since, encrypted; clear text from before goes."""
        text = json.dumps(self._kept)
        if text != self._saved or self._stale:
            self._vault.close(self._path, self._kept)
            self._saved, self._stale = text, False
        self._path.with_suffix(".json").unlink(missing_ok=True)

    def _read(self) -> Any:
        legacy = self._path.with_suffix(".json")
        try:
            kept, self._stale = self._vault.open(self._path)
            return kept
        except FileNotFoundError:
            pass
        try:
            kept = json.loads(legacy.read_text())
        except FileNotFoundError:
            return None
        except ValueError as error:
            hint = "restore it from a backup; without it nodes do not trust each other"
            raise ScsError(Problem(str(legacy), f"is damaged: {error}", hint)) from error
        self._stale = True
        return kept

    def _ends_soon(self, crt: str) -> bool:
        end = x509.load_pem_x509_certificate(crt.encode()).not_valid_after_utc
        return end - self._now < datetime.timedelta(days=RENEW_DAYS)

    def _found(self, cloud: str) -> dict[str, str]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(f"scs cloud {cloud} CA")
        builder = self._builder(name, name, key.public_key(), CA_DAYS)
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        crt = (
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(key, hashes.SHA256())
        )
        return {
            "crt": crt.public_bytes(serialization.Encoding.PEM).decode(),
            "key": _key_text(key),
        }

    def _builder(
        self, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
    ) -> x509.CertificateBuilder:
        # An hour back: nodes whose clock is behind must accept it too.
        start = self._now - datetime.timedelta(hours=1)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + datetime.timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )

    def _sign(self, name: str, addresses: Iterable[str]) -> dict[str, str]:
        text = self._key or self._kept["ca"]["key"]
        ca_key = serialization.load_pem_private_key(text.encode(), None)
        assert isinstance(ca_key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = []
        for address in addresses:
            try:
                names.append(x509.IPAddress(ip_address(address)))
            except ValueError:
                names.append(x509.DNSName(address))
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
        crt = (
            self._builder(_name(name), self._ca.subject, key.public_key(), DAYS)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(authority, critical=False)
            .sign(ca_key, hashes.SHA256())
        )
        return {
            "crt": crt.public_bytes(serialization.Encoding.PEM).decode(),
            "key": _key_text(key),
        }
