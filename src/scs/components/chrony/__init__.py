# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Time. In a container the clock is the host's, and the host sets it."""

from __future__ import annotations

from scs.model.component import EVERYWHERE, Component, Packaged

component = Component(
    name="chrony",
    summary="time",
    roles=EVERYWHERE,
    source="debian:chrony",
    license="GPL-2.0-only",
    packages=("chrony",),
    units=(Packaged("chrony"),),
    when=lambda view: not view.container,
)
