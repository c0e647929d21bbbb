# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A user's machine lacks what ours has: ./scs starts in bare roots of Debian 12 and 13."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.fresh import apt_network_settings, copy_worktree, network_files, shell

SUITES = ("bookworm", "trixie")

# Private mounts and processes: all of it is gone with the command, however that ends.
ENTER = """
root=$1 layer=$2
shift 2
mkdir -p "$layer/upper" "$layer/work" "$layer/root"
mount -t overlay -o "lowerdir=$root,upperdir=$layer/upper,workdir=$layer/work" \
    scs-test "$layer/root"
mount --rbind /dev "$layer/root/dev"
mount -t proc proc "$layer/root/proc"
exec chroot "$layer/root" env --chdir=/srv/scs "$@"
"""

# What a machine may say about its network; everything else stays outside.
PASSED_ON = {
    *("PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
    *(name for proxy in ("http", "https", "no") for name in (f"{proxy}_proxy", f"{proxy}_PROXY")),
}


def sources(suite: str) -> str:
    """This machine's own Debian sources, for another suite."""
    here = dict(
        line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if line
    )["VERSION_CODENAME"]
    query = ("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)")
    targets = shell(*query, "Created-By: Packages")
    lines = {
        f"deb {uri} {release.replace(here, suite)} {component}"
        for uri, release, component in map(str.split, targets.splitlines())
        if release in {here, f"{here}-updates", f"{here}-security"} and component == "main"
    }
    assert lines, "this machine has no Debian sources"
    return "\n".join(sorted(lines)) + "\n"


@pytest.fixture(scope="module", params=SUITES)
def root(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, checkout: Path
) -> Iterator[Path]:
    """A minimal Debian with our files in /srv/scs; not to be written to."""
    if not shutil.which("mmdebstrap"):
        shell("apt-get", "install", "-qq", "-y", "--no-install-recommends", "mmdebstrap")
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "sources").write_text(sources(request.param))
    (folder / "apt.conf").write_text(apt_network_settings())
    root = folder / "root"
    shell(
        *("mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", "--format=directory"),
        *(f"--aptopt={folder}/apt.conf", request.param, root, folder / "sources"),
        timeout=600,
    )
    assert not (root / "usr/bin/python3").exists()
    assert not (root / "etc/ssl/certs/ca-certificates.crt").exists()
    network_files(root)
    copy_worktree(checkout, root / "srv/scs")
    yield root
    shutil.rmtree(folder)


class Machine:
    """A fresh machine: the root with a layer of its own, which its commands share."""

    def __init__(self, root: Path, layer: Path) -> None:
        self.root = root
        self.layer = layer

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        passed_on = [f"{name}={os.environ[name]}" for name in PASSED_ON if name in os.environ]
        clean = ["-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", *passed_on]
        enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc", ENTER, "sh"]
        return subprocess.run(
            [*enter, self.root, self.layer, *clean, *argv],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def run_as_nobody(self, *argv: str) -> subprocess.CompletedProcess[str]:
        drop = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        return self.run(*drop, "env", "HOME=/var/tmp/nobody", *argv)


@pytest.fixture
def machine(root: Path, tmp_path: Path) -> Machine:
    """A machine that nobody has used yet."""
    return Machine(root, tmp_path)


def test_it_brings_all_it_needs(machine: Machine) -> None:
    first = machine.run("./scs", "version")
    assert first.returncode == 0, first.stderr
    assert "Debian packages python3 ca-certificates" in first.stderr
    assert first.stdout

    # As somebody else, and from a checkout that one may only read.
    shared = machine.run_as_nobody("./scs", "version")
    assert (shared.returncode, shared.stderr) == (0, "")
    machine.run("rm", "-r", ".venv")
    own = machine.run_as_nobody("./scs", "version")
    assert own.returncode == 0, own.stderr
    assert "bringing my own tools" in own.stderr
    assert machine.run("test", "-d", ".venv").returncode == 1


def test_without_root_it_says_what_is_needed(machine: Machine) -> None:
    result = machine.run_as_nobody("./scs", "version")
    assert result.returncode == 4
    assert "→ run as root: apt-get install --no-install-recommends python3" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("resolver", ["missing", "silent"])
def test_without_names_it_says_so(machine: Machine, resolver: str) -> None:
    machine.run("rm", "/etc/hosts", "/etc/resolv.conf")
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        if resolver == "silent":
            server.bind(("127.53.53.53", 53))
            machine.run("sh", "-c", "echo nameserver 127.53.53.53 >/etc/resolv.conf")
        started = time.monotonic()
        result = machine.run("./scs", "version")
    assert time.monotonic() - started < 60  # 10 on a machine that does nothing else
    assert result.returncode == 4
    assert "→ look at the network, DNS and apt's sources" in result.stderr
    assert "resolv" in result.stderr  # the end of apt's own words
