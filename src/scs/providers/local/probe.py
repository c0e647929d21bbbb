# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What this machine can do for nodes, found by trying it."""

from __future__ import annotations

import base64
import json
import os
import platform
import shutil
import socket
import struct
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from scs.errors import ScsError
from scs.patience import patient
from scs.providers import guest
from scs.providers.local.host import replace
from scs.providers.local.node import Container
from scs.shell import run

_MODULES = (
    "overlay",
    "bridge",
    "veth",
    "tun",
    "fuse",
    "nf_tables",
    "vxlan",
    "kvm_intel",
    "kvm_amd",
    "openvswitch",
    "geneve",
    "vport_geneve",
)
"""A node can't load modules, so the host does; one that is missing or built in is no error."""


RunInNode = Callable[[Sequence[str], str], str]
"""Runs a command in a node with that standard input; gives its output, whatever its end."""


def load_modules() -> None:
    """Load what nodes may need of the host's kernel."""
    if shutil.which("modprobe") is not None:
        for module in _MODULES:
            run(["modprobe", "-q", module], timeout=20, check=False)


def memory() -> int:
    """MiB of memory that this machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20


def has_genl_family(name: str) -> bool:
    """Whether the kernel answers for a generic netlink family (asks its controller)."""
    netlink_generic, controller, get_family, family_name = 16, 16, 3, 2
    text = name.encode() + b"\0"
    attribute = struct.pack("HH", 4 + len(text), family_name) + text
    attribute += b"\0" * (-len(attribute) % 4)
    body = struct.pack("BBH", get_family, 1, 0) + attribute
    request = struct.pack("IHHII", 16 + len(body), controller, 1, 1, 0) + body
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, netlink_generic) as kernel:
            kernel.settimeout(2)
            kernel.send(request)
            answer = kernel.recv(65536)
    except OSError:
        return False
    kind: int = struct.unpack_from("IHHII", answer)[1]
    return kind == controller  # an error has another type


def ovs_datapath() -> tuple[str, str]:
    """`system` or `netdev`, and why if it is the latter; needs `load_modules` before."""
    if not has_genl_family("ovs_datapath"):
        return "netdev", "the kernel has no openvswitch: packets are switched in userspace"
    # The kernel's datapath takes its tunnels from the kernel too.
    tried = run(
        ["unshare", "--net", "ip", "link", "add", "probe", "type", "geneve", "external"],
        timeout=10,
        check=False,
    )
    if tried.strip():
        return "netdev", "the kernel has no geneve: packets are switched in userspace"
    return "system", ""


_QEMU = "qemu-system-x86_64"
_SECONDS = 5

_TRY = """\
disk=$(mktemp) || exit
trap 'rm -f "$disk"' EXIT
base64 -d >"$disk"
timeout -s KILL {seconds} {qemu} -machine pc,accel={accelerator} -cpu {cpu} -m 32 \\
    -nodefaults -no-user-config -display none -no-reboot \\
    -device isa-debug-exit,iobase={port:#x},iosize=1 \\
    -drive file="$disk",format=raw,if=ide </dev/null >/dev/null 2>&1
echo "ended with $?"
"""


def probe_kvm(run_in_node: RunInNode, accelerator: str = "kvm") -> bool:
    """Whether a tiny guest runs on /dev/kvm; takes 0.2 s, and 5 s where it hangs.

    `run_in_node` runs where qemu and /dev/kvm are. The accelerator "tcg" (emulation, which
    always works) is there to prove the probe itself.
    """
    script = _TRY.format(
        seconds=f"{patient(_SECONDS):.0f}",
        qemu=_QEMU,
        accelerator=accelerator,
        # As nova's guests see it: the host's processor, with all that it can do.
        cpu="host" if accelerator == "kvm" else "max",
        port=guest.DEBUG_PORT,
    )
    disk = base64.b64encode(guest.boot_sector()).decode()
    return run_in_node(["sh", "-c", script], disk).strip().endswith(f"with {guest.PASSED}")


def virt_type(cache: Path, containers: Iterable[Container]) -> tuple[str, str]:
    """`kvm` or `qemu`, and why if it is the latter.

    Asks the first running node that has qemu. A proven answer is kept in `cache` until the
    machine restarts (another kernel, another firmware setting).
    """
    if platform.machine() != "x86_64":
        return "qemu", "guests are emulated: KVM can be proven on x86_64 only (set virt: kvm)"
    if not Path("/dev/kvm").exists():
        return "qemu", "guests are emulated, because this machine has no /dev/kvm"
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    try:
        kept = json.loads(cache.read_text())
    except (OSError, ValueError):
        kept = {}
    works = kept.get("kvm") if kept.get("boot_id") == boot else None
    if works is None:
        works = _ask(containers)
        if works is None:
            return "qemu", "guests are emulated, because no running node has qemu to try KVM with"
        replace(cache, json.dumps({"boot_id": boot, "kvm": works}), 0o600)
    if works:
        return "kvm", ""
    return "qemu", "guests are emulated, because a tiny guest does not run on this /dev/kvm"


def _ask(containers: Iterable[Container]) -> bool | None:
    for container in containers:
        if not container.running():
            continue

        def run_in_node(argv: Sequence[str], stdin: str, chosen: Container = container) -> str:
            return chosen.exec(argv, stdin=stdin, timeout=20, check=False)

        try:
            if run_in_node(["sh", "-c", f"command -v {_QEMU}"], "").strip():
                return probe_kvm(run_in_node)
        except ScsError:
            continue  # it is stopping, say
    return None
