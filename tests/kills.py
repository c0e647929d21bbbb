# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""kill -9 of the whole program at every step boundary, and what the next run makes of it.

    tools/try-kills paper             every step of a first `up` and of a change, on paper
    tools/try-kills cloud --points N  a real cloud of its own: at step boundaries and at random

On paper (`paper`) the program is a process of its own, ended by itself with SIGKILL before a
step; nodes and API survive it on the disk. On the real cloud `./scs up` with all its children
is ended from outside. Each time the next run must converge, the plan after it must be empty,
and no object of the API may be there twice. The table of all points is printed at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyrage

from paper.cloud import PaperCloud
from paper.world import World

ROOT = Path(__file__).parents[1]
CHANGE: dict[str, Any] = {
    "config": {
        "nova": {"DEFAULT": {"cpu_allocation_ratio": 8.0}},
        "keystone": {"token": {"expiration": 7200}},
        "neutron": {"DEFAULT": {"dns_domain": "example.org."}},
    },
    "tenant": {"project": "other", "user": "someone"},
}


@dataclass(frozen=True)
class Point:
    """One kill and what came after."""

    scenario: str
    where: str
    """The step before which, or after which line, the program was ended."""
    well: bool
    seconds: float
    """How long the next run took."""
    wrong: str = ""


# On paper.


@contextmanager
def state_in(folder: Path) -> Iterator[None]:
    identity = folder / "identity"
    if not identity.exists():
        identity.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    wanted = {"SCS_STATE": str(folder / "state"), "SCS_IDENTITY": str(identity)}
    known = {key: os.environ.get(key) for key in wanted}
    os.environ |= wanted
    try:
        yield
    finally:
        for key, value in known.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value


def world_in(folder: Path, yaml: dict[str, Any]) -> World:
    world = World(PaperCloud(folder / "cloud.json"), folder)
    world.yaml = {"name": "paper", **yaml}
    return world


def steps_of(world: World) -> list[str]:
    """The steps of one `up`, in the order in which they began."""
    found: list[str] = []
    world.cloud.at_step = lambda where, step: found.append(f"{where}: {step}")
    world.up()
    return found


def killed_at(world: World, number: int) -> str:
    """Run `up` in a process that ends with SIGKILL before its step of that number (from 0)."""
    child = os.fork()
    if child == 0:
        left = [number]

        def kill(_where: str, step: str) -> None:
            if left[0] == 0:
                (world.folder / "step").write_text(step)
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1

        world.cloud.at_step = kill
        try:
            world.up()
        finally:
            os._exit(3)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        return ""
    return (world.folder / "step").read_text()


def on_paper(
    numbers: Callable[[int], Sequence[int]] = range, say: Callable[[Point], None] = lambda _: None
) -> list[Point]:
    """All points of both scenarios; `numbers` chooses among so many steps."""
    found: list[Point] = []
    with tempfile.TemporaryDirectory(prefix="scs-kills-") as name:
        top = Path(name)
        ready = top / "ready"
        ready.mkdir()
        with state_in(ready):
            world_in(ready, {}).up()
        for scenario, start, yaml in (("first", None, {}), ("change", ready, CHANGE)):
            with _copied(start, top / "count") as folder, state_in(folder):
                count = len(steps_of(world_in(folder, yaml)))
            for number in numbers(count):
                with _copied(start, top / "try") as folder, state_in(folder):
                    found.append(_paper_point(scenario, folder, yaml, number))
                    say(found[-1])
    return found


@contextmanager
def _copied(start: Path | None, folder: Path) -> Iterator[Path]:
    if start is None:
        folder.mkdir()
    else:
        shutil.copytree(start, folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _paper_point(scenario: str, folder: Path, yaml: dict[str, Any], number: int) -> Point:
    step = killed_at(world_in(folder, yaml), number)
    begin = time.monotonic()
    world = world_in(folder, yaml)
    world.up()
    seconds = time.monotonic() - begin
    left = [item.id for item in world.plan().plan.changes]
    wrong = "it was not killed" if not step else f"left: {', '.join(left)}" if left else ""
    return Point(scenario, step, not wrong, seconds, wrong)


# On a real cloud.

NAME = "kills"
SPEC: dict[str, Any] = {
    "name": NAME,
    "networks": {
        "management": {"ipv4": "10.61.0.0/24"},
        "tunnel": {"ipv4": "10.61.1.0/24"},
        "external": {"ipv4": "10.61.2.0/24", "ipv6": "fd5c:5c5c:61::/64"},
    },
}
WORK = Path("/var/tmp/scs-kills")
SECONDS = 1800
LISTS = {
    "user": "user list",
    "project": "project list",
    "service": "service list",
    "flavor": "flavor list --all",
    "network": "network list",
    "subnet": "subnet list",
    "router": "router list",
    "image": "image list",
    "server": "server list --all-projects",
}


class Real:
    """`./scs` as a user runs it, in a folder of its own."""

    def __init__(self) -> None:
        WORK.mkdir(mode=0o700, exist_ok=True)
        self.env = {**os.environ, "SCS_STATE": str(WORK / "state"), "NO_COLOR": "1"}
        self.write({})

    def write(self, more: dict[str, Any]) -> None:
        (WORK / "cloud.yaml").write_text(json.dumps({**SPEC, **more}))

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROOT / "scs", *words],
            cwd=WORK,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )

    def killed(self, lines: int, pause: float) -> str | None:
        """Start `up`, end it after so many of its steps and a pause; None: it was done before."""
        log = WORK / "log"
        with log.open("w") as stream:
            process = subprocess.Popen(
                [ROOT / "scs", "-v", "up", "--yes"],
                cwd=WORK,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        end = time.monotonic() + SECONDS
        while len(done := _steps(log)) < lines:
            if process.poll() is not None:
                return None
            if time.monotonic() > end:
                raise TimeoutError(log.read_text()[-2000:])
            time.sleep(0.02)
        time.sleep(pause)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return done[-1] if done else "before the first step"

    def twice(self) -> list[str]:
        """Names that are there more than once in the API."""
        found = []
        for kind, words in LISTS.items():
            told = self.run(
                "openstack", "--os-cloud", f"{NAME}-admin", *words.split(), "-f", "json"
            )
            names = Counter(item["Name"] for item in json.loads(told.stdout))
            found += [f"{kind} {name}" for name, count in names.items() if count > 1]
        return found


def _steps(log: Path) -> list[str]:
    return re.findall(r" s [✓✗] (.+?) \(", log.read_text(errors="replace"))


def on_a_cloud(points: int, seed: int, say: Callable[[Point], None]) -> list[Point]:
    """Half of the points during a first `up` (one kill after the other), half during changes."""
    chance = random.Random(seed)
    cloud = Real()
    found: list[Point] = []
    ratio = 2.0
    try:
        cloud.run("down", "--keep-cache", "--yes")
        while len(found) < points // 2:
            pause = chance.choice((0.0, 0.0, chance.uniform(0, 4)))
            where = cloud.killed(chance.randint(1, 40), pause)
            if where is None:
                cloud.run("down", "--keep-cache", "--yes")  # the next one is a first `up` again
                continue
            found.append(Point("first", f"{where} + {pause:.1f} s", True, 0.0))
            say(found[-1])
        found.append(_next_run(cloud, "first", "all of the above"))
        say(found[-1])
        while len(found) <= points:
            ratio += 1
            change = {"DEFAULT": {"cpu_allocation_ratio": ratio}}
            token = {"token": {"expiration": 7000 + 10 * int(ratio)}}
            cloud.write({"config": {"nova": change, "keystone": token}})
            pause = chance.choice((0.0, chance.uniform(0, 3)))
            where = cloud.killed(chance.randint(1, 9), pause)
            if where is not None:
                found.append(_next_run(cloud, "change", f"{where} + {pause:.1f} s"))
                say(found[-1])
    finally:
        cloud.run("down", "--keep-cache", "--yes")
        shutil.rmtree(WORK)
    return found


def _next_run(cloud: Real, scenario: str, where: str) -> Point:
    begin = time.monotonic()
    again = cloud.run("up", "--yes")
    seconds = time.monotonic() - begin
    plan = cloud.run("--json", "plan")
    wrong = []
    if again.returncode:
        wrong.append(f"the next run ended with {again.returncode}: {again.stderr[-300:]}")
    elif plan.returncode:
        steps = [item["step"] for item in json.loads(plan.stdout or '{"changes": []}')["changes"]]
        wrong.append(f"then the plan has {', '.join(steps)}")
    else:
        wrong += [f"{name} is there twice" for name in cloud.twice()]
    return Point(scenario, where, not wrong, seconds, "; ".join(wrong))


def table(points: Sequence[Point]) -> str:
    lines = ["| scenario | killed | next run | |", "|---|---|---|---|"]
    lines += [
        f"| {item.scenario} | {item.where} | {item.seconds:.1f} s | {item.wrong or 'well'} |"
        for item in points
    ]
    bad = sum(not item.well for item in points)
    return "\n".join([*lines, "", f"{len(points)} points, {bad} went wrong"])


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="tools/try-kills",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=("paper", "cloud"))
    parser.add_argument("--points", type=int, default=40, help="kills of the real cloud (40)")
    parser.add_argument("--seed", type=int, default=1, help="another one: other random moments")
    options = parser.parse_args(words)

    def say(point: Point) -> None:
        mark = "✓" if point.well else "✗"
        print(f"{mark} {point.scenario}: {point.where} {point.wrong}", file=sys.stderr, flush=True)

    if options.what == "paper":
        points = on_paper(say=say)
    else:
        points = on_a_cloud(options.points, options.seed, say)
    print(table(points))
    return 0 if all(point.well for point in points) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
