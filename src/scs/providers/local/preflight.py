# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What this machine needs before nodes can be made: looked at, never changed."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from scs.archive import SUITE, sources_for_trixie
from scs.errors import CommandFailed, Problem
from scs.model.topology import Network
from scs.paths import Paths
from scs.patience import patient
from scs.providers.local import host, network, rootfs
from scs.release import environment
from scs.shell import Say, quiet, run

_TOOLS: Mapping[str, str] = {
    "mmdebstrap": "mmdebstrap",
    "systemd-container": "systemd-nspawn",
    "nftables": "nft",
    "iproute2": "ip",
    "openssh-client": "ssh-keygen",
    "debian-archive-keyring": "",
}

HOST_PACKAGES = tuple(_TOOLS)
"""Debian packages that the local provider needs on the host."""

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_SECONDS = 9.0
_ANSWER_SECONDS = 5
_GIB = 1 << 30
_DISK_COLD, _DISK_WARM = 8 * _GIB, 3 * _GIB
_MEMORY = 6 * _GIB

NO_RESOLVER = Problem(
    "this machine",
    "its name servers (/etc/resolv.conf) can't be reached from nodes: none, loopback or IPv6 only",
    "set `dns` in cloud.yaml to name servers that nodes can reach by IPv4",
)

_FEATURES = r"""
# Each line: what is tried, in namespaces that end with this shell.
try() {
    what=$1; shift
    out=$("$@" 2>&1) || echo "$what|$(echo "$out" | tail -n 1)"
}
cd "$1"
mkdir lower upper work root
try "overlayfs (with its upper directory below $2)" \
    mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay root
try "the unified control group hierarchy" mount -t cgroup2 none lower
if command -v ip >/dev/null; then
    try "network bridges" ip link add scsprobe type bridge
    try "virtual cables (veth)" ip link add scsprobe1 type veth peer name scsprobe2
fi
if command -v nft >/dev/null; then
    printf '%s\n' 'table inet scsprobe {' 'chain c {' \
        'type nat hook postrouting priority srcnat' 'oifname "x" masquerade' '}' '}' >rules
    try "nftables with NAT" nft -f rules
fi
"""


@dataclass(frozen=True)
class Wanted:
    """What a run wants of this machine."""

    paths: Paths
    cloud: str
    networks: Mapping[str, Network]
    virt: str
    uplink_dns: tuple[IPv4Address | IPv6Address, ...]
    online: bool
    """Something is to be fetched."""
    running: bool
    """Nodes run already: memory is taken, by them."""
    mirror: str | None = None
    """The Debian archive that cloud.yaml names, instead of this machine's."""


def check(wanted: Wanted) -> list[Problem]:
    """All problems at once; the answer takes at most 10 s, times the machine's patience."""
    if os.geteuid() != 0:
        return [
            Problem(
                "this machine",
                "nodes on this machine can be made by root only",
                "run the same command with sudo",
            )
        ]
    return [problem for _, problems in answers(wanted) for problem in problems]


def answers(wanted: Wanted) -> list[tuple[str, list[Problem]]]:
    """What each check found, by the check's name; for root."""
    checks: dict[str, Callable[[Wanted], list[Problem]]] = {
        "operating system": _system,
        "kernel": _features,
        "disk": _disk,
        "memory": _memory,
        "address ranges": _ranges,
        "names": _names,
        "processor": _virt,
        "name servers": _resolver,
    }
    if wanted.online:
        checks |= {"Debian's archive": _debian, "Python's index": _python}
    found: list[tuple[str, list[Problem]]] = []
    # No `with`: a check that hangs must not be waited for.
    pool = ThreadPoolExecutor(len(checks))
    asked = {name: pool.submit(one, wanted) for name, one in checks.items()}
    left = allowed = patient(_SECONDS)
    for name, answer in asked.items():
        began = os.times().elapsed
        problems: list[Problem] = []
        try:
            problems = answer.result(timeout=max(left, 0.1))
        except TimeoutError:
            problems.append(
                Problem(
                    "this machine",
                    f"the check of {name} got no answer in {allowed:.0f} s",
                    "run the command again when the machine is less busy",
                )
            )
        except CommandFailed as error:
            problems += error.problems
        found.append((name, problems))
        left -= os.times().elapsed - began
    pool.shutdown(wait=False, cancel_futures=True)
    return found


def os_release_problem(fields: Mapping[str, str]) -> Problem | None:
    """What is wrong with this operating system, by its os-release."""
    name = fields.get("PRETTY_NAME", "this operating system")
    version = fields.get("VERSION_ID", "")
    if fields.get("ID") == "debian":
        # Testing and unstable have no number and are newer than all that have one.
        old = version.isdigit() and int(version) < 12
    else:
        old = "debian" not in fields.get("ID_LIKE", "").split()
    if not old:
        return None
    return Problem(
        "this machine", f"runs {name}", "use Debian 12, Debian 13, or a system made from them"
    )


def _system(_: Wanted) -> list[Problem]:
    lines = Path("/etc/os-release").read_text().splitlines()
    pairs = [line.split("=", 1) for line in lines if "=" in line]
    problem = os_release_problem({key: value.strip("\"'") for key, value in pairs})
    return [problem] if problem else []


def existing(path: Path) -> Path:
    """The path itself or its nearest parent that exists."""
    while not path.exists():
        path = path.parent
    return path


def _features(wanted: Wanted) -> list[Problem]:
    # A scratch folder on the file system of the state: what overlayfs takes depends on it.
    with tempfile.TemporaryDirectory(
        prefix=".scs-preflight-", dir=existing(wanted.paths.state)
    ) as scratch:
        output = run(
            [
                *("unshare", "--mount", "--net", "--propagation", "private"),
                *("sh", "-c", _FEATURES, "sh", scratch, str(wanted.paths.state)),
            ],
            hint="run scs on the machine itself, or in a privileged container",
            timeout=8,
        )
    problems = []
    for line in output.splitlines():
        what, _, why = line.partition("|")
        hint = "use a kernel that has it; in a container, a privileged one"
        if what.startswith("overlayfs"):
            hint = "set SCS_STATE to a folder on ext4, xfs or btrfs (or a volume of one)"
        problems.append(Problem("this machine", f"its kernel refuses {what}: {why}", hint))
    return problems


def _disk(wanted: Wanted) -> list[Problem]:
    layers = wanted.paths.cache / "layers"
    warm = any(layers.glob("base-*")) and any(layers.glob("env-*"))
    need = _DISK_WARM if warm else _DISK_COLD
    problems = []
    seen = set()
    for folder, variable in ((wanted.paths.state, "SCS_STATE"), (wanted.paths.cache, "SCS_CACHE")):
        place = existing(folder)
        device = place.stat().st_dev
        free = shutil.disk_usage(place).free
        if device not in seen and free < need:
            problems.append(
                Problem(
                    "this machine",
                    f"{folder} has {free / _GIB:.1f} GiB free; {need / _GIB:.0f} GiB are needed",
                    f"make room, or set {variable} to a folder on another disk",
                )
            )
        seen.add(device)
    return problems


def _memory(wanted: Wanted) -> list[Problem]:
    if wanted.running:
        return []
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            available = int(line.split()[1]) * 1024
            if available < _MEMORY:
                return [
                    Problem(
                        "this machine",
                        f"has {available / _GIB:.1f} GiB of memory to spare;"
                        f" {_MEMORY / _GIB:.0f} GiB are needed",
                        "stop something, or use a larger machine",
                    )
                ]
    return []


def _ranges(wanted: Wanted) -> list[Problem]:
    return network.overlaps(
        wanted.networks.values(), network.host_routes(), network.own_links(wanted.cloud)
    )


def _names(wanted: Wanted) -> list[Problem]:
    if host.claimed_elsewhere(wanted.cloud, wanted.paths.state):
        return [
            Problem(
                f"cloud {wanted.cloud}",
                "a cloud of this name runs here already, with its state in another folder",
                "set SCS_STATE as it was then, or give this cloud another name",
            )
        ]
    if not wanted.cloud.replace("-", "").isalnum():
        return [
            Problem(
                f"cloud {wanted.cloud}",
                "is not a name that interfaces and firewall tables can carry",
                "use letters, digits and hyphens",
            )
        ]
    return []


def _virt(wanted: Wanted) -> list[Problem]:
    if wanted.virt == "kvm" and not Path("/dev/kvm").exists():
        return [
            Problem(
                "this machine",
                "has no /dev/kvm, and cloud.yaml asks for KVM",
                "set virt to auto, or switch on virtualisation in the firmware",
            )
        ]
    return []


def _resolver(wanted: Wanted) -> list[Problem]:
    return [NO_RESOLVER] if rootfs.host_resolv_conf(wanted.uplink_dns) is None else []


def first_archive(sources: str) -> str | None:
    """The first archive in apt sources of the deb822 form that is asked over the network."""
    for line in sources.splitlines():
        field, _, value = line.partition(":")
        if field.lower() == "uris":
            for uri in value.split():
                if uri.startswith(("http://", "https://")):
                    return uri.rstrip("/")
    return None


def _debian(wanted: Wanted) -> list[Problem]:
    archive = first_archive(sources_for_trixie(mirror=wanted.mirror))
    # apt's own helper: it has apt's proxies, certificates and credentials.
    helper = Path("/usr/lib/apt/apt-helper")
    if archive is None or not helper.exists():
        return []
    with tempfile.TemporaryDirectory(prefix="scs-preflight-") as scratch:
        return _answers(
            "the Debian archive",
            [
                *(helper, "-o", "Acquire::Retries=0"),
                *("-o", f"Acquire::http::Timeout={patient(_ANSWER_SECONDS):.0f}"),
                *("-o", f"Acquire::https::Timeout={patient(_ANSWER_SECONDS):.0f}"),
                *("download-file", f"{archive}/dists/{SUITE}/Release", f"{scratch}/Release"),
            ],
            "check the network, name resolution and apt's settings with: apt-get update",
        )


def _python(_: Wanted) -> list[Problem]:
    # To lock one small package that needs no others is the least that uv can be asked for.
    asked = environment.uv("pip", "compile", "--quiet", "--no-cache", "--no-deps", "-")
    return _answers(
        "the Python package index",
        [*asked, "--python", sys.executable],
        "check the network, name resolution and pip's settings",
        stdin="pbr\n",
        env={
            **environment.uv_settings(),
            "UV_HTTP_TIMEOUT": f"{patient(_ANSWER_SECONDS):.0f}",
            "UV_HTTP_CONNECT_TIMEOUT": f"{patient(_ANSWER_SECONDS):.0f}",
            "UV_HTTP_RETRIES": "0",
        },
    )


def _answers(
    what: str,
    argv: Sequence[str | Path],
    hint: str,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
) -> list[Problem]:
    # `timeout` ends the command's helpers as well, which would otherwise be waited for.
    seconds = _ANSWER_SECONDS + 2
    bounded = ["timeout", "--kill-after=1", f"{patient(seconds):.0f}", *argv]
    try:
        run(bounded, stdin=stdin, env=env, timeout=seconds + 2)
    except CommandFailed as error:
        why = reason(str(error)) or f"nothing in {patient(seconds):.0f} s"
        return [Problem("this machine", f"{what} does not answer: {why}", hint)]
    return []


def reason(output: str) -> str:
    """The line of a failed command's output that says why (apt's first, uv's innermost), or ""."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    causes = [line for line in lines if line.startswith(("cause:", "Caused by:"))]
    errors = [line for line in lines if line.startswith(("E:", "error:"))]
    return (causes[-1:] or errors[:1] or [""])[0]


def missing_host_packages(more: Mapping[str, str] | None = None) -> list[str]:
    """The packages of HOST_PACKAGES and of `more` (package → tool) whose tool is not here."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin:/usr/sbin:/sbin"])
    return [
        package
        for package, tool in {**_TOOLS, **(more or {})}.items()
        if not (shutil.which(tool, path=path) if tool else _KEYRING.exists())
    ]


def install_host_packages(say: Say = quiet, more: Mapping[str, str] | None = None) -> None:
    """Install what is missing (see missing_host_packages) with apt-get; raises CommandFailed.

    Waits up to two minutes for another apt. Installs no recommended packages and starts no
    service.
    """
    missing = missing_host_packages(more)
    if not missing:
        return
    say(f"installing {', '.join(missing)}")
    environment = {
        "DEBIAN_FRONTEND": "noninteractive",
        "DEBIAN_PRIORITY": "critical",
        "NEEDRESTART_MODE": "l",
    }
    apt = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=2"]
    install = [*apt, "--no-install-recommends", "install", *missing]
    hint = f"look at apt's message, then try: apt-get install {' '.join(missing)}"
    try:
        run(install, env=environment, hint=hint, timeout=400)
    except CommandFailed:
        # Package lists that are missing or out of date are the usual reason.
        run([*apt, "update"], env=environment, hint=hint, timeout=180)
        run(install, env=environment, hint=hint, timeout=400)
