# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""The rules that each new security group gets, in cloud.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from scs.model.security_rules import (
    ALIASES,
    ANY,
    ICMP,
    PARENT,
    PROTOCOLS,
    WITH_PORTS,
    DefaultRule,
    protocol_of,
)
from scs.spec import kinds
from scs.spec.finding import Finding
from scs.spec.kinds import Kind, KindError
from scs.spec.part import Part
from scs.spec.wording import Loc, dotted, nearest

if TYPE_CHECKING:
    from scs.spec.model import CloudSpec

LOC: Loc = ("content", "default_security_group_rules")
_PROTOCOL_NAMES = (ANY, *PROTOCOLS, *ALIASES)


def _protocol(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255:
        return str(value)
    if isinstance(value, str) and (value in _PROTOCOL_NAMES or _is_number(value)):
        return value
    guess = nearest(value, _PROTOCOL_NAMES) if isinstance(value, str) else None
    raise KindError(f"did you mean `{guess}`?" if guess else "")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 4 and int(text) <= 255


def _prefix(value: object) -> IPv4Network | IPv6Network:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    if not isinstance(value, str) or "%" in value:
        raise KindError
    try:
        network = ip_network(value, strict=False)
    except ValueError as error:
        raise KindError from error
    if "/" not in value:
        raise KindError(f"add the prefix length, for one address `{network}`")
    start = ip_network(value.partition("/")[0]).network_address
    if start != network.network_address or (network.version == 4 and value != str(network)):
        raise KindError(f"write `{network}`")
    return network


PROTOCOL = Kind(
    "`any`, a protocol such as `tcp`, `udp` or `icmp`, or its number (0 to 255)",
    _protocol,
    {
        "anyOf": [
            {"enum": list(_PROTOCOL_NAMES)},
            {"type": "integer", "minimum": 0, "maximum": 255},
            {"type": "string", "pattern": "^[0-9]{1,3}$"},
        ]
    },
)
PREFIX = Kind(
    "an IPv4 or IPv6 network such as `10.0.0.0/8`",
    _prefix,
    {"type": "string", "pattern": "^[0-9A-Fa-f:.]+/[0-9]+"},
)
NUMBER = kinds.number(0, 65535, "a port, or a type or code of ICMP")


class DefaultRuleEntry(Part):
    """A rule that new groups get, with the names that Neutron's API has for its parts."""

    direction: Annotated[str, kinds.choice(("ingress", "egress"))] = Field(
        description="Whether it lets in or out.", examples=["ingress"]
    )
    ethertype: Annotated[str, kinds.choice(("IPv4", "IPv6"))] = Field(
        description="Of which addresses.", examples=["IPv4"]
    )
    protocol: Annotated[str, PROTOCOL] = Field(
        default=ANY, description="Which protocol; `any`: all.", examples=["tcp"]
    )
    port_range_min: Annotated[int, NUMBER] | None = Field(
        default=None,
        description="The first port; for ICMP the type. `null`: all.",
        examples=["8000"],
    )
    port_range_max: Annotated[int, NUMBER] | None = Field(
        default=None,
        description="The last port; for ICMP the code. `null`: of ports the first one only, of "
        "codes all.",
        examples=["8100"],
    )
    remote_ip_prefix: Annotated[IPv4Network | IPv6Network, PREFIX] | None = Field(
        default=None,
        description="Only from or to these addresses; `null`: all.",
        examples=["10.0.0.0/8"],
    )
    remote_group_id: Annotated[str, kinds.choice((PARENT,))] | None = Field(
        default=None,
        description="`PARENT`: only from or to machines of the group that has the rule.",
        examples=["PARENT"],
    )
    used_in_default_sg: Annotated[bool, kinds.TRUTH] = Field(
        default=False,
        description="Whether the group `default` of a new project gets it.",
        examples=["true"],
    )
    used_in_non_default_sg: Annotated[bool, kinds.TRUTH] = Field(
        default=False,
        description="Whether groups get it that users make.",
        examples=["true"],
    )

    def rule(self) -> DefaultRule:
        """The same as components see it."""
        values = self.model_dump()
        known = protocol_of(self.protocol, self.ethertype)
        if known in WITH_PORTS and self.port_range_max is None:
            values["port_range_max"] = self.port_range_min
        return DefaultRule.of(values)


def default_rules(spec: CloudSpec) -> Iterator[Finding]:
    """No rule of new groups is there twice; each is for some, and fits protocol and ethertype."""
    seen: dict[str, int] = {}
    for index, entry in enumerate(spec.content.default_security_group_rules or ()):
        loc: Loc = (*LOC, index)
        wrong = False
        for key, what, hint in _mistakes(entry):
            wrong = True
            place = (*loc, key) if key else loc
            yield Finding((loc, place), f"{dotted(place)}: {what}", hint)
        if wrong:
            continue
        first = seen.setdefault(entry.rule().does, index)
        if first != index:
            yield Finding(
                ((*LOC, first), loc),
                f"{dotted(loc)}: lets through what {dotted((*LOC, first))} does already",
                "write it once, with `true` for all groups that get it",
            )


def _mistakes(entry: DefaultRuleEntry) -> Iterator[tuple[str, str, str]]:
    """Key (or nothing), what is wrong, and what to do."""
    protocol = protocol_of(entry.protocol, entry.ethertype)
    prefix = entry.remote_ip_prefix
    if not (entry.used_in_default_sg or entry.used_in_non_default_sg):
        hint = "add `used_in_default_sg: true`, `used_in_non_default_sg: true` or both"
        yield "", "no group gets it", hint
    if prefix is not None and entry.remote_group_id:
        what = "expected addresses or a group, got both"
        yield "remote_group_id", what, "make two rules of it, or take one out"
    if prefix is not None and entry.ethertype != f"IPv{prefix.version}":
        what = f"{prefix} has no addresses of {entry.ethertype}"
        yield "remote_ip_prefix", what, f"write `ethertype: IPv{prefix.version}`"
    if protocol.startswith("ipv6-") and entry.ethertype == "IPv4":
        what = f"`{entry.protocol}` is a protocol of IPv6"
        yield "protocol", what, "write `ethertype: IPv6`"
    elif mistake := _of_ports(entry, protocol):
        yield mistake


def _of_ports(entry: DefaultRuleEntry, protocol: str) -> tuple[str, str, str] | None:
    """The one thing that is wrong with the ports, if any."""
    first, last = entry.port_range_min, entry.port_range_max
    if first is None and last is None:
        return None
    key = "port_range_max" if first is None else "port_range_min"
    if protocol == ANY:
        return key, "a port needs a protocol that has some", "add `protocol: tcp`, or `udp`"
    if protocol not in (*WITH_PORTS, *ICMP):
        hint = "take it out, or take a protocol with ports, such as `tcp`"
        return key, f"`{entry.protocol}` has no ports", hint
    if first is None:
        return key, "there is no `port_range_min`", f"add `port_range_min: {last}`"
    if protocol in ICMP:
        for key, value in (("port_range_min", first), ("port_range_max", last)):
            if value is not None and value > 255:
                return key, f"expected a type or code of ICMP, got {value}", "0 to 255"
        return None
    if first == 0 or last == 0:
        key = "port_range_min" if first == 0 else "port_range_max"
        return key, "expected a port, got 0", "1 to 65535"
    if last is not None and last < first:
        hint = f"write `port_range_min: {last}` and `port_range_max: {first}`"
        return "port_range_max", f"{last} is below `port_range_min`, which is {first}", hint
    return None
