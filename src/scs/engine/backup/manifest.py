# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a backup says of itself: a JSON file that is written last, and sealed."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from scs.errors import Problem, ScsError
from scs.private import write_private

VERSION = 1
NAME = "manifest.json"
SEAL = "backup/seal"
"""The secret that closes manifests: whoever has only the public keys can make none."""
STATE = ("scs", "state", "")
"""The key of what scs itself keeps."""


def mark(seal: str) -> str:
    """What tells a cloud from others of the same name, and betrays nothing."""
    return sha256(f"cloud of {seal}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Item:
    """One file of a backup."""

    file: str
    component: str
    name: str
    node: str
    """Where each node has its own; else empty."""
    source: str
    """The node that it was taken from; empty: the machine that runs scs."""
    size: int
    """Bytes of the file."""
    sha256: str
    """Of the file, encrypted as it is."""
    clear_size: int
    clear_sum: str
    """Keyed with the seal: the same for the same contents."""
    since: str = ""
    """The backup that had the same contents first, and shares the file."""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.component, self.name, self.node

    @property
    def label(self) -> str:
        return " ".join(filter(None, (self.component, self.name, self.node)))


@dataclass(frozen=True)
class Manifest:
    """A whole backup."""

    id: str
    cloud: str
    mark: str
    release: str
    scs: str
    made: float
    """Seconds since 1970, when it began."""
    seconds: float
    by: str
    recipients: tuple[str, ...]
    """Public keys of those who can open it, as far as they are known."""
    items: tuple[Item, ...]
    left: tuple[Mapping[str, str], ...]
    """What it does not hold: component, path, why."""
    seal: str = ""
    version: int = VERSION

    @property
    def size(self) -> int:
        return sum(item.size for item in self.items)

    def values(self) -> dict[str, Any]:
        return asdict(self)

    def _sealed(self, key: str) -> str:
        text = json.dumps(replace(self, seal="").values(), sort_keys=True)
        return hmac.new(key.encode(), text.encode(), sha256).hexdigest()

    def closed(self, key: str) -> Manifest:
        return replace(self, seal=self._sealed(key))

    def genuine(self, key: str) -> bool:
        """Whether nobody without the cloud's secrets has changed it."""
        return hmac.compare_digest(self.seal, self._sealed(key))

    def write(self, folder: Path) -> None:
        write_private(folder / NAME, json.dumps(self.values(), indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Raises FileNotFoundError when there is none, ScsError when it is damaged."""
        path = folder / NAME
        try:
            values = json.loads(path.read_text())
            if values["version"] != VERSION:
                what = f"is of version {values['version']}, this scs reads {VERSION}"
                raise ScsError(Problem(str(path), what, "take the scs that has made it"))
            items = tuple(Item(**item) for item in values.pop("items"))
            plain: dict[str, Any] = {
                key: tuple(v) if isinstance(v, list) else v for key, v in values.items()
            }
            found = cls(**plain, items=items)
        except FileNotFoundError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            hint = "take another backup: scs backup list"
            raise ScsError(Problem(str(path), f"is damaged: {error}", hint)) from error
        if any(Path(item.file).name != item.file for item in found.items):
            raise ScsError(Problem(str(path), "names files elsewhere", "somebody has changed it"))
        return found
