# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Backups: made as encrypted streams, proven, and brought back.

`place` is a folder with backups, `manifest` what one says of itself, `streams` what the bytes go
through. `create`, `verify` and `restore` are the commands. docs/backup.md describes the format.
"""
