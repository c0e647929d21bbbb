# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Disk images made from folders, without loop devices, mounts or privileges.

A master boot record, a small FAT partition for a boot loader, an ext4 partition for the rest.
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from scs.errors import PreflightFailed, Problem
from scs.shell import run

MIB = 1 << 20
SECTOR = 512
ALIGN = MIB
"""Where the first partition begins; what every partitioning tool chooses today."""

TOOLS: Mapping[str, str] = {
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
    "mke2fs": "e2fsprogs",
    "mformat": "mtools",
    "qemu-img": "qemu-utils",
    "syslinux": "syslinux",
}
"""Commands that building an image calls → the Debian package each is in."""

SYSLINUX_MBR = Path("/usr/lib/SYSLINUX/mbr.bin")
FAT, LINUX, EFI = 0x0E, 0x83, 0xEF
"""Kinds of partitions."""

_MTOOLS = {"MTOOLS_SKIP_CHECK": "1", "MTOOLSRC": "/dev/null"}
"""mtools refuses geometries that make no sense to it unless told not to look."""


@dataclass(frozen=True)
class Partition:
    """One line of a partition table."""

    kind: int
    start: int
    """Bytes."""
    size: int
    """Bytes."""
    active: bool = False


def need_tools(tools: Mapping[str, str] = TOOLS) -> None:
    """Raise PreflightFailed, naming packages to install, when a tool is not there."""
    missing = {
        package
        for tool, package in tools.items()
        if shutil.which(tool, path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin") is None
    }
    if missing:
        raise PreflightFailed(
            Problem(
                "this machine",
                f"building images needs {', '.join(sorted(missing))}",
                f"apt-get install --no-install-recommends {' '.join(sorted(missing))}",
            )
        )


def partition_table(code: bytes, partitions: Sequence[Partition], signature: int) -> bytes:
    """A master boot record: up to 440 bytes of boot code and up to four partitions."""
    if len(code) > 440 or len(partitions) > 4:
        raise ValueError("a master boot record has room for 440 bytes of code, 4 partitions")
    record = bytearray(SECTOR)
    record[: len(code)] = code
    record[440:444] = struct.pack("<I", signature)
    for index, part in enumerate(partitions):
        # Cylinder, head, sector: the value that says "look at the LBA fields".
        beyond = b"\xfe\xff\xff"
        record[446 + 16 * index : 462 + 16 * index] = struct.pack(
            "<B3sB3sII",
            0x80 if part.active else 0,
            beyond,
            part.kind,
            beyond,
            part.start // SECTOR,
            part.size // SECTOR,
        )
    record[510:] = b"\x55\xaa"
    return bytes(record)


def blank(raw: Path, code: bytes, partitions: Sequence[Partition], signature: int) -> None:
    """Write an empty disk that ends with its last partition.

    The `signature` also makes the partitions' PARTUUIDs (signature-01, signature-02).
    """
    with raw.open("wb") as disk:
        disk.write(partition_table(code, partitions, signature))
        disk.truncate(max(part.start + part.size for part in partitions))


def write_fat(raw: Path, part: Partition, files: Mapping[str, Path]) -> None:
    """Make a FAT file system in a partition; `files`: path in it → file. Folders are made."""
    drive = f"{raw}@@{part.start}"
    run(
        [
            *("mformat", "-i", drive, "-v", "BOOT", "-T", str(part.size // SECTOR)),
            *("-h", "255", "-s", "63", "-H", str(part.start // SECTOR), "-c", "8", "::"),
        ],
        env=_MTOOLS,
        where="boot partition",
    )
    parents = {str(up) for name in files for up in PurePosixPath(name).parents if str(up) != "."}
    for folder in sorted(parents):
        run(["mmd", "-i", drive, f"::{folder}"], env=_MTOOLS, where="boot partition")
    for name, file in files.items():
        run(["mcopy", "-i", drive, file, f"::{name}"], env=_MTOOLS, where="boot partition")


def install_syslinux(raw: Path, part: Partition) -> None:
    """Make a FAT partition bootable; the disk's boot code has to be `SYSLINUX_MBR`'s."""
    run(
        ["syslinux", "--install", "-t", str(part.start), raw],
        env=_MTOOLS,
        where="boot partition",
    )


def write_ext4(raw: Path, part: Partition, root: Path, label: str, *options: str) -> None:
    """Make an ext4 file system with that folder's content, owners and attributes included."""
    run(
        [
            *("mke2fs", "-q", "-F", "-t", "ext4", "-L", label, "-d", str(root), *options),
            *("-E", f"offset={part.start},root_owner=0:0,lazy_itable_init=0"),
            *(str(raw), f"{part.size // 1024}k"),
        ],
        where="root partition",
        hint="when the file system is too small for its content, its size has to grow",
    )


def boot_menu(append: str) -> str:
    """A syslinux.cfg that asks nothing and boots the files vmlinuz and initrd at once."""
    return (
        "DEFAULT linux\nPROMPT 0\nTIMEOUT 0\nNOESCAPE 1\n"
        f"LABEL linux\n  LINUX vmlinuz\n  INITRD initrd\n  APPEND {append}\n"
    )


def to_qcow2(raw: Path, disk: Path, compression: str = "zlib") -> None:
    """Compress a raw disk; "zlib" is read by every QEMU, "zstd" by 5.1 and later, faster."""
    run(
        [
            *("qemu-img", "convert", "-c", "-m", "4", "-W", "-f", "raw", "-O", "qcow2"),
            *("-o", f"compression_type={compression}", str(raw), str(disk)),
        ],
        where="disk image",
    )


def cpio(root: Path) -> bytes:
    """A folder as an initial RAM disk (cpio, "newc"), everything owned by root.

    Times and inode numbers are fixed, so that the same folder gives the same bytes.
    """
    out = bytearray()
    number = 0

    def add(name: str, mode: int, data: bytes = b"") -> None:
        nonlocal number
        number += 1
        path = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
        out.extend(b"070701" + b"".join(b"%08X" % field for field in fields) + path)
        out.extend(bytes(-len(out) % 4))
        out.extend(data + bytes(-len(data) % 4))

    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        mode = path.lstat().st_mode
        if path.is_symlink():
            add(name, mode, str(path.readlink()).encode())
        else:
            add(name, mode, path.read_bytes() if path.is_file() else b"")
    add("TRAILER!!!", 0)
    return bytes(out)
