# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where nodes come from. A provider makes machines and says how to reach them, no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from scs.errors import Problem
from scs.model.finding import Finding
from scs.model.topology import Node
from scs.shell import Say


@dataclass(frozen=True)
class Connection:
    """How to reach a node by ssh."""

    host: str
    user: str
    key: Path
    """The private key, mode 0600."""
    known_hosts: Path
    """Holds the node's host key: it is never accepted blindly."""
    port: int = 22


@dataclass(frozen=True)
class NodeState:
    """What a provider sees of one node without logging in."""

    name: str
    exists: bool
    running: bool
    detail: str = ""
    """What it was made from (for the plan and `status`), or why it is not running."""


@dataclass(frozen=True)
class Lack:
    """Something that nodes need around them, and that is not there (any more)."""

    name: str
    """In one word: `bridges`, `nat` …"""
    reason: str
    """What is wrong, to follow the name."""
    cuts_off: bool = False
    """Without it nodes can't be looked at."""


@dataclass(frozen=True)
class NodeFacts:
    """What the nodes of a provider are like; probed, not assumed."""

    container: bool
    """The node shares its kernel and clock with others: no chrony, no modules."""
    ovs_datapath: str
    """`system` where the kernel has openvswitch, else `netdev` (userspace)."""
    virt_type: str
    """`kvm` where a tiny guest boots on it, else `qemu`."""
    memory: int = 0
    """MiB of each node's share of the machine's memory, or of its own; 0: not known."""
    notes: tuple[str, ...] = field(default=())
    """What a person should know: each fallback that was taken, and why."""


class Provider(Protocol):
    """A source of nodes."""

    key: Path
    """The private ssh key with which nodes are reached; the public one is in `.pub` beside it."""
    owns_machines: bool
    """It makes the machines: with a node goes all that is on it. Else that is cleared first."""

    guess: NodeFacts
    """What is taken for granted of its nodes as long as none can be looked at."""

    def preflight(self, online: bool = True) -> Sequence[Problem]:
        """What would stop a run here; looks only, answers within 10 s.

        `online` says that something is still to be fetched.
        """

    def examine(self) -> Sequence[Finding]:
        """How the source of nodes is: what will go wrong, what is left over; looks only."""

    def observe(self) -> Mapping[str, NodeState]:
        """The nodes of this cloud that exist now; looks only."""

    def absent(self, node: Node) -> str:
        """Why a node that is not there is to be made, or taken; to follow its name."""

    def lacks(self) -> Sequence[Lack]:
        """What is missing around the nodes that run; looks only. `create` brings it back."""

    def facts(self) -> NodeFacts:
        """Probe what nodes can do; cached by the caller."""

    def create(self, nodes: Sequence[Node], say: Say) -> None:
        """Make and start these nodes until sshd answers; does nothing for those that run.

        Machines that are there already are taken over, or refused before any is touched.
        """

    def connection(self, node: Node) -> Connection:
        """How to reach the node."""

    def known(self) -> Mapping[str, Node]:
        """The nodes that were made and still exist, as they were wanted then."""

    def stop(self, node: str) -> None:
        """Shut a node down in order, or end its guests where it is not ours; its data stay."""

    def unfenceable(self) -> str:
        """Why a node can't be ended for sure from here; empty when it can."""

    def off(self, node: str) -> bool | None:
        """Whether a node is proven to be switched off; None when nobody can tell."""

    def fence(self, node: str) -> None:
        """End a node at once, whatever it does, and prove that it is off; its data stay.

        Raises ScsError when that is not proven. Does nothing to a node that is off.
        """

    def remove_node(self, node: str) -> None:
        """Remove one node with its data; does nothing when it is gone."""

    def remove(self, say: Say) -> None:
        """Remove all nodes of this cloud and all that was made for them, and nothing else."""
