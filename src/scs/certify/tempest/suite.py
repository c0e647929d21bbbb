# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""One run of tempest: it is set up for this cloud, run, and taken away again."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import yaml

from scs.certify.cloud import Asked
from scs.certify.tempest import crew, sweep
from scs.certify.tempest.config import configuration, offered, outside, written
from scs.certify.tempest.crew import Crew, Desk, Told
from scs.certify.tempest.guests import choose
from scs.certify.tempest.people import Login, People, administered, given
from scs.certify.traces import Trace
from scs.private import write_private
from scs.standards.model import CouldNotRun, How, Inventory, Test, Verdict

FOLDER = "tempest-"
"""How the names of folders with configurations begin."""


def helpful(wanted: int | None) -> int:
    """How many workers to have: as many as wanted, else one per processor here, and two at least.

    Most of the time they wait for the cloud.
    """
    return wanted or max(2, os.cpu_count() or 1)


class Tempest:
    """tempest in its own environment, for one run against one cloud."""

    def __init__(
        self,
        python: Path,
        home: Path,
        logins: Sequence[Login] = (),
        workers: int | None = None,
        say: Callable[[str], None] = lambda _text: None,
    ) -> None:
        """`home` is a folder for the owner alone; `logins` are what it tests as without an
        administrator.
        """
        self._python, self._home, self._logins = python, home, logins
        self._workers, self._say = workers, say
        self._inventory: Inventory | None = None
        self.notes: list[str] = []
        """What a reader of the report has to know of how the tests were made."""

    @property
    def inventory(self) -> Inventory:
        """All tests that it has."""
        if self._inventory is None:
            self._inventory = crew.listed(self._python)
        return self._inventory

    def forget(self) -> None:
        """Remove what a killed run has left on this machine: configurations with passwords."""
        for path in self._home.glob(f"{FOLDER}*"):
            shutil.rmtree(path, ignore_errors=True)

    def members(self, cloud: Asked) -> Sequence[Asked]:
        """Whose projects tests may have left something in."""
        others = [login.cloud for login in self._logins if login.cloud is not cloud]
        return [cloud, *others]

    @staticmethod
    def leftovers(cloud: Asked) -> tuple[Sequence[Trace], Sequence[str]]:
        """Remove what tests have left in a given project: what there was, and what stayed."""
        return sweep.project(cloud)

    def run(self, cloud: Asked, tests: Sequence[Test]) -> Iterator[Told]:
        """What comes of each of these; raises CouldNotRun when none can be made."""
        folder = Path(tempfile.mkdtemp(prefix=FOLDER, dir=self._home))
        try:
            self._say("asking the cloud what it has")
            people = self._people(cloud)
            desks = self._desks(cloud, people, folder, len({crew.class_of(test) for test in tests}))
            fit = []
            for test in tests:
                if why := people.lacks(test):
                    yield Verdict(test.name, How.UNFINISHED, why), ()
                else:
                    fit.append(test)
            yield from Crew(self._python, desks, people.secrets).run(fit)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _people(self, cloud: Asked) -> People:
        if cloud.has_admin:
            return administered(cloud)
        if not self._logins:
            raise CouldNotRun("tempest logs in with passwords, and this login has none")
        return given(self._logins)

    def _desks(self, cloud: Asked, people: People, folder: Path, classes: int) -> list[Desk]:
        guests = choose(cloud, elsewhere=not people.accounts or len(self._logins) > 1)
        net, can = outside(cloud), offered(cloud)
        count = min(helpful(self._workers), people.workers or classes, classes)
        self.notes += [
            f"tempest {self.inventory.version}, {count} worker{'s' * (count != 1)}",
            people.note,
            guests.note,
            net.note,
            *(f"not known of the cloud: {text}" for text in can.unknown),
        ]
        secrets = folder / "secrets.json"
        write_private(secrets, json.dumps(list(people.secrets)))
        desks = []
        for number in range(count):
            desk = folder / f"worker-{number}"
            desk.mkdir(mode=0o700)
            # Workers with logins of their own take these by locks that only they may see.
            locks = desk / "locks" if people.accounts else folder / "locks"
            locks.mkdir(mode=0o700, exist_ok=True)
            settings = configuration(cloud, people, guests, net, can, str(locks))
            if people.accounts:
                accounts = desk / "accounts.yaml"
                write_private(accounts, yaml.safe_dump(list(people.accounts[number])))
                auth = {**settings["auth"], "test_accounts_file": str(accounts)}
                settings = {**settings, "auth": auth}
            write_private(desk / "tempest.conf", written(settings))
            desks.append(Desk(desk, desk / "tempest.conf", secrets))
        return desks
