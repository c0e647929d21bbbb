# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Making a release's Python environment: on any machine, for the nodes' Python, by hash.

The nodes' interpreter is not needed until the end (for the bytecode), so that the environment
can be made while the nodes' own file system is still being made.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import platform
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from configparser import Error as ConfigError
from configparser import RawConfigParser
from pathlib import Path, PurePosixPath

from scs.errors import BadInput, Problem, ScsError
from scs.release import MAIN, PYTHON, Release
from scs.release.heads import described
from scs.shell import Say, run

_SITE = f"lib/python{PYTHON}/site-packages"
_DATA = ("bin", "etc", "share", "include")
"""What packages install beside their modules; uv puts it below site-packages."""

_DEBIAN_MODULES = "/usr/lib/python3/dist-packages"
_LENT = ("libvirt.py", "libvirt_qemu.py")
_LENT_NATIVE = ("libvirtmod", "libvirtmod_qemu", "rados", "rbd")

_TESTS = re.compile(r"\.tests|_integrationtests\b")
"""In what an entry point leads to."""

_SLOW = """    for group in entry_points.groups:
        existing = set()
        groups[group] = []
        for ep in entry_points.select(group=group):
"""
_FAST = """    by_group: dict[str, list[importlib.metadata.EntryPoint]] = {}
    for ep in entry_points:
        by_group.setdefault(ep.group, []).append(ep)
    for group, members in by_group.items():
        existing = set()
        groups[group] = []
        for ep in members:
"""

COMPILE = """
import compileall, os, py_compile, sys
jobs, top = int(sys.argv[1]), sys.argv[2]
files = sorted(
    os.path.join(at, name) for at, _, names in os.walk(top) for name in names
    if name.endswith(".py")
)
children = []
for job in range(jobs):
    child = os.fork()
    if not child:
        for file in files[job::jobs]:
            compileall.compile_file(
                file, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
            )
        os._exit(0)
    children.append(child)
sys.exit(any([os.waitpid(child, 0)[1] for child in children]))
"""
"""Run by the nodes' Python: compiles what can be compiled (templates and such can't).

The environment never changes, so its bytecode is never compared with its source again: that
saves a look at every source file whenever a service starts.
"""


def install(release: Release, tree: Path, cache: Path, say: Say) -> None:
    """Install a release's environment below `tree`, all but its bytecode.

    It lies in `tree` at the path that it has on a node, and all its paths are those of a node.
    `cache` keeps what was downloaded and built. Raises CommandFailed if a package can't be had
    or has another hash than the lock's.
    """
    environment = tree / release.environment_path.relative_to("/")
    site = environment / _SITE
    site.mkdir(parents=True)
    say(f"installing {len(release.versions())} Python packages of {release.name}")
    run(
        [
            *uv("pip", "sync", "--quiet", "--require-hashes", "--target", site),
            *("--python", sys.executable),
            *("--python-version", PYTHON, "--python-platform", platform_tag()),
            *("--build-constraints", release.build_lock, release.lock),
        ],
        where=f"Python packages of {release.name}",
        hint="look at the network and pip's configuration, then run the command again",
        env={
            **uv_settings(),
            "UV_CACHE_DIR": str(cache / "uv"),
            # Packages that could make use of a compiler do without: the result must not depend
            # on whether this machine has one.
            "CC": "false",
        },
        timeout=1800,
    )
    drop_tests(site)
    sort_entry_points_once(site)
    _move_data(environment, site, release.environment_path)
    _make_venv(environment)
    _link_debian(site)
    if release.part != MAIN:
        return
    trees = tomllib.loads(release.migrations.read_text())["trees"]
    found = {name: described(site / at) for name, at in sorted(trees.items())}
    (environment / "heads.json").write_text(json.dumps(found, indent=1) + "\n")


def uv(*arguments: str | Path) -> list[str | Path]:
    """A command line of the uv that came with scs, or of the one on PATH."""
    own = Path(sys.executable).parent
    found = shutil.which("uv", path=f"{own}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
    return [found or "uv", *arguments]


def uv_settings() -> dict[str, str]:
    """uv's variables for this machine: it knows nothing of pip's configuration by itself.

    What is set in uv's own variables wins. Raises BadInput on a pip.conf that can't be read.
    """
    wanted = {
        "UV_DEFAULT_INDEX": _pip_setting("index-url"),
        "UV_INDEX": _pip_setting("extra-index-url"),
        "SSL_CERT_FILE": _pip_setting("cert"),
        "UV_SYSTEM_CERTS": "true",
    }
    return {name: value for name, value in wanted.items() if value and not os.environ.get(name)}


def _pip_setting(name: str) -> str:
    if value := os.environ.get("PIP_" + name.upper().replace("-", "_")):
        return value
    special = os.environ.get("PIP_CONFIG_FILE", "")
    config_home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    files = (
        Path("/etc/xdg/pip/pip.conf"),
        Path("/etc/pip.conf"),
        Path.home() / ".pip/pip.conf",
        config_home / "pip/pip.conf",
        *([Path(special)] if special else []),
    )
    config = RawConfigParser()
    try:
        config.read([] if special == os.devnull else files)
    except ConfigError as error:
        raise BadInput(Problem("pip's configuration", str(error))) from error
    values = (config.get(part, name, fallback="") for part in ("install", "global"))
    return " ".join(next(filter(None, values), "").split())


def platform_tag() -> str:
    """The nodes' platform, as uv calls it: the architecture of this machine."""
    return f"{platform.machine()}-unknown-linux-gnu"


def drop_tests(site: Path) -> None:
    """Leave out the packages' own tests: a third of all files, and no service imports them.

    With them go the entry points that lead there, else stevedore warns of each at every start.
    """
    whole = site.glob("*_integrationtests")  # packages of nothing else, which need tempest
    for folder in [path for path in (*whole, *site.rglob("tests")) if path.is_dir()]:
        shutil.rmtree(folder, ignore_errors=True)  # it may have gone with one above it
    for info in site.glob("*.dist-info"):
        points = info / "entry_points.txt"
        if points.is_file():
            lines = points.read_text().splitlines(keepends=True)
            kept = [line for line in lines if not _TESTS.search(line.partition("=")[2])]
            if kept != lines:
                _write(points, "".join(kept))


def sort_entry_points_once(site: Path) -> None:
    """Have stevedore sort entry points by group in one pass.

    It goes through all of them once for each group: with the 2,700 in 187 groups of a release
    that takes half a second of each service's start, and at a first start there is no cache.
    Raises ScsError where stevedore does that otherwise now.
    """
    module = site / "stevedore/_cache.py"
    if not module.exists():
        return
    text = module.read_text()
    if text.count(_SLOW) != 1:
        raise ScsError(
            Problem(
                "stevedore",
                "does not read entry points as it did",
                "see whether `sort_entry_points_once` is still of use for the release's version",
            )
        )
    data = text.replace(_SLOW, _FAST).encode()
    _write(module, data)
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    for record in site.glob("stevedore-*.dist-info/RECORD"):
        lines = record.read_text().splitlines(keepends=True)
        mine = f"stevedore/_cache.py,sha256={digest},{len(data)}\n"
        _write(
            record,
            "".join(mine if line.startswith("stevedore/_cache.py,") else line for line in lines),
        )


def _move_data(environment: Path, site: Path, final: PurePosixPath) -> None:
    """Move programs and data to where an environment has them, and tell RECORD."""
    for name in _DATA:
        if (site / name).is_dir():
            (site / name).rename(environment / name)
    for program in (environment / "bin").iterdir():
        data = program.read_bytes()
        if (changed := with_interpreter(data, f"{final}/bin/python")) != data:
            mode = program.stat().st_mode
            _write(program, changed)
            program.chmod(mode)
    for record in site.glob("*.dist-info/RECORD"):
        _write(record, settled_record(record.read_text(), site))


def with_interpreter(program: bytes, python: str) -> bytes:
    """A Python program with another interpreter in its first line; others as they are."""
    first, _, rest = program.partition(b"\n")
    if first == b"#!/bin/sh" and rest.startswith(b"'''exec' "):
        # What installers write when the path is too long for the kernel: three lines.
        rest = rest.split(b"\n", 2)[2]
    elif not (first.startswith(b"#!") and b"python" in first):
        return program
    return b"#!" + python.encode() + b"\n" + rest


def settled_record(text: str, site: Path) -> str:
    """A RECORD for what is there now: data outside of site-packages, tests gone.

    Programs have no hash in it: their first line has changed.
    """
    up = "../" * len(PurePosixPath(_SITE).parts)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for name, *rest in csv.reader(io.StringIO(text)):
        if name.partition("/")[0] == "bin":
            writer.writerow([up + name, "", ""])
        elif name.partition("/")[0] in _DATA:
            writer.writerow([up + name, *rest])
        elif (site / name).exists():
            writer.writerow([name, *rest])
    return out.getvalue()


def _make_venv(environment: Path) -> None:
    (environment / "pyvenv.cfg").write_text(
        f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {PYTHON}\n"
    )
    (environment / "bin/python").symlink_to("/usr/bin/python3")
    for name in ("python3", f"python{PYTHON}"):
        (environment / "bin" / name).symlink_to("python")


def _link_debian(site: Path) -> None:
    """Lend libvirt's and Ceph's modules from Debian: on PyPI they would have to be compiled.

    The links lead nowhere on nodes without these packages, which don't need them.
    """
    tag = f"cpython-{PYTHON.replace('.', '')}"
    native = [f"{name}.{tag}-{platform.machine()}-linux-gnu.so" for name in _LENT_NATIVE]
    # Services can't write bytecode here, so Debian's is lent as well.
    compiled = [f"__pycache__/{Path(name).stem}.{tag}.pyc" for name in _LENT]
    (site / "__pycache__").mkdir(exist_ok=True)
    for name in (*_LENT, *native, *compiled):
        (site / name).symlink_to(f"{_DEBIAN_MODULES}/{name}")


def compile_bytecode(release: Release, python: list[str | Path], jobs: int, say: Say) -> None:
    """Compile the whole environment: services may not write there.

    `python` is a command line of the nodes' Python that sees the environment at its final
    path; it takes `jobs` processors.
    """
    say("compiling the environment's bytecode")
    top = str(release.environment_path / _SITE)
    run([*python, "-c", COMPILE, str(jobs), top], where="bytecode", timeout=1800)


def finish(release: Release, python: list[str | Path], say: Say) -> None:
    """Have the environment do what it needs done once, by itself; see Release.finish."""
    if release.finish.exists():
        say(f"finishing the {release.part} environment")
        place = str(release.environment_path)
        # In the environment's own Python: what follows is its, not the root's.
        start = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"
        argv = [*python, "-c", start, f"{place}/bin/python", "-c", release.finish.read_text()]
        run([*argv, place], where=f"{release.part} environment", timeout=1800)


def missing_bytecode(site: Path) -> Iterator[Path]:
    """Modules without bytecode: those that Python could not compile."""
    tag = f"cpython-{PYTHON.replace('.', '')}"
    for source in site.rglob("*.py"):
        if not (source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc").exists():
            yield source


def _write(path: Path, data: str | bytes) -> None:
    """Replace a file; writing into it would write into uv's cache, which shares its inode."""
    draft = path.with_name(f".{path.name}.new")
    draft.write_bytes(data.encode() if isinstance(data, str) else data)
    draft.replace(path)
