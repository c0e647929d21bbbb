# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reads what an operator brings along, from where cloud.yaml says: passwords, keys."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from scs.engine.external_ceph import cluster
from scs.engine.pki import Given
from scs.errors import BadInput, Problem
from scs.model.external import DatabaseServer, External, ObjectStore
from scs.spec import CloudSpec
from scs.spec.external import ExternalVolumeBackups


def external(spec: CloudSpec, folder: Path) -> External:
    """What comes from elsewhere; raises BadInput when a file or variable is not there."""
    wanted = spec.external.database
    database = None
    if wanted.host:
        database = DatabaseServer(
            host=wanted.host,
            port=wanted.port,
            user=wanted.user,
            password=_secret(
                "external.database", "password", wanted.password_file, wanted.password_env, folder
            ),
            ca=_text("external.database.ca", wanted.ca, folder) if wanted.ca else "",
        )
    own = spec.external.ceph
    ceph = None
    if own.config:

        def read(key: str, path: Path) -> str:
            return _text(key, str(path), folder, private=path.suffix == ".keyring")

        ceph = cluster(folder / own.config, folder / own.keyrings, read)
    return External(
        database=database,
        ceph=ceph,
        ntp=spec.external.ntp,
        volume_backups=_volume_backups(spec.external.volume_backups, folder),
    )


def _volume_backups(wanted: ExternalVolumeBackups, folder: Path) -> ObjectStore | None:
    if wanted.endpoint is None:
        return None
    where = "external.volume_backups"
    return ObjectStore(
        endpoint=wanted.endpoint,
        bucket=wanted.bucket,
        region=wanted.region,
        access_key=wanted.access_key,
        secret_key=_secret(
            where, "secret_key", wanted.secret_key_file, wanted.secret_key_env, folder
        ),
        ca=_text(f"{where}.ca", wanted.ca, folder) if wanted.ca else "",
    )


def _text(key: str, path: str, folder: Path, *, private: bool = False) -> str:
    place = folder / path
    try:
        if private and place.stat().st_mode & 0o077:
            hint = f"chmod 600 {place}"
            raise BadInput(Problem(key, f"{place} can be read by others", hint))
        return place.read_text()
    except (OSError, UnicodeDecodeError) as error:
        hint = "correct the path in cloud.yaml, or put the file there"
        raise BadInput(Problem(key, f"{place} can't be read: {error}", hint)) from error


def _secret(where: str, name: str, path: str, variable: str, folder: Path) -> str:
    """A secret that cloud.yaml says the place of, in `NAME_file` or `NAME_env` of `where`."""
    if bool(path) == bool(variable):
        what = f"expected either {name}_file or {name}_env"
        hint = f"say where the {name.replace('_', ' ')} is; it stays out of this file"
        raise BadInput(Problem(where, what, hint))
    if path:
        key = f"{where}.{name}_file"
        if not (text := _text(key, path, folder, private=True).strip()):
            raise BadInput(Problem(key, f"{folder / path} is empty", "write it there"))
        return text
    if not os.environ.get(variable):
        raise BadInput(Problem(f"{where}.{name}_env", f"{variable} is not set", "export it"))
    return os.environ[variable]


def given_ca(spec: CloudSpec, folder: Path) -> Given | None:
    """The operator's CA, checked; None when the cloud makes its own. Raises BadInput."""
    wanted = spec.external.ca
    if not wanted.certificate and not wanted.key:
        return None
    if not wanted.certificate or not wanted.key:
        raise BadInput(Problem("external.ca", "expected both certificate and key"))
    chain = _text("external.ca.certificate", wanted.certificate, folder)
    key = _text("external.ca.key", wanted.key, folder, private=True)
    try:
        found = x509.load_pem_x509_certificates(chain.encode())
    except ValueError as error:
        raise BadInput(Problem("external.ca.certificate", f"is no certificate: {error}")) from error
    try:
        private = serialization.load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError) as error:
        raise BadInput(Problem("external.ca.key", f"is no plain key: {error}")) from error
    if not isinstance(private, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise BadInput(Problem("external.ca.key", "expected a key of elliptic curves or RSA"))
    if private.public_key() != found[0].public_key():
        raise BadInput(Problem("external.ca", "certificate and key do not belong together"))
    try:
        basic = found[0].extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        basic = None
    if basic is None or not basic.ca:
        raise BadInput(Problem("external.ca.certificate", "may not sign: it is no CA's"))
    for issued, issuer in zip(found, [*found[1:], found[-1]], strict=True):
        try:
            issued.verify_directly_issued_by(issuer)
        except Exception as error:
            hint = "the CA's first, then who signed it, up to the root's"
            what = f"the chain breaks at {issued.subject.rfc4514_string()}: {error}"
            raise BadInput(Problem("external.ca.certificate", what, hint)) from error
    return Given("".join(_pem(item) for item in found), key)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
