# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A small OpenStack that answers from dictionaries, over real HTTPS: whole as it comes, and each
test breaks in it what it wants.
"""
