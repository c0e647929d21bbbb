# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Disk images for the cloud's users and for its own checks."""

from scs.images.debian import build_debian
from scs.images.download import fetch
from scs.images.image import BuiltImage, missing_metadata
from scs.images.tiny import build_tiny

__all__ = ["BuiltImage", "build_debian", "build_tiny", "fetch", "missing_metadata"]
