# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files, directories and links as resources that need no root: they are the tester's own."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path
from typing import Any

from scs.resources import Directory, File, Link

ME = pwd.getpwuid(os.getuid()).pw_name
MINE = grp.getgrgid(os.getgid()).gr_name


def file(path: Path, content: str = "wanted\n", **values: Any) -> File:
    return File(name=str(path), content=content, owner=ME, group=MINE, **values)


def directory(path: Path) -> Directory:
    return Directory(name=str(path), owner=ME, group=MINE, mode=0o750)


def link(path: Path) -> Link:
    return Link(name=str(path), target="wanted/target")
