# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The hypervisor."""

from __future__ import annotations

from scs.model.component import COMPUTE, Component, Config, Gives, Packaged, Probe, Text
from scs.model.needs import Hypervisor, Need
from scs.model.view import View

SOCKET = "/run/libvirt/libvirt-sock"


def there(_view: View, _need: Need) -> Probe:
    return {"type": "unix", "path": SOCKET}


component = Component(
    name="libvirt",
    summary="hypervisor",
    roles=COMPUTE,
    source="debian:libvirt-daemon",
    license="LGPL-2.1-or-later",
    packages=(
        "libvirt-daemon-system",
        "libvirt-clients",
        "libvirt-daemon-driver-qemu",
        "qemu-system-x86",
        "qemu-utils",
        "python3-libvirt",
        "xorriso",
    ),
    gives=(Gives(Hypervisor, ready=there),),
    files=(
        Config("libvirtd.conf.j2", "/etc/libvirt/libvirtd.conf", mode=0o644),
        Text(
            "/etc/default/libvirtd",
            lambda _: "# Written by scs: it stays when idle.\nLIBVIRTD_ARGS=\n",
        ),
        Text(
            "/etc/systemd/system/libvirtd.socket.d/scs.conf",
            lambda _: "[Socket]\nSocketMode=0660\nSocketGroup=libvirt\n",
        ),
    ),
    units=(
        Packaged(
            "libvirtd",
            ready=lambda _: {
                "type": "succeeds",
                "argv": ["virsh", "--connect", "qemu:///system", "version"],
            },
        ),
    ),
)
