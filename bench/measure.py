# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Measures scs on this machine and prints one table (Markdown).

  cold        `up` on empty caches: own tools, root file system, environment, images, cloud.
              Debian packages that this machine already has are not removed before.
  warm        `up` after `down --keep-cache`
  noop        `up` with nothing to do
  change      `up` after one option in cloud.yaml has changed
  status      `status` of a healthy cloud
  memory      proportional set size of all processes in the nodes, without and with guests
  throughput  TCP through a floating IP in both directions, from `verify`
  disk        what cache and state take, each file once
  ara         `change` while ARA records each call of Ansible
  nodes       `plan` of a cloud that is as it should be: with 1, 3 and 10 nodes here (as many as
              fit into memory), and with 100 and 1,000 that are simulated (see simulated.py):
              time, round trips and bytes per node, memory of the program
  storage     Ceph: how much longer `up` takes with it, on empty caches and full ones; what its
              daemons take while nobody asks; volumes, snapshots, boot from volume; S3 with small
              and large objects, beside `rados bench` of the same Ceph
  services    what each service that can be chosen costs: time to add it, memory
  certify     IaaS v5.1 against a cloud with all services: the whole, the slowest checks

Times are those of the whole command, from its start to its end. The cloud has its own name
(bench), addresses (10.41.*) and state folder, so a cloud that is here stays as it is; but the
machine needs memory for both, and whatever else runs slows this down. The bench's cloud is
always removed at the end. `cold` fills a cache of its own, and what follows uses that one;
without `cold` the machine's own cache is used (SCS_CACHE or scs's default), and filled if
need be. No test runs this.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from iaas import TOPICS

from scs.providers.local.node import Container

ROOT = Path(__file__).parents[1]
NAME = "bench"
SPEC = f"""\
name: {NAME}
networks:
  management: {{ipv4: 10.41.0.0/24}}
  tunnel: {{ipv4: 10.41.1.0/24}}
  external: {{ipv4: 10.41.2.0/24, ipv6: "fd5c:5c5c:41::/64"}}
"""
STORAGE = "storage:"
"""What a cloud.yaml with another storage has in it."""
# Not in /tmp, which may be a small memory file system.
WORK = Path("/var/tmp/scs-bench")
SECONDS = 1800
"""How long one command may take."""
NOT_COPIED = shutil.ignore_patterns(".git", ".venv*", "__pycache__", ".*_cache", "cloud.yaml")
GIB = 1 << 30

LOCAL = (1, 3, 10)
"""Nodes on this machine."""
SIMULATED = (100, 1000)
NODE_BYTES = 1 << 30
"""Memory that a node more may take."""

GOALS = {
    "cold": "≤ 240 s",
    "warm": "≤ 45 s",
    "noop": "≤ 3 s",
    "status": "≤ 3 s",
    "memory without guests": "≤ 3.5 GiB",
    "disk": "≤ 6 GB",
    "plan, 10 nodes": "≤ 8 s",
    "plan, 1000 simulated nodes": "≤ 5 s",
    "throughput in": "≥ 100 Mb/s",
    "throughput out": "≥ 100 Mb/s",
}


class Failed(Exception):
    """A command did not do what is to be measured."""


class Bench:
    """One cloud and what was measured on it."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.name = NAME
        self.state = WORK / "state" / NAME
        self.program = ROOT / "scs"
        self.env = {**os.environ, "SCS_STATE": str(WORK / "state")}
        self.file = WORK / "cloud.yaml"
        self.log = WORK / "log"
        self.found: dict[str, tuple[str, list[float]]] = {}
        self._expiration = 7200
        self._warm = False

    # What is measured.

    def cold(self) -> None:
        for turn in self._turns("cold"):
            turn(self.cold_up(""))

    def warm(self) -> None:
        self.ensure_up()
        for turn in self._turns("warm"):
            self.down()
            turn(self.timed("up"))

    def noop(self) -> None:
        self.ensure_up()
        for turn in self._turns("noop"):
            start = time.monotonic()
            changes = json.loads(self.run("--json", "up"))["changes"]
            turn(time.monotonic() - start)
            if changes != 0:
                raise Failed(f"`up` with nothing to do made {changes} changes")

    def change(self) -> None:
        self.ensure_up()
        for turn in self._turns("change"):
            self._expiration += 60
            option = f"config: {{keystone: {{token: {{expiration: {self._expiration}}}}}}}\n"
            self.file.write_text(SPEC + option)
            turn(self.timed("up", "--yes"))

    def ara(self) -> None:
        self.ensure_up()
        self.run("records", "--on")
        try:
            for turn in self._turns("change with ARA"):
                self._expiration += 60
                option = f"config: {{keystone: {{token: {{expiration: {self._expiration}}}}}}}\n"
                self.file.write_text(SPEC + option)
                turn(self.timed("up", "--yes"))
        finally:
            self.run("records", "--off")

    def nodes(self) -> None:
        self.ensure_up()
        for count in LOCAL:
            if (count - 1) * NODE_BYTES > available():
                say(f"{count} nodes do not fit into memory: left out")
                continue
            others = [f"  - {{name: node-{at}, roles: [compute]}}\n" for at in range(2, count + 1)]
            first = "  - {name: node-1, roles: [control, network, compute]}\n"
            self.file.write_text(f"{SPEC}nodes:\n{first}{''.join(others)}")
            self.add(f"up to {count} nodes", "s", self.timed("up", "--yes"))
            for turn in self._turns(f"plan, {count} nodes"):
                turn(self.timed("plan"))
        for count in SIMULATED:
            self.simulated(count)

    def simulated(self, count: int) -> None:
        """The planner and the engine, with nodes that are not there."""
        folder = WORK / "simulated"
        remove(folder)
        folder.mkdir()
        program = [sys.executable, "-P", str(ROOT / "bench/simulated.py")]
        words = [str(folder), "--nodes", str(count)]
        subprocess.run([*program, "make", *words], check=True, timeout=SECONDS)
        name = f"{count} simulated nodes"
        for turn in self._turns(f"plan, {name}"):
            done = subprocess.run(
                [*program, "plan", *words], check=True, timeout=SECONDS, capture_output=True
            )
            seen = json.loads(done.stdout)
            turn(seen["seconds"])
            self.add(f"its processor time, {name}", "s", seen["processor"])
            self.add(f"round trips per node, {name}", "", seen["trips"])
            self.add(f"sent per node, {name}", "kB", seen["bytes_there"] / 1e3)
            self.add(f"answered per node, {name}", "kB", seen["bytes_back"] / 1e3)
            self.add(f"memory of the program, {name}", "MB", seen["memory"] / 1e6)
        remove(folder)

    def status(self) -> None:
        self.ensure_up()
        for turn in self._turns("status"):
            turn(self.timed("status"))

    def memory(self) -> None:
        self.ensure_up()
        nodes = [item["node"] for item in json.loads(self.run("--json", "status"))["nodes"]]
        for turn in self._turns("memory without guests", "GiB"):
            time.sleep(5)
            sizes = [size for node in nodes for size in pss_of(node)]
            total = sum(size for _, size in sizes)
            guests = sum(size for name, size in sizes if name.startswith("qemu-system"))
            turn((total - guests) / GIB)
            self.add("memory with guests", "GiB", total / GIB)

    def throughput(self) -> None:
        self.ensure_up()
        for turn in self._turns("throughput in", "Mb/s"):
            steps = json.loads(self.run("--json", "verify"))["steps"]
            values = next(step["values"] for step in steps if step["step"] == "throughput")
            turn(values["megabits_in"])
            self.add("throughput out", "Mb/s", values["megabits_out"])

    def disk(self) -> None:
        self.ensure_up()
        cache = self.env.get("SCS_CACHE", "/var/cache/scs")
        # One call, so that a file with several names is counted once.
        du = ["du", "-scx", "--block-size=1", cache, self.env["SCS_STATE"]]
        told = subprocess.run(du, capture_output=True, text=True, check=False).stdout
        self.add("disk", "GB", int(told.splitlines()[-1].split()[0]) / 1e9)

    # How.

    def run(self, *words: str, good: Collection[int] = (0,)) -> str:
        """The standard output of a command; raises Failed with the end of what it said."""
        with (
            self.log.open("ab") as log,
            subprocess.Popen(
                [self.program, *words],
                cwd=WORK,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            ) as process,
        ):
            try:
                told = process.communicate(timeout=SECONDS)[0]
            except BaseException:
                end(process)
                raise
        if process.returncode not in good:
            said = (self.log.read_text(errors="replace") + told)[-4000:]
            raise Failed(f"scs {' '.join(words)} ended with {process.returncode}:\n{said}")
        return told

    def timed(self, *words: str) -> float:
        start = time.monotonic()
        self.run(*words)
        return time.monotonic() - start

    def up(self, more: str) -> float:
        """Bring the cloud to its first cloud.yaml and these lines; the seconds it took."""
        self.ensure_up()
        if (STORAGE in more) != (STORAGE in self.file.read_text()):
            # What lies in the old place does not move, so `up` would refuse.
            self.down()
        self.file.write_text(SPEC + more)
        return self.timed("up", "--yes")

    def warm_up(self, more: str) -> float:
        """The same with a cloud made anew, from the caches that are there."""
        self.ensure_up()
        self.down()
        self.file.write_text(SPEC + more)
        return self.timed("up", "--yes")

    def cold_up(self, more: str) -> float:
        """The same on empty caches, in a fresh checkout; what follows uses these."""
        self.env["SCS_CACHE"] = str(WORK / "cache")
        self.env["UV_CACHE_DIR"] = str(WORK / "uv")
        self.down()
        checkout = WORK / "checkout"
        for folder in (checkout, WORK / "cache", WORK / "uv"):
            remove(folder)
        shutil.copytree(ROOT, checkout, symlinks=True, ignore=NOT_COPIED)
        self.program = checkout / "scs"
        self.file.write_text(SPEC + more)
        seconds = self.timed("up", "--yes")
        self._warm = True
        return seconds

    def processes(self) -> list[tuple[str, int]]:
        """Name and bytes (proportional set size) of all processes in the nodes but guests."""
        nodes = [item["node"] for item in json.loads(self.run("--json", "status"))["nodes"]]
        sizes = [pair for node in nodes for pair in pss_of(node)]
        return [pair for pair in sizes if not pair[0].startswith("qemu-system")]

    def pss(self) -> float:
        """GiB of all these."""
        return sum(size for _, size in self.processes()) / GIB

    def ensure_up(self) -> None:
        """A cloud whose cache is filled; not measured."""
        if not self._warm:
            say("filling the cache and bringing up a cloud (not measured)")
            self.run("up", "--yes")
            self._warm = True

    def down(self) -> None:
        # Always with --keep-cache: without it the machine's cache would go, which others use.
        self.file.write_text(SPEC)
        self.run("down", "--keep-cache", "--yes")

    def add(self, name: str, unit: str, value: float) -> None:
        self.found.setdefault(name, (unit, []))[1].append(value)
        say(f"{name}: {value:.2f} {unit}")

    def _turns(self, name: str, unit: str = "s") -> Iterator[Callable[[float], None]]:
        for number in range(1, self.times + 1):
            say(f"{name}, {number} of {self.times}")
            yield lambda value: self.add(name, unit, value)

    def table(self) -> str:
        lines = ["| what | min | median | max | runs | goal |", "|---|---|---|---|---|---|"]
        for name, (unit, values) in self.found.items():
            digits = 0 if unit == "Mb/s" else 2
            numbers = (min(values), statistics.median(values), max(values))
            cells = " | ".join(f"{value:.{digits}f} {unit}" for value in numbers)
            lines.append(f"| {name} | {cells} | {len(values)} | {GOALS.get(name, '')} |")
        return "\n".join(lines)


def end(process: subprocess.Popen[str]) -> None:
    """End a command in order, and by force after two minutes."""
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def pss_of(node: str) -> list[tuple[str, int]]:
    """Name and proportional set size (bytes) of each process in a node."""
    init = Container(NAME, node, WORK / "state" / NAME / "nodes" / node).init()
    if init is None:
        raise Failed(f"node {node} does not run")
    return pss_in(Path(f"/proc/{init}/ns/pid").stat().st_ino)


def pss_in(namespace: int) -> list[tuple[str, int]]:
    """The same of all processes in a process id namespace."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            if (folder / "ns/pid").stat().st_ino != namespace:
                continue
            # The program's: the first thread may have been given another name.
            name = (folder / "exe").readlink().name
            lines = (folder / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue  # it has ended
        found += [(name, int(line.split()[1]) * 1024) for line in lines if line.startswith("Pss:")]
    return found


def available() -> int:
    """Bytes of memory that programs can still have."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("MemAvail")) * 1024


def remove(folder: Path) -> None:
    if folder.exists():
        subprocess.run(["rm", "-rf", "--one-file-system", "--", folder], check=True)


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def machine() -> str:
    """What was measured, and on what."""
    known = ""
    if shutil.which("git"):
        describe = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
        known = subprocess.run(describe, capture_output=True, text=True, check=False).stdout
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    return (
        f"scs {known.strip() or '(unknown commit)'}; {os.cpu_count()} processors"
        f" (ten million turns of a Python loop: {min(loop() for _ in range(5)):.2f} s),"
        f" {memory:.0f} GiB, Linux {os.uname().release}; {time.strftime('%Y-%m-%d')}"
    )


def loop() -> float:
    """Seconds of one processor for a fixed piece of work: tells how fast this machine is."""
    start, total = time.process_time(), 0
    for number in range(10_000_000):
        total += number
    return time.process_time() - start


def stop(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main(words: list[str]) -> int:
    kinds = (
        *("cold", "warm", "noop", "change", "ara", "status", "memory", "throughput", "disk"),
        *("nodes", *TOPICS),
    )
    parser = argparse.ArgumentParser(
        prog="bench/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", metavar="WHAT", help="what to measure (default: all)")
    parser.add_argument("--times", type=int, default=3, metavar="N", help="runs of each (3)")
    options: Any = parser.parse_args(words)
    unknown = sorted(set(options.what) - set(kinds))
    if unknown or options.times < 1:
        parser.error(f"WHAT is any of {', '.join(kinds)}, and N at least 1")
    if os.geteuid() != 0:
        parser.error("clouds on this machine can be made by root only")
    # Also where it is ignored, as behind nohup: the commands started here inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)

    WORK.mkdir(mode=0o700, exist_ok=True)
    if WORK.is_symlink() or WORK.stat().st_uid != 0:
        parser.error(f"{WORK} belongs to somebody else")
    folder = os.open(WORK, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        parser.error("another bench is under way")
    bench = Bench(options.times)
    code = 0
    try:
        bench.down()  # what a killed run has left
        for kind in kinds:
            if not options.what or kind in options.what:
                topic = TOPICS.get(kind)
                if topic is None:
                    getattr(bench, kind)()
                else:
                    topic(bench)
    except Exception as error:  # whatever a topic ran into: the cloud goes, what was found is told
        say(f"ended early: {type(error).__name__}: {error}")
        code = 1
    except (KeyboardInterrupt, SystemExit):
        say("ended early")
        code = 130
    say("removing the cloud")
    try:
        bench.down()
        remove(WORK)
    except Failed as error:
        say(f"{error}\nwhat is left lies in {WORK}; the next run of the bench removes it")
        code = 1
    print(f"{machine()}\n\n{bench.table()}")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
