# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The two read-only layers under every local node: Debian with its packages, and OpenStack.

Both are plain directories in the cache, named after what they were made of, so that a layer
that is there is right and a cloud of other components gets another one. They are made under
another name and renamed as the last step: a kill leaves nothing that looks complete. All that
is mounted on the way is mounted in namespaces that end with the processes in them.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from scs.archive import SUITE, Archive, sources_for_trixie
from scs.errors import CommandFailed, Problem
from scs.providers.local.rootfs import delete_tree
from scs.release import MAIN, PYTHON, Release, environment, options
from scs.shell import Say, run

BASE = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "libpam-systemd",
    "openssh-server",
    "python3",
    "python3-apt",
    "iproute2",
    "iputils-ping",
    "nftables",
    "ca-certificates",
)
"""What a node is before any component: Debian with systemd, sshd and the tools of the hand."""

DPKG = """\
# Written by scs. Nodes of one machine are made again rather than repaired after a power cut.
force-unsafe-io
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
"""

APT = """\
// Written by scs. Below: how the machine that this node runs on reaches its servers.
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::http::Timeout "15";
Acquire::https::Timeout "15";
"""

GIVEN_UP = 4
"""How often in a row an archive may not answer; each time takes apt twice the time limit."""
ARCHIVE_HINT = "look at this machine's apt sources and network, then run the command again"

PRESET = """\
# Written by scs: what runs is decided by the cloud's components, not by installing a package.
enable ssh.service
enable sshd-keygen.service
enable logrotate.timer
disable *
"""

MASKED = (
    "systemd-networkd-wait-online.service",
    "nvmf-autoconnect.service",
    # Of no use in a container. systemd looks at mounts five times a second at most, and otherwise
    # waits for a second before it goes on.
    "dev-hugepages.mount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "var-lib-machines.mount",
)

STUBBED = (
    # All that these would switch on is switched off by the preset afterwards; nothing may start.
    "deb-systemd-helper",
    "deb-systemd-invoke",
    "invoke-rc.d",
    "update-rc.d",
    # Called by several packages, and once more at the end, then in earnest.
    "update-ca-certificates",
    # A node gets its keys when it is made.
    "ssh-keygen",
)
"""Programs that do nothing while packages are being installed: it saves a tenth of the time."""

SETUP = """\
cp -a "$SCS_SKELETON/." "$1/"
mkdir -p "$1/var/cache/apt/archives"
ln "$SCS_PACKAGES"/*.deb "$1/var/cache/apt/archives/" 2>/dev/null || :
"""

FETCHED = """\
ln -f "$1"/var/cache/apt/archives/*.deb "$SCS_FETCHED/"
"""

FINISH = """\
set -eu
cd "$1"
for name in $SCS_STUBBED; do rm -f "usr/local/sbin/$name"; done
chroot . update-ca-certificates >/dev/null
chroot . systemctl --quiet preset-all
# Whatever tells one node from another is made on the node.
rm -rf etc/ssh/ssh_host_* etc/hostname etc/resolv.conf var/lib/dbus/machine-id \\
    var/lib/systemd/random-seed var/lib/systemd/credential.secret \\
    etc/openvswitch/system-id.conf etc/openvswitch/conf.db etc/openvswitch/.conf.db.* \\
    var/lib/rabbitmq/.erlang.cookie etc/ssl/private/ssl-cert-snakeoil.key \\
    etc/ssl/certs/ssl-cert-snakeoil.pem
: >etc/machine-id
# The first packages are unpacked before dpkg has a configuration.
for name in man info locale; do
    [ ! -d "usr/share/$name" ] || find "usr/share/$name" -mindepth 1 -delete
done
find usr/share/doc ! -type d ! -name copyright -delete
find usr/share/doc -type d -empty -delete
rm -rf var/cache/debconf/*-old var/lib/dpkg/*-old var/cache/ldconfig/aux-cache
"""

_ALONE = (
    *("setpriv", "--pdeathsig=KILL", "unshare", "--mount", "--propagation=private"),
    *("--pid", "--fork", "--kill-child", "--mount-proc", "--"),
)
"""Words before a command: its mounts are its own, and all it has started ends when scs does."""

_PYTHON_PACKAGES = (
    "libc6",
    "libexpat1",
    f"libpython{PYTHON}-minimal",
    f"libpython{PYTHON}-stdlib",
    f"python{PYTHON}-minimal",
    "zlib1g",
)
"""Enough of Debian to run its Python on one directory of files."""

_FORWARDED = re.compile(
    r"Acquire::(?:https?::|ftp::|Check-|Retries\b|Max-|Min-|Force|Allow)", re.IGNORECASE
)


def base_path(cache: Path, packages: Sequence[str], mirror: str | None = None) -> Path:
    """Where the layer with these packages is, or will be."""
    return base_name(cache, packages, skeleton(mirror))


def base_name(cache: Path, packages: Sequence[str], files: Mapping[str, bytes]) -> Path:
    """The same for given files of the machine's (see `skeleton`); the order doesn't matter."""
    digest = hashlib.sha256()
    # How it is made belongs to what it is: another recipe is another layer.
    for text in (*sorted({*BASE, *packages}), SUITE, SETUP, FINISH, *MASKED, platform.machine()):
        digest.update(text.encode() + b"\0")
    for name, data in sorted(files.items()):
        digest.update(f"{name} {len(data)} ".encode() + data)
    return cache / "layers" / f"base-{digest.hexdigest()[:12]}"


def environment_path(cache: Path, release: Release) -> Path:
    """Where a release's Python environment is, or will be.

    That of the services is a layer with the environment at its place in it; others are shared
    with the nodes as they are.
    """
    if release.part != MAIN:
        return shared(cache) / "environments" / release.environment_id
    return cache / "layers" / f"env-{release.environment_id}"


def shared(cache: Path) -> Path:
    """The folder that all nodes on this machine have at /var/lib/scs/artifacts."""
    return cache / "artifacts"


def build_base(cache: Path, packages: Sequence[str], say: Say, mirror: str | None = None) -> Path:
    """The layer with Debian and these packages; made if it is not there.

    Packages come from where this machine gets its own, or from `mirror` (a URL like that of
    Debian's own archive). Raises CommandFailed.
    """
    files = skeleton(mirror)
    final = base_name(cache, packages, files)
    return _once(final, say, lambda work: _debootstrap(cache, work, packages, files, say))


def skeleton(mirror: str | None = None) -> dict[str, bytes]:
    """What is in the nodes' root before the first package: path → content.

    Beside what is the same everywhere: how this machine reaches its package archives, with
    passwords, keys and certificates that its administrator has added.
    """
    apt = Path("/etc/apt")
    origin = sources_for_trixie(mirror=mirror)
    reach = forwarded(run(["apt-config", "dump"], where="this machine's apt"))
    files = {
        "etc/dpkg/dpkg.cfg.d/10scs": DPKG.encode(),
        "etc/apt/apt.conf.d/10scs": f"{APT}{reach}".encode(),
        "etc/apt/sources.list.d/scs.sources": origin.encode(),
        "etc/systemd/system-preset/00-scs.preset": PRESET.encode(),
    }
    extra = [
        apt / "auth.conf",
        *sorted((apt / "auth.conf.d").glob("*.conf")),
        *sorted(Path("/usr/local/share/ca-certificates").rglob("*.crt")),
        *map(Path, keyrings(origin)),
    ]
    files |= {str(path)[1:]: path.read_bytes() for path in extra if path.is_file()}
    files |= {f"usr/local/sbin/{name}": b"#!/bin/sh\nexit 0\n" for name in STUBBED}
    return files


def keyrings(origin: str) -> list[str]:
    """The files that a .sources text names as Signed-By and that are not Debian's own."""
    named = re.findall(r"^Signed-By:\s*(/\S+)", origin, re.MULTILINE)
    return sorted({path for path in named if "/debian-archive-" not in path})


def forwarded(apt_config: str) -> str:
    """Those lines of `apt-config dump` that say how to reach servers: proxies, retries, checks.

    Programs that apt runs to find a proxy are not on the nodes, so they are left out.
    """
    lines = [
        line
        for line in apt_config.splitlines()
        if _FORWARDED.match(line) and not line.endswith('"";') and "Auto-Detect" not in line
    ]
    return "".join(f"{line}\n" for line in lines)


def _debootstrap(
    cache: Path, work: Path, packages: Sequence[str], files: Mapping[str, bytes], say: Say
) -> Path:
    root, fetched, kept = work / "root", work / "fetched", cache / "packages"
    for path in (root, fetched, kept):
        path.mkdir(parents=True, exist_ok=True)
    write_skeleton(work / "skeleton", files)
    # mmdebstrap puts the sources there itself.
    (work / "skeleton/etc/apt/sources.list.d/scs.sources").rename(work / "scs.sources")
    count = failed = 0

    def progress(line: str) -> None:
        nonlocal count, failed
        if line.startswith("Get:"):
            failed = 0
        elif line.startswith(("Ign:", "Err:")):
            failed += 1
            say(f"Debian's archive does not answer: {line.partition(' ')[2]}")
        if failed == GIVEN_UP:
            # apt goes on for a quarter of an hour: each index in each form, four times.
            what = f"Debian's archive does not answer, {failed} times in a row; last:\n    {line}"
            raise CommandFailed(Problem("root file system", what, ARCHIVE_HINT))
        if line.startswith(("Unpacking ", "Setting up ")):
            count += 1
            if count % 20 == 0:
                say(f"{line.split(' (')[0].lower()} ({count} steps)")

    run(
        debootstrap_command(packages, root, work / "scs.sources"),
        where="root file system",
        hint=ARCHIVE_HINT,
        env={
            "TMPDIR": str(work),
            "SCS_SKELETON": str(work / "skeleton"),
            "SCS_STUBBED": " ".join(STUBBED),
            "SCS_PACKAGES": str(kept),
            "SCS_FETCHED": str(fetched),
        },
        timeout=3600,
        say=progress,
    )
    # The next layer is made from these, without those that no longer belong to any.
    with suppress(OSError):  # somebody else was here; theirs are as good
        kept.rename(work / "replaced")
        fetched.rename(kept)
    return root


def debootstrap_command(packages: Sequence[str], root: Path, origin: Path) -> list[str | Path]:
    """What makes a root file system with BASE and these packages."""
    return [
        *_ALONE,
        *("mmdebstrap", "--verbose", "--variant=minbase", "--mode=root"),
        *("--format=directory", "--skip=output/dev,check/empty"),
        f"--setup-hook={SETUP}",
        # Twice, each time before mmdebstrap throws away what it has installed.
        f"--extract-hook={FETCHED}",
        f"--customize-hook={FETCHED}",
        f"--customize-hook={FINISH}",
        f"--include={','.join(sorted({*BASE, *packages}))}",
        *(SUITE, root, origin),
    ]


def write_skeleton(top: Path, files: Mapping[str, bytes]) -> None:
    """Write the files below `top` with the modes that they need, and mask units."""
    for name, data in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # Passwords are root's alone from the first moment.
        path.touch(mode=0o600)
        path.write_bytes(data)
        if "/auth.conf" not in name:
            path.chmod(0o755 if path.parent.name == "sbin" else 0o644)
    units = top / "etc/systemd/system"
    units.mkdir(parents=True)
    for unit in MASKED:
        (units / unit).symlink_to("/dev/null")
    for folder in (top, *(path for path in top.rglob("*") if path.is_dir())):
        folder.chmod(0o755)


def build_environment(
    cache: Path, release: Release, base: Path | None, say: Say, jobs: int | None = None
) -> Path:
    """The layer with a release's Python environment; made if it is not there.

    `base` is a base layer with the nodes' Python, which compiles the bytecode on `jobs`
    processors (default: all). Without one, Debian's Python is fetched for that, so that nobody
    need wait for a base layer in the making. Raises CommandFailed.
    """

    def make(work: Path) -> Path:
        prepare_environment(cache, release, say)
        tree = _prepared(cache, release)
        root = base or _python_root(cache, work, say)
        python = _python_in(root, tree, release, work)
        environment.compile_bytecode(release, python, jobs or os.cpu_count() or 1, say)
        environment.finish(release, python, say)
        return tree / release.environment_path.relative_to("/") if release.part != MAIN else tree

    made = _once(environment_path(cache, release), say, make)
    delete_tree(_prepared(cache, release))  # what was around it, if anything
    return made


def lend_environment(cache: Path, release: Release, say: Say) -> Path:
    """The environment of the services where all nodes of this machine see it, too.

    For nodes that were made from the layers of another release: theirs stay as they are. It is
    the layer's, file by file under a second name, and takes no room of its own.
    """
    layer = environment_path(cache, release) / release.environment_path.relative_to("/")

    def make(work: Path) -> Path:
        say(f"handing out the environment of {release.name}")
        command: list[str | Path] = ["cp", "--archive", "--link", layer, work / "tree"]
        run(command, where=f"environment of {release.name}")
        return work / "tree"

    return _once(shared(cache) / "environments" / release.environment_id, say, make)


def options_path(cache: Path, release: Release, packages: Sequence[str]) -> Path:
    """Where it is kept what options these packages of a release know."""
    digest = hashlib.sha256("\0".join([options.PROGRAM, *packages]).encode()).hexdigest()
    return cache / "options" / f"{release.environment_id}-{digest[:8]}"


def build_options(
    cache: Path, release: Release, base: Path, packages: Sequence[str], say: Say
) -> Path:
    """Ask the packages of an environment that is there for their options. Raises CommandFailed."""

    def make(work: Path) -> Path:
        say("asking the services for their options")
        python = _python_in(base, environment_path(cache, release), release, work)
        # In the environment's own Python: what follows is its, not the root's.
        start = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"
        inside = [f"{release.environment_path}/bin/python", "-c", options.PROGRAM]
        argv = [*python, "-c", start, *inside, f"/{options.FOLDER}", *packages]
        run(argv, where="options of the services", timeout=600)
        return work / "upper" / options.FOLDER

    return _once(options_path(cache, release, packages), say, make)


def prepare_environment(cache: Path, release: Release, say: Say) -> None:
    """Install the environment, all but its bytecode; does nothing when it is there."""
    if environment_path(cache, release).is_dir():
        return

    def make(work: Path) -> Path:
        environment.install(release, work / "root", cache, say)
        return work / "root"

    _once(_prepared(cache, release), say, make)


def _prepared(cache: Path, release: Release) -> Path:
    return cache / "prepared" / release.environment_id


def _python_root(cache: Path, work: Path, say: Say) -> Path:
    """Unpack Debian's Python, as far as compiling needs it."""
    debian = Archive(cache / "archive-python")
    debian.update(say)
    root = work / "python"
    for name in ("bin", "lib", "lib64", "sbin"):
        # What Debian's first package would do.
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for package in debian.download(_PYTHON_PACKAGES, work / "packages", say):
        run(["dpkg-deb", "--extract", package, root], where=package.name)
    (root / "usr/bin/python3").symlink_to(f"python{PYTHON}")
    return root


def _python_in(root: Path, tree: Path, release: Release, work: Path) -> list[str | Path]:
    """A command line of the Python in `root` that sees `tree`'s environment at its place."""
    for name in ("upper", "overlay", "merged"):
        (work / name).mkdir()
    # An overlay keeps `root` as it is.
    script = (
        'mount -t overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/overlay" overlay "$2/merged"'
        ' && mkdir -p "$2/merged/$4" && mount --bind "$3/$4" "$2/merged/$4"'
        ' && root=$2/merged && shift 4 && exec chroot "$root" /usr/bin/python3 "$@"'
    )
    inside = str(release.environment_path.relative_to("/"))
    return [*_ALONE, "sh", "-ec", script, "sh", root, work, tree, inside]


def _once(final: Path, say: Say, make: Callable[[Path], Path]) -> Path:
    """`final`, made if it is not there: `make` gets an empty folder and returns what to rename.

    One process at a time makes it, others wait; what a killed one has left is removed first.
    """
    if final.is_dir():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    with _locked(final.parent / f".{final.name}.lock", say):
        if final.is_dir():
            return final
        remove_leftovers(final.parent)
        work = final.parent / f".{final.name}.new"
        delete_tree(work)
        work.mkdir()
        try:
            made = make(work)
            # Else a power cut could leave a layer with a name and empty files.
            run(["sync", "--file-system", made], where="this machine")
            made.rename(final)
        finally:
            delete_tree(work)
    return final


@contextmanager
def _locked(path: Path, say: Say) -> Iterator[None]:
    with path.open("w") as guard:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another run that is making the same")
            fcntl.flock(guard, fcntl.LOCK_EX)
        yield


def remove_leftovers(folder: Path) -> None:
    """Remove what killed runs have left half made; who is still making it holds its lock."""
    for work in folder.glob(".*.new"):
        with work.with_suffix(".lock").open("w") as guard:
            try:
                fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            delete_tree(work)


def sizes(cache: Path) -> dict[str, int]:
    """Bytes that each layer takes."""
    found = {}
    for path in sorted((cache / "layers").glob("[!.]*")):
        output = run(["du", "-s", "--block-size=1", path], where="this machine")
        found[path.name] = int(output.split()[0])
    return found


def remove_unused(cache: Path, keep: set[Path]) -> None:
    """Remove layers that no cloud stands on; `keep` names those that stay."""
    for folder in (cache / "layers", cache / "prepared"):
        if folder.is_dir():
            remove_leftovers(folder)
        for path in folder.glob("[!.]*"):
            if path not in keep:
                delete_tree(path)
