# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Debian 13 for the cloud's users: a generic image with cloud-init, made from signed packages.

No vendor's image is needed, and so no way to a vendor's server: whoever reaches a Debian
mirror can build it. It boots by BIOS and by UEFI, grows to its disk, and keeps itself
updated like any Debian: the kernel through GRUB, the rest through apt.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from scs import archive
from scs.errors import CommandFailed, Problem
from scs.images import disk
from scs.images.image import BuiltImage, build_stamp
from scs.images.store import Draft, Store, recipe_of
from scs.shell import Say, run

USER = "debian"

_STORED_AS = "debian-13"
_GUEST = Path(__file__).parent / "debian_guest"
_LABEL = "debian-root"

_PACKAGES = (
    # Starts.
    *("linux-image-cloud-amd64", "initramfs-tools", "zstd", "grub-pc", "grub-efi-amd64-bin"),
    *("systemd-sysv", "libpam-systemd", "dbus", "e2fsprogs", "kmod", "udev"),
    # Becomes its owner's.
    *("cloud-init", "cloud-guest-utils", "fdisk", "dhcpcd-base", "openssh-server", "sudo"),
    # Is on the network and knows the time.
    *("systemd-resolved", "systemd-timesyncd", "ca-certificates", "netbase"),
    *("iproute2", "iputils-ping", "nftables"),
    # Is a Debian that one can work with.
    *("apt-utils", "bash-completion", "bzip2", "curl", "less", "lsof", "nano"),
    *("openssh-client", "procps", "psmisc", "python3", "rsync", "tzdata", "vim-tiny", "wget"),
    *("xz-utils", "logrotate", "debian-archive-keyring", "whiptail"),
)

_DEBCONF = """\
grub-pc grub-pc/install_devices multiselect
grub-pc grub-pc/install_devices_empty boolean true
"""

_GRUB_MODULES = (
    *("part_msdos", "part_gpt", "ext2", "fat", "normal", "configfile", "linux", "search"),
    *("search_label", "search_fs_uuid", "echo", "test", "ls", "cat", "reboot", "halt"),
    *("serial", "terminal", "gzio", "minicmd", "all_video", "loadenv", "true", "sleep"),
)

_SIGNATURE = 0x5C5F0013
_BOOT_MIB = 8
# A third of it is used, and it grows to the disk that it is given. Glance reads each byte twice for
# its checksums, zero or not.
_DISK_MIB = 1024
_EMBEDDED = 1  # sector of GRUB's core: right behind the master boot record


def build_debian(cache: Path, say: Say) -> BuiltImage:
    """Build the public Debian image, or return the cached one when it is recent enough.

    "Recent enough" is what the image itself promises in `replace_frequency`. Needs root,
    network access to Debian's archive, and the tools in `disk.TOOLS` and mmdebstrap; raises
    PreflightFailed without the tools and CommandFailed when a step fails.
    """
    store = Store(cache)
    recipe = recipe_of(_GUEST, Path(__file__), Path(disk.__file__))
    now = datetime.now(UTC)

    def cached() -> BuiltImage | None:
        image = store.find(_STORED_AS, recipe)
        return None if image is None or image.is_stale(now) else image

    if (image := cached()) is not None:
        return image
    disk.need_tools({**disk.TOOLS, "mmdebstrap": "mmdebstrap"})
    with store.workspace(_STORED_AS) as work:
        if (image := cached()) is not None:
            return image  # another run built it while this one waited for the lock
        root = _bootstrap(work, say)
        version, kernel = _versions(root)
        say("laying out the disk")
        qcow2 = _lay_out(work, root, kernel)
        say("storing the image")
        draft = Draft(
            min_disk=_DISK_MIB // 1024,
            min_ram=512,
            built=now,
            properties=_properties(now, version, kernel),
        )
        image = store.add(_STORED_AS, recipe, qcow2, work, draft)
        # The root file system is another user's machine: it goes before the workspace does.
        shutil.rmtree(root, ignore_errors=True)
        return image


def _properties(built: datetime, version: str, kernel: str) -> dict[str, str]:
    return {
        "architecture": "x86_64",
        "hw_disk_bus": "virtio",
        "hw_rng_model": "virtio",
        "os_type": "linux",
        "os_distro": "debian",
        "os_version": "13",
        "os_purpose": "generic",
        "image_build_date": build_stamp(built),
        "image_original_user": USER,
        "image_source": "private",
        "image_description": (
            f"Debian {version} (trixie), generic, with cloud-init; built from Debian's signed"
            " packages. https://www.debian.org/releases/trixie/"
        ),
        "patchlevel": kernel,
        "replace_frequency": "monthly",
        "provided_until": "none",
        "uuid_validity": "last-3",
    }


def _bootstrap(work: Path, say: Say) -> Path:
    """Debian's packages, installed and configured, as a folder."""
    root = work / "root"
    sources = work / "debian.sources"
    sources.write_text(archive.sources_for_trixie())
    debconf = work / "debconf"
    debconf.write_text(_DEBCONF)
    tree = work / "tree"
    _copy_tree(_GUEST, tree)
    run(
        [
            *("mmdebstrap", "--verbose", "--variant=minbase", "--mode=root"),
            *("--format=directory", "--skip=output/dev,check/empty"),
            # A build that is cut off is thrown away: nothing has to be on the disk earlier.
            "--dpkgopt=force-unsafe-io",
            *(f"--dpkgopt=path-exclude=/usr/share/{path}" for path in _LEFT_OUT),
            "--dpkgopt=path-include=/usr/share/doc/*/copyright",
            "--dpkgopt=path-include=/usr/share/locale/locale.alias",
            *(f"--aptopt={file}" for file in archive.acquire_settings()),
            f"--include={','.join(_PACKAGES)}",
            # Before the packages, so that the one initial RAM disk is built by these settings.
            f'--essential-hook=cp -r "{tree}/." "$1/"',
            f'--essential-hook=chroot "$1" debconf-set-selections < "{debconf}"',
            *(archive.SUITE, str(root), str(sources)),
        ],
        where="Debian image",
        hint="look at this machine's apt sources and network, then run the command again",
        env={"TMPDIR": str(work), "DEBIAN_FRONTEND": "noninteractive"},
        timeout=1800,
        say=_every(25, say),
    )
    _anonymous(root)
    _switch_units(root)
    return root


_LEFT_OUT = ("doc/*", "info/*", "man/*", "locale/*", "lintian/*")


def _every(count: int, say: Say) -> Callable[[str], None]:
    """Tell of each so many packages."""
    seen = 0

    def progress(line: str) -> None:
        nonlocal seen
        if line.startswith(("Unpacking ", "Setting up ")):
            seen += 1
            if seen % count == 0:
                say(f"{line.split(' (')[0].removesuffix(' ...').lower()} ({seen} steps)")

    return progress


def _copy_tree(source: Path, target: Path) -> None:
    """Copy files with the permissions that they need, whatever a checkout's umask was."""
    target.mkdir(mode=0o755)
    for path in sorted(source.rglob("*")):
        into = target / path.relative_to(source)
        if path.is_dir():
            into.mkdir()
            into.chmod(0o755)
        else:
            shutil.copyfile(path, into)
            into.chmod(0o644)


def _switch_units(root: Path) -> None:
    """Switch on what Debian leaves off, and off what costs every start and serves nobody here."""

    def systemctl(*words: str) -> None:
        run(["chroot", root, "systemctl", "--quiet", *words], where="Debian image")

    systemctl("enable", "systemd-networkd.service")
    # Remembering a failed boot for a menu that is never shown; checking volume snapshots.
    systemctl("disable", "grub-common.service", "e2scrub_reap.service", "e2scrub_all.timer")
    systemctl("set-default", "multi-user.target")
    # A listener for machines with vsock; on all others it fails on the console.
    generators = root / "etc/systemd/system-generators"
    generators.mkdir(exist_ok=True)
    (generators / "systemd-ssh-generator").symlink_to("/dev/null")
    # Caches are as the packages have made them: no rebuilding on the first start.
    for stamp in ("etc/.updated", "var/.updated"):
        (root / stamp).touch()


def _anonymous(root: Path) -> None:
    """Take away what makes one machine different from another, and what building left."""
    for pattern in (
        "etc/ssh/ssh_host_*",
        "etc/hostname",
        "etc/apt/sources.list",
        "etc/apt/sources.list.d/*",
        # What only the build was told: this machine's way to its mirror, what to leave out.
        "etc/apt/apt.conf.d/99mmdebstrap",
        "etc/dpkg/dpkg.cfg.d/99mmdebstrap",
        "var/lib/apt/lists/*",
        "var/cache/apt/*.bin",
        "var/cache/apt/archives/*.deb",
        "var/cache/debconf/*-old",
        "var/lib/dpkg/*-old",
        "var/lib/dbus/machine-id",
        "var/lib/systemd/random-seed",
        "var/log/*.log",
        "var/log/apt/*",
        "run/*",
        "tmp/*",
    ):
        for path in root.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    # Empty, not absent: systemd makes one, but does not switch units as on a very first start.
    (root / "etc/machine-id").write_text("")
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    (root / "etc/resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    (root / "etc/apt/sources.list.d/debian.sources").write_text(archive.vendor_sources())
    # Part of every Debian; cloud-init's own module takes emulated seconds to choose the same.
    (root / "etc/locale.conf").write_text("LANG=C.UTF-8\n")
    (root / "etc/fstab").write_text(f"LABEL={_LABEL} / ext4 errors=remount-ro 0 1\n")


def _versions(root: Path) -> tuple[str, str]:
    """Debian's point release ("13.2") and the kernel's version."""
    kernels = sorted(path.name.removeprefix("vmlinuz-") for path in root.glob("boot/vmlinuz-*"))
    if len(kernels) != 1:
        raise CommandFailed(
            Problem("Debian image", f"expected one kernel in /boot, found {kernels or 'none'}")
        )
    if not (root / f"boot/initrd.img-{kernels[0]}").is_file():
        raise CommandFailed(Problem("Debian image", f"no initrd for kernel {kernels[0]}"))
    return (root / "etc/debian_version").read_text().strip(), kernels[0]


def _lay_out(work: Path, root: Path, kernel: str) -> Path:
    """A disk with that root, GRUB for BIOS behind the boot record and for UEFI on FAT.

    grub-install wants a real disk below a mounted file system; the parts that it would put
    together are made and placed here instead. The root is the first entry of the table and
    the last on the disk, so that growpart and growing volumes find it where they look.
    """
    (root / "boot/grub").mkdir(exist_ok=True)
    (root / "boot/grub/grub.cfg").write_text(_grub_menu(kernel))
    for platform in ("i386-pc", "x86_64-efi"):
        shutil.copytree(
            root / "usr/lib/grub" / platform,
            root / "boot/grub" / platform,
            ignore=lambda _, names: [name for name in names if not name.endswith((".mod", ".lst"))],
        )
    (root / "run/early.cfg").write_text(
        f"search --no-floppy --label {_LABEL} --set=root\nset prefix=($root)/boot/grub\n"
    )
    core = _grub_image(root, work / "core.img", "i386-pc", "(,msdos1)/boot/grub", ("biosdisk",))
    loader = _grub_image(
        root,
        work / "bootx64.efi",
        "x86_64-efi",
        "/boot/grub",
        ("efi_gop",),
        "--config=/run/early.cfg",
    )
    (root / "run/early.cfg").unlink()

    efi = disk.Partition(disk.EFI, disk.ALIGN, _BOOT_MIB * disk.MIB)
    rest = disk.Partition(
        disk.LINUX,
        efi.start + efi.size,
        _DISK_MIB * disk.MIB - efi.start - efi.size,
        active=True,
    )
    raw = work / "disk.raw"
    boot_record = (root / "usr/lib/grub/i386-pc/boot.img").read_bytes()[:440]
    disk.blank(raw, boot_record, [rest, efi], _SIGNATURE)
    data = core.read_bytes()
    if _EMBEDDED * disk.SECTOR + len(data) > efi.start:
        raise CommandFailed(
            Problem("Debian image", f"GRUB's core of {len(data)} bytes is larger than its gap")
        )
    with raw.open("r+b") as file:
        file.seek(_EMBEDDED * disk.SECTOR)
        file.write(data)
    disk.write_fat(raw, efi, {"EFI/BOOT/BOOTX64.EFI": loader})
    disk.write_ext4(raw, rest, root, _LABEL)
    qcow2 = work / "disk.qcow2"
    disk.to_qcow2(raw, qcow2, "zstd")
    return qcow2


def _grub_image(
    root: Path, into: Path, platform: str, prefix: str, modules: tuple[str, ...], *options: str
) -> Path:
    """GRUB's core for one platform, made by the image's own GRUB."""
    run(
        [
            *("chroot", str(root), "grub-mkimage", "--format", platform, "--prefix", prefix),
            *("--output", "/run/grub.img", *options, *modules, *_GRUB_MODULES),
        ],
        where="Debian image",
    )
    return Path(shutil.move(root / "run/grub.img", into))


def _grub_menu(kernel: str) -> str:
    """The first grub.cfg; update-grub writes the next one when a kernel is installed."""
    return (
        "set timeout=0\n"
        f"search --no-floppy --label {_LABEL} --set=root\n"
        'menuentry "Debian GNU/Linux" {\n'
        f"  linux /boot/vmlinuz-{kernel} root=LABEL={_LABEL} ro"
        " console=tty0 console=ttyS0,115200 quiet no_timer_check\n"
        f"  initrd /boot/initrd.img-{kernel}\n"
        "}\n"
    )
