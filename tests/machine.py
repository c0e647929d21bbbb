# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A machine to be reached by ssh: a real sshd here, that sees folders of its own.

It has this machine's programs and kernel, and in a mount namespace of its own an empty /etc,
/opt, /run and /var/lib, so that what becomes of it is nobody else's. It says that it is a
Debian 13 run by systemd; units can't be had (systemctl only nods), and no ping is answered.
Its account `operator` has all rights already, and a sudo that only notes what it was asked.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scs.shell import run

_PACKAGES = ("openssh-server", "libwrap0")
"""Debian's; all else that sshd needs comes with the client."""

_INSIDE = """\
set -eu
cp /etc/nsswitch.conf /etc/group /etc/ld.so.cache "$1/etc/"
mount --make-rprivate /
for folder in opt run var/lib usr/local/sbin; do mount -t tmpfs none "/$folder"; done
mount --bind "$1/etc" /etc
mount --bind "$1/init" /proc/1/comm
# sshd starts the rest of itself from there.
mount --bind "$1/sshd/usr/lib/openssh" /usr/lib/openssh
mkdir /run/sshd
echo yes >/run/alone
stub() {
    printf '#!/bin/sh\\nexit %s\\n' "$2" >"/usr/local/sbin/$1"
    chmod 755 "/usr/local/sbin/$1"
}
stub systemctl 0
stub ping 1
cp "$1/sudo" /usr/local/sbin/sudo
hostname "$2"
shift 2
exec "$@"
"""
_SUDO = """\
#!/bin/sh
printf '%s\\n' "$*" >>/run/sudo.log
while :; do
    case $1 in -u) shift 2 ;; -*) shift ;; *) break ;; esac
done
exec "$@"
"""
_CONFIG = """\
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/key.pub
PasswordAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
PidFile none
"""
_DEBIAN = 'ID=debian\nVERSION_ID="13"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n'


def unpack_sshd(into: Path) -> None:
    """Debian's sshd in a folder: installed, it would let others in to this machine.

    Raises CommandFailed.
    """
    into.mkdir()
    if shutil.which("sshd", path="/usr/sbin"):
        for path in ("usr/sbin/sshd", "usr/lib/openssh"):
            (into / path).parent.mkdir(parents=True, exist_ok=True)
            (into / path).symlink_to(f"/{path}")
        return
    run(["apt-get", "-q", "download", *_PACKAGES], cwd=into, timeout=120)
    for package in into.glob("*.deb"):
        run(["dpkg-deb", "--extract", str(package), str(into)])


@dataclass(frozen=True)
class Machine:
    """One that runs."""

    folder: Path
    port: int

    @property
    def key(self) -> Path:
        return self.folder / "key"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def etc(self) -> Path:
        """Its /etc, from outside."""
        return self.folder / "etc"


@contextmanager
def machine(folder: Path, name: str) -> Iterator[Machine]:
    """A machine that calls itself that; ends with the block.

    Its sshd is in `folder`/sshd: see `unpack_sshd`.
    """
    sshd = folder / "sshd"
    for file in ("key", "host_key"):
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / file)]
        subprocess.run(argv, check=True)
    etc = folder / "etc"
    etc.mkdir()
    (etc / "passwd").write_text(
        "root:x:0:0:root:/root:/bin/sh\noperator:x:0:0::/root:/bin/sh\nsshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n"
    )
    (etc / "shadow").write_text("root:*:20000::::::\noperator:*:20000::::::\n")
    (etc / "os-release").write_text(_DEBIAN)
    (etc / "machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    (etc / "hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {name}\n")
    (folder / "init").write_text("systemd\n")
    (folder / "sudo").write_text(_SUDO)
    (folder / "sudo").chmod(0o755)
    (folder / "sshd_config").write_text(_CONFIG.format(folder=folder))
    (folder / "inside.sh").write_text(_INSIDE)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    host_key = (folder / "host_key.pub").read_text()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}")
    daemon = [
        str(sshd / "usr/sbin/sshd"),
        "-D",
        "-e",
        "-p",
        str(port),
        "-f",
        str(folder / "sshd_config"),
    ]
    argv = ["unshare", "--mount", "--uts", "sh", str(folder / "inside.sh"), str(folder), name]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*argv, *daemon], stdout=log, stderr=log, env={**os.environ, **_libraries(sshd)}
        )
    try:
        _wait(port, process, folder / "log")
        yield Machine(folder, port)
    finally:
        process.terminate()
        process.wait()


def _libraries(sshd: Path) -> dict[str, str]:
    found = {str(path.parent) for path in sshd.glob("usr/lib/*/lib*.so.*")}
    return {"LD_LIBRARY_PATH": ":".join(sorted(found))} if found else {}


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        else:
            return
