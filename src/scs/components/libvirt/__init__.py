# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The hypervisor."""

from __future__ import annotations

from collections.abc import Iterable

from scs.model.component import (
    COMPUTE,
    Component,
    Config,
    Folder,
    Gives,
    Packaged,
    Port,
    Probe,
    Text,
)
from scs.model.needs import Certificate, Hypervisor, Need
from scs.model.view import CA, View
from scs.resources import Link, Resource

TLS = "/etc/scs/tls"
SOCKET = "/run/libvirt/libvirt-sock"


def there(_view: View, _need: Need) -> Probe:
    return {"type": "unix", "path": SOCKET}


LINKS = {
    "/etc/pki/CA/cacert.pem": CA,
    "/etc/pki/libvirt/clientcert.pem": f"{TLS}/libvirt.crt",
    "/etc/pki/libvirt/private/clientkey.pem": f"{TLS}/libvirt.key",
    "/etc/pki/qemu/ca-cert.pem": CA,
    "/etc/pki/qemu/server-cert.pem": f"{TLS}/qemu.crt",
    "/etc/pki/qemu/server-key.pem": f"{TLS}/qemu.key",
    "/etc/pki/qemu/client-cert.pem": f"{TLS}/qemu.crt",
    "/etc/pki/qemu/client-key.pem": f"{TLS}/qemu.key",
}


def certificates(_view: View) -> Iterable[Resource]:
    """Where libvirt, as another node's client, and QEMU look for theirs: fixed places."""
    for path, target in LINKS.items():
        yield Link(name=path, target=target)


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
    needs=(Certificate("libvirt"), Certificate("qemu", owner="libvirt-qemu")),
    gives=(Gives(Hypervisor, ready=there),),
    # libvirt over TLS, and what QEMU moves from node to node.
    ports=(Port(16514), Port(49152, last=49215)),
    folders=tuple(Folder(path) for path in ("/etc/pki/CA", "/etc/pki/libvirt", "/etc/pki/qemu")),
    resources=certificates,
    files=(
        Config("libvirtd.conf.j2", "/etc/libvirt/libvirtd.conf", mode=0o644),
        Text(
            "/etc/default/libvirtd",
            lambda _: "# Written by scs: it stays when idle.\nLIBVIRTD_ARGS=\n",
        ),
        Text(
            "/etc/systemd/system/libvirtd.service.d/tls.conf",
            lambda _: "[Unit]\nRequires=libvirtd-tls.socket\nAfter=libvirtd-tls.socket\n",
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
