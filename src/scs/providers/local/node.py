# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""One node as a systemd container: boot, stop, look into."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from scs.errors import Problem, ScsError
from scs.patience import patient
from scs.providers.local import cgroups, names
from scs.providers.local.host import replace
from scs.providers.reach import ssh_answers
from scs.shell import run

NSPAWN_ENVIRONMENT: Mapping[str, str] = {
    "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
    "SYSTEMD_NSPAWN_USE_CGNS": "1",
    # /sys stays read-only and udev off, yet the node may set its own net.* sysctls.
    "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",
}
REBOOT = 133
"""What nspawn exits with, given --keep-unit, when the node wants to reboot."""

STOP_SECONDS = 20.0
BOOT_SECONDS = 60.0
_POWER_OFF = signal.SIGRTMIN + 4
_UP = ("starting", "running", "degraded", "maintenance", "stopping")

_WATCH = """\
#!/bin/sh
# Written by scs: runs the node {machine}, again each time that it reboots.
echo 0 > {watch}/cgroup.procs || exit 1
trap '' HUP
# A node that lost its watcher (only the watcher was killed) runs on; wait for its end.
while grep -q 'populated 1' {box}/cgroup.events; do sleep 0.5; done
while :; do
    began=$(date +%s)
    ( echo 0 > {box}/cgroup.procs && exec unshare --mount --propagation slave /bin/sh {boot} )
    [ $? -eq {reboot} ] || exit 0
    # Not a pace for a node that reboots at once, for whatever reason.
    [ $(( $(date +%s) - began )) -ge 2 ] || sleep 2
done
"""

_BOOT = """\
#!/bin/sh
# Written by scs: becomes the node {machine}. The root is mounted in a mount namespace of its
# own, so that it goes away with the node, however that ends.
set -eu
mount -t overlay -o {options} {machine} {root}
exec env {environment} systemd-nspawn {flags}
"""


def host_has_systemd() -> bool:
    """Whether systemd runs this host, so that nodes are to be units of it."""
    return Path("/run/systemd/system").is_dir() and shutil.which("systemd-run") is not None


class Container:
    """The running side of one node. `folder` holds all that is kept of it."""

    def __init__(self, cloud: str, node: str, folder: Path) -> None:
        self.cloud = cloud
        self.node = node
        self.folder = folder
        self.machine = names.machine(cloud, node)
        self.console = folder / "console.log"

    # --- where its processes are

    @property
    def _as_unit(self) -> bool:
        return host_has_systemd()

    @property
    def _unit(self) -> str:
        return f"{self.machine}.service"

    def _group(self) -> Path | None:
        root = cgroups.unified_root()
        return None if root is None else root / "scs" / self.cloud / self.node

    def _box(self) -> Path | None:
        """The group of the container alone, without its watcher."""
        if self._as_unit:
            root = cgroups.unified_root()
            return None if root is None else root / "system.slice" / self._unit
        group = self._group()
        return None if group is None else group / "box"

    def init(self) -> int | None:
        """The host's process id of the node's first process; None if the node is not up."""
        box = self._box()
        return None if box is None else cgroups.init_of(box)

    def running(self) -> bool:
        """Whether the node has a first process."""
        return self.init() is not None

    def empty(self) -> bool:
        """Whether nothing that the node has started lives any more, its guests included."""
        box = self._box()
        return box is None or not cgroups.populated(box)

    # --- boot

    def boot(self, options: str, binds: Sequence[str]) -> None:
        """Start the node and come back at once; `ready` waits for it.

        `options` are those of its root's overlay, `binds` are nspawn's (source:target).
        """
        root = self.folder / "root"
        root.mkdir(exist_ok=True)
        flags = [
            "--quiet",
            "--settings=no",
            "--register=no",
            "--keep-unit",
            "--boot",
            f"--directory={root}",
            f"--machine={self.machine}",
            f"--hostname={self.node}",
            f"--network-namespace-path=/run/netns/{self.machine}",
            "--capability=all",
            # No setting of the host's clock, no modules: these belong to the machine.
            "--drop-capability=CAP_SYS_TIME,CAP_SYS_MODULE",
            "--system-call-filter=@known",
            "--resolv-conf=off",
            "--timezone=off",
            "--link-journal=no",
            "--console=pipe",
            *(f"--bind={bind}" for bind in binds),
        ]
        environment = [f"{name}={value}" for name, value in NSPAWN_ENVIRONMENT.items()]
        boot = self.folder / "boot"
        replace(
            boot,
            _BOOT.format(
                machine=self.machine,
                options=shlex.quote(options),
                root=shlex.quote(str(root)),
                environment=shlex.join(environment),
                flags=shlex.join(flags),
            ),
            0o700,
        )
        if self.console.exists() and self.console.stat().st_size > 1 << 20:
            self.console.replace(self.console.with_suffix(".log.1"))
        if self._as_unit:
            self._start_unit(boot)
        else:
            self._start_watcher(boot)

    def keep_watched(self) -> None:
        """Give a running node a watcher again if that alone was killed."""
        group = self._group()
        if self._as_unit or group is None or cgroups.populated(group / "watch"):
            return
        boot = self.folder / "boot"
        if boot.exists():
            self._start_watcher(boot)

    def _start_unit(self, boot: Path) -> None:
        run(["systemctl", "reset-failed", self._unit], timeout=20, check=False)
        run(
            [
                *("systemd-run", "--quiet", "--collect", f"--unit={self._unit}"),
                f"--description=node {self.node} of the cloud {self.cloud}",
                *("-p", "Type=exec", "-p", "Delegate=yes", "-p", "TasksMax=infinity"),
                # SIGTERM makes nspawn stop its node in order: also when the machine stops.
                *("-p", "KillMode=mixed", "-p", f"TimeoutStopSec={patient(STOP_SECONDS):.0f}"),
                *("-p", f"RestartForceExitStatus={REBOOT}", "-p", f"SuccessExitStatus={REBOOT}"),
                *("-p", f"StandardOutput=append:{self.console}"),
                *("-p", f"StandardError=append:{self.console}"),
                *("unshare", "--mount", "--propagation", "slave", "/bin/sh", str(boot)),
            ],
            timeout=30,
        )

    def _start_watcher(self, boot: Path) -> None:
        root = cgroups.ensure_unified_root()
        group = root / "scs" / self.cloud / self.node
        for part in ("watch", "box"):
            cgroups.make(group / part)
        watch = self.folder / "watch"
        replace(
            watch,
            _WATCH.format(
                machine=self.machine,
                watch=shlex.quote(str(group / "watch")),
                box=shlex.quote(str(group / "box")),
                boot=shlex.quote(str(boot)),
                reboot=REBOOT,
            ),
            0o700,
        )
        # The watcher must outlive this process and its terminal, and must hold none of its
        # open files (a lock, a pipe that somebody reads to its end).
        with self.console.open("ab") as console:
            subprocess.run(
                ["setsid", "--fork", "/bin/sh", str(watch)],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                cwd="/",
                env={"PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")},
                timeout=10,
                check=True,
            )
        deadline = time.monotonic() + patient(5)
        while not cgroups.populated(group) and time.monotonic() < deadline:
            time.sleep(0.01)

    def ready(self, address: str) -> None:
        """Wait until the node's sshd answers and its systemd takes orders.

        Raises ScsError with the end of the console when the node ends or takes too long.
        """
        deadline = time.monotonic() + patient(BOOT_SECONDS)
        grace = time.monotonic() + patient(5)
        while True:
            if ssh_answers(address) and self._manager_up():
                return
            now = time.monotonic()
            group = self._box() if self._as_unit else self._group()
            gone = now > grace and (group is None or not cgroups.populated(group))
            if gone or now > deadline:
                what = "ended while it started" if gone else "did not answer by ssh"
                raise ScsError(
                    Problem(
                        f"node {self.node}",
                        f"{what}; the end of its console:\n{self._console_end()}",
                        f"read {self.console}, then run `scs up` again",
                    )
                )
            time.sleep(0.05)

    def _manager_up(self) -> bool:
        try:
            state = self.exec(["systemctl", "is-system-running"], timeout=10, check=False)
        except ScsError:
            return False
        init = self.init()
        nologin = init is None or Path(f"/proc/{init}/root/run/nologin").exists()
        return state.strip() in _UP and not nologin

    def _console_end(self) -> str:
        try:
            lines = self.console.read_text(errors="replace").splitlines()[-15:]
        except OSError:
            lines = ["(nothing)"]
        return "\n".join("    " + line for line in lines)

    # --- look into

    def exec(
        self,
        argv: Sequence[str | Path],
        *,
        stdin: str | None = None,
        timeout: float | None = 60,
        check: bool = True,
    ) -> str:
        """Run a command in the node as root, without ssh; output and errors as `shell.run`.

        After `timeout` seconds it is ended inside the node, with all that it has started.
        """
        init = self.init()
        if init is None:
            raise ScsError(Problem(f"node {self.node}", "is not running", "start it with: scs up"))
        clean = ["HOME=/root", "LANG=C.UTF-8", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        enter = ["nsenter", "-t", str(init), "--all", "--root", "--wd", "env", "-i", *clean]
        # To end nsenter alone would leave the command behind.
        bound = [] if timeout is None else ["timeout", "--kill-after=2", f"{patient(timeout):g}"]
        return run(
            [*enter, *bound, *argv],
            where=f"node {self.node}",
            stdin=stdin,
            timeout=None if timeout is None else timeout + 5,
            check=check,
        )

    # --- stop

    def stop(self, *, orderly: bool = True) -> None:
        """Stop the node in order, and by force after 20 s; does nothing if it is not up.

        Without `orderly` at once by force: for nodes whose data are deleted next.
        """
        group, box = self._group(), self._box()
        if group is not None:
            # First the watcher, or it might take a death for a reboot.
            cgroups.kill(group / "watch")
        if box is not None and cgroups.populated(box):
            init = cgroups.init_of(box)
            if orderly and init is not None:
                with suppress(ProcessLookupError):
                    os.kill(init, _POWER_OFF)
            else:
                cgroups.kill(box)
            if not cgroups.wait_empty(box, patient(STOP_SECONDS)):
                cgroups.kill(box)
        if self._as_unit:
            run(["systemctl", "stop", self._unit], timeout=60, check=False)
            run(["systemctl", "reset-failed", self._unit], timeout=20, check=False)
        if group is not None and group.exists():
            cgroups.kill(group)
        # nspawn makes groups of the same name in systemd's old hierarchy and may leave them.
        for root in cgroups.all_roots():
            mirror = root / "scs" / self.cloud / self.node
            if mirror.exists():
                cgroups.remove(mirror)
                _remove_if_empty(mirror.parent)
                _remove_if_empty(mirror.parent.parent)


def _remove_if_empty(group: Path) -> None:
    with suppress(OSError):  # there may be other nodes, or other clouds
        group.rmdir()
