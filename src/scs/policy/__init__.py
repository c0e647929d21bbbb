# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Policies: rules in Rego that a cloud must keep, asked before anything is touched."""

from scs.policy.document import describe, document
from scs.policy.files import FOLDER, Policy, read
from scs.policy.judge import Outcome, Ruling, Trial, judge, verify

__all__ = [
    "FOLDER",
    "Outcome",
    "Policy",
    "Ruling",
    "Trial",
    "describe",
    "document",
    "judge",
    "read",
    "verify",
]
