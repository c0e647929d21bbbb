# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rules that every new security group gets, in one spelling for what Neutron takes for the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from ipaddress import ip_interface
from typing import Any

PROTOCOLS: Mapping[str, int] = {
    "ah": 51,
    "dccp": 33,
    "egp": 8,
    "esp": 50,
    "gre": 47,
    "icmp": 1,
    "igmp": 2,
    "ip": 0,
    "ipip": 4,
    "ipv6-encap": 41,
    "ipv6-frag": 44,
    "ipv6-icmp": 58,
    "ipv6-nonxt": 59,
    "ipv6-opts": 60,
    "ipv6-route": 43,
    "ospf": 89,
    "pgm": 113,
    "rsvp": 46,
    "sctp": 132,
    "tcp": 6,
    "udp": 17,
    "udplite": 136,
    "vrrp": 112,
}
"""Neutron's names of protocols → their numbers."""
ALIASES: Mapping[str, str] = {"hopopt": "ip", "icmpv6": "ipv6-icmp"}
"""Further names that it takes."""
ANY = "any"
WITH_PORTS = ("dccp", "sctp", "tcp", "udp", "udplite")
ICMP = ("icmp", "ipv6-icmp")
"""Their type and code stand where others have the first and the last port."""
PARENT = "PARENT"
"""Stands for the group that the rule is made in."""
_NAMES = {str(number): name for name, number in PROTOCOLS.items()}
_EVERYWHERE = ("0.0.0.0/0", "::/0")
_ALL_PORTS = (1, 65535)


@dataclass(frozen=True)
class DefaultRule:
    """A rule from which Neutron makes one in each new group; fields as its API calls them."""

    direction: str
    ethertype: str
    protocol: str = ANY
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str = ""
    """Empty: everywhere."""
    remote_group_id: str = ""
    remote_address_group_id: str = ""
    used_in_default_sg: bool = False
    """In the group `default` of a new project."""
    used_in_non_default_sg: bool = False
    """In groups that users make."""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> DefaultRule:
        """The rule with these values of the API, which may hold more."""
        ports = (values.get("port_range_min"), values.get("port_range_max"))
        first, last = (None, None) if ports == _ALL_PORTS else ports
        prefix = str(values.get("remote_ip_prefix") or "")
        prefix = str(ip_interface(prefix).network) if prefix else ""
        return cls(
            direction=values["direction"],
            ethertype=values["ethertype"],
            protocol=protocol_of(values.get("protocol"), values["ethertype"]),
            port_range_min=first,
            port_range_max=last,
            remote_ip_prefix="" if prefix in _EVERYWHERE else prefix,
            remote_group_id=values.get("remote_group_id") or "",
            remote_address_group_id=values.get("remote_address_group_id") or "",
            used_in_default_sg=values["used_in_default_sg"],
            used_in_non_default_sg=values["used_in_non_default_sg"],
        )

    def values(self) -> dict[str, Any]:
        """As the API takes it."""
        protocol = None if self.protocol == ANY else self.protocol
        written = {**asdict(self), "protocol": protocol}
        return {key: None if value == "" else value for key, value in written.items()}

    @property
    def does(self) -> str:
        """What it lets through, in words that no other has."""
        words = [self.direction, self.ethertype, self.protocol, self._ports()]
        peer = self.remote_ip_prefix or self.remote_group_id
        if self.remote_address_group_id:
            peer = f"address group {self.remote_address_group_id}"
        if peer:
            words.append(f"{'from' if self.direction == 'ingress' else 'to'} {peer}")
        return " ".join(filter(None, words))

    @property
    def text(self) -> str:
        """The same, with the groups that have it."""
        where = [
            name
            for name, used in (
                ("default", self.used_in_default_sg),
                ("custom", self.used_in_non_default_sg),
            )
            if used
        ]
        return f"{self.does}, in {' and '.join(where) or 'no'} groups"

    def _ports(self) -> str:
        first, last = self.port_range_min, self.port_range_max
        if self.protocol in ICMP:
            numbers = (("type", first), ("code", last))
            return " ".join(f"{name} {number}" for name, number in numbers if number is not None)
        if first is None and last is None:
            return ""
        return str(first) if first == last else f"{first}-{last}"


def protocol_of(written: object, ethertype: str) -> str:
    """A protocol by the name that this module has for it; IPv6 has an ICMP of its own."""
    text = ANY if written is None else str(written).lower()
    name = _NAMES.get(text, ALIASES.get(text, text))
    return "ipv6-icmp" if (name, ethertype) == ("icmp", "IPv6") else name


def let_in(rules: Iterable[Mapping[str, Any]]) -> set[tuple[str, str, int]]:
    """What a group's rules let in from everywhere: ethertype, protocol (empty: all), first port
    (0: all); values as the API gives them.
    """
    return {
        (rule["ethertype"], rule["protocol"] or "", rule["port_range_min"] or 0)
        for rule in rules
        if rule["direction"] == "ingress" and _everywhere(rule)
    }


def not_let_out(rules: Iterable[Mapping[str, Any]]) -> list[str]:
    """The ethertypes that a group's rules do not let out to everywhere."""
    out = {
        rule["ethertype"]
        for rule in rules
        if rule["direction"] == "egress" and not rule["protocol"] and _everywhere(rule)
    }
    return sorted({"IPv4", "IPv6"} - out)


def _everywhere(rule: Mapping[str, Any]) -> bool:
    narrow = rule.get("remote_group_id") or rule.get("remote_address_group_id")
    return not narrow and (rule.get("remote_ip_prefix") or "") in ("", *_EVERYWHERE)
