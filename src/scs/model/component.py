# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a component says of itself. Everything else about it is derived from this."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from scs.model.needs import Need
from scs.model.saved import Saved
from scs.model.topology import Role
from scs.resources import Resource, Seen

if TYPE_CHECKING:
    from scs.model.objects import ApiObject
    from scs.model.view import View

EVERYWHERE = frozenset(Role)
CONTROL = frozenset({Role.CONTROL})
NETWORK = frozenset({Role.NETWORK})
COMPUTE = frozenset({Role.COMPUTE})
STORAGE = frozenset({Role.STORAGE})
CHASSIS = frozenset({Role.NETWORK, Role.COMPUTE})

Probe = Mapping[str, Any]
Observed = Mapping[str, Mapping[str, Seen]]
"""Node → id → what was seen; nodes that could not be looked at are missing."""


class Reach(StrEnum):
    """From where a port may be reached."""

    MANAGEMENT = "management"
    TUNNEL = "tunnel"
    ANYWHERE = "anywhere"


@dataclass(frozen=True)
class Port:
    """A port that a component listens on, on each of its nodes."""

    number: int
    reach: Reach = Reach.MANAGEMENT
    protocol: str = "tcp"
    """`tcp`, `udp`, or `vrrp`: that one has no ports, and is between control nodes only."""
    last: int = 0
    """The last port of a range; 0: just the one."""
    relayed: bool = False
    """Of several control nodes all use the same one's, whichever it is: each reaches it at this
    port of its own loopback address, where its load balancer listens."""

    def __str__(self) -> str:
        return f"{self.number}-{self.last}" if self.last else str(self.number)


@dataclass(frozen=True)
class Endpoint:
    """A port of the cloud's virtual addresses; the load balancer leads from there to the service.

    HTTP endpoints end TLS in the load balancer and are served on the node's loopback address at
    the same port (see `backend`); TCP endpoints are passed through to the node's own address.
    """

    name: str
    port: int
    type: str = ""
    """The service type in Keystone's catalog; empty: not in the catalog."""
    description: str = ""
    path: str = ""
    """What follows the port in the catalog."""
    health: str = "/healthcheck"
    external: bool = True
    """Also on the external address."""
    http: bool = True
    backend: int = 0
    """The port on the loopback address, where it is another one."""
    relay: int = 0
    """Also at this port of each control node's loopback address, without TLS, for neighbours that
    can't be told whose certificates to trust: the load balancer there asks whichever node answers.
    """
    asks: Callable[[View], Iterable[str]] | None = None
    """For TCP endpoints: how the load balancer finds out whether a node's service is fit for use,
    in the words of HAProxy's tcp-check."""
    page: bool = False
    """People open it in a browser, so its address is told at the end of `up`."""

    @property
    def served(self) -> int:
        """The port at which the service itself listens."""
        return self.backend or self.port


@dataclass(frozen=True)
class Config:
    """A configuration file, from a template beside the component."""

    template: str
    path: str
    owner: str = "root"
    group: str = "root"
    mode: int = 0o640
    secret: bool = False
    service: str = ""
    """For INI files: the service whose `config:` in cloud.yaml is merged in, option by option."""
    policy: bool = False
    """The service reads an operator's policy.yaml beside this file; oslo.policy takes changes
    of it over by itself."""


@dataclass(frozen=True)
class Text:
    """A file whose text is worked out in Python; `text` may return None for: not here."""

    path: str
    text: Callable[[View], str | None]
    owner: str = "root"
    group: str = "root"
    mode: int = 0o644
    secret: bool = False


@dataclass(frozen=True)
class Folder:
    """A directory."""

    path: str
    owner: str = "root"
    group: str = "root"
    mode: int = 0o755


@dataclass(frozen=True)
class KeyFolder:
    """A folder of numbered Fernet keys, whose services look at it themselves at each use.

    It is rotated without a restart: the next key is there before it is used.
    """

    path: str
    name: str
    """Of the secret; see View.keys."""
    owner: str


@dataclass(frozen=True)
class User:
    """A system user."""

    name: str
    home: str = "/nonexistent"
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Service:
    """A systemd unit of our own: own user, hardened, restarted on failure, logs in journald."""

    name: str
    exec: str
    description: str
    user: str
    reads: tuple[str, ...] = ()
    """Paths besides the component's own files; those are always read."""
    environment: Mapping[str, str] = field(default_factory=dict)
    writes: tuple[str, ...] = ()
    """Directories outside its state directory (/var/lib/USER) that it may write to."""
    privileged: bool = False
    """It becomes root for parts of its work (privsep), so privileges can't be cut off."""
    ready: Callable[[View], Probe | None] | None = None
    waits: Callable[[View], Iterable[Probe]] | None = None
    """What must be true elsewhere before it is started, besides what its component needs."""
    after: tuple[str, ...] = ()
    """Units that systemd starts before it at boot."""
    kind: str = "exec"
    """systemd's Type=."""
    pre: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    """Further settings of [Service]; they replace those that are the rule."""
    reload: bool = False
    """It takes over changed files on a reload (needs ExecReload in `settings`)."""
    reloads: tuple[str, ...] = ()
    """The same for these only (a folder ends with /); all others restart it."""
    seconds: float = 120
    """How long it may take until it is ready."""
    instances: Callable[[View], Iterable[str]] | None = None
    """It is a template (NAME@.service), and these are its instances on the node: `%i` is an
    instance's name wherever systemd takes specifiers."""
    turn: Callable[[View], Probe | None] | None = None
    """It is a member of a cluster that goes on without it, but not without two: its nodes take
    turns, whatever their roles, and it is restarted only when it can be spared. The `type` says
    what that means (resources/turn.py); `alone`: those on one node take turns as well."""


@dataclass(frozen=True)
class Wsgi:
    """A WSGI application in uwsgi on the node's loopback address."""

    name: str
    module: str
    port: int
    user: str
    health: str = "/healthcheck"
    environment: Mapping[str, str] = field(default_factory=dict)
    processes: int = 1
    threads: int = 4
    lazy: bool = False
    """Load the application in each worker: for those that make threads when loaded."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Further options of uwsgi."""
    home: str = "/opt/scs/openstack"
    """The Python environment that it is in."""
    writes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Packaged:
    """A unit that comes with a Debian package, with a drop-in of ours."""

    name: str
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings of [Service]."""
    reads: tuple[str, ...] = ()
    ready: Callable[[View], Probe | None] | None = None
    reload: bool = False
    """It takes over changed files on a reload."""
    reloads: tuple[str, ...] = ()
    """The same for these only (a folder ends with /); all others restart it."""
    seconds: float = 120
    again: int = 0
    """How often it is started again when it does not come up: a member of a cluster may be turned
    away while the others are busy."""


@dataclass(frozen=True)
class Migration:
    """Brings the component's databases up to date; see resources.Migration.

    Commands name the environment by its link; they are run in that of the wanted release, also
    while another one is still at work.
    """

    name: str
    argv: tuple[str, ...]
    """Does everything at once: in a new cloud."""
    user: str
    expand: tuple[str, ...] = ()
    """In an upgrade: does what the release before bears, which still works on the databases;
    empty: `argv` does no more than that."""
    online: tuple[tuple[str, ...], ...] = ()
    """Commands that bring rows to the form of the new release while it works on them, when the
    upgrade is finished."""
    contract: tuple[str, ...] = ()
    """Takes away what only the release before needs, when the upgrade is finished."""
    back: tuple[str, ...] = ()
    """In a rollback: run in the older release's environment before that one is at work again."""
    proofs: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, str] = field(default_factory=dict)
    answers: Callable[[View], Mapping[str, str]] | None = None
    """Further `rows`, which depend on the cloud."""
    environment: Callable[[View], Mapping[str, str]] | None = None
    snapshot: bool = False
    later: bool = False
    """The component's units may start before it is done."""


@dataclass(frozen=True)
class Gives:
    """How this component gives what others need."""

    need: type[Need]
    resources: Callable[[View, tuple[Need, ...]], Iterable[tuple[Need, Resource]]] | None = None
    """On this component's nodes, from all needs of this type in the cloud; each resource with
    the need that it meets (one that meets several comes once for each)."""
    objects: Callable[[View, tuple[Need, ...]], Iterable[ApiObject]] | None = None
    """In the cloud's API."""
    ready: Callable[[View, Need], Probe] | None = None
    """How one who needs it finds out that it is there; waited for before the units start."""
    files: tuple[str, ...] = ()
    """Those of this component's own files that whoever needs it reads, on the same node."""
    account: str = ""
    """It gives an account for each need: the secret of one is `ACCOUNT/NAME`, and two accounts
    take turns when it is rotated (see View.credentials)."""


@dataclass(frozen=True)
class Check:
    """Whether a component that runs is also well, beyond what its units are waited for."""

    name: str
    """What is well then, in a few words: `the cluster has a quorum`."""
    probe: Callable[[View], Probe]
    """Asked on each of the component's nodes; costs at most seconds, and changes nothing."""


@dataclass(frozen=True)
class Gauge:
    """What `status` tells of a component in numbers, from its metrics."""

    name: str
    """What they are about, in a word: `storage`."""
    port: int
    """Where the component answers /metrics in Prometheus' text form, on each of its nodes."""
    tells: Callable[[Mapping[str, float]], str]
    """Metric → its values of all labels, added up → a line for people. KeyError: none there.
    `METRIC{NAME}` is the same of those that have the label `name` with that value."""
    urges: Callable[[Mapping[str, float]], str] = lambda _: ""
    """From the same: what somebody must do soon, and what it means for users; empty: nothing."""


@dataclass(frozen=True)
class Keeps:
    """Data on a component's nodes: some that only some clouds have there, or no backup has."""

    path: str
    when: Callable[[View], bool] = lambda _: True
    unsaved: str = ""
    """Why a backup does without them: where they come from again, or that they are lost."""


@dataclass(frozen=True)
class Component:
    """A part of the cloud, declared once."""

    name: str
    summary: str
    roles: frozenset[Role]
    """It runs on every node that has one of these roles."""
    source: str = ""
    """What its version is that of: `pypi:NAME` or `debian:NAME`."""
    license: str = ""
    """SPDX expression."""
    packages: tuple[str, ...] = ()
    """Debian packages."""
    needs: tuple[Need, ...] = ()
    wants_in: Callable[[View], Iterable[Need]] | None = None
    """Needs that it has only where some component of this cloud gives them (see View.given)."""
    needs_in: Callable[[View], Iterable[Need]] | None = None
    """Further needs, which it has in some clouds only: what cloud.yaml says decides."""
    gives: tuple[Gives, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    fronts: bool = False
    """All endpoints of the cloud are reached through it."""
    aside: str = ""
    """A command on its nodes, for one that `fronts` on several: `COMMAND hold ENDPOINT…` returns
    when no new requests come to these endpoints of the node, `COMMAND release ENDPOINT…` lets them
    come again."""
    ports: tuple[Port, ...] = ()
    users: tuple[User, ...] = ()
    folders: tuple[Folder, ...] = ()
    files: tuple[Config | Text, ...] = ()
    keys: tuple[KeyFolder, ...] = ()
    migrations: tuple[Migration, ...] = ()
    units: tuple[Service | Wsgi | Packaged, ...] = ()
    prepares: Callable[[View], Iterable[Resource]] | None = None
    """Further resources on its nodes, after its files and before its units."""
    resources: Callable[[View], Iterable[Resource]] | None = None
    """Further resources on its nodes, after its units."""
    objects: Callable[[View], Iterable[ApiObject]] | None = None
    """What it wants in the cloud's API."""
    gauges: tuple[Gauge, ...] = ()
    leaves: Callable[[View], Iterable[ApiObject]] | None = None
    """What stays of it in the cloud's API when its node (`view.here`) goes: moved away
    before the node is stopped, removed after."""
    objections: Callable[[View, Observed], Iterable[str]] | None = None
    """Why nothing may be done at all, with what was seen on all nodes: what would lose data."""
    warnings: Callable[[View], Iterable[str]] | None = None
    """What the operator should know of this cloud, although it is as they want it."""
    outlives: Callable[[View], Iterable[str]] | None = None
    """What the cloud has made outside of its nodes, and stays there when it is gone."""
    service: str = ""
    """The name under `services` in cloud.yaml that brings it, with all others that have the same;
    empty: each cloud has it."""
    when: Callable[[View], bool] | None = None
    """Whether this cloud has it at all; always, when not given."""
    checks: tuple[Check, ...] = ()
    keeps: tuple[str | Keeps, ...] = ()
    """Paths whose loss would lose data: each is in a backup by way of `saves`, or says why not."""
    saves: tuple[Saved, ...] = ()
    """What a backup holds of it."""

    def kept(self, view: View | None = None) -> tuple[Keeps, ...]:
        """What it keeps, in this cloud or (without a view) in any."""
        kept = [item if isinstance(item, Keeps) else Keeps(item) for item in self.keeps]
        return tuple(item for item in kept if view is None or item.when(view))

    def data(self, view: View | None = None) -> tuple[str, ...]:
        """The paths of what it keeps, in this cloud or (without a view) in any."""
        return tuple(item.path for item in self.kept(view))
