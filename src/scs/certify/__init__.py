# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Runs the checks of `standards` against any OpenStack; reports, signatures, certificates."""
