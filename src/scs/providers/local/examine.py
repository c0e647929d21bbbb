# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""How the machine is that carries nodes: what will go wrong, what is left over. Looks only."""

from __future__ import annotations

import email.utils
import json
import os
import re
import shutil
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from scs.archive import SUITE, sources_for_trixie
from scs.model.finding import Finding, Level
from scs.providers import Lack
from scs.providers.examined import examined
from scs.providers.local import cgroups, firewall, host, names, network, preflight
from scs.shell import run

_GIB = 1 << 30
_SECONDS = 5
SKEW_WARN, SKEW_BAD = 5.0, 60.0
"""Seconds. A date in HTTP counts whole seconds; tokens and certificates mind a minute."""
_MEMINFO = Path("/proc/meminfo")


def machine(wanted: preflight.Wanted, lacks: Callable[[], Sequence[Lack]]) -> list[Finding]:
    """All findings, in the order in which one reads them."""
    asked: tuple[tuple[str, Callable[[], Iterable[Finding]]], ...] = (
        ("preflight", lambda: _preflight(wanted)),
        ("disk", lambda: _disk(wanted)),
        ("memory", _memory),
        ("clock", lambda: _clock(wanted)),
        ("name resolution", lambda: _resolution(wanted)),
        ("KVM", lambda: _kvm(wanted)),
        ("network", lambda: _network(lacks)),
        ("left over", lambda: _left_over(wanted)),
        ("layers", lambda: _layers(wanted)),
    )
    return examined(asked)


def _preflight(wanted: preflight.Wanted) -> Iterator[Finding]:
    if os.geteuid() != 0:
        (problem,) = preflight.check(wanted)
        yield Finding("user", Level.BAD, problem.what, problem.hint)
        return
    for name, problems in preflight.answers(wanted):
        for problem in problems:
            yield Finding(name, Level.BAD, problem.what, problem.hint)
        if not problems:
            yield Finding(name, Level.OK, "fit for nodes")


def _disk(wanted: preflight.Wanted) -> Iterator[Finding]:
    seen: set[int] = set()
    for folder, use in ((wanted.paths.state, "state, nodes' files"), (wanted.paths.cache, "cache")):
        place = preflight.existing(folder)
        device = place.stat().st_dev
        if device not in seen:
            seen.add(device)
            usage, inodes = shutil.disk_usage(place), os.statvfs(place)
            share = inodes.f_favail / inodes.f_files if inodes.f_files else 1.0
            yield space(f"{folder} ({use})", usage.free, usage.total, share)


def space(where: str, free: int, total: int, inodes: float) -> Finding:
    """How much room a file system has; bytes, and the share of inodes that are free."""
    what = f"{where}: {free / _GIB:.1f} GiB of {total / _GIB:.0f} GiB free"
    level = Level.OK
    if free < 3 * _GIB or free < total / 20:
        level = Level.WARN
    if free < _GIB:
        level = Level.BAD
    if inodes < 0.05:
        level, what = Level.BAD, f"{what}, but only {inodes:.0%} of its inodes"
    folder = where.partition(" ")[0]
    return Finding("disk", level, what, "" if level is Level.OK else f"du -xh -d 2 {folder}")


def _memory() -> Iterator[Finding]:
    lines = _MEMINFO.read_text().splitlines()
    fields = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if " kB" in line}
    yield memory(fields)


def memory(fields: Mapping[str, int]) -> Finding:
    """How much memory is to spare; `fields` are those of /proc/meminfo, in bytes."""
    available, total = fields["MemAvailable"], fields["MemTotal"]
    level = Level.OK
    if available < 1.5 * _GIB:
        level = Level.WARN
    if available < _GIB / 2:
        level = Level.BAD
    what = f"{available / _GIB:.1f} GiB of {total / _GIB:.1f} GiB to spare"
    following = "" if level is Level.OK else "ps -eo rss,args --sort=-rss | head"
    return Finding("memory", level, what, following)


def _archive(wanted: preflight.Wanted) -> str | None:
    return preflight.first_archive(sources_for_trixie(mirror=wanted.mirror))


def _clock(wanted: preflight.Wanted) -> Iterator[Finding]:
    archive = _archive(wanted)
    if archive is None:
        yield Finding("clock", Level.WARN, "there is no server to compare it with", "timedatectl")
        return
    try:
        asked = urllib.request.Request(f"{archive}/dists/{SUITE}/Release", method="HEAD")
        with urllib.request.urlopen(asked, timeout=_SECONDS) as answer:
            date = answer.headers["Date"]
    except urllib.error.HTTPError as error:
        date = error.headers["Date"]
    except OSError as error:
        what = f"could not be compared with {urlsplit(archive).hostname}: {error}"
        yield Finding("clock", Level.WARN, what, "timedatectl; chronyc tracking")
        return
    yield clock(date, time.time())


def clock(date: str | None, now: float) -> Finding:
    """How far this machine's clock (`now`, seconds since 1970) is from a server's date."""
    try:
        there = email.utils.parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return Finding("clock", Level.WARN, "a server told no date", "timedatectl")
    skew = now - there
    level = Level.OK
    if abs(skew) > SKEW_WARN:
        level = Level.WARN
    if abs(skew) > SKEW_BAD:
        level = Level.BAD
    side = "ahead of" if skew > 0 else "behind"
    what = f"{abs(skew):.0f} s {side} the archive's" if level is not Level.OK else "right"
    return Finding("clock", level, what, "" if level is Level.OK else "timedatectl set-ntp true")


def _resolution(wanted: preflight.Wanted) -> Iterator[Finding]:
    archive = _archive(wanted)
    name = urlsplit(archive).hostname if archive else None
    if name is None:
        return
    began = time.monotonic()
    try:
        socket.getaddrinfo(name, 443)
    except OSError as error:
        what = f"{name} has no address here: {error}"
        yield Finding("name resolution", Level.BAD, what, f"getent ahosts {name}; /etc/resolv.conf")
        return
    took = time.monotonic() - began
    slow = took > 2
    level = Level.WARN if slow else Level.OK
    what = f"{name} found in {took:.1f} s"
    yield Finding("name resolution", level, what, "cat /etc/resolv.conf" if slow else "")


def _kvm(wanted: preflight.Wanted) -> Iterator[Finding]:
    try:
        kept = json.loads((wanted.paths.state / "facts.json").read_text()).get("kvm")
    except (OSError, ValueError):
        kept = None
    if wanted.virt == "qemu":
        yield Finding("KVM", Level.OK, "cloud.yaml asks for emulation")
    elif not Path("/dev/kvm").exists():
        hint = "switch on virtualisation in the firmware, then: modprobe kvm"
        yield Finding("KVM", Level.WARN, "no /dev/kvm: guests are emulated, and slow", hint)
    elif kept is None:
        yield Finding("KVM", Level.OK, "/dev/kvm is there; `up` tries a tiny guest on it")
    elif kept:
        yield Finding("KVM", Level.OK, "a tiny guest runs on it")
    else:
        what = "a tiny guest does not run on this /dev/kvm: guests are emulated, and slow"
        yield Finding("KVM", Level.WARN, what, "dmesg | grep -i kvm")


def _network(lacks: Callable[[], Sequence[Lack]]) -> Iterator[Finding]:
    found = lacks()
    for lack in found:
        level = Level.BAD if lack.cuts_off else Level.WARN
        yield Finding("network", level, f"{lack.name}: {lack.reason}", "scs up")
    if not found:
        yield Finding("network", Level.OK, "nothing is missing around nodes that run")


def _left_over(wanted: preflight.Wanted) -> Iterator[Finding]:
    marked = {
        str(link.get("ifalias", "")).split(":")[1]
        for link in network.all_links()
        if str(link.get("ifalias", "")).startswith("scs:")
    }
    grouped = {
        path.name
        for root in cgroups.all_roots()
        for path in (root / "scs").glob("*/")
        if cgroups.populated(path)
    }
    tables = {
        entry["table"]["name"].removeprefix("scs_")
        for entry in firewall.read_ruleset()
        if "table" in entry and entry["table"]["name"].startswith("scs_")
    }
    known = {cloud for cloud in host.clouds() if (state := host.state_of(cloud)) and state.is_dir()}
    known |= {wanted.cloud} if wanted.paths.state.is_dir() else set()
    yield from left_over(known, {"links": marked, "processes": grouped, "rules": tables})


def left_over(known: set[str], found: Mapping[str, set[str]]) -> Iterator[Finding]:
    """What clouds have left that are not known any more; `found` is kind → names of clouds."""
    tables = {names.table(cloud).removeprefix("scs_") for cloud in known}
    dead: dict[str, list[str]] = {}
    for kind, clouds in found.items():
        for cloud in sorted(clouds - (tables if kind == "rules" else known)):
            dead.setdefault(cloud, []).append(kind)
    for cloud, kinds in dead.items():
        what = f"cloud {cloud} has no state any more, but left {', '.join(kinds)}"
        way = f"echo 'name: {cloud}' >/tmp/{cloud}.yaml; scs -f /tmp/{cloud}.yaml down --keep-cache"
        yield Finding("left over", Level.WARN, what, way)
    if not dead:
        yield Finding("left over", Level.OK, "nothing of clouds that are gone")


def _layers(wanted: preflight.Wanted) -> Iterator[Finding]:
    folder = wanted.paths.cache / "layers"
    there = {path for path in folder.glob("[!.]*") if path.is_dir()}
    states = {wanted.paths.state, *wanted.paths.state.parent.glob("*")}
    states |= {state for cloud in host.clouds() if (state := host.state_of(cloud))}
    used = {
        Path(line)
        for state in states
        for record in state.glob("nodes/*/layers")
        for line in _lines(record)
    }
    unused = sorted(there - used)
    total = sum(_bytes(path) for path in unused)
    if not unused:
        yield Finding("layers", Level.OK, f"{len(there)} in {folder}, all of them used")
        return
    what = (
        f"{len(unused)} of {len(there)} in {folder} carry no node here: {total / _GIB:.1f} GiB;"
        " the next new node may want the newest"
    )
    yield Finding("layers", Level.OK, what, f"rm -r {' '.join(map(str, unused))}")


def _lines(record: Path) -> list[str]:
    try:
        return [str(line) for line in json.loads(record.read_text())]
    except (OSError, ValueError):
        return []


def _bytes(path: Path) -> int:
    output = run(["du", "-s", "--block-size=1", path], timeout=60, check=False)
    match = re.match(r"[0-9]+", output)
    return int(match[0]) if match else 0
