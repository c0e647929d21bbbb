# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Compiled templates are kept, as Python keeps its modules: they cost more than filling them in."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from scs.plan import ini, templating


@lru_cache
def folder(home: str = sys.prefix) -> str:
    """Where they lie: in scs's own Python environment, which goes when a library changes.

    Empty where there is no such environment or nothing may be written: then they are not kept.
    What a template is compiled to depends on the modules below, too.
    """
    if sys.dont_write_bytecode or home == sys.base_prefix:
        return ""
    sources = (Path(str(module.__file__)).read_bytes() for module in (ini, templating))
    path = Path(home, "templates", sha256(b"".join(sources)).hexdigest()[:16])
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError:
        return ""
    return str(path) if os.access(path, os.W_OK) else ""
