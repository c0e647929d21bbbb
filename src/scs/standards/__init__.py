# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the SCS standards demand, as code: values and judgments, without input or output."""
