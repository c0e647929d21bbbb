# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Nodes that are machines which exist already, reached by ssh."""

from scs.providers.ssh.fence import Switch
from scs.providers.ssh.here import Login
from scs.providers.ssh.provider import Claims, SshProvider, Tree

__all__ = ["Claims", "Login", "SshProvider", "Switch", "Tree"]
