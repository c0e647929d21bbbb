# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The cloud's secrets: exchanged while it serves, and seen by nobody."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Self

from launched import NAME, ROOT, STORY, Cloud

pytestmark = STORY


class Eyes:
    """Looks all the time at what anybody could see of a run, for texts that must not be there.

    Nodes are containers here: their processes are in this machine's list, too.
    """

    def __init__(self, texts: Callable[[], Collection[str]]) -> None:
        self._texts = texts
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.found: set[str] = set()
        self.looks = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.05):
            seen: dict[str, str] = {}
            for path in [*Path("/proc").glob("[0-9]*/cmdline"), *_temporary()]:
                with contextlib.suppress(OSError):
                    if path.is_file():
                        seen[str(path)] = path.read_text(errors="replace")
            texts = self._texts()
            self.found |= {
                path for path, text in seen.items() if any(item in text for item in texts)
            }
            self.looks += 1


def _temporary() -> Iterator[Path]:
    """All that lies in scs's temporary folders, which come and go meanwhile."""
    for top in Path(tempfile.gettempdir()).glob("scs-*"):
        # Not Path.glob: that fails when a folder goes while it is being read.
        for folder, _, names in os.walk(top):
            yield from (Path(folder, name) for name in names)


def test_rotation_under_a_light_load(cloud: Cloud) -> None:
    """No request fails, the old account is gone, and the new secrets are seen by nobody."""
    names = ("database/placement", "queue/neutron", "keystone/fernet-keys", "certificates")
    before = cloud.secrets()
    log = cloud.folder / "load.json"
    with log.open("w") as stream, Eyes(lambda: set(cloud.secrets().values())) as eyes:
        clouds = cloud.state / NAME / "clouds.yaml"
        load = subprocess.Popen(
            [sys.executable, ROOT / "bench/load", clouds, "--rate", "4", "--seconds", "900"],
            stdout=stream,
        )
        try:
            time.sleep(2)
            cloud.run("secrets", "rotate", "--yes", *names)
        finally:
            load.terminate()
            load.wait()
    seen = json.loads(log.read_text())
    assert seen["requests"] > 40
    assert seen["failures"] == 0, seen
    assert eyes.looks > 10
    assert not eyes.found
    after = cloud.secrets()
    changed = {name for name, value in before.items() if after.get(name) != value}
    assert changed == {"database/placement", "queue/neutron"}
    users = cloud.ssh("mariadb --batch --skip-column-names -e 'SELECT user FROM mysql.user'")
    assert "placement-b" in users.split()
    assert "placement" not in users.split()
    assert cloud.json("plan")["changes"] == []


def test_certificates_that_end_are_told(cloud: Cloud) -> None:
    status = cloud.json("status")
    assert len(status["certificates"]) > 4
    assert {item["state"] for item in status["certificates"]} == {"well"}
    assert all(item["days"] > 300 for item in status["certificates"])


def test_secrets_are_nowhere_to_be_seen(cloud: Cloud) -> None:
    secrets = set(cloud.secrets().values())
    assert len(secrets) > 15
    folder = cloud.state / NAME
    assert folder.stat().st_mode & 0o777 == 0o700
    assert cloud.identity.stat().st_mode & 0o777 == 0o600
    held = [secret.encode() for secret in secrets]
    for path in folder.rglob("*"):
        # The nodes' own files are on the nodes, and looked at there.
        if path.is_relative_to(folder / "nodes") or path.is_symlink() or not path.is_file():
            continue
        data = path.read_bytes()
        if any(secret in data for secret in held):
            # OpenStack's clients must be able to read it.
            assert path.name == "clouds.yaml", path
            assert path.stat().st_mode & 0o077 == 0, path
    here = cloud.ssh("journalctl --no-pager --output=cat; ps axo args")
    here += subprocess.run(["ps", "axo", "args"], capture_output=True, text=True, check=True).stdout
    here += cloud.run("--json", "secrets", "list") + cloud.run("secrets", "list")
    assert not any(secret in here for secret in secrets)
    # What anybody may read, and all that may have been left behind by a run.
    readable = cloud.ssh(
        "find /etc /usr/local /run /opt/scs/openstack/etc /var/log /var/lib/scs -xdev -type f"
        " -perm -o=r -size -8M -print0 2>/dev/null | xargs -0 cat 2>/dev/null;"
        " find /tmp /var/tmp /root /run/scs -xdev -type f -size -8M -print0 2>/dev/null"
        " | xargs -0 cat 2>/dev/null"
    )
    assert not any(secret in readable for secret in secrets)
    cloud.ssh("sed -i 's/^password = .*/password = by hand/' /etc/nova/nova.conf")
    try:
        for words in (("--json", "plan"), ("plan",), ("-v", "plan")):
            diff = cloud.run(*words, code=2)
            assert "by hand" in diff
            assert not any(secret in diff for secret in secrets)
    finally:
        cloud.run("up", "--yes")
