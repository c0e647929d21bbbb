# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a clouds.yaml has entries for; what is in them is its owner's and the clients'."""

from __future__ import annotations

from pathlib import Path

import yaml

from scs.errors import BadInput, Problem


def entries(file: Path) -> frozenset[str]:
    """The names of its clouds; raises BadInput when it can't be read."""
    hint = "write it as openstacksdk wants it: `clouds:`, and a name for each below it"
    try:
        read = yaml.safe_load(file.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(Problem(str(file), f"can't be read: {error}", hint)) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise BadInput(Problem(str(file), f"is no YAML{line}", hint)) from error
    clouds = read.get("clouds") if isinstance(read, dict) else None
    return frozenset(map(str, clouds)) if isinstance(clouds, dict) else frozenset()
