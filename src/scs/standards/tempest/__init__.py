# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""End-to-end tests of the API: which of tempest's tests a cloud has to pass, and what they say.

The tests themselves are tempest's. Here are lists of some of them (facts, with their source), ways
to derive others from what tempest says of its tests, and the judgment of what came of one.
"""
