# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""SCS-0115 (default security groups) and the draft SCS-0126 (the way out of the cloud)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scs.standards.model import Check, Cloud, CouldNotRun, Finding, Needs, Severity, Standard

GROUPS = "https://docs.scs.community/standards/scs-0115-v1-default-rules-for-security-groups"
PROVIDER = "https://docs.scs.community/standards/scs-0126-v1-provider-networks"
RULES = "/default-security-group-rules"
REFUSED = (403, 404)
"""Forbidden, or there is no such thing in this cloud at all."""


def default_rules(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """New groups let everything out and nothing in, but for the default group's own members."""
    answer = cloud.get("network", RULES)
    if answer.status == 404:  # a Neutron of before 2023.2: a new group shows its rules
        yield from _of_a_new_group(cloud)
        return
    rules = answer.checked().body["default_security_group_rules"]
    for rule in rules:
        if opens(rule):
            yield _lets_in(f"default rule {rule['id']}", rule)
    for groups, kind in shut(rules):
        yield _keeps_in(f"{groups} groups", kind)


def opens(rule: Mapping[str, Any]) -> bool:
    """Whether a default rule lets more in than the standard allows."""
    own = rule.get("remote_group_id") == "PARENT"
    return rule["direction"] == "ingress" and not (own and not rule["used_in_non_default_sg"])


def shut(rules: Sequence[Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
    """Which new groups (default, custom) these rules do not let out to all of IPv4 or IPv6."""
    for groups, flag in (("default", "used_in_default_sg"), ("custom", "used_in_non_default_sg")):
        for kind in _not_let_out([rule for rule in rules if rule[flag]]):
            yield groups, kind


def _of_a_new_group(cloud: Cloud) -> Iterable[Finding]:
    made = cloud.send("POST", "network", "/security-groups", {"security_group": dict(cloud.marks)})
    group = made.checked().body["security_group"]
    try:
        rules = group["security_group_rules"]
        for rule in rules:
            if rule["direction"] == "ingress":
                yield _lets_in("a new group", rule)
        for kind in _not_let_out(rules):
            yield _keeps_in("a new group", kind)
    finally:
        cloud.send("DELETE", "network", f"/security-groups/{group['id']}")


def _lets_all_out(rule: Mapping[str, Any]) -> bool:
    narrow = ("remote_ip_prefix", "remote_group_id", "protocol", "port_range_min")
    anywhere = {"0.0.0.0/0", "::/0", None, ""}
    return rule["direction"] == "egress" and all(
        not rule.get(name) or (name == "remote_ip_prefix" and rule[name] in anywhere)
        for name in narrow
    )


def _lets_in(subject: str, rule: Mapping[str, Any]) -> Finding:
    whence = rule.get("remote_ip_prefix") or rule.get("remote_group_id") or "anywhere"
    return Finding(
        subject,
        "no way in but from the same group, and that in default groups only",
        f"lets {rule.get('protocol') or 'everything'} ({rule['ethertype']}) in from {whence}",
        f"openstack default security group rule delete {rule['id']}",
    )


def _not_let_out(rules: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    out = {rule["ethertype"] for rule in rules if _lets_all_out(rule)}
    return (kind for kind in ("IPv4", "IPv6") if kind not in out)


def _keeps_in(subject: str, kind: str) -> Finding:
    return Finding(
        subject,
        f"a rule that lets all of {kind} out",
        "there is none",
        f"openstack default security group rule create --egress --ethertype {kind}"
        " --for-default-sg --for-custom-sg",
    )


def _external(cloud: Cloud) -> list[dict[str, Any]]:
    return cloud.items("network", "/networks?router:external=true", "networks")


def external(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """There is a network that leads out, to be seen by members."""
    if not _external(cloud):
        yield Finding(
            "networks",
            "one with router:external that members see",
            "there is none",
            "openstack network create --external --provider-network-type … NAME",
        )


def default_external(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """One of them is what is meant when none is named."""
    known = _external(cloud)
    if sum(bool(network.get("is_default")) for network in known) != 1:
        names = ", ".join(
            f"{network['name']}{' (default)' if network.get('is_default') else ''}"
            for network in known
        )
        yield Finding(
            "external networks",
            "exactly one is the default",
            names or "there is none",
            "openstack network set --external --default NAME",
        )


def ipv6_pool(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """Members can have IPv6 addresses that are routed, from a pool."""
    pools = cloud.items("network", "/subnetpools", "subnetpools")
    if not any(pool["ip_version"] == 6 and pool.get("shared") for pool in pools):
        seen = ", ".join(f"{pool['name']} (IPv{pool['ip_version']})" for pool in pools)
        yield Finding(
            "subnet pools",
            "a shared one for IPv6",
            seen or "there is none",
            "openstack subnet pool create --share --pool-prefix PREFIX NAME",
        )


def port_security(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """Where servers may be put into an external network, they cannot take others' addresses."""
    for network in _external(cloud):
        if network.get("shared") and not network.get("port_security_enabled", True):
            yield Finding(
                f"network {network['name']}",
                "port security, since servers of all projects may be in it",
                "it is off",
                f"openstack network set --enable-port-security {network['id']}",
            )


def default_pools(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """Of the shared pools for one version of IP, one is what is meant when none is named."""
    pools = [one for one in cloud.items("network", "/subnetpools", "subnetpools") if one["shared"]]
    if not pools:
        raise CouldNotRun("there is no shared subnet pool")
    for version in sorted({pool["ip_version"] for pool in pools}):
        known = [pool for pool in pools if pool["ip_version"] == version]
        if sum(bool(pool.get("is_default")) for pool in known) != 1:
            yield Finding(
                f"shared subnet pools for IPv{version}",
                "exactly one is the default",
                ", ".join(
                    f"{pool['name']}{' (default)' if pool.get('is_default') else ''}"
                    for pool in known
                ),
                "openstack subnet pool set --default NAME",
            )


def no_faux(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """A member cannot make another project take a network of its own for the provider's."""
    made = cloud.send("POST", "network", "/networks", {"network": dict(cloud.marks)}).checked()
    known = made.body["network"]["id"]
    try:
        policy = {
            "object_type": "network",
            "object_id": known,
            "action": "access_as_shared",
            # Our own: nobody else is to see it while it is there.
            "target_tenant": cloud.token.project_id,
        }
        answer = cloud.send("POST", "network", "/rbac-policies", {"rbac_policy": policy})
        if answer.ok:
            yield Finding(
                "sharing a network of a member's",
                "403",
                str(answer.status),
                "Neutron's policy: create_rbac_policy for administrators only",
            )
            gone = f"/rbac-policies/{answer.body['rbac_policy']['id']}"
            cloud.send("DELETE", "network", gone)
        elif answer.status not in REFUSED:
            answer.checked()
    finally:
        cloud.send("DELETE", "network", f"/networks/{known}")


STANDARD = Standard(
    "scs-0115",
    "v1",
    "Default rules for security groups",
    GROUPS,
    (
        Check(
            id="scs-0115-default-rules",
            title="New security groups let everything out and nothing in",
            rationale="A server must not be open because nobody thought of it.",
            ask=default_rules,
            services=("network",),
            needs=frozenset({Needs.MAKES}),
        ),
    ),
)

DRAFT = Standard(
    "scs-0126",
    "draft",
    "Provider networks",
    PROVIDER,
    (
        Check(
            id="scs-0126-external-network",
            title="There is an external network",
            rationale="Servers need a way out, and users a way in.",
            ask=external,
            services=("network",),
        ),
        Check(
            id="scs-0126-default-external-network",
            title="One external network is the default",
            rationale="Programs that make a router need not know names.",
            ask=default_external,
            services=("network",),
        ),
        Check(
            id="scs-0126-ipv6-subnet-pool",
            title="There is a shared pool of IPv6 subnets",
            rationale="IPv6 addresses are of use when they are routed; the pool's are.",
            ask=ipv6_pool,
            severity=Severity.RECOMMENDED,
            services=("network",),
        ),
        Check(
            id="scs-0126-default-subnet-pools",
            title="One shared subnet pool for each version of IP is the default",
            rationale="Programs that make a subnet need not know names.",
            ask=default_pools,
            services=("network",),
        ),
        Check(
            id="scs-0126-port-security",
            title="External networks for servers have port security",
            rationale="A server must not be able to take the address of another project's.",
            ask=port_security,
            services=("network",),
        ),
        Check(
            id="scs-0126-rbac-policies",
            title="Members cannot share networks with other projects",
            rationale="A network that looks like the provider's may be anybody's.",
            ask=no_faux,
            severity=Severity.RECOMMENDED,
            services=("network",),
            needs=frozenset({Needs.MAKES}),
        ),
    ),
)
