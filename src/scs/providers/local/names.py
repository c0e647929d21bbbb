# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the things of a local cloud are called on the machine that carries it."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from scs.model.topology import INTERFACES, Network

MANAGEMENT, TUNNEL, EXTERNAL = INTERFACES

_LETTERS = {MANAGEMENT: "m", TUNNEL: "t", EXTERNAL: "e"}


def _short(text: str, digits: int) -> str:
    # The kernel takes 15 characters for an interface's name, so clouds and nodes are hashed;
    # the full name stands in the link's alias.
    return sha256(text.encode()).hexdigest()[:digits]


def bridge(cloud: str, network: str) -> str:
    """The host's bridge of a network; 11 characters."""
    return f"scs-{_short(cloud, 6)}{_LETTERS[network]}"


def bridges(cloud: str, networks: Mapping[str, Network]) -> dict[str, str]:
    """Network → bridge, in the order of the networks."""
    return {name: bridge(cloud, name) for name in networks}


def host_end(cloud: str, node: str, network: str) -> str:
    """The host's end of the cable between a node and a bridge; 11 characters."""
    return f"sn{_short(f'{cloud}/{node}', 8)}{_LETTERS[network]}"


def mac(cloud: str, network: str) -> str:
    """A locally administered address for a bridge, so that it stays when ports come and go."""
    digits = _short(f"{cloud}/{network}", 10)
    return ":".join(["02", *(digits[at : at + 2] for at in range(0, 10, 2))])


def alias(cloud: str, *rest: str) -> str:
    """The mark by which a link is known as this cloud's."""
    return ":".join(("scs", cloud, *rest))


def machine(cloud: str, node: str) -> str:
    """A node's name among all that runs on the host: netns, unit, overlay, container."""
    return f"scs-{cloud}-{node}"


def table(cloud: str) -> str:
    """The cloud's own nftables table."""
    return f"scs_{cloud.replace('-', '_')}"
