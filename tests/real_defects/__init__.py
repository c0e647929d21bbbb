# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Defects made in a real cloud, to see that `scs certify` finds them."""
