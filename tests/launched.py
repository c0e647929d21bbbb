# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The launcher and its whole cloud, as a user has them; what the cloud leaves on this machine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyrage
import pytest

ROOT = Path(__file__).parents[1]
NAME = "e2e"
SPEC = f"""\
name: {NAME}
storage: ceph
images: {{stores: [images-archive]}}
networks:
  management: {{ipv4: 10.31.0.0/24}}
  tunnel: {{ipv4: 10.31.1.0/24}}
  external: {{ipv4: 10.31.2.0/24, ipv6: "fd5c:5c5c:31::/64"}}
"""
UP_SECONDS = 1500

STORY = [
    pytest.mark.e2e,
    pytest.mark.timeout(UP_SECONDS + 100),
    pytest.mark.skipif(os.geteuid() != 0, reason="a cloud needs root"),
    # openstacksdk uses its own old ways.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning"),
]
"""Marks of all tests that share the cloud."""


class Cloud:
    """The launcher, run as a user runs it, in a folder of its own."""

    def __init__(self, folder: Path, spec: str = SPEC) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.file = folder / "cloud.yaml"
        self.file.write_text(spec)
        self.env = {**os.environ, "SCS_STATE": str(self.state)}

    def run(self, *words: str, code: int = 0, seconds: float = UP_SECONDS) -> str:
        """Standard output of a command; shows everything when the exit code is another."""
        done = subprocess.run(
            [ROOT / "scs", *words],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.run("--json", *words, code=code))

    def told_the_truth(self, plan: Any) -> None:
        """The last run did what this plan had announced, step for step and in that order."""
        run = self.json("journal", "show", "last")
        assert run["result"] == "done"
        steps = {(step["where"], step["step"]): step for step in plan["changes"] + plan["waits"]}
        did = {
            (entry["where"], entry["step"]): entry
            for entry in run["steps_done"]
            if entry["component"]  # not the program's own work, such as looking
        }
        sure = {key for key, step in steps.items() if step["sure"]}
        assert sure <= did.keys() <= steps.keys()
        ends = {steps[key]["number"]: did[key]["started"] + did[key]["seconds"] for key in did}
        for key, entry in did.items():
            assert entry["ok"]
            if steps[key]["sure"]:
                told = {name: steps[key][name] for name in ("reason", "diff", "effects")}
                assert told == {name: entry[name] for name in told}
            for number in steps[key]["after"]:
                assert ends.get(number, 0.0) <= entry["started"] + 0.05, (key, number)

    def killed(self, after: str, seconds: float, *words: str) -> None:
        """Start a command, wait for a line with this text and a while, then kill -9 all of it."""
        log = self.folder / "killed.log"
        with log.open("w") as stream:
            process = subprocess.Popen(
                [ROOT / "scs", "-v", *words],
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        end = time.monotonic() + UP_SECONDS
        while after not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, f"no {after!r} in time:\n{log.read_text()}"
            time.sleep(0.05)
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def ssh(self, command: str) -> str:
        return self.run("ssh", "node-1", command)

    @property
    def identity(self) -> Path:
        """What opens the encrypted files of the state folder."""
        name = str(self.state / NAME).strip("/").replace("/", "-")
        return Path("/etc/scs/identities") / name

    def secrets(self) -> Mapping[str, str]:
        """All secrets, by name; opened as any other tool of age would."""
        key = self.identity.read_text().splitlines()[-1]
        sealed = (self.state / NAME / "secrets.age").read_bytes()
        text = pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(key)])
        kept = json.loads(text)["kept"]["secrets"]
        values = {name: item["value"] for name, item in kept.items()}
        return values | {f"{name} (other)": v["other"] for name, v in kept.items() if v["other"]}

    def changed(self) -> Mapping[str, str]:
        """Unit that scs manages → when it last started or took over a change.

        Others come and go as they like: systemd-machined ends when it has nothing to do.
        """
        items = json.loads(self.ssh("cat /var/lib/scs/managed.json"))["items"].values()
        units = [item["name"] for item in items if item["kind"] == "unit"]
        assert len(units) > 20
        properties = "--property=Id,StateChangeTimestampMonotonic"
        shown = self.ssh(f"systemctl show {properties} {' '.join(units)}")
        blocks = [dict(line.split("=", 1) for line in b.splitlines()) for b in shown.split("\n\n")]
        return {
            block["Id"]: block["StateChangeTimestampMonotonic"] for block in blocks if "Id" in block
        }


@contextmanager
def launched(folder: Path, spec: str = SPEC) -> Iterator[Cloud]:
    """A folder with that cloud.yaml, and nothing else yet; at the end neither cloud nor folder."""
    if folder.exists():  # of a run that was killed
        Cloud(folder, spec).run("down", "--keep-cache", "--yes")
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    made = Cloud(folder, spec)
    yield made
    made.run("down", "--keep-cache", "--yes")
    shutil.rmtree(folder)


def traces(cloud: str = NAME) -> dict[str, list[str]]:
    """Everything on this machine that a cloud of that name might leave behind."""

    def lines(*argv: str) -> list[str]:
        if shutil.which(argv[0]) is None:
            return []
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        return [line for line in done.stdout.splitlines() if cloud in line]

    links = [line for line in lines("ip", "-details", "link") if f"scs:{cloud}" in line]
    return {
        "namespaces": lines("ip", "netns"),
        "links": links,
        "rules": [line for line in lines("nft", "list", "ruleset") if f"scs_{cloud}" in line],
        "mounts": [
            line
            for line in Path("/proc/self/mountinfo").read_text().splitlines()
            if f"/{cloud}/" in line
        ],
        "processes": [line for line in lines("ps", "-eo", "args") if f"scs-{cloud}-" in line],
    }
