# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ports, and what a guest with them tells of its network."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fake_openstack.cloud import FakeOpenStack

MACS = ("fa:16:3e:00:00:0a", "fa:16:3e:00:00:0b")
DOMAIN = "cloud.internal."
RESOLVER = "10.0.0.53"
NAME_SERVER, ITS_ADDRESS = "ns1.example.org.", "192.0.2.53"
LINK = "fe80::f816:3eff:fe00:1"

Json = dict[str, Any]


def subnet(asked: Json) -> Json:
    """What is made of a wish."""
    return {"gateway_ip": str(ip_network(asked["cidr"])[1]), "dns_nameservers": [], **asked}


def in_use(cloud: FakeOpenStack, network: str) -> bool:
    """Whether a server may have a port there."""
    here = {"uuid": network}
    return any(here in one.get("networks", [here]) for one in cloud.all("servers"))


def _named(cloud: FakeOpenStack) -> bool:
    return "dns-integration" in cloud.extensions


def router_ports(cloud: FakeOpenStack, network: str) -> list[Json]:
    if not _named(cloud):
        return [{"network_id": network}]
    names = [{"hostname": "host-10-1-0-1", "fqdn": f"host-10-1-0-1.{DOMAIN}"}]
    return [{"network_id": network, "dns_assignment": names}]


def server_ports(cloud: FakeOpenStack, known: str) -> list[Json]:
    """One in each of its networks, with the fifth address of each subnet."""
    server = next((one for one in cloud.all("servers") if one["id"] == known), None)
    if server is None:
        return []
    found = []
    for mac, network in zip(MACS, server["networks"], strict=False):
        fixed = [
            {"subnet_id": one["id"], "ip_address": str(ip_network(one["cidr"])[5])}
            for one in cloud.all("subnets")
            if one["network_id"] == network["uuid"]
        ]
        port: Json = {"mac_address": mac, "network_id": network["uuid"], "fixed_ips": fixed}
        if _named(cloud):
            name = f"{server['name']}.{DOMAIN}"
            port["dns_assignment"] = [
                {"ip_address": one["ip_address"], "fqdn": name} for one in fixed
            ]
        found.append(port)
    return found


def told(cloud: FakeOpenStack, server: Json) -> dict[str, str]:
    """What its guest says; what is broken in `guest` may name the run's own things."""
    subnets = {one["id"]: one for one in cloud.all("subnets")}
    said: dict[str, str] = {"network": "told"}
    servers, reached, own = [RESOLVER], [], []
    for port in server_ports(cloud, server["id"]):
        addresses, ways = [], []
        first = port["network_id"] == server["networks"][0]["uuid"]
        for fixed in port["fixed_ips"]:
            known = subnets[fixed["subnet_id"]]
            stateful = known.get("ipv6_address_mode") == "dhcpv6-stateful"
            length = 128 if stateful else ip_network(known["cidr"]).prefixlen
            addresses.append(f"{fixed['ip_address']}/{length}")
            ways.append(LINK if known["ip_version"] == 6 else known["gateway_ip"])
            reached.append(known["gateway_ip"])
            servers += known["dns_nameservers"]
            if first:
                own.append(fixed["ip_address"])
        given = [one for known in subnets.values() for one in known["dns_nameservers"]]
        said[f"dhcp6-{port['mac_address']}"] = "" if first else " ".join(given)
        said[f"nic-{port['mac_address']}"] = " ".join(addresses)
        said[f"route-{port['mac_address']}"] = " ".join(ways)
    said |= {"servers": " ".join(servers), "reached": " ".join(reached)}
    words = {
        "own": f"{server['name']}.{DOMAIN}",
        "record": f"www.{server['name']}.test.",
        "link": LINK,
        "six": f"fd5c:{server['name'][-8:-4]}:{server['name'][-4:]}",
    }
    asked = [f"{RESOLVER} . NS 0"]
    if _named(cloud):
        for kind, mark in (("A", "."), ("AAAA", ":")):
            found = " ".join(one for one in own if mark in one)
            asked.append(f"{RESOLVER} {words['own']} {kind} 0 {found}")
    if "dns" in cloud.types:
        asked.append(f"{RESOLVER} {NAME_SERVER} A 0 {ITS_ADDRESS}")
        asked.append(f"{ITS_ADDRESS} {words['record']} A 0 192.0.2.77")
        asked.append(f"{RESOLVER} {words['record']} A 3")
    said |= {f"asked-{index}": line for index, line in enumerate(asked)}
    for key, value in cloud.guest.items():
        if isinstance(value, str):
            for word, text in words.items():
                value = value.replace(f"{{{word}}}", text)
            cloud.guest[key] = value
    return said
