# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Addresses by DHCP, DHCPv6 and router advertisements: what Neutron shows is what a guest has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

from scs.standards.iaas.guests import booting, guest
from scs.standards.iaas.inside import Inside, inside
from scs.standards.iaas.lan import STATEFUL, STATELESS
from scs.standards.model import Cloud, CouldNotRun, Finding, Severity, Standard

URL = "https://docs.openstack.org/neutron/latest/admin/config-ipv6.html"


def _seen(cloud: Cloud, mode: str) -> tuple[Inside, Mapping[str, Any], str, str]:
    """What the guest sees, the subnet, and the port's MAC and address in it, as Neutron says."""
    known = guest(cloud)
    subnet = known.lan.subnet(mode)
    seen = inside(known.said, known.lan)
    ports = cloud.items("network", f"/ports?device_id={known.server}", "ports")
    for port in ports:
        for fixed in port["fixed_ips"]:
            if fixed["subnet_id"] == subnet["id"]:
                return seen, subnet, port["mac_address"], fixed["ip_address"]
    raise CouldNotRun(f"the guest's port has no address in {subnet['cidr']}")


def _way(seen: Inside, subnet: Mapping[str, Any], mac: str, mend: str) -> Iterator[Finding]:
    """What is wrong with the way out of a subnet."""
    gateway = ip_address(subnet["gateway_ip"])
    ways = [one for one in seen.gateways(mac) if one.version == gateway.version]
    # Advertisements come from a router's own address, not from the one that Neutron shows.
    if not any(one == gateway or one.is_link_local for one in ways):
        told = ", ".join(map(str, ways))
        yield Finding(
            f"a guest in {subnet['cidr']}",
            f"a default route through the router ({gateway})",
            told or "there is none",
            mend,
        )
    elif not seen.reached(str(gateway)):
        yield Finding(
            f"a guest in {subnet['cidr']}",
            f"an answer from {gateway} to its ping",
            "silence",
            "look at the flows between the hypervisor and the router",
        )


def by_dhcp(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """The port's IPv4 address with the subnet's prefix, and the subnet's gateway."""
    seen, subnet, mac, address = _seen(cloud, "")
    wanted = ip_interface(f"{address}/{ip_network(subnet['cidr']).prefixlen}")
    mend = "look at DHCP of the subnet: openstack subnet show, ovn-nbctl dhcp-options-list"
    if wanted not in map(ip_interface, seen.addresses(mac)):
        yield _other(seen, mac, str(wanted), mend)
    yield from _way(seen, subnet, mac, mend)


def stateful(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """The port's IPv6 address from DHCPv6, and a way out from the router's advertisements."""
    seen, subnet, mac, address = _seen(cloud, STATEFUL)
    mend = f"{STATEFUL} needs a router whose advertisements say so, and DHCPv6: ovn-nbctl list"
    # DHCPv6 gives an address without a prefix: clients take 128 bits or the router's.
    lengths = (128, ip_network(subnet["cidr"]).prefixlen)
    wanted = {ip_interface(f"{address}/{length}") for length in lengths}
    if wanted.isdisjoint(map(ip_interface, seen.addresses(mac))):
        yield _other(seen, mac, address, f"{mend} DHCP_Options")
    yield from _way(seen, subnet, mac, f"{mend} Logical_Router_Port")


def stateless(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """The port's IPv6 address made from the advertised prefix; the name server from DHCPv6."""
    seen, subnet, mac, address = _seen(cloud, STATELESS)
    mend = f"{STATELESS} needs a router whose advertisements say so: ovn-nbctl list"
    wanted = ip_interface(f"{address}/{ip_network(subnet['cidr']).prefixlen}")
    if wanted not in map(ip_interface, seen.addresses(mac)):
        yield _other(seen, mac, str(wanted), f"{mend} Logical_Router_Port")
    yield from _way(seen, subnet, mac, f"{mend} Logical_Router_Port")
    given = seen.by_dhcp6(mac)
    if missing := seen.ours - set(given):
        yield Finding(
            f"a guest in {subnet['cidr']}",
            f"the subnet's name server {', '.join(map(str, missing))} from DHCPv6",
            ", ".join(map(str, given)) or "none",
            f"{mend} DHCP_Options",
        )


def _other(seen: Inside, mac: str, wanted: str, mend: str) -> Finding:
    return Finding(
        f"a guest's network card {mac}",
        f"{wanted}, as its port has it",
        ", ".join(seen.addresses(mac)) or "no address",
        mend,
    )


PROVEN = Standard(
    "scs-addresses",
    "proven",
    "Addresses in guests",
    URL,
    (
        booting(
            "scs-addresses-dhcp",
            "A guest gets its port's IPv4 address by DHCP",
            by_dhcp,
            "What Neutron shows is where others look for the server.",
            Severity.MANDATORY,
        ),
        booting(
            "scs-addresses-dhcpv6-stateful",
            "A guest gets its port's IPv6 address by DHCPv6",
            stateful,
            "IPv6 that works in the API only is found out too late.",
            Severity.MANDATORY,
        ),
        booting(
            "scs-addresses-dhcpv6-stateless",
            "A guest makes its port's IPv6 address, and gets a name server by DHCPv6",
            stateless,
            "Systems without full DHCPv6 have no other way to IPv6.",
            Severity.MANDATORY,
        ),
    ),
)
