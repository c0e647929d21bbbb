# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Networks, routers, security groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scs.api.clients import Clients
from scs.api.kinds import Kind
from scs.model.objects import CloudNetwork, Router, SecurityGroup, Subnet
from scs.model.security_rules import let_in, not_let_out


def external_network(network: Any, name: str) -> str:
    """The id of an external network: a project may have one of its own with that name."""
    return first(network.networks(name=name, is_router_external=True), f"external network {name}")


def first(listed: Iterable[Any], what: str) -> str:
    """The id of the first of these; raises RuntimeError when there is none."""
    for item in listed:
        return str(item.id)
    raise RuntimeError(f"there is no {what}")


def subnet_values(subnet: Subnet) -> dict[str, Any]:
    """A subnet as Neutron's API takes it."""
    values: dict[str, Any] = {
        "name": subnet.name,
        "cidr": subnet.cidr,
        "ip_version": 6 if ":" in subnet.cidr else 4,
        "enable_dhcp": subnet.dhcp,
    }
    if subnet.gateway:
        values["gateway_ip"] = subnet.gateway
    if subnet.pool:
        values["allocation_pools"] = [{"start": subnet.pool[0], "end": subnet.pool[1]}]
    if subnet.dns:
        values["dns_nameservers"] = [
            address for address in subnet.dns if (":" in address) == (":" in subnet.cidr)
        ]
    if subnet.ipv6_mode:
        values |= {"ipv6_address_mode": subnet.ipv6_mode, "ipv6_ra_mode": subnet.ipv6_mode}
    return values


class Networks(Kind[CloudNetwork]):
    """Networks with their subnets."""

    def observe(self, clients: Clients, wanted: Sequence[CloudNetwork]) -> dict[str, Any]:
        listed = clients.rest("network", "/v2.0/networks", "networks")
        networks = _by_project(clients, listed)
        networks[""] = {item["name"]: item for item in listed if item["router:external"]}
        subnets: dict[str, list[str]] = {}
        for item in clients.rest("network", "/v2.0/subnets", "subnets"):
            subnets.setdefault(item["network_id"], []).append(item["name"])
        return {
            want.id: {"id": there["id"], "subnets": sorted(subnets.get(there["id"], []))}
            if (there := networks.get(want.project, {}).get(want.name))
            else {}
            for want in wanted
        }

    def compare(self, want: CloudNetwork, seen: Mapping[str, Any]) -> str | None:
        if not seen:
            return "is missing"
        missing = sorted({subnet.name for subnet in want.subnets} - set(seen["subnets"]))
        return f"lacks subnet {', '.join(missing)}" if missing else None

    def converge(self, clients: Clients, want: CloudNetwork, seen: Mapping[str, Any]) -> None:
        network = clients.of(want.project).network
        if seen:
            known = seen["id"]
        else:
            values: dict[str, Any] = {"name": want.name}
            if want.physical:
                values |= {
                    "router:external": True,
                    "is_default": True,
                    "provider:network_type": "flat",
                    "provider:physical_network": want.physical,
                }
            known = network.create_network(**values).id
        for subnet in want.subnets:
            if subnet.name not in seen.get("subnets", []):
                network.create_subnet(network_id=known, **subnet_values(subnet))


class Routers(Kind[Router]):
    """Routers with their gateway and interfaces."""

    def observe(self, clients: Clients, wanted: Sequence[Router]) -> dict[str, Any]:
        listed = clients.rest("network", "/v2.0/subnets", "subnets")
        names = {item["id"]: item["name"] for item in listed}
        routers = _by_project(clients, clients.rest("network", "/v2.0/routers", "routers"))
        subnets: dict[str, list[str]] = {}
        inside = "/v2.0/ports?device_owner=network:router_interface"
        for port in clients.rest("network", inside, "ports"):
            subnets.setdefault(port["device_id"], []).extend(
                names.get(address["subnet_id"], "") for address in port["fixed_ips"]
            )
        return {
            want.id: {
                "id": there["id"],
                "gateway": bool(there["external_gateway_info"]),
                "subnets": sorted(subnets.get(there["id"], [])),
            }
            if (there := routers.get(want.project, {}).get(want.name))
            else {}
            for want in wanted
        }

    def compare(self, want: Router, seen: Mapping[str, Any]) -> str | None:
        if not seen:
            return "is missing"
        if not seen["gateway"]:
            return "has no gateway"
        missing = sorted(set(want.subnets) - set(seen["subnets"]))
        return f"is not in subnet {', '.join(missing)}" if missing else None

    def converge(self, clients: Clients, want: Router, seen: Mapping[str, Any]) -> None:
        network = clients.of(want.project).network
        own = clients.of(want.project).current_project_id
        gateway = {"network_id": external_network(network, want.external)}
        clients.way.give()
        if not seen:
            known = network.create_router(name=want.name, external_gateway_info=gateway).id
        else:
            known = seen["id"]
            if not seen["gateway"]:
                network.update_router(known, external_gateway_info=gateway)
        for name in want.subnets:
            if name not in seen.get("subnets", []):
                clients.way.give()
                subnet = first(network.subnets(name=name, project_id=own), f"subnet {name}")
                network.add_interface_to_router(known, subnet=subnet)


class SecurityGroups(Kind[SecurityGroup]):
    """Security groups with their rules for what may come in; all may go out."""

    def observe(self, clients: Clients, wanted: Sequence[SecurityGroup]) -> dict[str, Any]:
        listed = clients.rest("network", "/v2.0/security-groups", "security_groups")
        groups = _by_project(clients, listed)
        return {
            want.id: _of_group(there["id"], there["security_group_rules"])
            if (there := groups.get(want.project, {}).get(want.name))
            else {}
            for want in wanted
        }

    def _missing(self, want: SecurityGroup, seen: Mapping[str, Any]) -> list[tuple[str, str, int]]:
        there = {
            (kind, "icmp" if protocol == "ipv6-icmp" else protocol, port)
            for kind, protocol, port in seen.get("ingress", [])
        }
        return [rule for rule in want.ingress if rule not in there]

    def compare(self, want: SecurityGroup, seen: Mapping[str, Any]) -> str | None:
        if not seen:
            return "is missing"
        return "lacks rules" if self._missing(want, seen) or seen.get("shut") else None

    def converge(self, clients: Clients, want: SecurityGroup, seen: Mapping[str, Any]) -> None:
        network = clients.of(want.project).network
        if not seen:
            made = network.create_security_group(name=want.name)
            # A new group has whatever rules the provider gives to all, be they more or fewer.
            seen = _of_group(made.id, made.security_group_rules)
        for kind in seen.get("shut", ()):
            network.create_security_group_rule(
                security_group_id=seen["id"], direction="egress", ethertype=kind
            )
        for kind, protocol, port in self._missing(want, seen):
            values: dict[str, Any] = {"ethertype": kind, "protocol": protocol}
            if kind == "IPv6" and protocol == "icmp":
                values["protocol"] = "ipv6-icmp"
            if port:
                values |= {"port_range_min": port, "port_range_max": port}
            network.create_security_group_rule(
                security_group_id=seen["id"], direction="ingress", **values
            )


def _by_project(
    clients: Clients, listed: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, Mapping[str, Any]]]:
    """Project → name → what it has of these: other projects may use the same names."""
    names = {known: name for name, known in clients.project_ids().items()}
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for item in listed:
        found.setdefault(names.get(item["project_id"], item["project_id"]), {})[item["name"]] = item
    return found


def _of_group(known: str, rules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """`shut`, where there is any: the ethertypes that are not let out."""
    seen = {"id": known, "ingress": sorted(list(rule) for rule in let_in(rules))}
    shut = not_let_out(rules)
    return {**seen, "shut": shut} if shut else seen
