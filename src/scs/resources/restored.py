# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What migrations made of empty databases, put back before the server's first start."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from .base import ConvergeError, Resource, Seen, command, patient
from .migration import complete, kept

DATA = Path("/var/lib/mysql")
SOCKET = Path("/run/mysqld/mysqld.sock")
BEGUN = DATA / ".scs-restoring"
"""Lies there until all is restored: what a killed run has left is dropped and restored anew."""
SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Restored(Resource):
    """The kept results of these migrations, in a MariaDB that has never run.

    Statement by statement, a server that keeps its promises waits some 2,000 times for the
    disk. This one promises nothing: nobody uses it yet, and if it is cut off, the migrations
    do the rest. Their proofs decide afterwards, whatever was restored.
    """

    kind: ClassVar[str] = "restored"
    data: ClassVar[bool] = True
    environment: str
    """The path of the environment whose migrations they are."""
    migrations: tuple[str, ...]
    databases: tuple[str, ...]

    def _files(self) -> list[Path]:
        return [path for name in self.migrations if complete(path := kept(self.environment, name))]

    @classmethod
    def observe(cls, wanted: Sequence[Restored]) -> dict[str, Seen]:
        return {
            want.id: {
                "there": not BEGUN.exists()
                and any((DATA / name).exists() for name in want.databases)
            }
            for want in wanted
        }

    def compare(self, seen: Seen) -> str | None:
        if not seen:
            return "is missing"
        return None if seen["there"] else "starts empty"

    def converge(self) -> None:
        there = self.compare(self.observe([self])[self.id]) is None
        if there or SOCKET.exists() or not self._files():
            return  # nothing was kept, or the server runs: the migrations do it
        BEGUN.touch()
        with TemporaryDirectory(prefix="scs-restored-") as folder:
            shutil.chown(folder, "mysql", "mysql")
            self._restore(Path(folder))
        BEGUN.unlink()

    def _restore(self, folder: Path) -> None:
        """By way of a server that has its socket and its log in this folder."""
        socket = folder / "socket"
        server = [
            *("mariadbd", "--user=mysql", f"--datadir={DATA}", f"--socket={socket}"),
            *("--wsrep-on=OFF", "--wsrep-provider=none", "--skip-networking", "--skip-ssl"),
            *("--skip-grant-tables", f"--pid-file={folder / 'pid'}", "--skip-log-bin"),
            *("--innodb-flush-method=nosync", "--debug-no-sync"),
            "--innodb-flush-log-at-trx-commit=0",
        ]
        log = folder / "log"
        with (
            log.open("w") as stream,
            subprocess.Popen(
                server, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
            ) as process,
        ):
            try:
                end = time.monotonic() + patient(SECONDS)
                while not socket.exists():
                    if process.poll() is not None or time.monotonic() > end:
                        told = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
                        raise ConvergeError(f"mariadbd does not start\n{told}")
                    time.sleep(0.05)
                client = ["mariadb", "--skip-ssl", f"--socket={socket}"]
                drops = [f"DROP DATABASE IF EXISTS `{name}`;" for name in self.databases]
                command(client, stdin="\n".join(drops))
                for path in self._files():
                    command(client, stdin=path.read_text(), timeout=SECONDS)
            finally:
                process.terminate()
                process.wait()
