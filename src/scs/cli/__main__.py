# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""`python -m scs.cli`: what the launcher `scs` runs."""

from scs.cli.main import main

if __name__ == "__main__":
    main()
