# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an operator brings along, instead of what the cloud would make: frozen values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class DatabaseServer:
    """A MariaDB of the operator's; scs makes its accounts and databases there."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    ca: str
    """The certificate (PEM) that its own is checked against; empty: the cloud's CA."""


@dataclass(frozen=True)
class CephCluster:
    """A Ceph of the operator's, with the accounts and pools that it has there."""

    config: str
    """The text of its ceph.conf."""
    monitors: tuple[tuple[str, int], ...]
    """Host and port; 0: one of those that are usual."""
    keys: Mapping[str, str] = field(repr=False)
    """`client.NAME` → its key."""


@dataclass(frozen=True)
class ObjectStore:
    """A bucket of an S3 store that the operator has an account of."""

    endpoint: str
    """https://HOST[:PORT]"""
    bucket: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)
    ca: str = ""
    """The certificate (PEM) that the store's is checked against; empty: public CAs."""


@dataclass(frozen=True)
class External:
    """All that comes from elsewhere."""

    database: DatabaseServer | None = None
    ceph: CephCluster | None = None
    ntp: tuple[str, ...] = ()
    volume_backups: ObjectStore | None = None

    def secrets(self) -> Iterator[str]:
        """What of it must be shown nowhere."""
        if self.database:
            yield self.database.password
        if self.ceph:
            yield from self.ceph.keys.values()
        if self.volume_backups:
            yield self.volume_backups.secret_key

    def nameless(self) -> External:
        """The same with the names of secrets in their places."""
        database, ceph, store = self.database, self.ceph, self.volume_backups
        return replace(
            self,
            database=database and replace(database, password="secret:external.database"),  # noqa: S106
            ceph=ceph and replace(ceph, keys={name: f"key:{name}" for name in ceph.keys}),
            volume_backups=store and replace(store, secret_key="secret:external.volume_backups"),  # noqa: S106
        )
