# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What projects may use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scs.api.clients import Clients
from scs.api.kinds import Kind, lines
from scs.model.objects import Quota


class Quotas(Kind[Quota]):
    """The limits of one service for some projects; `path` ends before the project's id."""

    def __init__(self, service: str, path: str, key: str) -> None:
        self._service = service
        self._path = path
        self._key = key

    def observe(self, clients: Clients, wanted: Sequence[Quota]) -> dict[str, Any]:
        projects = clients.project_ids()
        found: dict[str, Any] = {want.id: {} for want in wanted}
        for want in wanted:
            if project := projects.get(want.name):
                values = clients.one(self._service, f"{self._path}/{project}", self._key)
                found[want.id] = {key: value for key, value in values.items() if key != "id"}
        return found

    def compare(self, want: Quota, seen: Mapping[str, Any]) -> str | None:
        wrong = [key for key, value in want.limits.items() if seen.get(key) != value]
        return f"allows other {', '.join(wrong)}" if wrong else None

    def diff(self, want: Quota, seen: Mapping[str, Any]) -> str:
        return lines((key, seen.get(key), value) for key, value in want.limits.items())

    def converge(self, clients: Clients, want: Quota, seen: Mapping[str, Any]) -> None:
        if want.limits:
            path = f"{self._path}/{clients.project_ids()[want.name]}"
            clients.change("PUT", self._service, path, {self._key: dict(want.limits)})
