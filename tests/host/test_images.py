# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Both images, built from Debian's packages and started in an emulated machine.

The images are taken from this machine's cache when they are there, so that a second run
costs the boot only. SCS_TEST_DEBIAN=1 asks for Debian as well: minutes on a busy machine.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from host.guest import Guest
from scs.archive import vendor_sources
from scs.images import BuiltImage, build_debian, build_tiny, missing_metadata
from scs.images.disk import cpio
from scs.shell import quiet

CACHE = Path(os.environ.get("SCS_CACHE", "/var/cache/scs"))

LIMIT = 240
"""Seconds; an idle machine needs 8 for the small image and 60 for Debian."""

pytestmark = pytest.mark.timeout(4 * LIMIT)


@pytest.fixture(scope="module")
def tiny() -> BuiltImage:
    return build_tiny(CACHE, quiet)


def test_the_small_image_is_small_sound_and_found_again(tiny: BuiltImage) -> None:
    assert tiny.size < 25 << 20
    assert missing_metadata(tiny.properties) == []
    subprocess.run(["qemu-img", "check", "-q", tiny.path], check=True)
    assert build_tiny(CACHE, quiet) == tiny


def test_the_small_image_lets_its_owner_in(tiny: BuiltImage, tmp_path: Path) -> None:
    user_data = "#!/bin/sh\necho said by user data on $(hostname)\n"
    with Guest(tiny.path, tmp_path, user="scs", user_data=user_data) as guest:
        print(f"ssh {guest.wait_for_ssh(LIMIT):.1f} s after power-on")
        ready = guest.wait_for_console("scs-verify: ready", LIMIT)
        assert "host=probe" in ready
        assert "metadata=openstack keys=1" in ready
        guest.wait_for_console("said by user data on probe", LIMIT)

        facts = guest.ssh(
            "whoami; sudo -n id -u; cat /proc/sys/kernel/random/entropy_avail;"
            " cat /sys/class/misc/hw_random/rng_current; which nc wget dd httpd | wc -l"
        ).stdout.split()
        assert facts == ["scs", "0", "256", "virtio_rng.0", "4"]
        # What tests that were written for other images ask of a guest.
        disks = guest.ssh("lsblk -lb --nodeps; lsblk --noheadings --output NAME; curl -V").stdout
        header, first, *_ = disks.splitlines()
        assert first[header.index("TYPE") :].strip() == "disk"
        assert first.startswith("vda")
        assert "\nvda\n" in disks
        assert "busybox" in disks
        assert "write me" in guest.ssh("echo write me > /root/here; cat /root/here").stdout

        other = Guest(tiny.path, tmp_path, user="root")
        other.port = guest.port
        assert other.ssh("true").returncode != 0, "nobody comes in as root"
        first_key = guest.ssh("dropbearkey -y -f /etc/dropbear/ed25519").stdout
        assert guest.press_power_button(LIMIT) < LIMIT

    # The same machine again: same host key, data kept, user data not run twice.
    with Guest(tiny.path, tmp_path, user="scs", user_data=user_data) as guest:
        guest.wait_for_ssh(LIMIT)
        again = guest.ssh("cat /root/here; dropbearkey -y -f /etc/dropbear/ed25519").stdout
        assert again == f"write me\n{first_key}"
        assert "said by user data" not in guest.console
        guest.press_power_button(LIMIT)

    # Its disk as another machine: another host key.
    snapshot = "6d3c1f8e-0000-4000-8000-000000000002"
    with Guest(tiny.path, tmp_path, user="scs", user_data=user_data, uuid=snapshot) as guest:
        guest.wait_for_ssh(LIMIT)
        assert guest.ssh("dropbearkey -y -f /etc/dropbear/ed25519").stdout != first_key
        guest.wait_for_console("said by user data", LIMIT)


def test_the_small_image_also_reads_metadata_in_amazons_form(
    tiny: BuiltImage, tmp_path: Path
) -> None:
    with Guest(tiny.path, tmp_path, user="scs", flavour="ec2") as guest:
        guest.wait_for_ssh(LIMIT)
        assert "metadata=ec2 keys=1" in guest.wait_for_console("scs-verify: ready", LIMIT)
        assert guest.ssh("hostname").stdout == "probe\n"


def test_an_initial_ram_disk_is_what_cpio_reads(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    (root / "bin/odd").write_bytes(b"12345")
    (root / "bin/odd").chmod(0o755)
    (root / "bin/sh").symlink_to("odd")
    data = cpio(root)
    assert data == cpio(root)
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["cpio", "-id", "--quiet"], input=data, cwd=out, check=True)
    assert (out / "bin/odd").read_bytes() == b"12345"
    assert (out / "bin/odd").stat().st_mode & 0o777 == 0o755
    assert (out / "bin/sh").readlink() == Path("odd")


@pytest.mark.skipif("SCS_TEST_DEBIAN" not in os.environ, reason="needs SCS_TEST_DEBIAN=1")
def test_debian_becomes_its_owners(tmp_path: Path) -> None:
    image = build_debian(CACHE, quiet)
    assert missing_metadata(image.properties) == []
    with Guest(image.path, tmp_path, user="debian", memory=1024, gigabytes=8) as guest:
        print(f"ssh {guest.wait_for_ssh(2 * LIMIT):.1f} s after power-on")
        assert "running" in guest.ssh("systemctl is-system-running --wait", LIMIT).stdout
        facts = guest.ssh(
            "hostname; sudo -n id -u; cat /proc/sys/kernel/random/entropy_avail;"
            " cat /sys/class/misc/hw_random/rng_current; cat /sys/class/net/e*/mtu;"
            " cloud-init status; cat /etc/machine-id | wc -c",
            LIMIT,
        ).stdout.split()
        assert facts == ["probe", "0", "256", "virtio_rng.0", "1442", "status:", "done", "33"]
        size = guest.ssh("df --output=size -BG / | tail -n 1").stdout.strip()
        assert size == "8G", "the root file system grows to its disk"
        sources = guest.ssh("cat /etc/apt/sources.list.d/*; ls /etc/apt/apt.conf.d").stdout
        assert sources == vendor_sources() + "01autoremove\n70debconf\n"
        # A kernel that apt installs is found by GRUB: its own menu works on this disk.
        assert guest.ssh("sudo update-grub", LIMIT).returncode == 0
        guest.press_power_button(LIMIT)
    with Guest(image.path, tmp_path, user="debian", memory=1024) as guest:
        guest.wait_for_ssh(2 * LIMIT)
