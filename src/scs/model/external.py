# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an operator brings along, instead of what the cloud would make: frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class DatabaseServer:
    """A MariaDB of the operator's; scs makes its accounts and databases there."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    ca: str
    """The certificate (PEM) that its own is checked against; empty: the cloud's CA."""


@dataclass(frozen=True)
class External:
    """All that comes from elsewhere."""

    database: DatabaseServer | None = None
    ntp: tuple[str, ...] = ()
