# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Time. In a container the clock is the host's, and the host sets it."""

from __future__ import annotations

from scs.model.component import EVERYWHERE, Component, Packaged, Text
from scs.model.view import View


def settings(view: View) -> str | None:
    """The operator's time servers instead of Debian's, where there are any."""
    if not view.external.ntp:
        return None
    servers = "".join(f"server {name} iburst\n" for name in view.external.ntp)
    return (
        f"{servers}driftfile /var/lib/chrony/chrony.drift\nmakestep 1 3\nrtcsync\n"
        "leapsectz right/UTC\nlogdir /var/log/chrony\n"
    )


component = Component(
    name="chrony",
    summary="time",
    roles=EVERYWHERE,
    source="debian:chrony",
    license="GPL-2.0-only",
    packages=("chrony",),
    files=(Text("/etc/chrony/chrony.conf", settings),),
    units=(Packaged("chrony"),),
    when=lambda view: not view.container,
)
