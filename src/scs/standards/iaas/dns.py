# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The draft SCS-0127 (DNS), asked from a guest: resolvers, names of ports, zones of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from scs.standards.iaas.guests import Guest, booting, guest
from scs.standards.iaas.inside import SILENT, Inside, Reply, inside
from scs.standards.iaas.lan import NAMING, RECORD, naming
from scs.standards.model import Check, Cloud, CouldNotRun, Finding, Severity, Standard

URL = "https://docs.scs.community/standards/scs-0127-v1-dns"
ANSWERS = ("0", "3")
"""RCODEs of one who does his work: here it is, and there is no such name."""


def _seen(cloud: Cloud) -> tuple[Guest, Inside]:
    known = guest(cloud)
    return known, inside(known.said, known.lan)


def resolver(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """A subnet that names no name server gives guests one all the same, and it answers."""
    _known, seen = _seen(cloud)
    mend = "Neutron: dns_servers in [ovn] (dnsmasq_dns_servers with DHCP agents)"
    if not seen.resolvers:
        yield Finding("a guest", "a name server from DHCP", "none", mend)
        return
    replies = [one for one in seen.replies if one.kind == "NS"]
    if not any(one.code in ANSWERS for one in replies):
        told = "; ".join(f"{one.server}: {_words(one)}" for one in replies)
        yield Finding(
            "a guest",
            "a name server from DHCP that answers what the root's name servers are",
            told or "none was asked",
            f"{mend} must name resolvers that guests reach",
        )


def _words(reply: Reply) -> str:
    return "silence" if reply.code == SILENT else f"RCODE {reply.code}"


def ports_have_names(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """Neutron has one of the extensions that give ports names."""
    if not naming(cloud):
        yield Finding(
            "extensions of the network API",
            f"one of {', '.join(NAMING)}",
            "there is none",
            "Neutron: dns or dns_domain_ports in extension_drivers of [ml2]",
        )


def own_name(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """The guest's name servers know all addresses of its port by its name."""
    known, seen = _seen(cloud)
    if not naming(cloud):
        raise CouldNotRun(f"Neutron gives ports no names: it has no {NAMING[0]}")
    name = known.lan.names.own
    replies = [one for one in seen.replies if one.name == name]
    if not replies:
        raise CouldNotRun("the guest had no name server to ask, or Neutron showed no domain")
    wanted = _assigned(cloud, known, name)
    found = frozenset[Any]().union(*(one.addresses for one in replies))
    if missing := wanted - found:
        told = "; ".join(f"{one.server} {one.kind}: {_answer(one)}" for one in replies)
        yield Finding(
            f"the name {name} in a guest",
            ", ".join(sorted(map(str, missing))),
            told,
            "look at DNS of the network: ovn-nbctl list DNS",
        )


def _assigned(cloud: Cloud, known: Guest, name: str) -> set[Any]:
    """The addresses that Neutron says that this name has in the first network."""
    ports = cloud.items("network", f"/ports?device_id={known.server}", "ports")
    here = [port for port in ports if port["network_id"] == known.lan.networks[0]]
    names = [one for port in here for one in port.get("dns_assignment") or ()]
    wanted = {ip_address(one["ip_address"]) for one in names if one["fqdn"] == name}
    if not wanted:
        told = ", ".join(sorted({str(one["fqdn"]) for one in names})) or "nothing"
        raise CouldNotRun(f"the guest asked for {name}, and Neutron calls its port {told}")
    return wanted


def _answer(reply: Reply) -> str:
    return ", ".join(sorted(map(str, reply.addresses))) or _words(reply)


def zone_extension(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """Where there are zones, ports and networks can be given names in them."""
    if not set(naming(cloud)) & set(NAMING[1:]):
        yield Finding(
            "extensions of the network API",
            f"one of {', '.join(NAMING[1:])}",
            ", ".join(naming(cloud)) or "there is none",
            "Neutron: subnet_dns_publish_fixed_ip in extension_drivers of [ml2]",
        )


def record(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """A guest hears a record of a zone of ours, from the zone's name server."""
    known, seen = _seen(cloud)
    names = known.lan.names
    if names.problem:
        raise CouldNotRun(f"no zone could be made: {names.problem}")
    zone = cloud.get("dns", f"/zones/{names.zone}").checked().body
    if zone["status"] == "ERROR":
        yield Finding(
            f"zone {zone['name']}", "ACTIVE", "ERROR", "look at the logs of designate-worker"
        )
        return
    replies = [one for one in seen.replies if one.name == names.record]
    if any(ip_address(RECORD) in one.addresses for one in replies):
        return
    # Who was told to the guest by DHCP need not know where this zone is.
    own = [one for one in replies if one.server not in seen.servers and one.code != SILENT]
    if not own:
        raise CouldNotRun(_unheard(names.servers, replies))
    yield Finding(
        f"{names.record} in a guest",
        f"{RECORD} from {', '.join(names.servers)}",
        "; ".join(f"{one.server}: {_answer(one)}" for one in own),
        "look at the name server's zones and at designate-mdns",
    )


def _unheard(hosts: Sequence[str], replies: Sequence[Reply]) -> str:
    told = "; ".join(f"{one.server}: {_answer(one)}" for one in replies)
    return f"the guest hears nothing from {', '.join(hosts)}: {told or 'no address is known'}"


DRAFT = Standard(
    "scs-0127",
    "draft",
    "DNS",
    URL,
    (
        booting(
            "scs-0127-resolver",
            "A guest is given a name server that answers",
            resolver,
            "Without one, nothing that has a name can be reached.",
            Severity.MANDATORY,
        ),
        Check(
            id="scs-0127-dns-integration",
            title="Neutron gives ports names",
            rationale="Servers find each other by name, and addresses may change.",
            ask=ports_have_names,
            severity=Severity.RECOMMENDED,
            services=("network",),
        ),
        booting(
            "scs-0127-own-name",
            "A guest finds its port's addresses by name",
            own_name,
            "A name in the API is of use when guests can look it up.",
            Severity.RECOMMENDED,
        ),
        Check(
            id="scs-0127-zone-extension",
            title="Ports and networks can have names in zones",
            rationale="So that a name follows its server and nobody has to write it down.",
            ask=zone_extension,
            severity=Severity.RECOMMENDED,
            services=("network", "dns"),
        ),
        booting(
            "scs-0127-zone-record",
            "A record in a zone of one's own is heard",
            record,
            "A zone is made for others to ask; what the API has is not yet an answer.",
            Severity.MANDATORY,
            "dns",
        ),
    ),
)
