# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a new machine does at its first boot: name, host key, account, interfaces. Pure.

JSON is YAML, so everything is written as JSON. At the end the machine boots once more: interfaces
get their names, and an interface that is in use does not change its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from scs.providers.tofu.site import NETWORKS, Block, Machine, Site, literal, reference

HOST_KEYS = "host_keys"
"""The variable with the machines' private host keys: they are in no file of the configuration."""
FIRST_BOOT = "/var/lib/cloud/scs-first-boot"
"""The boot id of the first boot: with another one, all of this has been done."""
READY = f'[ -s {FIRST_BOOT} ] && [ "$(cat {FIRST_BOOT})" != "$(cat {{boot}})" ]'.format(
    boot="/proc/sys/kernel/random/boot_id"
)
"""A shell's question to a machine, whether it is done."""

_PACKAGES = ("iproute2", "iputils-ping", "python3")


def netplan(site: Site, machine: Machine, macs: Mapping[str, str]) -> Block:
    """The machine's interfaces; `macs` tells them apart."""
    mtus = {"management": site.networks["management"].mtu, "tunnel": site.tunnel_mtu}
    interfaces: dict[str, Block] = {}
    for network in NETWORKS:
        name = machine.node.interfaces[network]
        entry: Block = {
            "match": {"macaddress": macs[network]},
            "set-name": name,
            "dhcp4": False,
            "dhcp6": False,
            "accept-ra": False,
            "link-local": [],
        }
        if network in mtus:
            prefix = site.networks[network].ipv4.prefixlen
            entry["addresses"] = [f"{machine.node.addresses[network]}/{prefix}"]
            entry["mtu"] = mtus[network]
        interfaces[name] = entry
    management = interfaces[machine.node.interfaces["management"]]
    gateway = site.networks["management"].gateway
    management["routes"] = [{"to": "default", "via": str(gateway)}]
    management["nameservers"] = {"addresses": [str(server) for server in site.dns]}
    return {"version": 2, "ethernets": interfaces}


def user_data(site: Site, machine: Machine, macs: Mapping[str, str]) -> str:
    """cloud-init's user data, for a string of the configuration.

    `macs` are texts of the configuration, too: OpenTofu may have to fill them in.
    """
    marks = {network: f"@mac of {network}@" for network in NETWORKS}
    text = "#cloud-config\n" + json.dumps(_config(site, machine, marks), indent=1) + "\n"
    filled = literal(text).replace(_KEY, reference(f'var.{HOST_KEYS}["{machine.name}"]'))
    for network, mark in marks.items():
        filled = filled.replace(mark, macs[network])
    return filled


def escaped(key: str) -> str:
    """A private key as `user_data` wants it in the variable: inside of a string of JSON."""
    return json.dumps(key)[1:-1]


_KEY = "@private host key@"


def _config(site: Site, machine: Machine, macs: Mapping[str, str]) -> dict[str, Any]:
    account: Block = {"name": site.user, "ssh_authorized_keys": [site.public_key.strip()]}
    if site.user != "root":
        account |= {"sudo": "ALL=(ALL) NOPASSWD:ALL", "shell": "/bin/bash", "lock_passwd": True}
    plan = json.dumps({"network": netplan(site, machine, macs)}, indent=1)
    off = json.dumps({"network": {"config": "disabled"}})
    files = {"/etc/netplan/90-scs.yaml": plan, "/etc/cloud/cloud.cfg.d/99-scs.cfg": off}
    return {
        "hostname": machine.name,
        "fqdn": machine.name,
        "preserve_hostname": False,
        "manage_etc_hosts": False,
        "disable_root": site.user != "root",
        "ssh_pwauth": False,
        "ssh_deletekeys": True,
        "ssh_keys": {"ed25519_private": _KEY, "ed25519_public": machine.host_key.public},
        "users": [account],
        "package_update": True,
        "packages": list(_PACKAGES),
        "write_files": [
            {"path": path, "permissions": "0600", "content": content}
            for path, content in files.items()
        ],
        "runcmd": [
            # What cloud-init has written of interfaces would say something else.
            "rm -f /etc/netplan/50-cloud-init.yaml",
            f"cat /proc/sys/kernel/random/boot_id >{FIRST_BOOT}",
        ],
        "power_state": {"mode": "reboot", "delay": "now", "condition": True},
    }
