# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bytes of disks, and what the small guest is made of."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from scs.errors import CommandFailed, PreflightFailed
from scs.images import disk, tiny


def test_a_partition_table_is_what_firmware_reads() -> None:
    parts = [
        disk.Partition(disk.FAT, disk.MIB, 20 * disk.MIB, active=True),
        disk.Partition(disk.LINUX, 21 * disk.MIB, 100 * disk.MIB),
    ]
    record = disk.partition_table(b"\xeb\x63", parts, 0x5C5F0001)
    assert len(record) == 512
    assert record[:2] == b"\xeb\x63"
    assert record[510:] == b"\x55\xaa"
    assert struct.unpack("<I", record[440:444]) == (0x5C5F0001,)
    status, kind, start, count = struct.unpack("<B3xB3xII", record[446:462])
    assert (status, kind, start, count) == (0x80, disk.FAT, 2048, 20 * 2048)
    status, kind, start, count = struct.unpack("<B3xB3xII", record[462:478])
    assert (status, kind, start, count) == (0, disk.LINUX, 21 * 2048, 100 * 2048)
    assert record[478:510] == bytes(32)


def test_too_much_for_a_boot_record_is_refused() -> None:
    with pytest.raises(ValueError, match="440"):
        disk.partition_table(bytes(441), [], 0)


def test_missing_tools_are_named_by_package() -> None:
    with pytest.raises(PreflightFailed, match=r"apt-get install .*surely-missing"):
        disk.need_tools({"no-such-tool-here": "surely-missing"})


def test_signatures_of_modules_are_cut_off() -> None:
    signature = b"s" * 300
    record = bytes(8) + len(signature).to_bytes(4, "big")
    signed = b"MODULE" + signature + record + b"~Module signature appended~\n"
    assert tiny._unsigned(signed) == b"MODULE"
    assert tiny._unsigned(b"MODULE") == b"MODULE"


def test_modules_load_in_the_order_of_their_needs(tmp_path: Path) -> None:
    def module(name: str, needs: str) -> None:
        (tmp_path / "kernel").mkdir(exist_ok=True)
        (tmp_path / "kernel" / f"{name}.ko").write_bytes(f"\0depends={needs}\0".encode())

    module("virtio_net", "net-failover")
    module("net_failover", "failover")
    module("failover", "")
    (tmp_path / "modules.builtin").write_text("kernel/drivers/virtio/virtio-pci.ko\n")
    modules = tiny.KernelModules(tmp_path)
    assert modules.closure(["virtio_net", "virtio_pci"]) == [
        "failover",
        "net_failover",
        "virtio_net",
    ]
    with pytest.raises(CommandFailed, match="nosuch is neither"):
        modules.closure(["nosuch"])


@pytest.mark.skipif(shutil.which("awk") is None, reason="needs awk")
def test_the_small_guest_reads_metadata(tmp_path: Path) -> None:
    meta = {
        "uuid": "6d3c1f8e",
        "meta": {"hostname": "not this"},
        "hostname": "vm.novalocal",
        "public_keys": {"a": 'ssh-ed25519 AAA/b== me@"x}"\n', "b": "ssh-rsa B"},
        "keys": [{"name": "a", "data": "ssh-no"}],
        "launch_index": 0,
        "project_id": None,
    }
    for indent in (None, 2):
        (tmp_path / "meta.json").write_text(json.dumps(meta, indent=indent))
        program = Path(tiny.__file__).parent / "tiny_guest/metadata.awk"
        subprocess.run(
            ["awk", "-v", f"into={tmp_path}", "-f", program, tmp_path / "meta.json"], check=True
        )
        assert (tmp_path / "uuid").read_text() == "6d3c1f8e\n"
        assert (tmp_path / "hostname").read_text() == "vm.novalocal\n"
        assert (tmp_path / "keys").read_text() == 'ssh-ed25519 AAA/b== me@"x}"\nssh-rsa B\n'


@pytest.mark.parametrize(
    "script", [path for path in tiny._GUEST.iterdir() if path.read_text().startswith("#!")]
)
def test_the_guests_scripts_are_shell(script: Path) -> None:
    subprocess.run(["sh", "-n", script], check=True)
