# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What each kind of API object can do: the same three things as resources on nodes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from scs.api.clients import Clients
from scs.model.objects import ApiObject

T = TypeVar("T", bound=ApiObject)


class Kind(ABC, Generic[T]):
    """Looks at, compares and makes the objects of one kind."""

    @abstractmethod
    def observe(self, clients: Clients, wanted: Sequence[T]) -> dict[str, Any]:
        """Id → what is there, as plain values; empty when it does not exist."""

    def compare(self, want: T, seen: Mapping[str, Any]) -> str | None:
        """Why the object is not as wanted; pure."""
        return None if seen else "is missing"

    def diff(self, want: T, seen: Mapping[str, Any]) -> str:
        """What would change, a line per value: `key: there → wanted`."""
        return ""

    @abstractmethod
    def converge(self, clients: Clients, want: T, seen: Mapping[str, Any]) -> None:
        """Make it so; `seen` is fresh."""

    def at_stake(self, want: T, seen: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        """What has to move when this leaves, and what of it can't be moved, with the reason."""
        return [], []

    def leave(self, clients: Clients, want: T, seen: Mapping[str, Any]) -> None:
        """Move away what depends on it, while its node still runs; raises RuntimeError."""
        del clients, want, seen

    def remove(self, clients: Clients, want: T, seen: Mapping[str, Any]) -> None:
        """Remove it; does nothing when it is gone."""
        raise NotImplementedError(f"objects of the kind {want.kind} are never removed")


def lines(pairs: Iterable[tuple[str, object, object]]) -> str:
    """A line for each (key, there, wanted) that differs."""
    return "\n".join(
        f"{key}: {there} → {wanted}" for key, there, wanted in pairs if there != wanted
    )
