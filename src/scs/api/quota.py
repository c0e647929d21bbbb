# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What projects may use: looked at only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scs.api.clients import Clients
from scs.api.kinds import Kind
from scs.model.objects import Quota


class Quotas(Kind[Quota]):
    """The limits of one service for some projects; `path` ends before the project's id."""

    def __init__(self, service: str, path: str, key: str) -> None:
        self._service = service
        self._path = path
        self._key = key

    def observe(self, clients: Clients, wanted: Sequence[Quota]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for want in wanted:
            path = f"{self._path}/{clients.project_id(want.name)}"
            values = clients.one(self._service, path, self._key)
            found[want.id] = {key: value for key, value in values.items() if key != "id"}
        return found

    def compare(self, want: Quota, seen: Mapping[str, Any]) -> str | None:
        return None

    def converge(self, clients: Clients, want: Quota, seen: Mapping[str, Any]) -> None:
        """Nothing is wanted."""
