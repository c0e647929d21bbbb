# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The Sovereign Cloud Stack as one program."""

__version__ = "0.1.0"
