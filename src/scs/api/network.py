# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Networks, routers, security groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scs.api.clients import Clients
from scs.api.kinds import Kind, lines
from scs.model.objects import CloudNetwork, DefaultRule, DefaultRules, Router, SecurityGroup, Subnet


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
        networks = {item["name"]: item["id"] for item in listed}
        subnets: dict[str, list[str]] = {}
        for item in clients.rest("network", "/v2.0/subnets", "subnets"):
            subnets.setdefault(item["network_id"], []).append(item["name"])
        return {
            want.id: {
                "id": networks[want.name],
                "subnets": sorted(subnets.get(networks[want.name], [])),
            }
            if want.name in networks
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
        routers = {
            item["name"]: item for item in clients.rest("network", "/v2.0/routers", "routers")
        }
        subnets: dict[str, list[str]] = {}
        inside = "/v2.0/ports?device_owner=network:router_interface"
        for port in clients.rest("network", inside, "ports"):
            subnets.setdefault(port["device_id"], []).extend(
                names.get(address["subnet_id"], "") for address in port["fixed_ips"]
            )
        return {
            want.id: {
                "id": routers[want.name]["id"],
                "gateway": bool(routers[want.name]["external_gateway_info"]),
                "subnets": sorted(subnets.get(routers[want.name]["id"], [])),
            }
            if want.name in routers
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
        external = network.find_network(want.external, ignore_missing=False).id
        gateway = {"network_id": external}
        if not seen:
            known = network.create_router(name=want.name, external_gateway_info=gateway).id
        else:
            known = seen["id"]
            if not seen["gateway"]:
                network.update_router(known, external_gateway_info=gateway)
        for name in want.subnets:
            if name not in seen.get("subnets", []):
                subnet = network.find_subnet(name, ignore_missing=False)
                network.add_interface_to_router(known, subnet=subnet.id)


class SecurityGroups(Kind[SecurityGroup]):
    """Security groups with their rules for what may come in."""

    def observe(self, clients: Clients, wanted: Sequence[SecurityGroup]) -> dict[str, Any]:
        listed = clients.rest("network", "/v2.0/security-groups", "security_groups")
        groups = {item["name"]: item for item in listed}
        return {
            want.id: {
                "id": groups[want.name]["id"],
                "ingress": sorted(
                    [
                        rule["ethertype"],
                        rule["protocol"] or "",
                        rule["port_range_min"] or 0,
                    ]
                    for rule in groups[want.name]["security_group_rules"]
                    if rule["direction"] == "ingress"
                ),
            }
            if want.name in groups
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
        return "lacks rules" if self._missing(want, seen) else None

    def converge(self, clients: Clients, want: SecurityGroup, seen: Mapping[str, Any]) -> None:
        network = clients.of(want.project).network
        known = seen["id"] if seen else network.create_security_group(name=want.name).id
        for kind, protocol, port in self._missing(want, seen):
            values: dict[str, Any] = {"ethertype": kind, "protocol": protocol}
            if kind == "IPv6" and protocol == "icmp":
                values["protocol"] = "ipv6-icmp"
            if port:
                values |= {"port_range_min": port, "port_range_max": port}
            network.create_security_group_rule(
                security_group_id=known, direction="ingress", **values
            )


DEFAULT_RULES = "/v2.0/default-security-group-rules"
PARENT = "PARENT"
"""How Neutron calls the group that a rule will be in."""


class DefaultSecurityGroupRules(Kind[DefaultRules]):
    """The rules that new security groups begin with: those that are wanted, and no others."""

    def observe(self, clients: Clients, wanted: Sequence[DefaultRules]) -> dict[str, Any]:
        listed = clients.rest("network", DEFAULT_RULES, "default_security_group_rules")
        found = {"rules": sorted([(_rule(item).text, item["id"]) for item in listed])}
        return {want.id: found for want in wanted}

    def _differences(
        self, want: DefaultRules, seen: Mapping[str, Any]
    ) -> tuple[list[DefaultRule], list[tuple[str, str]]]:
        """Rules that are missing; texts and ids of those that are too many."""
        missing = {rule.text: rule for rule in want.rules}
        return (
            [rule for text, rule in missing.items() if text not in dict(seen["rules"])],
            [(text, known) for text, known in seen["rules"] if text not in missing],
        )

    def compare(self, want: DefaultRules, seen: Mapping[str, Any]) -> str | None:
        missing, more = self._differences(want, seen)
        words = [f"lacks {len(missing)}"] if missing else []
        words += [f"has {len(more)} that cloud.yaml does not name"] if more else []
        return ", ".join(words) or None

    def diff(self, want: DefaultRules, seen: Mapping[str, Any]) -> str:
        missing, more = self._differences(want, seen)
        return lines(
            [
                *((text, "there", "nothing") for text, _ in more),
                *((rule.text, "nothing", "there") for rule in missing),
            ]
        )

    def converge(self, clients: Clients, want: DefaultRules, seen: Mapping[str, Any]) -> None:
        missing, more = self._differences(want, seen)
        # First those that are wanted: a group made meanwhile has rather too much than no way out.
        for rule in missing:
            first, last = rule.ports or (None, None)
            body = {
                "direction": rule.direction,
                "ethertype": rule.ethertype,
                "protocol": rule.protocol or None,
                "port_range_min": first,
                "port_range_max": last,
                "remote_ip_prefix": rule.prefix or None,
                "remote_group_id": PARENT if rule.members else None,
                "used_in_default_sg": rule.default,
                "used_in_non_default_sg": rule.custom,
            }
            given = {key: value for key, value in body.items() if value is not None}
            clients.change("POST", "network", DEFAULT_RULES, {"default_security_group_rule": given})
        for _, known in more:
            clients.change("DELETE", "network", f"{DEFAULT_RULES}/{known}")


def _rule(item: Mapping[str, Any]) -> DefaultRule:
    """A rule as Neutron tells it."""
    first, last = item["port_range_min"], item["port_range_max"]
    return DefaultRule(
        direction=item["direction"],
        ethertype=item["ethertype"],
        protocol=item["protocol"] or "",
        ports=None if first is None else (first, last),
        prefix=item["remote_ip_prefix"] or "",
        members=item["remote_group_id"] == PARENT,
        default=item["used_in_default_sg"],
        custom=item["used_in_non_default_sg"],
    )
