# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What was done to a cloud: when, by whom, with which result. Only ever added to.

A line of JSON per record. A step's is written when the step ends, so that a run that was
killed has left all that it did; a run without an end was killed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, TypeVar


class Result(StrEnum):
    """How a run ended."""

    DONE = "done"
    NOTHING = "nothing to do"
    FAILED = "failed"
    REFUSED = "refused"
    """Before anything was touched."""
    INTERRUPTED = "interrupted"
    KILLED = "killed"
    """It has no end in the journal, and its process is gone."""
    RUNNING = "running"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One step as it was done."""

    record: ClassVar[str] = "step"
    run: str
    command: str
    step: str
    where: str
    reason: str
    started: float
    """Seconds since 1970."""
    seconds: float
    ok: bool
    by: str
    component: str = ""
    diff: str = ""
    """Secrets are blotted out."""
    effects: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Start:
    """A run has begun."""

    record: ClassVar[str] = "start"
    run: str
    command: str
    at: float
    by: str
    host: str
    process: int
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Announced:
    """The steps that a run is about to do: (where, step)."""

    record: ClassVar[str] = "plan"
    run: str
    at: float
    steps: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class End:
    """A run has ended by itself."""

    record: ClassVar[str] = "end"
    run: str
    at: float
    result: Result
    seconds: float
    error: str = ""


Record = Entry | Start | Announced | End
KINDS: Mapping[str, type[Record]] = {kind.record: kind for kind in (Entry, Start, Announced, End)}
R = TypeVar("R", Entry, Start, Announced, End)


@dataclass(frozen=True)
class Run:
    """One run as the journal tells it."""

    start: Start
    steps: tuple[Entry, ...]
    announced: tuple[tuple[str, str], ...]
    end: End | None

    @property
    def id(self) -> str:
        return self.start.run

    @property
    def result(self) -> Result:
        if self.end:
            return self.end.result
        return Result.RUNNING if _lives(self.start.process) else Result.KILLED

    @property
    def seconds(self) -> float:
        """Until its end, or the last that is known of it."""
        if self.end:
            return self.end.seconds
        last = max((entry.started + entry.seconds for entry in self.steps), default=self.start.at)
        return last - self.start.at


def _lives(process: int) -> bool:
    try:
        words = Path("/proc", str(process), "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return any(b"scs" in word for word in words)


class Journal:
    """The records of one cloud, in a file that only root can read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parts: list[Record] | None = None

    def add(self, records: Iterable[Record], *, lasting: bool = False) -> None:
        """Write these records at once; `lasting`: they are on the disk when this returns."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = "".join(
            json.dumps({"record": item.record, **asdict(item)}) + "\n" for item in records
        )
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                text = "\n" + text  # a kill has cut the last line
            data = text.encode()
            while data:
                data = data[os.write(descriptor, data) :]
            if lasting:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def records(self) -> list[Record]:
        """All records; lines cut off by a kill, and those of other versions, are left out."""
        try:
            lines = self._path.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return []
        found: list[Record] = []
        for line in lines:
            try:
                values = json.loads(line)
                found.append(_record(values))
            except (ValueError, TypeError, KeyError, AttributeError):
                continue
        return found

    def entries(self) -> list[Entry]:
        """All steps, oldest first."""
        return _only(self.records(), Entry)

    def runs(self) -> list[Run]:
        """All runs, newest first."""
        records = self.records()
        steps: dict[str, list[Entry]] = {}
        for entry in _only(records, Entry):
            steps.setdefault(entry.run, []).append(entry)
        plans = {item.run: item.steps for item in _only(records, Announced)}
        ends = {item.run: item for item in _only(records, End)}
        return [
            Run(
                start,
                tuple(steps.get(start.run, ())),
                plans.get(start.run, ()),
                ends.get(start.run),
            )
            for start in reversed(_only(records, Start))
        ]

    def expected(self) -> Mapping[str, float]:
        """Seconds that each step took the last time it went well."""
        return {entry.step: entry.seconds for entry in self.entries() if entry.ok}


def _only(records: Sequence[Record], kind: type[R]) -> list[R]:
    return [item for item in records if isinstance(item, kind)]


def _record(values: Mapping[str, Any]) -> Record:
    kind = KINDS[values.get("record", Entry.record)]
    known = {item.name for item in fields(kind)}
    plain = {key: _frozen(value) for key, value in values.items() if key in known}
    if kind is End:
        plain["result"] = Result(plain["result"])
    return kind(**plain)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
