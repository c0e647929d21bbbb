# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""One emulated machine with a metadata service, without privileges or bridges.

QEMU's user-mode network gives the guest 169.254.0.0/16; each connection to
169.254.169.254:80 is answered by `metadata_once.py`, started for it.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

HERE = Path(__file__).parent
MAC = "52:54:00:12:34:56"


class Guest:
    """A machine booted from a throw-away overlay of an image; a context manager."""

    def __init__(
        self,
        image: Path,
        folder: Path,
        *,
        user: str,
        user_data: str = "",
        flavour: str = "openstack",
        memory: int = 256,
        mtu: int = 1442,
        gigabytes: int = 2,
        extra: Sequence[str] = (),
        uuid: str = "6d3c1f8e-0000-4000-8000-000000000001",
    ) -> None:
        self.folder = folder
        self.user = user
        self.memory = memory
        self.extra = extra
        self.disk = folder / "overlay.qcow2"
        self.log = folder / "console.log"
        self.key = folder / "key"
        self.port = _free_port()
        self.started = 0.0
        if not self.key.exists():
            self.make_key(self.key)
        if not self.disk.exists():
            subprocess.run(
                ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2"]
                + ["-b", str(image), str(self.disk), f"{gigabytes}G"],
                check=True,
            )
        public = self.key.with_suffix(".pub").read_text().strip()
        answers = {
            "openstack": {
                "/openstack": "2018-08-27\nlatest\n",
                "/openstack/": "2018-08-27\nlatest\n",
                **{
                    f"/openstack/{version}/{file}": text
                    for version in ("latest", "2018-08-27")
                    for file, text in {
                        "meta_data.json": json.dumps(
                            {
                                "uuid": uuid,
                                "hostname": "probe.novalocal",
                                "name": "probe",
                                "public_keys": {"mine": public + "\n"},
                                "keys": [{"name": "mine", "type": "ssh", "data": public}],
                            }
                        ),
                        "network_data.json": json.dumps(
                            {
                                "links": [
                                    {
                                        "id": "tap1",
                                        "vif_id": "1",
                                        "type": "ovs",
                                        "mtu": mtu,
                                        "ethernet_mac_address": MAC,
                                    }
                                ],
                                "networks": [
                                    {
                                        "id": "network0",
                                        "type": "ipv4_dhcp",
                                        "link": "tap1",
                                        "network_id": "1",
                                    }
                                ],
                                "services": [],
                            }
                        ),
                        **({"user_data": user_data} if user_data else {}),
                    }.items()
                },
                "/latest/meta-data/": "instance-id",
                "/latest/meta-data/instance-id": "i-00000001",
            },
            "ec2": {
                "/latest/meta-data/instance-id": "i-00000001",
                "/latest/meta-data/hostname": "probe.novalocal",
                "/latest/meta-data/public-keys/0/openssh-key": public + "\n",
                **({"/latest/user-data": user_data} if user_data else {}),
            },
        }[flavour]
        self.answers = folder / "metadata.json"
        self.answers.write_text(json.dumps(answers))
        self.asked = folder / "metadata.json.asked"
        self.asked.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        relay = f"{sys.executable} -S -E {HERE / 'metadata_once.py'} {self.answers}"
        network = (
            "user,id=net,net=169.254.0.0/16,dhcpstart=169.254.10.15,host=169.254.0.2"
            f",dns=169.254.0.3,hostfwd=tcp:127.0.0.1:{self.port}-:22"
            f",guestfwd=tcp:169.254.169.254:80-cmd:{relay}"
        )
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-accel", "tcg", "-m", str(self.memory), "-smp", "1"]
            + ["-nodefaults", "-display", "none", "-serial", f"file:{self.log}"]
            + ["-monitor", f"unix:{self.folder}/monitor,server=on,wait=off"]
            + ["-drive", f"file={self.disk},if=virtio,cache=unsafe"]
            + ["-netdev", network, "-device", f"virtio-net-pci,netdev=net,mac={MAC}"]
            + ["-device", "virtio-rng-pci", "-smbios", "type=1,product=OpenStack Nova"]
            + [*self.extra],
            stdin=subprocess.DEVNULL,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.terminate()
        self.process.wait(20)

    @staticmethod
    def make_key(path: Path) -> None:
        """A new ssh key, its public half beside it."""
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)

    @property
    def seconds(self) -> float:
        """Since power-on."""
        return time.monotonic() - self.started

    @property
    def console(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def ssh(
        self, command: str, timeout: float = 60, patience: int = 30
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the guest, with nothing but the key that metadata announced."""
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": "30",
            "IdentitiesOnly": "yes",
            "LogLevel": "ERROR",
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
        }
        return subprocess.run(
            ["ssh", "-F", "none", "-i", str(self.key), "-p", str(self.port)]
            + [word for item in options.items() for word in ("-o", "=".join(item))]
            + [f"{self.user}@127.0.0.1", command],
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )

    def wait_for_ssh(self, limit: float) -> float:
        """Seconds from power-on to the first command that ran over ssh."""
        # The user-mode network takes connections before the guest does and delivers them later,
        # all at once; whoever hangs up on an OpenSSH that often is locked out by it.
        while not self.asked.exists() and self.seconds < limit:
            assert self.process.poll() is None, f"QEMU ended:\n{self.console}"
            time.sleep(0.05)
        while self.seconds < limit:
            if self.ssh("true", limit).returncode == 0:
                return self.seconds
            time.sleep(0.1)
        raise AssertionError(f"no ssh within {limit} s; the console says:\n{self.console[-3000:]}")

    def wait_for_console(self, text: str, limit: float) -> str:
        """The console's line with that text, as soon as it is there."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            for line in self.console.splitlines():
                if text in line:
                    return line
            time.sleep(0.1)
        raise AssertionError(f"no {text!r} within {limit} s:\n{self.console[-3000:]}")

    def monitor(self, command: str) -> None:
        """Give QEMU's monitor a command ("system_powerdown")."""
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(f"{self.folder}/monitor")
            link.recv(4096)
            link.sendall(command.encode() + b"\n")
            time.sleep(0.1)

    def press_power_button(self, limit: float) -> float:
        """Seconds from the ACPI power button to the machine being off."""
        start = time.monotonic()
        self.monitor("system_powerdown")
        self.process.wait(limit)
        return time.monotonic() - start


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
