# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""cloud.yaml, the one file that a person writes: what may be in it, and reading it."""

from __future__ import annotations

from typing import Any

from scs.spec.first_file import starter
from scs.spec.kinds import AddressRange
from scs.spec.loading import load, parse
from scs.spec.model import CloudSpec

__all__ = ["AddressRange", "CloudSpec", "load", "parse", "reference", "schema", "starter"]


# Needed to write documentation only, and every command imports this package.
def reference() -> str:
    """docs/cloud-yaml.md: each key with type, default, meaning and example."""
    from scs.spec.documentation import reference as write

    return write()


def schema() -> dict[str, Any]:
    """cloud.yaml as JSON schema (2020-12), for editors."""
    from scs.spec.documentation import schema as make

    return make()
