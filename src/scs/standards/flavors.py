# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The flavors that SCS-0103 wants every cloud to have, and those that it recommends."""

from __future__ import annotations

MANDATORY = (
    "SCS-1V-2",
    "SCS-1V-4",
    "SCS-1V-8",
    "SCS-2V-4",
    "SCS-2V-8",
    "SCS-2V-16",
    "SCS-4V-8",
    "SCS-4V-16",
    "SCS-4V-32",
    "SCS-8V-16",
    "SCS-8V-32",
    "SCS-16V-32",
    "SCS-1L-1",
    "SCS-2V-4-20s",
    "SCS-4V-16-100s",
)
RECOMMENDED = (
    "SCS-1V-4-10",
    "SCS-2V-8-20",
    "SCS-4V-16-50",
    "SCS-8V-32-100",
    "SCS-1V-2-5",
    "SCS-2V-4-10",
    "SCS-4V-8-20",
    "SCS-8V-16-50",
    "SCS-16V-32-100",
    "SCS-1V-8-20",
    "SCS-2V-16-50",
    "SCS-4V-32-100",
    "SCS-1L-1-5",
    "SCS-16V-64",
    "SCS-8V-64",
    "SCS-16V-128",
)
