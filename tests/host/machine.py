# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""One emulated machine on QEMU's user-mode network, without privileges or bridges."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

MAC = "52:54:00:12:34:56"


class Machine:
    """A machine booted from a throw-away overlay of a disk; a context manager.

    `folder` holds what belongs to it: overlay, console, key, monitor. `network` are words of
    QEMU's user-mode network; a free port of this machine's loopback leads to the guest's ssh.
    """

    def __init__(
        self,
        image: Path,
        folder: Path,
        *,
        user: str,
        memory: int = 256,
        gigabytes: int = 2,
        processors: int = 1,
        image_format: str = "qcow2",
        accelerator: str = "tcg",
        network: str = "",
        extra: Sequence[str] = (),
        prefix: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.user = user
        self.memory = memory
        self.processors = processors
        self.accelerator = accelerator
        self.network = network
        self.extra = extra
        self.prefix = prefix
        self.disk = folder / "overlay.qcow2"
        self.connect_seconds = 30
        """For ssh to be greeted; a machine that is slow or paused needs more."""
        self.log = folder / "console.log"
        self.key = folder / "key"
        self.port = _free_port()
        self.started = 0.0
        if not self.key.exists():
            self.make_key(self.key)
        if not self.disk.exists():
            subprocess.run(
                ["qemu-img", "create", "-q", "-f", "qcow2", "-F", image_format]
                + ["-b", str(image), str(self.disk), f"{gigabytes}G"],
                check=True,
            )

    def __enter__(self) -> Self:
        words = [self.network, f"hostfwd=tcp:127.0.0.1:{self.port}-:22"]
        network = ",".join(["user,id=net", *filter(None, words)])
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [*self.prefix, "qemu-system-x86_64", "-accel", self.accelerator]
            + ["-m", str(self.memory), "-smp", str(self.processors)]
            + ["-nodefaults", "-display", "none", "-serial", f"file:{self.log}"]
            + ["-monitor", f"unix:{self.folder}/monitor,server=on,wait=off"]
            + ["-drive", f"file={self.disk},if=virtio,cache=unsafe"]
            + ["-netdev", network, "-device", f"virtio-net-pci,netdev=net,mac={MAC}"]
            + ["-device", "virtio-rng-pci"]
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

    def ssh_command(self, command: str) -> list[str]:
        """Words that run a command in the machine, with nothing but this machine's own key."""
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": str(self.connect_seconds),
            "IdentitiesOnly": "yes",
            "LogLevel": "ERROR",
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
        }
        return [
            *("ssh", "-F", "none", "-i", str(self.key), "-p", str(self.port)),
            *(word for item in options.items() for word in ("-o", "=".join(item))),
            *(f"{self.user}@127.0.0.1", command),
        ]

    def ssh(self, command: str, timeout: float | None = 60) -> subprocess.CompletedProcess[str]:
        """Run a command in the machine; `timeout` in seconds."""
        return subprocess.run(
            self.ssh_command(command),
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )

    def wait_for_ssh(self, limit: float) -> float:
        """Seconds from power-on to the first command that ran over ssh."""
        while self.seconds < limit:
            assert self.process.poll() is None, f"QEMU ended:\n{self.console}"
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

    def press_power_button(self, limit: float | None) -> float:
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
