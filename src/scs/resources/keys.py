# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Folders of numbered keys that a service looks at while they change."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

from .base import Resource, Seen


@dataclass(frozen=True, kw_only=True)
class Keys(Resource):
    """The keys in a folder, in files named by their numbers; no other numbers are there.

    The name is the folder's path. The service opens every file that it finds there at any time,
    so each must be whole and readable for it from the moment it appears.
    """

    kind: ClassVar[str] = "keys"
    keys: tuple[tuple[int, str], ...]
    owner: str
    group: str

    @classmethod
    def observe(cls, wanted: Sequence[Keys]) -> dict[str, Seen]:
        found: dict[str, Seen] = {}
        for want in wanted:
            folder = Path(want.name)
            files = folder.iterdir() if folder.is_dir() else ()
            seen = {}
            for path in files:
                status = path.stat()
                private = not status.st_mode & 0o077
                digest = sha256(path.read_bytes()).hexdigest() if private else "open to others"
                seen[path.name] = digest
            found[want.id] = seen
        return found

    def compare(self, seen: Seen) -> str | None:
        wanted = {str(number): sha256(key.encode()).hexdigest() for number, key in self.keys}
        if not seen:
            return "is missing"
        missing = sorted(set(wanted) - set(seen), key=int)
        if missing:
            return f"has no key {', '.join(missing)}"
        wrong = sorted(name for name, digest in wanted.items() if seen[name] != digest)
        if wrong:
            return f"has another key {', '.join(wrong)}"
        surplus = sorted(set(seen) - set(wanted))
        return f"has too many keys: {', '.join(surplus)}" if surplus else None

    def diff(self, seen: Seen) -> str:
        return "(secret)"

    def converge(self) -> None:
        folder = Path(self.name)
        # The used one first and the next one last: no key is ever missing that is in use.
        for number, key in sorted(self.keys, reverse=True):
            # Beside the folder: a service would try to read a temporary file in it.
            temporary = folder.with_name(f".{folder.name}.{number}.scs")
            temporary.unlink(missing_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
            with os.fdopen(descriptor, "w") as stream:
                stream.write(key)
            shutil.chown(temporary, self.owner, self.group)
            temporary.replace(folder / str(number))
        wanted = {str(number) for number, _ in self.keys}
        for path in list(folder.iterdir()):
            if path.name not in wanted:
                path.unlink()
