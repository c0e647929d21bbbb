# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Faults of a real local cloud with several nodes, and what its users see of them.

    tools/try-faults                       all faults, on the cloud of cloud.yaml here
    tools/try-faults power killed:mariadb  these
    tools/try-faults --storage             those of storage
    tools/try-faults restarted             a node restarts as `nodes update` has it
    tools/try-faults evacuated             a node with a guest loses its power (see evacuated.py)

The cloud must be up; nothing else is made. For each fault, on the node that has the virtual
addresses (`--node NAME`: on that one), users read and write all the time. bench/load asks for
tokens and lists, somebody makes and deletes security groups; with `--storage`, a guest writes to
a volume and somebody puts objects by S3. After ten seconds comes the fault. What was killed is
started again by what watches it; the rest is mended, mostly by `./scs up`. Then the cloud must be
well, and all that was acknowledged must be as it was left. The table tells what failed.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import evacuated as guests
from scs.model.topology import Node
from scs.paths import Paths
from scs.providers.local import names
from scs.providers.local.node import Container
from scs.spec import CloudSpec
from scs.spec.loading import load
from witnesses import Disk, Groups, Objects, Witness

ROOT = Path(__file__).parents[1]
BEFORE = 10.0
"""Seconds of load before the fault."""


class Cloud:
    """The cloud that is tried."""

    def __init__(self, spec: CloudSpec) -> None:
        self.spec = spec
        self.paths = Paths.of(spec.name)
        self.nodes = {node.name: node for node in spec.nodes()}
        os.environ["OS_CLIENT_CONFIG_FILE"] = str(self.paths.state / "clouds.yaml")
        clouds = yaml.safe_load((self.paths.state / "clouds.yaml").read_text())["clouds"]
        self.user = next(iter(clouds))

    @property
    def state(self) -> Path:
        return self.paths.state

    def scs(self, *words: str, check: bool = True) -> str:
        done = subprocess.run(
            [str(ROOT / "scs"), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"scs {' '.join(words)} ended with {done.returncode}: {done.stdout}")
        return done.stdout

    def container(self, node: str) -> Container:
        return Container(self.spec.name, node, self.paths.state / "nodes" / node)

    def on(self, node: str, line: str) -> str:
        return self.scs("ssh", node, "--", line, check=False)

    def entry(self) -> str:
        """The node that has the virtual addresses."""
        address = str(self.spec.internal_address)
        for name in self.nodes:
            if f" {address}/" in self.on(name, "ip -brief address show"):
                return name
        raise RuntimeError(f"no node has {address}")

    def said(self, words: str, seconds: float) -> str:
        """The line of `status` that has these words, after so many seconds at most."""
        end = time.monotonic() + seconds
        while True:
            told = self.scs("status", check=False).splitlines()
            lines = [line for line in told if words in line]
            if lines or time.monotonic() > end:
                return " ".join(lines)
            time.sleep(2)

    def wait_until_well(self, seconds: float) -> str:
        """What `status` finds after so many seconds at most; empty when all is well."""
        end = time.monotonic() + seconds
        while True:
            told = self.scs("status", check=False)
            if "All is well." in told or time.monotonic() > end:
                return "" if "All is well." in told else told.strip().splitlines()[-1]
            time.sleep(2)


def cut(cloud: Cloud, node: Node, state: str) -> None:
    """Pull a node's cables out of all bridges, or plug them in again (`down`, `up`)."""
    for network in cloud.spec.networks():
        port = names.host_end(cloud.spec.name, node.name, network)
        subprocess.run(["ip", "link", "set", "dev", port, state], check=True)


def mended_by_up(cloud: Cloud) -> Callable[[], None]:
    def mend() -> None:
        cloud.scs("up", "--yes")

    return mend


def power(cloud: Cloud, node: Node) -> Callable[[], None]:
    """The node is without power: its cables say nothing more, and all its processes are gone."""
    cut(cloud, node, "down")
    cloud.container(node.name).stop(orderly=False)

    def mend() -> None:
        cut(cloud, node, "up")
        cloud.scs("up", "--yes")

    return mend


def evacuated(cloud: Cloud, node: Node) -> Callable[[], None]:
    """As `power`, and a watcher starts the node's guest elsewhere."""
    return guests.evacuated(cloud, node, lambda: power(cloud, node))


def restarted(cloud: Cloud, node: Node) -> Callable[[], None]:
    """The node restarts on purpose: drained before, and put back (docs/node-updates.md)."""
    cloud.scs("nodes", "update", node.name, "--reboot=always", "--no-packages", "--yes")
    return lambda: None


def partition(cloud: Cloud, node: Node) -> Callable[[], None]:
    """The node works on, and nobody can reach it for 30 seconds."""
    cut(cloud, node, "down")

    def mend() -> None:
        cut(cloud, node, "up")

    return mend


def frozen(cloud: Cloud, node: Node) -> Callable[[], None]:
    """All processes of the node stand still for 30 seconds."""
    box = cloud.container(node.name)._box()
    if box is None:
        raise RuntimeError("this machine has no cgroups that can be frozen")
    (box / "cgroup.freeze").write_text("1")

    def mend() -> None:
        (box / "cgroup.freeze").write_text("0")

    return mend


def killed(cloud: Cloud, node: Node, unit: str) -> Callable[[], None]:
    """kill -9 of all processes of a unit."""
    cloud.on(node.name, f"systemctl kill --signal=KILL {unit}")
    return lambda: None


def disk_of(cloud: Cloud, node: Node) -> str:
    """The first of Ceph's disks on a node."""
    return cloud.on(node.name, "ls /var/lib/ceph/osd").split()[0]


def osd_killed(cloud: Cloud, node: Node) -> Callable[[], None]:
    """kill -9 of a disk's daemon."""
    return killed(cloud, node, f"scs-ceph-osd@{disk_of(cloud, node)}")


def osd_lost(cloud: Cloud, node: Node) -> Callable[[], None]:
    """A disk's daemon dies, and its data are gone."""
    disk = disk_of(cloud, node)
    killed(cloud, node, f"scs-ceph-osd@{disk}")
    cloud.on(node.name, f"rm /var/lib/ceph/osd/{disk}/block")
    return mended_by_up(cloud)


def monitor_lost(cloud: Cloud, node: Node) -> Callable[[], None]:
    """A monitor stops, and its data are gone."""
    cloud.on(node.name, "systemctl stop scs-ceph-mon; rm -r /var/lib/ceph/mon/*")
    return mended_by_up(cloud)


def full(cloud: Cloud, node: Node) -> Callable[[], None]:
    """Ceph takes no more writes: the limit from which on it counts as full is below what it has."""

    limit(cloud, node, nearfull=0.0001, backfillfull=0.0002, full=0.0003)
    return lambda: limit(cloud, node, full=0.95, backfillfull=0.9, nearfull=0.85)


def nearfull(cloud: Cloud, node: Node) -> Callable[[], None]:
    """Ceph has little space left, of which users see nothing yet; in the same way."""
    limit(cloud, node, nearfull=0.0001)
    return lambda: limit(cloud, node, nearfull=0.85)


def limit(cloud: Cloud, node: Node, **ratios: float) -> None:
    """From which share of its space on Ceph counts as that."""
    for name, value in ratios.items():
        cloud.on(node.name, f"ceph osd set-{name}-ratio {value}")


FAULTS: Mapping[str, Callable[[Cloud, Node], Callable[[], None]]] = {
    "power": power,
    "partition": partition,
    "frozen": frozen,
}
STORAGE: Mapping[str, Callable[[Cloud, Node], Callable[[], None]]] = {
    "osd-killed": osd_killed,
    "osd-lost": osd_lost,
    "monitor-lost": monitor_lost,
    "nearfull": nearfull,
    "full": full,
}
SAID = {"nearfull": "Ceph is nearly full", "full": "Ceph is full"}
"""What `status` must say while a fault lasts, for people who know nothing of it."""
SAID_SECONDS = 60
"""How long it may take until it does: Ceph tells its metrics now and then."""
GUESTS: Mapping[str, Callable[[Cloud, Node], Callable[[], None]]] = {"evacuated": evacuated}
PLANNED: Mapping[str, Callable[[Cloud, Node], Callable[[], None]]] = {"restarted": restarted}
"""No faults, and yet users may notice."""
ALL = {**FAULTS, **STORAGE, **GUESTS, **PLANNED}
UNITS = (
    *("haproxy", "keepalived", "mariadb", "rabbitmq-server", "memcached", "scs-ovn-nb"),
    *("scs-ovn-sb", "scs-ovn-northd", "keystone", "nova-api", "neutron-api", "nova-conductor"),
)
AT_ONCE = ("killed", "osd-killed", "restarted")
"""Faults that nobody has to mend."""


class Reader(Witness):
    """bench/load, in a process of its own: the gap is how long the slowest request took."""

    name = "reads"

    def __init__(self, cloud: Cloud) -> None:
        super().__init__()
        argv = [sys.executable, "-P", str(ROOT / "bench/load")]
        self._argv = [*argv, str(cloud.paths.state / "clouds.yaml"), "--seconds", "3600"]
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        argv = [*self._argv, "--rate", "4"]
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)

    def stop(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        told: Mapping[str, Any] = json.loads(self._process.communicate(timeout=120)[0])
        self.tried = told["requests"]
        kinds = told["kinds"].values()
        self.failures = [error for kind in kinds for error in kind["errors"]]
        self.failures += ["one more"] * (told["failures"] - len(self.failures))
        self.gap = max(kind["slowest"] for kind in kinds)

    def lost(self) -> list[str]:
        return []


@dataclass(frozen=True)
class Outcome:
    """What one fault did."""

    fault: str
    node: str
    witnesses: tuple[Witness, ...]
    heal: float
    wrong: tuple[str, ...]


def attempt(
    cloud: Cloud, fault: str, node: str, lasting: float, witnesses: tuple[Witness, ...]
) -> Outcome:
    """One fault, from a cloud that is well to one that is well again."""
    kind, _, unit = fault.partition(":")
    for witness in witnesses:
        witness.start()
    time.sleep(BEFORE)
    print(f"{time.strftime('%H:%M:%S')} {fault} on {node}", flush=True)
    begun = time.monotonic()
    where = cloud.nodes[node]
    try:
        mend = killed(cloud, where, unit) if unit else ALL[kind](cloud, where)
    except BaseException:
        for witness in witnesses:
            witness.stop()  # else this process would wait for them for ever
        raise
    time.sleep(lasting)
    wrong = []
    if kind in SAID and not (said := cloud.said(SAID[kind], SAID_SECONDS)):
        wrong.append(f"status does not say that {SAID[kind]}")
    elif kind in SAID:
        print(f"    status: {said}", flush=True)
    mended = begun if kind in AT_ONCE else time.monotonic()
    try:
        mend()
    except RuntimeError as error:
        wrong.append(str(error)[-300:])
    if unwell := cloud.wait_until_well(240):
        wrong.append(unwell)
    healed = time.monotonic() - mended
    time.sleep(3)
    for witness in witnesses:
        witness.stop()
    for witness in witnesses:
        wrong += witness.lost()
        for line in witness.failures:
            print(f"    {line}", flush=True)
    return Outcome(fault, node, witnesses, healed, tuple(wrong))


def watched(
    cloud: Cloud, kind: str, options: argparse.Namespace
) -> tuple[str, tuple[Witness, ...]]:
    """The node that a fault is for, and the users who are to notice it."""
    if kind in GUESTS:
        guest = guests.Guest(cloud.user, cloud.state)
        if options.node not in ("", guest.host):
            raise SystemExit(f"{guests.GUEST} is on {guest.host}, not on {options.node}")
        return guest.host, (guests.Pings(guest.address), Groups(cloud.user))
    node = options.node or cloud.entry()
    if options.storage:
        # Where that has no power, nobody writes blocks either.
        print(
            f"the guest that writes is on {guests.Guest(cloud.user, cloud.state).host}", flush=True
        )
        return node, (Disk(cloud.user, cloud.state), Objects(cloud.user, cloud.state))
    return node, (Reader(cloud), Groups(cloud.user))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tools/try-faults",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    known = [*FAULTS, *(f"killed:{unit}" for unit in UNITS)]
    told = ", ".join((*known, *STORAGE, *GUESTS, *PLANNED))
    parser.add_argument("faults", nargs="*", help=f"of {told}, or killed:UNIT")
    parser.add_argument("--storage", action="store_true", help="users of volumes and objects")
    parser.add_argument("--file", type=Path, default=Path("cloud.yaml"))
    parser.add_argument(
        "--node", default="", help="else the one with the virtual addresses, or with the guest"
    )
    parser.add_argument("--lasting", type=float, default=30, help="seconds until it is mended")
    options = parser.parse_args()
    cloud = Cloud(load(options.file))
    outcomes = []
    for fault in options.faults or (STORAGE if options.storage else known):
        kind, _, unit = fault.partition(":")
        if kind not in ALL and not (kind == "killed" and unit):
            parser.error(f"{fault}: there is no such fault")
        if wrong := cloud.wait_until_well(60):
            print(f"the cloud is not well before {fault}: {wrong}", file=sys.stderr)
            return 1
        node, users = watched(cloud, kind, options)
        outcomes.append(attempt(cloud, fault, node, options.lasting, users))
    for item in outcomes:
        seen = "; ".join(
            f"{one.name}: {len(one.failures)} of {one.tried} failed, at most {one.gap:.1f} s"
            for one in item.witnesses
        )
        wrong = f"; wrong afterwards: {'; '.join(item.wrong)}" if item.wrong else ""
        print(f"{item.fault} on {item.node}: {seen}; well after {item.heal:.0f} s{wrong}")
    return 1 if any(item.wrong for item in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
