# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What components need of each other: typed, so that nobody names who gives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Need:
    """Something that another component (or the user's own server) gives."""

    soft: ClassVar[bool] = False
    """Who needs it goes on without it: it only was slower, or it is read at the start alone."""


@dataclass(frozen=True)
class Environment(Need):
    """A Python environment of the release, at /opt/scs/NAME."""

    soft: ClassVar[bool] = True

    name: str = "openstack"


@dataclass(frozen=True)
class Database(Need):
    """Databases in a MariaDB and one account that may use them and nothing else."""

    name: str
    """The account's name."""
    databases: tuple[str, ...] = ()
    """Empty: one, with the account's name."""

    @property
    def schemas(self) -> tuple[str, ...]:
        return self.databases or (self.name,)


@dataclass(frozen=True)
class Queue(Need):
    """An account and a virtual host of its own, both of this name, in the message queue."""

    name: str


@dataclass(frozen=True)
class Cache(Need):
    """A memcached."""

    soft: ClassVar[bool] = True


@dataclass(frozen=True)
class ServiceUser(Need):
    """A user in Keystone's service project."""

    name: str
    roles: tuple[str, ...] = ("service",)
    signatures: bool = False
    """It checks what is signed with users' EC2 credentials by itself, so it may read these."""


@dataclass(frozen=True)
class UserDomain(Need):
    """A domain of this name in Keystone for users that the service makes itself.

    The account that administers it has the same name and is in the domain, too.
    """

    name: str


@dataclass(frozen=True)
class Switch(Need):
    """Open vSwitch with its bridges on the node."""


@dataclass(frozen=True)
class NetworkDatabase(Need):
    """OVN's northbound and southbound databases."""


@dataclass(frozen=True)
class Certificate(Need):
    """A certificate of the cloud's CA for the node, with its key, readable for one user.

    They lie at /etc/scs/tls/NAME.crt and NAME.key.
    """

    soft: ClassVar[bool] = True

    name: str
    owner: str = "root"
    shared: bool = False
    """It is valid for all control nodes' addresses: for members that clients confuse."""


@dataclass(frozen=True)
class SwitchDatabase(Need):
    """Open vSwitch's database with the node's settings in it."""


@dataclass(frozen=True)
class Hypervisor(Need):
    """libvirt on the same node."""


@dataclass(frozen=True)
class BlockStorage(Need):
    """An account `client.NAME` of Ceph and its RBD pools.

    On the node: /etc/ceph/ceph.conf and /etc/ceph/ceph.client.NAME.keyring, readable for `owner`.
    """

    name: str
    owner: str
    pools: tuple[str, ...]
    """It may read and write there (profile rbd)."""
    reads: tuple[str, ...] = ()
    """It may only read there (profile rbd-read-only)."""


@dataclass(frozen=True)
class StorageAccount(Need):
    """An account `client.NAME` of Ceph with other rights than block storage has.

    On the node: as for BlockStorage.
    """

    name: str
    owner: str
    pools: tuple[str, ...]
    application: str
    caps: tuple[tuple[str, str], ...]
    """Kind of daemon → what it may do there, in Ceph's words."""


@dataclass(frozen=True)
class StorageClient(Need):
    """Ceph's client on the node, told how to find the monitors."""


@dataclass(frozen=True)
class StorageCluster(Need):
    """Ceph's monitors."""


@dataclass(frozen=True)
class NameServer(Need):
    """A name server on each control node, for the zones of a catalog (RFC 9432).

    Each fetches the catalog, and all zones that it lists, from whoever needs it, on whichever of
    these nodes answers. It is told of a change at the loopback address, and tells the others.
    """

    soft: ClassVar[bool] = True

    catalog: str
    """The catalog's name, with a dot at the end."""
    port: int
    """Where zones are handed out, at each node's own address."""
