# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a guest is put into: networks behind a router, and the names that it is to look up.

IPv4 is what a guest cannot do without. What IPv6 and names lack is kept for those checks that
look at them, so that no other check fails for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from scs.standards.model import Cloud, CouldNotRun

ADDRESSES = "10.1.0.0/24"
STATEFUL, STATELESS = "dhcpv6-stateful", "dhcpv6-stateless"
NAMING = (
    "dns-integration",
    "dns-domain-ports",
    "subnet-dns-publish-fixed-ip",
    "dns-integration-domain-keywords",
)
"""Extensions of Neutron that give ports names, each with all that those before it do."""
RECORD = "192.0.2.77"
"""What a name in our zone stands for: nobody has an address for documentation."""


Address = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Names:
    """What a guest looks up; empty: there is none of it."""

    own: str = ""
    """Its own name, as Neutron will call its port."""
    record: str = ""
    """A name in a zone of ours that stands for RECORD."""
    zone: str = ""
    servers: tuple[str, ...] = ()
    """The hosts that Designate names as the zone's name servers."""
    problem: str = ""
    """Why there is no such zone."""


@dataclass(frozen=True)
class Lan:
    """The guest's networks, the first with IPv4."""

    networks: tuple[str, ...]
    subnets: tuple[Mapping[str, Any], ...]
    """As Neutron has made them."""
    problem: str = ""
    """Why an IPv6 subnet is missing."""
    names: Names = Names()

    @property
    def servers(self) -> frozenset[Address]:
        """The name servers that its subnets name: no resolvers. However they were written."""
        named = (one for subnet in self.subnets for one in subnet.get("dns_nameservers") or ())
        return frozenset(map(ip_address, named))

    def subnet(self, mode: str) -> Mapping[str, Any]:
        """The one whose hosts get addresses so (empty: IPv4); raises CouldNotRun without it."""
        for subnet in self.subnets:
            if (subnet.get("ipv6_address_mode") or "") == mode:
                return subnet
        raise CouldNotRun(f"the guest has no subnet with {mode}: {self.problem}")


def network_behind_router(cloud: Cloud) -> str:
    """A network of ours with IPv4 behind a router to the first external network."""
    return _behind_router(cloud)[0].networks[0]


def lan(cloud: Cloud) -> Lan:
    """That, with IPv6 as well, another network with IPv6 alone, and names."""
    made, router = _behind_router(cloud)
    first, four = made.networks[0], made.subnets[0]
    # Within fd00::/8, which anybody may use; by the run, so that no two are alike.
    run = str(cloud.marks["name"])[-8:]
    base = f"fd5c:{run[:4]}:{run[4:]}"
    try:
        six = _subnet(cloud, first, f"{base}:1::/64", STATEFUL)
        _join(cloud, router, six)
        made = replace(made, subnets=(four, six))
        # Of its own: a router advertises one way to get addresses in a network, not two.
        second = _network(cloud)
        # The gateway for a name server: nothing waits for it, since it says that it is none.
        more = _subnet(cloud, second, f"{base}:2::/64", STATELESS, dns_nameservers=[f"{base}:2::1"])
        _join(cloud, router, more)
        made = replace(made, networks=(first, second), subnets=(four, six, more))
    except CouldNotRun as error:
        made = replace(made, problem=str(error))
    return replace(made, names=_names(cloud, first))


def _behind_router(cloud: Cloud) -> tuple[Lan, str]:
    network = _network(cloud)
    subnet = _subnet(cloud, network, ADDRESSES)
    outside = cloud.items("network", "/networks?router:external=true", "networks")
    if not outside:
        raise CouldNotRun("there is no external network for the guest's router")
    router = str(_router(cloud, outside[0]["id"])["id"])
    _join(cloud, router, subnet)
    return Lan((network,), (subnet,)), router


def gateway_of(cloud: Cloud, outside: str) -> str:
    """The IPv4 address that a router of ours gets in an external network; empty: it has none."""
    made = _router(cloud, outside)
    addresses = (made.get("external_gateway_info") or {}).get("external_fixed_ips", ())
    return next((one["ip_address"] for one in addresses if "." in one["ip_address"]), "")


def naming(cloud: Cloud) -> list[str]:
    """Those extensions of Neutron that give ports names; raises CouldNotRun."""
    known = {one["alias"] for one in cloud.items("network", "/extensions", "extensions")}
    return [name for name in NAMING if name in known]


def _router(cloud: Cloud, outside: str) -> Mapping[str, Any]:
    router = {**cloud.marks, "external_gateway_info": {"network_id": outside}}
    made = cloud.send("POST", "network", "/routers", {"router": router}).checked()
    known: Mapping[str, Any] = made.body["router"]
    return known


def _network(cloud: Cloud) -> str:
    made = cloud.send("POST", "network", "/networks", {"network": dict(cloud.marks)}).checked()
    return str(made.body["network"]["id"])


def _subnet(
    cloud: Cloud, network: str, cidr: str, mode: str = "", **more: Any
) -> Mapping[str, Any]:
    values = {**cloud.marks, "network_id": network, "cidr": cidr, "ip_version": 4, **more}
    if mode:
        values |= {"ip_version": 6, "ipv6_address_mode": mode, "ipv6_ra_mode": mode}
    made = cloud.send("POST", "network", "/subnets", {"subnet": values}).checked()
    known: Mapping[str, Any] = made.body["subnet"]
    return known


def _join(cloud: Cloud, router: str, subnet: Mapping[str, Any]) -> None:
    path = f"/routers/{router}/add_router_interface"
    cloud.send("PUT", "network", path, {"subnet_id": subnet["id"]}).checked()


def _names(cloud: Cloud, network: str) -> Names:
    found = Names()
    with suppress(CouldNotRun):  # the check of the extension asks the same, and tells it
        found = replace(found, own=_own(cloud, network))
    if not cloud.has("dns"):
        return found
    try:
        zone = f"{cloud.marks['name']}.test."
        values = {
            "name": zone,
            "email": "hostmaster@example.org",
            "description": cloud.marks["description"],
        }
        made = cloud.send("POST", "dns", "/zones", values).checked().body["id"]
        record = {"name": f"www.{zone}", "type": "A", "records": [RECORD]}
        cloud.send("POST", "dns", f"/zones/{made}/recordsets", record).checked()
        told = cloud.send("GET", "dns", f"/zones/{made}/nameservers").checked()
        hosts = tuple(str(one["hostname"]) for one in told.body["nameservers"])
        return replace(found, record=f"www.{zone}", zone=made, servers=hosts)
    except CouldNotRun as error:
        return replace(found, problem=str(error))


def _own(cloud: Cloud, network: str) -> str:
    """The name that a port of a server of ours gets there; empty: ports have no names."""
    if not naming(cloud):
        return ""
    # The domain is the operator's choice: it is seen at the router's port.
    ports = cloud.send("GET", "network", f"/ports?network_id={network}").checked().body["ports"]
    for port in ports:
        for one in port.get("dns_assignment") or ():
            domain = str(one["fqdn"]).partition(".")[2]
            return f"{cloud.marks['name']}.{domain}"
    return ""
