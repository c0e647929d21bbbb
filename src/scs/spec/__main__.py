# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""`python -m scs.spec reference | schema | starter` prints what is derived from the model."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

from scs.spec import reference, schema, starter


def _schema() -> str:
    return json.dumps(schema(), indent=2) + "\n"


WRITERS: dict[str, Callable[[], str]] = {
    "reference": reference,
    "schema": _schema,
    "starter": starter,
}


def main(words: list[str]) -> int:
    """Print one of them; 3 when the command line names none."""
    if len(words) != 1 or words[0] not in WRITERS:
        sys.stderr.write(f"usage: python -m scs.spec {' | '.join(WRITERS)}\n")
        return 3
    sys.stdout.write(WRITERS[words[0]]())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
