# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Disk images for the cloud's users and for its own checks."""

from scs.images.image import BuiltImage, missing_metadata
from scs.images.tiny import build_tiny

__all__ = ["BuiltImage", "build_tiny", "missing_metadata"]
