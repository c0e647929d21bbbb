# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files, directories and links."""

from __future__ import annotations

import difflib
import grp
import os
import pwd
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from .base import ConvergeError, Resource, Seen

PEM = "-----BEGIN "


def _owner(status: os.stat_result) -> dict[str, Any]:
    try:
        owner = pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        owner = str(status.st_uid)
    try:
        group = grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        group = str(status.st_gid)
    return {"owner": owner, "group": group, "mode": stat.S_IMODE(status.st_mode)}


def _ids(owner: str, group: str) -> tuple[int, int]:
    try:
        return pwd.getpwnam(owner).pw_uid, grp.getgrnam(group).gr_gid
    except KeyError as error:
        raise ConvergeError(f"no such user or group: {error}") from error


@dataclass(frozen=True, kw_only=True)
class Owned(Resource):
    """A path with an owner, a group and a mode; the name is the path."""

    owner: str = "root"
    group: str = "root"
    mode: int = 0o644

    def _compare_owner(self, seen: Seen) -> str | None:
        wanted: dict[str, Any] = {"owner": self.owner, "group": self.group, "mode": self.mode}
        wrong = [
            f"{key} {oct(seen[key]) if key == 'mode' else seen[key]}"
            f" instead of {oct(value) if key == 'mode' else value}"
            for key, value in wanted.items()
            if seen[key] != value
        ]
        return ", ".join(wrong) or None


@dataclass(frozen=True, kw_only=True)
class Directory(Owned):
    """A directory; what is in it is nobody's business here."""

    kind: ClassVar[str] = "directory"
    mode: int = 0o755

    @classmethod
    def observe(cls, wanted: Sequence[Directory]) -> dict[str, Seen]:
        found: dict[str, Seen] = {}
        for want in wanted:
            path = Path(want.name)
            found[want.id] = _owner(path.stat()) if path.is_dir() else {}
        return found

    def compare(self, seen: Seen) -> str | None:
        return self._compare_owner(seen) if seen else "is missing"

    def converge(self) -> None:
        path = Path(self.name)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chown(path, *_ids(self.owner, self.group))
        path.chmod(self.mode)


@dataclass(frozen=True, kw_only=True)
class File(Owned):
    """A file with this text, replaced as a whole and at once."""

    kind: ClassVar[str] = "file"
    content: str
    secret: bool = False
    """Nothing of its content is ever shown."""

    @property
    def paths(self) -> tuple[str, ...]:
        return (self.name,)

    @classmethod
    def observe(cls, wanted: Sequence[File]) -> dict[str, Seen]:
        return {want.id: _seen(Path(want.name), want.sha256, want.secret) for want in wanted}

    @cached_property
    def sha256(self) -> str:
        return sha256(self.content.encode()).hexdigest()

    def question(self) -> dict[str, Any]:
        return Sum(name=self.name, sha256=self.sha256, secret=self.secret).question()

    def compare(self, seen: Seen) -> str | None:
        if not seen:
            return "is missing"
        if seen["sha256"] != self.sha256:
            return "has other content"
        return self._compare_owner(seen)

    def diff(self, seen: Seen) -> str:
        if self.secret:
            return "(secret)"
        before = str(seen.get("content", "")).splitlines(keepends=True)
        if seen and seen.get("sha256") == self.sha256:
            return ""
        if self.content.startswith(PEM):
            return "(a certificate)"  # made anew whenever it is not kept yet, and no text to read
        after = self.content.splitlines(keepends=True)
        return "".join(difflib.unified_diff(before, after, self.name, self.name, n=1))

    def converge(self) -> None:
        path = Path(self.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.scs")
        temporary.unlink(missing_ok=True)
        # A new file, through its descriptor: the folder may be a service's own, and a service
        # must not lead us elsewhere by a link.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(self.content)
            os.fchown(descriptor, *_ids(self.owner, self.group))
            os.fchmod(descriptor, self.mode)
        temporary.replace(path)


@dataclass(frozen=True, kw_only=True)
class Sum(Resource):
    """A file of which the hash is known: enough to look at it, and no secret travels for that."""

    kind: ClassVar[str] = "sum"
    sha256: str
    secret: bool = False

    @cached_property
    def id(self) -> str:
        return f"{File.kind}:{self.name}"

    @classmethod
    def observe(cls, wanted: Sequence[Sum]) -> dict[str, Seen]:
        return {want.id: _seen(Path(want.name), want.sha256, want.secret) for want in wanted}


def _seen(path: Path, wanted: str, secret: bool) -> Seen:
    """What is seen of a file; its text, where its hash is not the wanted one."""
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except IsADirectoryError:
        return {"sha256": "a directory", **_owner(path.stat())}
    seen = {"sha256": sha256(data).hexdigest(), **_owner(path.stat())}
    if seen["sha256"] != wanted and not secret:
        seen["content"] = data.decode(errors="replace")
    return seen


@dataclass(frozen=True, kw_only=True)
class Link(Resource):
    """A symbolic link; the name is its path."""

    kind: ClassVar[str] = "link"
    target: str

    @property
    def paths(self) -> tuple[str, ...]:
        return (self.name,)

    @classmethod
    def observe(cls, wanted: Sequence[Link]) -> dict[str, Seen]:
        found: dict[str, Seen] = {}
        for want in wanted:
            # Not Path.readlink: it would tidy up what is written there.
            there = Path(want.name).is_symlink()
            found[want.id] = {"target": os.readlink(want.name)} if there else {}  # noqa: PTH115
        return found

    def compare(self, seen: Seen) -> str | None:
        if not seen:
            return "is missing"
        return None if seen["target"] == self.target else f"points to {seen['target']}"

    def diff(self, seen: Seen) -> str:
        return f"{self.name}: {seen.get('target', 'nothing')} → {self.target}"

    def converge(self) -> None:
        path = Path(self.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.scs")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(self.target)
        temporary.replace(path)
