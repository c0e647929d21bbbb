# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a fresh machine is given here: this checkout, and this machine's way to the registries."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def shell(*argv: str | Path, timeout: float = 300) -> str:
    """The standard output of a command that must succeed."""
    result = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False)
    assert result.returncode == 0, f"{argv}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def apt_network_settings() -> str:
    """Proxies, certificates and dates that apt is told here, without hooks and other habits."""
    wanted = ("Acquire::http", "Acquire::Check-", "Acquire::Retries", "Acquire::ForceIPv")
    return "".join(
        line + "\n"
        for line in shell("apt-config", "dump").splitlines()
        if line.startswith(wanted) and not line.endswith('"";')
    )


def copy_worktree(checkout: Path, target: Path) -> None:
    """What would be committed now, and nothing that git ignores."""
    listing = shell(
        *("git", "-c", f"safe.directory={checkout}", "-C", checkout),
        *("ls-files", "-z", "--cached", "--others", "--exclude-standard"),
    )
    for name in filter(None, listing.split("\0")):
        # A link stays one: what it leads to may be a folder, and is copied for itself.
        if (checkout / name).is_symlink() or (checkout / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(checkout / name, target / name, follow_symlinks=False)


def network_files(root: Path) -> None:
    """What an administrator here has set up for reaching anything."""
    for name in ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf"):
        if Path(name).exists():
            (root / name[1:]).unlink(missing_ok=True)
            shutil.copy(name, root / name[1:])
    own_authorities = Path("/usr/local/share/ca-certificates")
    if own_authorities.is_dir():
        shutil.copytree(own_authorities, root / str(own_authorities)[1:], dirs_exist_ok=True)
