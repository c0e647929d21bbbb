# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""cloud.yaml, the one file that a person writes: what may be in it, and reading it."""

from scs.spec.kinds import AddressRange
from scs.spec.loading import load, parse
from scs.spec.model import CloudSpec

__all__ = ["AddressRange", "CloudSpec", "load", "parse"]
