# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The disk of a stock Debian machine, made from Debian's packages without loop devices."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from host.fresh import apt_network_settings, network_files
from scs.archive import SUITE, sources_for_trixie
from scs.images import disk
from scs.shell import Say, run

_GIB = 1 << 30
_LABEL = "root"
_SIGNATURE = 0x5C5F0099

# A Debian with a desktop's name service, and nothing that only developers have: no python3.
_PACKAGES = (
    *("linux-image-amd64", "initramfs-tools", "zstd", "apparmor", "kmod", "udev", "e2fsprogs"),
    *("systemd-sysv", "libpam-systemd", "dbus", "systemd-resolved", "systemd-timesyncd"),
    *("openssh-server", "ca-certificates", "debian-archive-keyring", "netbase"),
    *("iproute2", "iputils-ping", "procps", "less", "nano", "logrotate", "cron"),
)

_FILES = {
    "etc/hostname": "desk\n",
    "etc/hosts": "127.0.0.1 localhost\n127.0.1.1 desk\n::1 localhost\n",
    "etc/fstab": f"LABEL={_LABEL} / ext4 errors=remount-ro 0 1\n",
    "etc/systemd/network/20-wired.network": "[Match]\nName=en*\n\n[Network]\nDHCP=yes\n",
    # A pause of the emulator must not look like a hung service.
    "etc/systemd/system/service.d/no-watchdog.conf": "[Service]\nWatchdogSec=0\n",
}

_KERNEL_OPTIONS = (
    f"root=LABEL={_LABEL}",
    *("rw", "console=ttyS0,115200", "no_timer_check", "quiet"),
    # Emulation pays for each of these many times what a processor does.
    *("mitigations=off", "no5lvl", "nowatchdog", "audit=0", "rcupdate.rcu_cpu_stall_suppress=1"),
)


@dataclass(frozen=True)
class DiskImage:
    """A machine's disk, and what QEMU starts it with."""

    raw: Path
    kernel: Path
    initrd: Path
    options: str


@dataclass(frozen=True)
class Wish:
    """Which machine it shall be."""

    suite: str
    packages: Sequence[str]
    key: Path
    """The private key; its public half lies beside it."""
    gigabytes: int
    seed: Path | None
    """A cache of scs that the machine shall have already, to get past slow building."""


def make(wish: Wish, work: Path, say: Say) -> DiskImage:
    """Build the disk in `work`, a folder on a file system with room for it; one that is there
    is taken as it is.
    """
    raw, kernel, initrd = (work / name for name in ("disk.raw", "vmlinuz", "initrd.img"))
    image = DiskImage(raw, kernel, initrd, " ".join(_KERNEL_OPTIONS))
    if raw.exists():
        return image
    root = work / "root"
    _bootstrap(wish, work, root, say)
    say("configuring it")
    _configure(wish, root)
    for kind in ("vmlinuz", "initrd.img"):
        (found,) = root.glob(f"boot/{kind}-*")
        shutil.copyfile(found, work / kind)
    say("laying out the disk")
    part = disk.Partition(disk.LINUX, disk.ALIGN, wish.gigabytes * _GIB - disk.ALIGN)
    draft = work / "disk.new"
    disk.blank(draft, b"", [part], _SIGNATURE)
    disk.write_ext4(draft, part, root, _LABEL)
    draft.rename(raw)
    shutil.rmtree(root)
    return image


def _bootstrap(wish: Wish, work: Path, root: Path, say: Say) -> None:
    (work / "debian.sources").write_text(sources_for_trixie().replace(SUITE, wish.suite))
    (work / "apt.conf").write_text(apt_network_settings())
    tree = work / "tree"
    (tree / "etc").mkdir(parents=True)
    # Before the packages, so that ca-certificates takes this machine's own in.
    network_files(tree)
    (tree / "etc/resolv.conf").unlink(missing_ok=True)
    (tree / "etc/hosts").unlink(missing_ok=True)
    run(["chmod", "-R", "u=rwX,go=rX", tree])
    run(
        [
            *("mmdebstrap", "--verbose", "--variant=minbase", "--mode=root"),
            *("--format=directory", "--skip=output/dev,check/empty"),
            *("--dpkgopt=force-unsafe-io", f"--aptopt={work}/apt.conf"),
            f"--include={','.join([*_PACKAGES, *wish.packages])}",
            f'--essential-hook=cp -r "{tree}/." "$1/"',
            *(wish.suite, root, work / "debian.sources"),
        ],
        where="stock Debian",
        hint="look at this machine's apt sources and network, then run the command again",
        env={"TMPDIR": str(work), "DEBIAN_FRONTEND": "noninteractive"},
        timeout=3600,
        say=lambda line: say(line) if line.startswith("I: ") else None,
    )


def _configure(wish: Wish, root: Path) -> None:
    for name, text in _FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    # How apt gets on stays after mmdebstrap has gone; what dpkg was told does not.
    (root / "etc/dpkg/dpkg.cfg.d/99mmdebstrap").unlink(missing_ok=True)
    (root / "etc/machine-id").write_text("")
    for unit in ("systemd-networkd", "systemd-resolved", "ssh"):
        run(["chroot", root, "systemctl", "--quiet", "enable", f"{unit}.service"])
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    (root / "etc/resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    ssh = root / "root/.ssh"
    ssh.mkdir(mode=0o700, exist_ok=True)
    shutil.copyfile(wish.key.with_suffix(".pub"), ssh / "authorized_keys")
    if wish.seed is not None:
        target = root / "var/cache/scs"
        target.mkdir(mode=0o755)
        for part in ("layers", "images", "artifacts"):
            (target / part).mkdir()
            # Not what is hidden: locks, and things half made.
            whole = [path for path in (wish.seed / part).glob("*") if path.name[0] != "."]
            # Hard links: layers are large, and nobody writes into them.
            run(["cp", "-al", *whole, target / part])
