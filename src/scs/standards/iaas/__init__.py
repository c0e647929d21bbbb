# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The standards of SCS-compatible IaaS, one module per thing that they are about."""
