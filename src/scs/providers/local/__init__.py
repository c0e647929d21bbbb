# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Nodes on this machine: systemd containers on bridges of their own."""

from scs.providers.local.preflight import (
    HOST_PACKAGES,
    install_host_packages,
    missing_host_packages,
)
from scs.providers.local.provider import LocalProvider

__all__ = [
    "HOST_PACKAGES",
    "LocalProvider",
    "install_host_packages",
    "missing_host_packages",
]
