# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Defects of the catalog, of zones and of networks."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import urlsplit

from certify_world import CHECKS
from real_defects.site import MARK, Site, Unfit
from real_defects.trial import Make, Real
from scs.standards.iaas.catalog import present
from scs.standards.iaas.network import RULES

# The catalog: what is switched off there is not shown to anybody.


def _services(site: Site, types: Collection[str]) -> list[Any]:
    found = [s for s in site.listed("identity", "/services", "services") if s["type"] in types]
    if not found:
        raise Unfit(f"the catalog has no {' or '.join(types)}")
    return found


def endpoint(site: Site, kind: str, interface: str) -> Any:
    ids = {service["id"] for service in _services(site, [kind])}
    for point in site.listed("identity", "/endpoints", "endpoints"):
        if point["service_id"] in ids and point["interface"] == interface:
            return point
    raise Unfit(f"{kind} has no {interface} endpoint")


def _missing(types: Collection[str]) -> Make:
    def make(site: Site) -> None:
        for service in _services(site, types):
            if service.get("enabled", True):
                path = f"/services/{service['id']}"
                off, on = ({"service": {"enabled": one}} for one in (False, True))
                site.change("PATCH", "identity", path, off, on)

    return make


def _without_endpoint(kind: str) -> Make:
    def make(site: Site) -> None:
        path = f"/endpoints/{endpoint(site, kind, 'public')['id']}"
        off, on = ({"endpoint": {"enabled": one}} for one in (False, True))
        site.change("PATCH", "identity", path, off, on)

    return make


def _in_the_clear(kind: str) -> Make:
    """One more endpoint, without TLS: nobody uses this interface, so nobody is hurt."""

    def make(site: Site) -> None:
        known = endpoint(site, kind, "public")
        url = known["url"].replace("https://", "http://")
        values = {"service_id": known["service_id"], "interface": "admin", "url": url}
        more = {"region_id": known.get("region_id"), "enabled": True}
        by = ("service_id", "interface", "url")
        site.make("identity", "/endpoints", "endpoint", {**values, **more}, by)

    return make


def _elsewhere(site: Site) -> None:
    """The object store is where placement is, which does not speak S3."""
    known, other = (endpoint(site, kind, "public") for kind in ("object-store", "placement"))
    url = urlsplit(known["url"])._replace(netloc=urlsplit(other["url"]).netloc).geturl()
    there, back = ({"endpoint": {"url": one}} for one in (url, known["url"]))
    site.change("PATCH", "identity", f"/endpoints/{known['id']}", there, back)


def _catalog_defects() -> Iterator[Real]:
    for check in CHECKS.values():
        if check.ask is present:
            types = check.parameters["types"]
            yield Real(f"service-missing-{types[0]}", check.id, _missing(types))
    yield Real(
        "endpoint-missing",
        "scs-0123-service-placement",
        _without_endpoint("placement"),
        "a public endpoint in this region; seen endpoints: ",
    )
    yield Real(
        "endpoint-in-the-clear",
        "scs-0125-https",
        _in_the_clear("placement"),
        "admin endpoint of placement: expected https://; seen http://",
    )
    yield Real("s3-missing", "scs-0123-swift-s3", _elsewhere, "unknown access key; seen ")


# Zones and networks.


def _no_hosts(site: Site) -> None:
    path, microversion = "/os-services?binary=nova-compute", "2.53"
    for one in site.listed("compute", path, "services", microversion):
        if one["status"] == "enabled":
            off, on = {"status": "disabled", "disabled_reason": MARK}, {"status": "enabled"}
            site.change("PUT", "compute", f"/os-services/{one['id']}", off, on, microversion)


def _open_groups(site: Site) -> None:
    values = {"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp"}
    flags = {"used_in_default_sg": True, "used_in_non_default_sg": True}
    rule = {**values, "remote_ip_prefix": "0.0.0.0/0", **flags}
    site.make("network", RULES, "default_security_group_rule", rule, tuple(values))


def _shut_groups(site: Site) -> None:
    """No rule lets all of IPv6 out any more; such a one is made again, under another id."""
    key = "default_security_group_rules"
    names = ("direction", "ethertype", "protocol", "remote_ip_prefix", "remote_group_id")
    flags = ("used_in_default_sg", "used_in_non_default_sg")
    for rule in site.listed("network", RULES, key):
        if (rule["direction"], rule["ethertype"]) == ("egress", "IPv6"):
            where = {name: rule[name] for name in (*names, *flags)}
            given = {name: value for name, value in where.items() if value is not None}
            body = {"default_security_group_rule": given}
            about = {"service": "network", "path": RULES, "key": key}
            site.before({"do": "ensure", **about, "where": where, "json": body})
            site.ask("DELETE", "network", f"{RULES}/{rule['id']}")


def _no_default(site: Site) -> None:
    found = site.listed("network", "/networks?router:external=true", "networks")
    for network in found:
        if network.get("is_default"):
            off, on = ({"network": {"is_default": one}} for one in (False, True))
            site.change("PUT", "network", f"/networks/{network['id']}", off, on)


POOL = {"name": MARK, "prefixes": ["fd5c:5c5c:dead::/48"], "default_prefixlen": 64, "shared": True}


def _pool(site: Site) -> None:
    """A pool of our own: one of the cloud's could not be taken away while it is used."""
    if not any(
        one["ip_version"] == 6 and one.get("shared")
        for one in site.listed("network", "/subnetpools", "subnetpools")
    ):
        site.make("network", "/subnetpools", "subnetpool", POOL)


def _no_pool(site: Site) -> None:
    found = site.listed("network", "/subnetpools", "subnetpools")
    six = [one for one in found if one["ip_version"] == 6 and one.get("shared")]
    if [one["name"] for one in six] != [MARK]:
        raise Unfit("the cloud's own shared pool of IPv6 subnets may be in use")
    about = {"service": "network", "path": "/subnetpools", "key": "subnetpools"}
    site.before({"do": "ensure", **about, "where": {"name": MARK}, "json": {"subnetpool": POOL}})
    site.ask("DELETE", "network", f"/subnetpools/{six[0]['id']}")


def defects() -> Iterator[Real]:
    yield from _catalog_defects()
    yield Real("zone-down", "scs-0121-zones-available", _no_hosts, settle=15)
    rules = "scs-0115-default-rules"
    yield Real("security-groups-open", rules, _open_groups)
    yield Real(
        "security-groups-shut",
        rules,
        _shut_groups,
        "default groups: expected a rule that lets all of IPv6 out",
    )
    yield Real("external-network-not-default", "scs-0126-default-external-network", _no_default)
    yield Real("ipv6-pool-missing", "scs-0126-ipv6-subnet-pool", _no_pool, prepare=_pool)
