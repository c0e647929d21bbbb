# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which files hold policies: those that come with scs, and the operator's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scs.errors import BadInput, Problem
from scs.policy.rego import Source

FOLDER = "policy"
"""Next to cloud.yaml, as conftest has it."""
DEFAULTS = Path(__file__).parent / "defaults"
MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class Policy:
    """One file."""

    source: Source
    default: bool
    """It came with scs."""
    test: bool
    """It holds tests of other files."""


def read(folder: Path) -> tuple[Policy, ...]:
    """The default policies, then those in `policy/` of the folder that cloud.yaml is in.

    Raises BadInput for files that can't be read.
    """
    found = [*_below(DEFAULTS, "default:", default=True)]
    own = folder / FOLDER
    if own.is_dir():
        found += _below(own, f"{FOLDER}/", default=False)
    return tuple(found)


def _below(folder: Path, prefix: str, *, default: bool) -> Iterator[Policy]:
    for path in sorted(folder.rglob("*.rego")):
        name = f"{prefix}{path.relative_to(folder)}"
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
            text = raw.decode()
        except OSError as error:
            hint = "mend it, or take it away"
            raise BadInput(Problem(name, f"it can't be read: {error.strerror}", hint)) from None
        except UnicodeDecodeError:
            raise BadInput(Problem(name, "expected text in UTF-8", "save it as UTF-8")) from None
        if len(raw) > MAX_BYTES:
            raise BadInput(
                Problem(name, f"expected at most {MAX_BYTES} bytes, got more", "is it a policy?")
            )
        yield Policy(Source(name, text), default, path.stem.endswith("_test"))
