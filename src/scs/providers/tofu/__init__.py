# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Nodes that are machines which OpenTofu makes, on one of several platforms."""

from scs.providers.tofu.platforms import PLATFORMS
from scs.providers.tofu.program import Program, Secrets, Tools
from scs.providers.tofu.provider import Plans, TofuProvider, folder
from scs.providers.tofu.site import HostKey, Machine, Site

__all__ = [
    "PLATFORMS",
    "HostKey",
    "Machine",
    "Plans",
    "Program",
    "Secrets",
    "Site",
    "TofuProvider",
    "Tools",
    "folder",
]
