# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""scs-verify: a private image for checks, that lets its owner in seconds after power-on.

Debian's cloud kernel, busybox and dropbear, and a few shell scripts (folder tiny_guest)
that do what cloud-init does in forty seconds of emulated processor. One user, `scs`, who is
root by number; the only way in is the ssh key that the metadata service names.
"""

from __future__ import annotations

import lzma
import re
import shutil
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from scs.archive import Archive
from scs.errors import CommandFailed, Problem
from scs.images import disk
from scs.images.image import BuiltImage, build_stamp
from scs.images.store import Draft, Store, recipe_of
from scs.model.content import VERIFY as NAME
from scs.shell import Say, run

USER = "scs"

_GUEST = Path(__file__).parent / "tiny_guest"
_KERNEL = "linux-image-cloud-amd64"
_PACKAGES = (
    "busybox-static",
    "dropbear-bin",
    # What dropbear loads; the build asks the dynamic loader whether the list is complete.
    "libc6",
    "libcrypt1",
    "libgmp10",
    "libtomcrypt1",
    "libtommath1",
    "zlib1g",
)

_EARLY_MODULES = ("virtio_blk", "virtio_net")
"""Loaded from the initial RAM disk."""
_LATE_MODULES = ("virtio-rng", "evdev", "button", "isofs", "sr_mod", "virtio_scsi", "sd_mod")
"""On the root disk, for modprobe."""

_APPEND = (
    "console=ttyS0,115200 quiet panic=10 net.ifnames=0"
    # An emulated clock is calibrated and doubted for a second otherwise.
    " no_timer_check tsc=reliable nowatchdog"
    # A guest that lives for a minute and runs its owner's code only: no hardening that costs
    # boot time, no self tests, no policies, no waiting for quiet moments.
    " nokaslr mitigations=off apparmor=0 audit=0 lsm=capability noresume"
    " cryptomgr.notests random.trust_cpu=1 noreplace-smp rcupdate.rcu_expedited=1"
    # Parts of the kernel that nobody here uses, each 20 to 180 ms when emulated: the second
    # source of jitter entropy, vendors' certificates, type tables for tracers, self-encrypting
    # disks. Without certificates the signatures of modules are not checked.
    " initcall_blacklist=jent_mod_init,load_system_certificate_list,trace_eval_init,"
    "bpf_tcp_ca_kfunc_init,bpf_dummy_struct_ops_init,bpf_sockmap_iter_init,"
    "sed_opal_init,init_encrypted"
)
_SIGNATURE = 0x5C5F0001
_BOOT_MIB = 20
_ROOT_MIB = 107

_FILES = {
    "etc/passwd": (
        f"{USER}:*:0:0:{USER}:/home/{USER}:/bin/sh\nroot:*:0:0:root:/root:/bin/sh\n"
        "nobody:*:65534:65534:nobody:/nonexistent:/bin/false\n"
    ),
    "etc/group": "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n",
    "etc/shells": "/bin/sh\n",
    "etc/hostname": f"{NAME}\n",
    "etc/hosts": f"127.0.0.1 localhost {NAME}\n",
    "etc/os-release": (
        f'NAME="{NAME}"\nID={NAME}\nID_LIKE=debian\nVERSION_ID=1\n'
        f'PRETTY_NAME="{NAME}: a guest for checks, from Debian 13"\n'
    ),
}


def build_tiny(cache: Path, say: Say) -> BuiltImage:
    """Build the small image for checks, or return the cached one when it is recent enough.

    Needs network access to Debian's archive and the tools in `disk.TOOLS`; raises
    PreflightFailed without the tools and CommandFailed when a step fails.
    """
    store = Store(cache)
    recipe = recipe_of(_GUEST, Path(__file__), Path(disk.__file__))
    now = datetime.now(UTC)
    if (cached := store.find(NAME, recipe)) is not None and not cached.is_stale(now):
        return cached
    disk.need_tools()
    with store.workspace(NAME) as work:
        if (cached := store.find(NAME, recipe)) is not None and not cached.is_stale(now):
            return cached  # another run built it while this one waited for the lock
        qcow2, kernel = _build(cache, work, say)
        say("storing the image")
        draft = Draft(min_disk=1, min_ram=128, built=now, properties=_properties(now, kernel))
        return store.add(NAME, recipe, qcow2, work, draft)


def _build(cache: Path, work: Path, say: Say) -> tuple[Path, str]:
    """The finished disk and its kernel's version."""
    archive = Archive(cache / "archive")
    archive.update(say)
    kernel_package = next(
        (name for name in archive.depends(_KERNEL) if name.startswith("linux-image-")), None
    )
    if kernel_package is None:
        raise CommandFailed(
            Problem("Debian's archive", f"{_KERNEL} does not name a kernel that it depends on")
        )
    packages = archive.download((kernel_package, *_PACKAGES), work / "packages", say)
    say("unpacking packages")
    unpacked = work / "unpacked"
    for package in packages:
        run(["dpkg-deb", "-x", package, unpacked], where=package.name)
    version = kernel_package.removeprefix("linux-image-")
    modules = KernelModules(unpacked / "usr/lib/modules" / version)

    say("laying out the disk")
    initrd = work / "initrd"
    initrd.write_bytes(disk.cpio(_initrd(work / "early", unpacked, modules)))
    menu = work / "syslinux.cfg"
    menu.write_text(disk.boot_menu(_APPEND))
    raw = work / "disk.raw"
    boot = disk.Partition(disk.FAT, disk.ALIGN, _BOOT_MIB * disk.MIB, active=True)
    rest = disk.Partition(disk.LINUX, boot.start + boot.size, _ROOT_MIB * disk.MIB)
    disk.blank(raw, disk.SYSLINUX_MBR.read_bytes(), [boot, rest], _SIGNATURE)
    files = {
        "syslinux.cfg": menu,
        "vmlinuz": unpacked / f"boot/vmlinuz-{version}",
        "initrd": initrd,
    }
    disk.write_fat(raw, boot, files)
    disk.install_syslinux(raw, boot)
    root = _root(work / "root", unpacked, modules, version)
    disk.write_ext4(raw, rest, root, NAME, "-J", "size=4", "-m", "0")
    qcow2 = work / "disk.qcow2"
    disk.to_qcow2(raw, qcow2)
    return qcow2, version


def _properties(built: datetime, kernel: str) -> dict[str, str]:
    return {
        "architecture": "x86_64",
        "hw_disk_bus": "virtio",
        "hw_rng_model": "virtio",
        "os_type": "linux",
        "os_distro": NAME,
        "os_version": "1",
        "os_purpose": "custom",
        "os_shutdown_timeout": "10",
        "image_build_date": build_stamp(built),
        "image_original_user": USER,
        "image_source": "private",
        "image_description": (
            f"Small guest of the scs deployer for its own checks: Linux {kernel}, busybox and"
            " dropbear from Debian 13. https://www.debian.org/releases/trixie/"
        ),
        "patchlevel": kernel,
        "replace_frequency": "monthly",
        "provided_until": "none",
        "uuid_validity": "none",
    }


def _initrd(folder: Path, unpacked: Path, modules: KernelModules) -> Path:
    for name in ("bin", "dev", "proc", "sys", "root", "modules"):
        (folder / name).mkdir(parents=True)
    shutil.copy2(_busybox(unpacked), folder / "bin/busybox")
    for applet in ("sh", "mount", "insmod", "sleep", "poweroff", "switch_root"):
        (folder / "bin" / applet).symlink_to("busybox")
    order = modules.closure(_EARLY_MODULES)
    for module in order:
        (folder / "modules" / f"{module}.ko").write_bytes(modules.read(module))
    (folder / "modules/order").write_text("\n".join(order) + "\n")
    _copy(_GUEST / "init", folder / "init")
    return folder


def _root(folder: Path, unpacked: Path, modules: KernelModules, version: str) -> Path:
    for name in (
        "usr/bin usr/lib/scs usr/lib64 dev proc sys run tmp root etc/dropbear mnt"
        f" etc/acpi/PWRF var/lib/scs home/{USER} usr/lib/modules/{version}"
    ).split():
        (folder / name).mkdir(parents=True)
    for link, target in {
        "bin": "usr/bin",
        "sbin": "usr/bin",
        "usr/sbin": "bin",
        "lib": "usr/lib",
        "lib64": "usr/lib64",
        "var/run": "../run",
        "etc/mtab": "../proc/self/mounts",
        "etc/acpi/PWRF/00000080": "../../../usr/lib/scs/off",
    }.items():
        (folder / link).symlink_to(target)
    for name, text in _FILES.items():
        (folder / name).write_text(text)
    (folder / "root").chmod(0o700)
    (folder / f"home/{USER}").chmod(0o700)

    busybox = _busybox(unpacked)
    shutil.copy2(busybox, folder / "usr/bin/busybox")
    for applet in run([busybox, "--list"]).split():
        if applet != "busybox":
            (folder / "usr/bin" / applet).symlink_to("busybox")
    for program in ("usr/sbin/dropbear", "usr/bin/dropbearkey"):
        _copy(unpacked / program, folder / "usr/bin" / Path(program).name)
        _copy_libraries(unpacked / program, unpacked, folder)
    _copy(_GUEST / "inittab", folder / "etc/inittab", mode=0o644)
    for name in ("curl", "lsblk", "sudo"):
        # Where busybox has a program of that name, this is not to be written into busybox.
        (folder / "usr/bin" / name).unlink(missing_ok=True)
        _copy(_GUEST / name, folder / "usr/bin" / name)
    for name in ("rc", "hotplug", "dhcp", "online", "off", "stop"):
        _copy(_GUEST / name, folder / "usr/lib/scs" / name)
    _copy(_GUEST / "metadata.awk", folder / "usr/lib/scs/metadata.awk", mode=0o644)

    into = folder / "usr/lib/modules" / version
    lines: list[str] = []
    for module in modules.closure(_LATE_MODULES):
        (into / f"{module}.ko").write_bytes(modules.read(module))
        needs = [f"{name}.ko" for name in reversed(modules.closure([module])) if name != module]
        lines.append(f"{module}.ko: {' '.join(needs)}\n")
    (into / "modules.dep").write_text("".join(lines))
    return folder


def _busybox(unpacked: Path) -> Path:
    return unpacked / "usr/bin/busybox"


def _copy(source: Path, target: Path, mode: int = 0o755) -> None:
    shutil.copyfile(source, target)
    target.chmod(mode)


def _copy_libraries(program: Path, unpacked: Path, folder: Path) -> None:
    """Copy what the program loads, by asking the dynamic loader that will load it."""
    libraries = unpacked / "usr/lib/x86_64-linux-gnu"
    loader = unpacked / "usr/lib64/ld-linux-x86-64.so.2"
    listing = run(
        [loader, "--inhibit-cache", "--library-path", libraries, "--list", program],
        where=program.name,
        hint="a library's package is missing from the list in scs/images/tiny.py",
    )
    into = folder / "usr/lib/x86_64-linux-gnu"
    into.mkdir(exist_ok=True)
    for path in re.findall(rf"{re.escape(str(libraries))}/\S+", listing):
        _copy(Path(path).resolve(), into / Path(path).name)
    _copy(loader.resolve(), folder / "usr/lib64/ld-linux-x86-64.so.2")


class KernelModules:
    """The modules of one unpacked kernel package, by name."""

    def __init__(self, folder: Path) -> None:
        self._files = {
            _module_name(file.name.split(".")[0]): file for file in folder.rglob("*.ko*")
        }
        builtin = folder / "modules.builtin"
        self._builtin = {
            _module_name(Path(line).name.split(".")[0])
            for line in (builtin.read_text().split() if builtin.is_file() else ())
        }

    def read(self, name: str) -> bytes:
        """The module itself, ready to be loaded: not compressed, without its signature.

        Checking an RSA signature takes an emulated processor longer than loading the module.
        """
        file = self._files[_module_name(name)]
        data = file.read_bytes()
        if file.suffix == ".xz":
            data = lzma.decompress(data)
        elif file.suffix == ".zst":
            data = subprocess.run(
                ["zstd", "-dcq"], input=data, check=True, capture_output=True
            ).stdout
        return _unsigned(data)

    def closure(self, names: Iterable[str]) -> list[str]:
        """These modules and all that they need, in loading order, built-in ones left out."""
        order: list[str] = []

        def visit(name: str) -> None:
            if name in order or (name in self._builtin and name not in self._files):
                return
            if name not in self._files:
                raise CommandFailed(
                    Problem("kernel", f"{name} is neither a module of this kernel nor built in")
                )
            needs = re.search(rb"\0depends=([^\0]*)\0", b"\0" + self.read(name) + b"\0")
            for need in (needs[1].decode() if needs else "").split(","):
                if need:
                    visit(_module_name(need))
            order.append(name)

        for name in names:
            visit(_module_name(name))
        return order


def _module_name(name: str) -> str:
    return name.replace("-", "_")


def _unsigned(module: bytes) -> bytes:
    """Cut off the signature that the kernel's build appended, if there is one."""
    magic = b"~Module signature appended~\n"
    if not module.endswith(magic):
        return module
    # Before the magic stands a 12-byte record; its last 4 bytes are the signature's length.
    end = len(module) - len(magic) - 12
    length = int.from_bytes(module[end + 8 : end + 12], "big")
    return module[: end - length]
