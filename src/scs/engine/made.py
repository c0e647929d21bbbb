# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What scs has made in the cloud's API, so that it can take away its own and nobody else's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scs.model.objects import REMOVABLE, ApiObject
from scs.private import write_private


class Made:
    """The objects of the API that were wanted once; a file in the state folder, no secret in it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._items: dict[str, dict[str, Any]] = json.loads(path.read_text())
        except FileNotFoundError:
            self._items = {}
        except ValueError:
            self._items = {}  # then nothing is known to be ours, and nothing is taken away

    def gone(self, wanted: Iterable[ApiObject]) -> Sequence[ApiObject]:
        """What was made and is no more wanted."""
        there = {item.id for item in wanted}
        return [
            REMOVABLE[values["kind"]](**values["fields"])
            for name, values in self._items.items()
            if name not in there and values["kind"] in REMOVABLE
        ]

    def note(self, wanted: Iterable[ApiObject], dropped: Iterable[ApiObject] = ()) -> None:
        """Remember these, and forget those that are gone."""
        items = dict(self._items)
        for item in wanted:
            if item.removable:
                fields = {key: value for key, value in asdict(item).items() if key != "after"}
                if "password" in fields:
                    fields["password"] = ""
                items[item.id] = {"kind": item.kind, "fields": fields}
        for item in dropped:
            items.pop(item.id, None)
        if items != self._items:
            write_private(self._path, json.dumps(items, indent=1, sort_keys=True))
            self._items = items
