# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""For maintainers: `python -m scs.release lock [NAME] [--upgrade]` writes a release's locks.

What is locked stays as it is unless openstack.in demands otherwise; --upgrade takes the newest
of everything. The gate for a new lock is a whole run: `scs up` and `scs verify`.

`python -m scs.release build` builds what this machine runs from Go modules into the cache, where
`scs` would else build it when it is first needed.
"""

from __future__ import annotations

import sys
from pathlib import PurePath

from scs.errors import ScsError
from scs.paths import Paths
from scs.release import MAIN, PYTHON, Release, built, load, names
from scs.release.environment import platform_tag, uv, uv_settings
from scs.shell import run

OLDEST = "3.11"
"""The oldest Python that scs itself runs with: Debian 12's."""


def lock(release: Release, upgrade: bool) -> None:
    """Resolve what is demanded (*.in) into locks that name hashes, but no server."""
    bounds = release.constraints.name
    nodes: list[str] = ["--python-version", PYTHON, "--python-platform", platform_tag()]
    # Tools run with this machine's Python, whichever of Debian's that is.
    any_python = ["--universal", "--python-version", OLDEST]
    sources = [(part, nodes) for part in (*release.parts, "build")]
    sources += [(str(PurePath("here", name)), any_python) for name in release.tools]
    for source, target in sources:
        run(
            [
                *uv("pip", "compile", "--quiet", "--generate-hashes", "--no-emit-index-url"),
                *target,
                *("--custom-compile-command", f"python -m scs.release lock {release.name}"),
                *(["--upgrade"] if upgrade else []),
                # The same setuptools builds and runs, and what two environments have is the same.
                *(["--constraints", f"{MAIN}.lock"] if source != MAIN else []),
                *(["--constraints", bounds] if release.constraints.exists() else []),
                *("-o", f"{source}.lock", f"{source}.in"),
            ],
            cwd=release.folder,
            env=uv_settings(),
            where=f"release {release.name}",
        )


def build() -> int:
    """Have all programs in the cache."""
    for program in (built.OPENTOFU, built.OPENSTACK_PLUGIN):
        print(built.build(Paths.of("").cache, program, print))
    return 0


def main(arguments: list[str]) -> int:
    """See the top of this file."""
    upgrade = "--upgrade" in arguments
    match [word for word in arguments if word != "--upgrade"]:
        case ["lock"]:
            release = load(names()[-1])
        case ["lock", name]:
            release = load(name)
        case ["build"]:
            return build()
        case _:
            print(__doc__, file=sys.stderr)
            return 3
    lock(release, upgrade)
    print(f"{release.name}: {len(release.versions())} packages, {release.environment_id}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except ScsError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
