# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The cloud's API as seen by scs: looked at in bulk, made in-process with openstacksdk."""
