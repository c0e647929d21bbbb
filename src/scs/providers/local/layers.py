# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The two read-only layers under every local node: Debian with its packages, and OpenStack.

Both are plain directories in the cache, named after what they were made of, so that a layer
that is there is right and a cloud of other components gets another one. They are made under
another name and renamed as the last step: a kill leaves nothing that looks complete.
"""

from __future__ import annotations

import fcntl
import hashlib
import inspect
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from scs.archive import SUITE, sources_for_trixie
from scs.providers.local.rootfs import delete_tree
from scs.release import Release, environment
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
force-unsafe-io
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
"""

PRESET = """\
# What runs is decided by the cloud's components, not by the installation of a package.
enable ssh.service
enable systemd-journald*
enable dbus.*
disable *
"""

MASKED = ("systemd-networkd-wait-online.service", "apt-daily.timer", "apt-daily-upgrade.timer")


def base_path(cache: Path, packages: Sequence[str], mirror: str | None) -> Path:
    """Where the layer with these packages is, or will be."""
    wanted = [*sorted({*BASE, *packages}), mirror or "", DPKG, PRESET, SUITE]
    # How it is made belongs to what it is: another recipe is another layer.
    wanted.append(inspect.getsource(_debootstrap))
    digest = hashlib.sha256("\0".join(wanted).encode()).hexdigest()
    return cache / "layers" / f"base-{digest[:12]}"


def environment_path(cache: Path, release: Release) -> Path:
    """Where the layer with a release's Python environment is, or will be."""
    return cache / "layers" / f"env-{release.environment_id}"


def build_base(cache: Path, packages: Sequence[str], say: Say, mirror: str | None = None) -> Path:
    """The layer with Debian and these packages; made if it is not there. Raises CommandFailed."""
    final = base_path(cache, packages, mirror)
    with _draft(final) as draft:
        if draft:
            _debootstrap(draft, sorted({*BASE, *packages}), say, mirror)
    return final


def _debootstrap(root: Path, packages: Sequence[str], say: Say, mirror: str | None) -> None:
    work = root.parent
    (work / "dpkg.cfg").write_text(DPKG)
    (work / "preset").write_text(PRESET)
    sources = work / "debian.sources"
    sources.write_text(sources_for_trixie(mirror=mirror))
    setup = [
        'mkdir -p "$1/etc/dpkg/dpkg.cfg.d" "$1/etc/systemd/system-preset" "$1/etc/apt/apt.conf.d"',
        f'cp {work}/dpkg.cfg "$1/etc/dpkg/dpkg.cfg.d/scs"',
        f'cp {work}/preset "$1/etc/systemd/system-preset/00-scs.preset"',
        # How this machine reaches its mirror (proxies, certificates), but not its hooks.
        "for file in $(grep -ls '^ *Acquire::' /etc/apt/apt.conf.d/* /etc/apt/apt.conf);"
        ' do cp "$file" "$1/etc/apt/apt.conf.d/"; done',
    ]
    masks = " ".join(f'"$1/etc/systemd/system/{unit}"' for unit in MASKED)
    customize = [
        f'for unit in {masks}; do ln -sf /dev/null "$unit"; done',
        'rm -f "$1"/etc/ssh/ssh_host_* "$1/etc/resolv.conf" "$1/etc/hostname"',
        ': > "$1/etc/machine-id"',
        # Certificates that this machine's administrator has added.
        "if ls /usr/local/share/ca-certificates/*.crt >/dev/null 2>&1; then"
        ' cp /usr/local/share/ca-certificates/*.crt "$1/usr/local/share/ca-certificates/";'
        ' chroot "$1" update-ca-certificates; fi',
    ]
    count = 0

    def progress(line: str) -> None:
        nonlocal count
        if line.startswith(("Unpacking ", "Setting up ")):
            count += 1
            if count % 20 == 0:
                say(f"{line.split(' (')[0].removesuffix(' ...').lower()} ({count} steps)")

    run(
        [
            *("mmdebstrap", "--verbose", "--variant=minbase", "--mode=root"),
            *("--format=directory", "--skip=output/dev,check/empty"),
            *(f"--setup-hook={line}" for line in setup),
            *(f"--customize-hook={line}" for line in customize),
            f"--include={','.join(packages)}",
            *(SUITE, root, sources),
        ],
        where="root file system",
        hint="look at this machine's apt sources and network, then run the command again",
        env={"TMPDIR": str(work)},
        timeout=1800,
        say=progress,
    )


def build_environment(cache: Path, release: Release, base: Path, say: Say) -> Path:
    """The layer with a release's Python environment; made if it is not there.

    `base` is a layer whose Python compiles the bytecode. Raises CommandFailed.
    """
    final = environment_path(cache, release)
    with _draft(final) as draft:
        if draft:
            if not (cache / "prepared" / release.environment_id / "opt").exists():
                prepare_environment(cache, release, say)
            prepared = cache / "prepared" / release.environment_id
            _compile(release, prepared, base, say)
            draft.rmdir()
            prepared.rename(draft)
    return final


def prepare_environment(cache: Path, release: Release, say: Say) -> None:
    """Install the environment, all but its bytecode: needs no Debian of the nodes' yet."""
    final = cache / "prepared" / release.environment_id
    with _draft(final) as draft:
        if draft:
            environment.install(release, draft, cache, say)


def _compile(release: Release, tree: Path, base: Path, say: Say) -> None:
    inside = release.environment_path.relative_to("/")
    scratch = tree.parent / f".root-{release.environment_id}"
    (scratch / "upper").mkdir(parents=True, exist_ok=True)
    (scratch / "work").mkdir(exist_ok=True)
    (scratch / "root").mkdir(exist_ok=True)
    # In a mount namespace of its own, so that nothing stays mounted whatever happens.
    script = (
        'mount -t overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"'
        ' && mkdir -p "$1/root/$4" && mount --bind "$3/$4" "$1/root/$4"'
        ' && mount -t proc proc "$1/root/proc" && root=$1/root && shift 4'
        ' && exec chroot "$root" "$@"'
    )
    words: list[str | Path] = ["unshare", "--mount", "--pid", "--fork", "sh", "-ec", script, "sh"]
    python = [*words, scratch, base, tree, str(inside), "/usr/bin/python3"]
    try:
        environment.compile_bytecode(release, python, os.cpu_count() or 1, say)
    finally:
        delete_tree(scratch)


@contextmanager
def _draft(final: Path) -> Iterator[Path | None]:
    """A folder to fill, renamed to `final` at the end; None when `final` is there already.

    One process at a time; what a killed one has left is removed first.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    with (final.parent / f".{final.name}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if final.exists():
            yield None
            return
        work = final.parent / f".{final.name}.new"
        delete_tree(work)
        draft = work / "root"
        draft.mkdir(parents=True)
        yield draft
        draft.rename(final)
        delete_tree(work)


def sizes(cache: Path) -> dict[str, int]:
    """Bytes that each layer takes."""
    found = {}
    for path in sorted((cache / "layers").glob("*-*")):
        output = run(["du", "-s", "--block-size=1", path], where=sys.platform)
        found[path.name] = int(output.split()[0])
    return found


def remove_unused(cache: Path, keep: set[Path]) -> None:
    """Remove layers that no cloud stands on; `keep` names those that stay."""
    for path in (cache / "layers").glob("*-*"):
        if path not in keep:
            delete_tree(path)
    shutil.rmtree(cache / "prepared", ignore_errors=True)
