# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A standard as values: checks, what they need of a cloud, and what they say of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Severity(StrEnum):
    """Whether the standard says MUST or SHOULD."""

    MANDATORY = "mandatory"
    RECOMMENDED = "recommended"


class Outcome(StrEnum):
    """What came of a check. One that could not run is not a pass."""

    PASS = "PASS"  # noqa: S105
    FAIL = "FAIL"
    COULD_NOT_RUN = "COULD NOT RUN"


class Needs(StrEnum):
    """What a check needs besides a member's login; the text says it to people."""

    ADMIN = "an administrator's login"
    MAKES = "leave to make things (they are removed again)"


class CouldNotRun(Exception):
    """The cloud did not let itself be asked; the text says what stood in the way."""


@dataclass(frozen=True)
class Finding:
    """One thing that is not as the standard wants it."""

    subject: str
    expected: str
    seen: str
    mend: str
    """What its operator can do about it."""


@dataclass(frozen=True)
class Service:
    """One entry of the catalog with its addresses in the region that is asked."""

    type: str
    name: str
    urls: Mapping[str, str]
    """Interface (public, internal …) → address."""


@dataclass(frozen=True)
class Token:
    """Who asks."""

    user_id: str
    project_id: str
    roles: frozenset[str]


class How(StrEnum):
    """What came of a test that somebody else's program made."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNFINISHED = "unfinished"


@dataclass(frozen=True)
class Verdict:
    """What such a program said of one of its tests."""

    test: str
    how: How
    text: str = ""
    """Why it failed, was skipped or did not end; without secrets."""
    seconds: float = 0.0
    requests: tuple[str, ...] = ()
    """Ids of its requests, in order."""


@dataclass(frozen=True)
class Test:
    """A test of such a program."""

    name: str
    id: str
    """Stays when the test is renamed; empty: it has none."""
    attributes: frozenset[str] = frozenset()
    credentials: tuple[str, ...] = ()
    """Whose logins it asks for, in the program's words."""
    isolated: bool = False
    """It demands projects of its own."""
    title: str = ""


@dataclass(frozen=True)
class Inventory:
    """All tests that the installed version of the program has."""

    version: str
    tests: tuple[Test, ...]


@dataclass(frozen=True)
class Answer:
    """An answer of the API, whatever its status."""

    method: str
    url: str
    status: int
    request_id: str
    body: Any
    """JSON as values, else text."""
    content: bytes = field(default=b"", repr=False)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def words(self) -> str:
        """The status, and what the cloud said of it in short."""
        said = self.body
        while isinstance(said, Mapping) and said:
            named = [
                said[key]
                for key in ("message", "faultstring", "title", "description")
                if key in said
            ]
            said = named[0] if named else next(iter(said.values()))
        text = " ".join(str(said or "").split())[:200]
        return f"{self.status}{f': {text}' if text and not self.ok else ''}"

    def checked(self) -> Answer:
        """Itself when it is a success; raises CouldNotRun with the cloud's words."""
        if not self.ok:
            raise CouldNotRun(f"{self.method} {self.url} answered {self.words}")
        return self


@dataclass(frozen=True)
class Connection:
    """What one address lets itself be spoken to with."""

    where: str
    problem: str
    """Why a careful client would not go on; empty: it would."""
    protocols: tuple[str, ...]
    """All that were accepted."""
    ciphers: tuple[str, ...]
    """Those accepted that are none of Mozilla's intermediate ones."""
    ends: datetime | None
    """When its certificate ends, where that could be read."""


class Cloud(Protocol):
    """A cloud as its checks see it: who asks, and what it answers."""

    now: datetime
    password: str
    """For users that a check makes: unguessable, and another one in each run."""

    @property
    def marks(self) -> Mapping[str, str]:
        """Name and description of whatever is made."""

    @property
    def token(self) -> Token:
        """Who asks."""

    @property
    def services(self) -> Sequence[Service]:
        """The catalog."""

    def has(self, service: str) -> bool:
        """Whether the catalog has this type of service, under any of its names."""

    def get(self, service: str, path: str, microversion: str = "") -> Answer:
        """Ask once; whoever asks the same again gets the same answer."""

    def items(
        self, service: str, path: str, key: str, microversion: str = ""
    ) -> list[dict[str, Any]]:
        """All pages of a list; raises CouldNotRun when it cannot be had."""

    def send(
        self,
        method: str,
        service: str,
        path: str,
        json: Any = None,
        *,
        microversion: str = "",
        data: bytes | None = None,
        first: int = 0,
    ) -> Answer:
        """Ask now, each time; `first`: so many bytes of the answer are enough."""

    def bare(self, url: str, headers: Mapping[str, str]) -> Answer:
        """GET an address without a token."""

    def connection(self, url: str) -> Connection:
        """How an https address speaks; raises CouldNotRun when it does not at all."""

    def until(self, probe: Callable[[], T | None], seconds: float, failure: str) -> T:
        """What the probe answers once that is something; raises CouldNotRun after so long."""

    def shared(self, name: str, make: Callable[[], T]) -> T:
        """What `make` gives, made once for all checks of a run, with its errors."""

    def admin(self) -> Cloud:
        """The same cloud as its administrator; raises CouldNotRun without one."""

    def login(self, user: str, password: str, domain: str, scope: Mapping[str, Any]) -> Cloud:
        """The same cloud as somebody else; raises CouldNotRun when it lets nobody in."""

    def tested(self, test: str) -> Verdict:
        """What came of a test; raises CouldNotRun when it was not made."""


Ask = Callable[[Cloud, Mapping[str, Any]], Iterable[Finding]]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One testcase: what is asked of a cloud, and why."""

    id: str
    """The official testcase's where there is one."""
    title: str
    rationale: str
    ask: Ask
    """Gives what is wrong; nothing: all is well. Raises CouldNotRun."""
    severity: Severity = Severity.MANDATORY
    parameters: Mapping[str, Any] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    """Catalog entries without which it makes no sense."""
    without: Outcome = Outcome.COULD_NOT_RUN
    """What it comes to when one of these is missing: FAIL where the standard demands it."""
    needs: frozenset[Needs] = frozenset()
    seconds: float = 1
    """How long it takes about: the longest are begun first."""
    test: str = ""
    """The test of another program that it stands for."""


Choice = Callable[[Inventory], tuple[Check, ...]]


@dataclass(frozen=True)
class Standard:
    """One document and its checks."""

    number: str
    version: str
    title: str
    url: str
    checks: tuple[Check, ...]
    choose: Choice | None = None
    """Its checks are tests of another program: which, is known when that is there."""

    @property
    def name(self) -> str:
        return f"{self.number}-{self.version}"


@dataclass(frozen=True)
class Scope:
    """A version of a certificate's scope: standards that count, and others that are shown."""

    name: str
    title: str
    version: str
    uuid: str
    """The official one."""
    url: str
    standards: tuple[Standard, ...]
    preview: tuple[Standard, ...] = ()
    """Drafts, and what is officially looked at by hand: reported, and no part of the verdict."""
    omitted: tuple[tuple[str, str], ...] = ()
    """(what the official scope has besides, why it is not here)."""

    @property
    def checks(self) -> tuple[tuple[Standard, Check, bool], ...]:
        """All of them with their standards; True: it is a preview."""
        return tuple(
            (standard, check, preview)
            for standards, preview in ((self.standards, False), (self.preview, True))
            for standard in standards
            for check in standard.checks
        )

    @property
    def by_tests(self) -> bool:
        """Whether an inventory of tests is needed to know its checks."""
        return any(one.choose for one in (*self.standards, *self.preview))

    def with_tests(self, inventory: Inventory) -> Scope:
        """Itself with the checks that this inventory gives."""

        def filled(standard: Standard) -> Standard:
            checks = standard.choose(inventory) if standard.choose else ()
            return replace(standard, checks=(*standard.checks, *checks))

        return replace(
            self,
            standards=tuple(map(filled, self.standards)),
            preview=tuple(map(filled, self.preview)),
        )
