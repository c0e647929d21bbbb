# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A cloud that uses another one's Ceph, whole: `storage: external-ceph` on real local clouds.

    tools/try-external-ceph            all of it; both clouds are removed afterwards
    tools/try-external-ceph --keep     they stay, to be looked at; `--down` removes them

Two local clouds of their own names, addresses and state come up one after the other on this
machine: `lender` runs a Ceph (`storage: ceph`), `borrower` takes it as an operator's own, with
pools, accounts and keys as they are there, and sends backups of volumes to the lender's S3.
Together they need some 10 GiB of memory. Whatever the borrower is told wrongly must be refused
before there is anything of it; then guest, volume, snapshot, backup and restore must work, and
what is written must lie where it belongs.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from scs.errors import Exit
from trial import Trial, arguments, carry_out, scs
from volumes import User

FOLDER = Path("/var/tmp/scs-external-ceph")
LENDER, BORROWER = "lender", "borrower"
ACCOUNTS = ("glance", "cinder", "nova")
"""Those that a cloud with backups in an S3 store uses."""
OTHER_KEY = "AQAAAAAAAAAAABAAAAECAwQFBgcICQoLDA0ODw=="
"""A key as Ceph's are, and nobody's."""
BUCKET = "borrowed"


def spec(name: str, second: int, **more: Any) -> dict[str, Any]:
    """What both clouds have in common: one node, addresses of their own, no guest at first."""
    return {
        "name": name,
        "networks": {
            "management": {"ipv4": f"10.{second}.0.0/24"},
            "tunnel": {"ipv4": f"10.{second}.1.0/24"},
            "external": {
                "ipv4": f"10.{second}.2.0/24",
                "ipv6": f"fd5c:5c5c:{second}::/64",
            },
        },
        **more,
    }


class Cloud:
    """One of the clouds, by way of the launcher, in a folder of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.folder = FOLDER / name
        self.state = FOLDER / "state"
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def write(self, values: Mapping[str, Any]) -> None:
        """cloud.yaml; JSON is YAML."""
        (self.folder / "cloud.yaml").write_text(json.dumps(values, indent=1) + "\n")

    def secret(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)

    def run(self, *words: str, code: int = Exit.OK) -> str:
        """What a command has put out, and where it fails all that it said."""
        told = scs(self.folder, self.state, *words, code=code)
        return told[0] if code == Exit.OK else "\n".join(told)

    def ssh(self, command: str) -> str:
        return self.run("ssh", "node-1", "--", command).strip()

    def traces(self) -> list[str]:
        """What there is of its nodes on this machine."""
        argv = ["ip", "-details", "link"]
        links = subprocess.run(argv, capture_output=True, text=True, check=True)
        found = [line for line in links.stdout.splitlines() if f"scs:{self.name}" in line]
        nodes = self.state / self.name / "nodes"
        return [*found, *(str(path) for path in sorted(nodes.glob("*/upper")))]


class Borrowing(Trial):
    """Both clouds, and what is done with them, step by step."""

    def __init__(self) -> None:
        self.lender, self.borrower = Cloud(LENDER), Cloud(BORROWER)

    def run(self) -> None:
        with self.step("the lender comes up, with a Ceph of its own"):
            self.lender.write(spec(LENDER, 45, storage="ceph"))
            self.lender.run("up", "--yes")
        with self.step("the borrower is given its configuration, keys and an account of S3"):
            self.lend()
        with self.step("what is wrong is refused before there is anything of it"):
            self.refusals()
        with self.step("the borrower comes up"):
            self.borrower.run("up", "--yes")
            self.borrower.run("plan")
        with self.step("verify: guest, volume, snapshot, clean-up"):
            self.borrower.run("verify")
        with self.step("guest, volume, backup and restore lie where they belong"):
            self.use()
        with self.step("a key that is wrong is refused on a cloud that runs, and touches nothing"):
            self.refused_while_it_runs()

    def lend(self) -> None:
        """What an operator of a Ceph hands out."""
        conf = self.lender.ssh("ceph config generate-minimal-conf")
        self.borrower.secret("ceph/ceph.conf", f"{conf}\n[client]\nrbd_default_clone_format = 2\n")
        for name in ACCOUNTS:
            ring = self.lender.ssh(f"ceph auth get client.{name} 2>/dev/null")
            self.borrower.secret(f"ceph/ceph.client.{name}.keyring", f"{ring}\n")
        made = json.loads(
            self.lender.run("openstack", "ec2", "credentials", "create", "--format", "json")
        )
        self.borrower.secret("s3", made["secret"])
        ca = self.lender.state / LENDER / "ca.pem"
        (self.borrower.folder / "s3-ca.pem").write_text(ca.read_text())
        wanted = spec(
            BORROWER,
            47,
            storage="external-ceph",
            external={
                "ceph": {"config": "ceph/ceph.conf", "keyrings": "ceph"},
                "volume_backups": {
                    "endpoint": "https://10.45.0.4:6780",
                    "bucket": BUCKET,
                    "access_key": made["access"],
                    "secret_key_file": "s3",
                    "ca": "s3-ca.pem",
                },
            },
        )
        self.borrower.write(wanted)

    def refusals(self) -> None:
        """One mistake after the other; each is named, and nothing is made."""
        for what, mistake, code, words in (
            ("no monitor", self.no_monitor, Exit.PREFLIGHT, "external.ceph.config"),
            ("a wrong key", self.wrong_key, Exit.BAD_INPUT, "is not let in with the key of"),
            ("a pool that is not there", self.no_pool, Exit.BAD_INPUT, "there is no pool volumes"),
            ("no keyring", self.no_keyring, Exit.BAD_INPUT, "ceph.client.nova.keyring is not"),
            ("a wrong key of S3", self.wrong_s3, Exit.PREFLIGHT, "external.volume_backups"),
        ):
            with mistake():
                said = self.borrower.run("up", "--yes", code=code)
            assert words in said, f"{what}: {said}"
            assert not self.borrower.traces(), (what, self.borrower.traces())
            print(f"           {what}: refused", flush=True)

    @contextmanager
    def changed(self, name: str, change: Callable[[str], str]) -> Iterator[None]:
        """One of the borrower's files is another one for a while."""
        path = self.borrower.folder / name
        before = path.read_text()
        self.borrower.secret(name, change(before))
        try:
            yield
        finally:
            self.borrower.secret(name, before)

    def no_monitor(self) -> AbstractContextManager[None]:
        return self.changed("ceph/ceph.conf", lambda text: text.replace("10.45.0.11", "10.45.0.99"))

    def wrong_key(self) -> AbstractContextManager[None]:
        ring = f"[client.cinder]\n\tkey = {OTHER_KEY}\n"
        return self.changed("ceph/ceph.client.cinder.keyring", lambda _: ring)

    def wrong_s3(self) -> AbstractContextManager[None]:
        return self.changed("s3", lambda _: "not-the-key\n")

    @contextmanager
    def no_keyring(self) -> Iterator[None]:
        path = self.borrower.folder / "ceph/ceph.client.nova.keyring"
        away = path.with_suffix(".away")
        path.rename(away)
        try:
            yield
        finally:
            away.rename(path)

    @contextmanager
    def no_pool(self) -> Iterator[None]:
        """The lender has no volumes yet, so nobody misses the pool meanwhile."""
        self.lender.ssh("ceph osd pool rename volumes elsewhere")
        try:
            yield
        finally:
            self.lender.ssh("ceph osd pool rename elsewhere volumes")

    def use(self) -> None:
        """As a user of the borrower; looked at from the lender's node."""
        user = User(BORROWER, self.borrower.state / BORROWER)
        hello = user.cloud.compute.find_server("hello")
        assert f"{hello.id}_disk" in self.lender.ssh("rbd ls vms").split()
        data = user.volume(1)
        assert f"volume-{data}" in self.lender.ssh("rbd ls volumes").split()
        written = user.written(hello, user.attach(hello, data), 32)
        user.detach(hello, data)
        backup = user.backup(data)
        objects = self.lender.ssh("rados --pool default.rgw.buckets.data ls")
        assert f"volume_{data}" in objects, objects
        again = user.restored(backup)
        assert user.read(hello, user.attach(hello, again), 32) == written
        user.detach(hello, again)
        user.gone("backups", backup)
        left = self.lender.ssh("rados --pool default.rgw.buckets.data ls")
        assert f"volume_{data}" not in left, left
        user.gone("volumes", data, again)

    def refused_while_it_runs(self) -> None:
        with self.wrong_key():
            said = self.borrower.run("up", "--yes", code=Exit.BAD_INPUT)
            assert "is not let in with the key of" in said, said
        self.borrower.run("plan")
        self.borrower.run("status")

    def down(self) -> None:
        for cloud in (self.borrower, self.lender):
            if (cloud.folder / "cloud.yaml").exists():
                cloud.run("down", "--keep-cache", "--yes")
        shutil.rmtree(FOLDER)


def main() -> int:
    options = arguments("tools/try-external-ceph", __doc__).parse_args()
    return carry_out(Borrowing(), options)


if __name__ == "__main__":
    sys.exit(main())
