# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""scs on a machine as a user has it: a stock Debian, emulated."""
