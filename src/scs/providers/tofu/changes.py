# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What OpenTofu's own plan would do, and what of that must not be. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scs.errors import Problem
from scs.providers.tofu.site import owner


@dataclass(frozen=True)
class Change:
    """What is done to one thing."""

    address: str
    """KIND.NAME"""
    machine: str
    """Whose it is; empty: all machines'."""
    actions: tuple[str, ...]
    """OpenTofu's words: `create`, `update`, `delete`, or two of them in their order."""
    because: tuple[str, ...] = ()
    """What of it can't be changed in place."""

    @property
    def destroys(self) -> bool:
        return "delete" in self.actions or "forget" in self.actions


def changes(plan: Mapping[str, Any]) -> Sequence[Change]:
    """All that changes by a plan, as `tofu show -json` tells it."""
    return tuple(_changes(plan))


def _changes(plan: Mapping[str, Any]) -> Iterator[Change]:
    for item in plan.get("resource_changes", ()):
        actions = tuple(item["change"]["actions"])
        if item.get("mode") == "data" or actions in (("no-op",), ("read",)):
            continue
        paths = item["change"].get("replace_paths", ())
        because = tuple(".".join(map(str, path)) for path in paths)
        yield Change(item["address"], owner(item["name"]), actions, because)


def refused(
    found: Sequence[Change], leaving: Collection[str], nodes: Collection[str]
) -> list[Problem]:
    """Why a plan must not be done: it destroys what is not to go, or makes anew what is a node.

    `leaving` are machines that go, `nodes` are the addresses of what nodes are made of already.
    """
    return [
        Problem(
            f"node {item.machine}" if item.machine else "provider tofu",
            f"OpenTofu would {_words(item)}, and nothing is made anew by destroying it",
            _hint(item),
        )
        for item in found
        if (item.destroys and item.machine not in leaving)
        or ("create" in item.actions and item.address in nodes)
    ]


def _words(item: Change) -> str:
    if not item.destroys:
        return f"make {item.address}, which was there and is gone"
    because = f", because of {', '.join(item.because)}" if item.because else ""
    return f"destroy {item.address}{because}"


def _hint(item: Change) -> str:
    if not item.machine:
        return "take back in cloud.yaml what was changed of networks or `tofu`"
    if not item.destroys:
        return (
            "find out who has removed it; a machine that is lost for ever is forgotten as "
            "docs/tofu-nodes.md says"
        )
    return (
        "take back in cloud.yaml what was changed of it; or take the node out, `scs up`, and put "
        "it in again"
    )
