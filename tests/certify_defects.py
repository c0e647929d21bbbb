# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Clouds with one defect: for each check one that just it finds, and other ways to fail."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from certify_world import CHECKS, World
from fake_openstack.cloud import FakeOpenStack
from fake_openstack.lan import MACS
from fake_openstack.serving import serving
from fake_openstack.things import a_rule, ago, an_image
from fake_openstack.tls import Authority, good_tls
from scs.standards.flavor_names import FlavorName
from scs.standards.flavors import MANDATORY, RECOMMENDED
from scs.standards.iaas.connections import CIPHERS
from scs.standards.iaas.guests import BLOCKS, LINE
from scs.standards.model import Check
from scs.standards.randomness import BLOCK

OWN = "Own Linux 1"

Break = Callable[[FakeOpenStack, World, ExitStack], Any]


@dataclass(frozen=True)
class Defect:
    """What is broken, what the check must say of it, and which others see it, too."""

    break_it: Break
    said: str
    others: frozenset[str] = frozenset()
    could_not: frozenset[str] = frozenset()


def defect(break_it: Callable[[FakeOpenStack], Any], said: str, *others: str) -> Defect:
    return Defect(lambda cloud, _world, _stack: break_it(cloud), said, frozenset(others))


def _other_server(
    kind: str, days: float = 300, tls: Callable[[Path], ssl.SSLContext] = good_tls
) -> Break:
    """The placement service at an address of its own, with TLS that is not as it should be."""

    def break_it(cloud: FakeOpenStack, world: World, stack: ExitStack) -> None:
        folder = world.folder / kind
        folder.mkdir(exist_ok=True)
        authority = Authority(folder) if kind == "stranger" else world.authority
        other = FakeOpenStack()
        stack.enter_context(serving(other, tls(authority.server(days))))
        cloud.urls["placement", "public"] = f"{other.base}/placement"

    return break_it


def _old_tls(both: Path) -> ssl.SSLContext:
    context = good_tls(both)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.minimum_version = ssl.TLSVersion.TLSv1
    return context


def _weak_tls(both: Path) -> ssl.SSLContext:
    context = good_tls(both)
    context.set_ciphers(":".join([*CIPHERS, "ECDHE-ECDSA-AES128-SHA"]))
    return context


def _without(kind: str, *others: str) -> Defect:
    broken = defect(lambda cloud: cloud.types.remove(kind), "a service of type", *others)
    could_not = frozenset(check.id for check in CHECKS.values() if kind in _kinds(check))
    return replace(broken, could_not=could_not - broken.others)


def _kinds(check: Check) -> set[str]:
    return {"volumev3" if name == "block-storage" else name for name in check.services}


def _more_ram(name: str) -> Defect:
    ram = int(FlavorName.parse(name).ram * 1024)
    return defect(
        lambda cloud: cloud.flavor(name).update(ram=ram + 512), f"ram {ram}; seen ram {ram + 512}"
    )


def _vendor(name: str, version: str = "x") -> Defect:
    def break_it(cloud: FakeOpenStack) -> None:
        source = "https://images.example.org/disguised.qcow2"
        found = [image for image in cloud.images if image["name"] == name]
        if found:
            found[0]["image_source"] = source
        else:
            cloud.images.append(an_image(name, "other", name, source))

    return defect(break_it, "seen https://images.example.org/disguised.qcow2")


def _property(name: str, value: Any, said: str) -> Defect:
    # Larger than its disk is said to be, in case that is what is looked at.
    size = {"size": 4_000_000_000} if name == "min_disk" else {}
    return defect(lambda cloud: cloud.image(OWN).update({name: value, **size}), said)


def _guest(said: str, **values: str | None) -> Defect:
    return defect(lambda cloud: cloud.guest.update(values), said)


FIRST, SECOND = (f"nic-{mac}" for mac in MACS)
SERVERS = f"dhcp6-{MACS[1]}"
WAYS = [f"route-{mac}" for mac in MACS]


def _asked(instead: Mapping[int, str] = MappingProxyType({})) -> dict[str, Any]:
    """What name servers said to the guest: nothing, or something else to these questions."""
    if not instead:
        return {f"asked-{index}": None for index in range(6)}
    return {f"asked-{index}": line for index, line in instead.items()}


def _types(cloud: FakeOpenStack, text: str) -> None:
    cloud.things["volume_types"] = [{"id": "1", "name": "one", "description": text}]


PROPERTIES: Mapping[str, tuple[Any, str]] = {
    "architecture": ("i386", "seen i386"),
    "min_disk": (1, "1 GiB for an image of 3.7 GiB"),
    "min_ram": (0, "at least 1 MiB; seen 0"),
    "os_version": ("", "the system's version"),
    "os_distro": ("", "the system's name"),
    "hw_disk_bus": ("ide", "seen ide"),
    "image_build_date": (ago(0.5), "after"),
    "image_original_user": ("", "the user to log in as"),
    "image_source": ("somewhere", "seen somewhere"),
    "image_description": ("", "an address or a text"),
    "replace_frequency": ("sometimes", "seen sometimes"),
    "provided_until": ("long", "seen long"),
    "uuid_validity": ("short", "seen short"),
}

DEFECTS: Mapping[str, Defect] = {
    "scs-0100-syntax-check": defect(
        lambda cloud: cloud.flavors.append(
            {
                "id": "x",
                "name": "SCS-4X-16",
                "vcpus": 4,
                "ram": 16384,
                "disk": 0,
                "extra_specs": {"hw_rng:allowed": "True"},
            }
        ),
        "CPU type 'X' is none of L, V, T, C",
    ),
    "scs-0100-semantics-check": defect(
        lambda cloud: cloud.flavors.append(
            {
                "id": "x",
                "name": "SCS-4V-12",
                "vcpus": 2,
                "ram": 12288,
                "disk": 0,
                "extra_specs": {"hw_rng:allowed": "True"},
            }
        ),
        "SCS-4V-12 promises 4 vCPUs, has 2",
    ),
    **{
        f"scs-0103-flavor-{name[4:].lower().replace('-', '_')}": _more_ram(name)
        for name in (*MANDATORY, *RECOMMENDED)
    },
    "scs-0101-entropy-avail": _guest("entropy_avail 23", entropy="23"),
    "scs-0101-fips-test": defect(
        lambda cloud: setattr(cloud, "random", lambda: bytes(BLOCK * BLOCKS + LINE)),
        "12 do:",
    ),
    "scs-0101-kernel": _guest("seen 5.10.0-21-amd64", kernel="5.10.0-21-amd64"),
    "scs-0101-cpu-instructions": _guest("rdseed missing", flags="rdrand"),
    "scs-0101-rng-device": _guest("no device, 0 of 16 bytes", rng="", hwrng="0"),
    "scs-0101-image-property": defect(
        lambda cloud: cloud.image(OWN).pop("hw_rng_model"), "hw_rng_model: virtio; seen not set"
    ),
    "scs-0101-flavor-property": defect(
        lambda cloud: cloud.flavor("SCS-2V-4")["extra_specs"].pop("hw_rng:allowed"),
        "flavor SCS-2V-4: expected hw_rng:allowed=True; seen not set",
    ),
    **{
        f"scs-0102-prop-{name}": _property(name, value, said)
        for name, (value, said) in PROPERTIES.items()
    },
    "scs-0102-image-recency": defect(
        lambda cloud: cloud.image(OWN).update(image_build_date=ago(40)[:10]),
        "replaced monthly",
    ),
    "scs-0102-prop-os_purpose": defect(
        lambda cloud: cloud.image(OWN).pop("os_purpose"), "seen not set"
    ),
    "scs-0102-os-purpose-uniqueness": defect(
        lambda cloud: cloud.images.append({**cloud.image(OWN), "id": "2", "name": "Own Linux 1b"}),
        "Own Linux 1 is one as well",
    ),
    "scs-0104-image-ubuntu-2404": defect(
        lambda cloud: cloud.images.remove(cloud.image("Ubuntu 24.04")), "upload it from"
    ),
    "scs-0104-image-debian-12": defect(
        lambda cloud: cloud.images.remove(cloud.image("Debian 12")), "upload it from"
    ),
    "scs-0104-image-capi": defect(
        lambda cloud: cloud.images.remove(cloud.image("ubuntu-capi-image-v1.31.1")), "upload it"
    ),
    **{
        f"scs-0104-source-{name.lower().replace(' ', '-').replace('.', '')}": _vendor(name)
        for name in (
            *("Ubuntu 24.04", "Ubuntu 22.04", "Ubuntu 20.04"),
            *("Debian 13", "Debian 12", "Debian 11", "Debian 10"),
        )
    },
    "scs-0104-source-capi": _vendor("ubuntu-capi-image-v1.31.1"),
    "scs-0114-syntax-check": defect(
        lambda cloud: cloud.things["volume_types"][0].update(description="[scs:fast]"),
        "seen [scs:fast]",
    ),
    "scs-0114-encrypted-type": defect(
        lambda cloud: _types(cloud, "[scs:replicated]"), "one that is encrypted"
    ),
    "scs-0114-replicated-type": defect(
        lambda cloud: _types(cloud, "[scs:encrypted]"), "one that is replicated"
    ),
    "scs-0115-default-rules": defect(
        lambda cloud: cloud.default_rules.append(  # type: ignore[union-attr]
            a_rule("ingress", "IPv4", remote_ip_prefix="0.0.0.0/0", protocol="tcp")
        ),
        "lets tcp (IPv4) in from 0.0.0.0/0",
    ),
    "scs-0116-presence": _without("key-manager"),
    "scs-0116-permissions": defect(
        lambda cloud: cloud.broken.update(
            {"POST /key-manager/v1/secrets": (403, {"description": "not for members"})}
        ),
        "seen 403: not for members",
    ),
    "scs-0117-test-backup": defect(
        # Another one, whatever it is by chance.
        lambda cloud: setattr(
            cloud, "restores", lambda data: data[:777] + bytes([data[777] ^ 1]) + data[778:]
        ),
        "they differ from byte 777 on",
    ),
    "scs-0123-service-compute": _without("compute"),
    "scs-0123-service-identity": _without("identity"),
    "scs-0123-service-image": _without("image", "scs-0117-test-backup"),
    "scs-0123-service-network": _without("network"),
    "scs-0123-service-load-balancer": _without("load-balancer"),
    "scs-0123-service-placement": _without("placement"),
    "scs-0123-storage-apis": _without("volumev3", "scs-0117-test-backup"),
    "scs-0123-service-object-store": replace(
        defect(
            lambda cloud: cloud.types.__setitem__(
                slice(None), [kind for kind in cloud.types if "object" not in kind]
            ),
            "a service of type object-store",
            "scs-0123-service-s3",
        ),
        could_not=frozenset({"scs-0123-swift-s3"}),
    ),
    "scs-0123-swift-s3": defect(
        lambda cloud: setattr(cloud, "s3", "<Error><Code>AccessDenied</Code></Error>"),
        "403: <Error><Code>AccessDenied",
    ),
    "scs-0123-service-s3": _without("object-store-s3"),
    "scs-0121-zones-available": defect(lambda cloud: cloud.shut.add("nova"), "not available"),
    "scs-0121-zones-alike": defect(
        lambda cloud: cloud.zones.update({"block-storage": ["elsewhere"]}),
        "zone elsewhere of volumes",
    ),
    "scs-0302-duties": defect(lambda cloud: cloud.holes.add("no POST /users"), "may make a user"),
    "scs-0302-attacks": defect(
        lambda cloud: cloud.holes.add("PUT /projects/ID/users/ID/roles/role-admin"),
        "may not become administrator of a project: 403; seen 204",
    ),
    "scs-flavor-booted": _guest("expected 1 vCPUs; seen 7", cpus="7"),
    "scs-0125-https": defect(
        lambda cloud: (
            cloud.interfaces.update(placement=["public", "internal"]),
            cloud.urls.update({("placement", "internal"): "http://10.0.0.4:8778"}),
        ),
        "internal endpoint of placement: expected https://; seen http://10.0.0.4:8778",
    ),
    "scs-0125-trust": Defect(_other_server("stranger"), "unable to get local issuer certificate"),
    "scs-0125-protocols": Defect(
        _other_server("old", tls=_old_tls),
        "accepts TLSv1, TLSv1.1",
        frozenset({"scs-0125-ciphers"}),
    ),
    "scs-0125-ciphers": Defect(
        _other_server("weak", tls=_weak_tls), "accepts ECDHE-ECDSA-AES128-SHA"
    ),
    "scs-0125-lifetime": Defect(_other_server("short", days=5), "lasts 14 more days; seen it ends"),
    "scs-addresses-dhcp": _guest(
        "expected 10.1.0.5/24, as its port has it; seen 10.1.0.6/24",
        **{FIRST: "10.1.0.6/24 {six}:1::5/128"},
    ),
    "scs-addresses-dhcpv6-stateful": _guest(
        ":1::5, as its port has it; seen 10.1.0.5/24;", **{FIRST: "10.1.0.5/24"}
    ),
    "scs-addresses-dhcpv6-stateless": _guest(
        ":2::5/64, as its port has it; seen no address", **{SECOND: ""}
    ),
    "scs-0127-resolver": replace(
        _guest("a name server from DHCP; seen none", servers="{six}:2::1", **_asked()),
        could_not=frozenset({"scs-0127-own-name", "scs-0127-zone-record"}),
    ),
    "scs-0127-dns-integration": replace(
        defect(
            lambda cloud: cloud.extensions.__delitem__(slice(3, None)),
            "Neutron: dns or dns_domain_ports",
            "scs-0127-zone-extension",
        ),
        could_not=frozenset({"scs-0127-own-name"}),
    ),
    "scs-0127-own-name": _guest("10.0.0.53 AAAA: RCODE 3", **_asked({2: "10.0.0.53 {own} AAAA 3"})),
    "scs-0127-zone-extension": defect(
        lambda cloud: cloud.extensions.remove("dns-domain-ports"), "seen dns-integration;"
    ),
    "scs-0127-zone-record": _guest(
        "seen 192.0.2.53: RCODE 5", **_asked({4: "192.0.2.53 {record} A 5"})
    ),
    "scs-0126-external-network": defect(
        lambda cloud: cloud.things["networks"].clear(),
        "one with router:external",
        "scs-0126-default-external-network",
    ),
    "scs-0126-default-external-network": defect(
        lambda cloud: cloud.things["networks"][0].update(is_default=False), "exactly one"
    ),
    "scs-0126-ipv6-subnet-pool": replace(
        defect(
            lambda cloud: cloud.things["subnetpools"][0].update(shared=False),
            "a shared one for IPv6",
        ),
        could_not=frozenset({"scs-0126-default-subnet-pools"}),
    ),
    "scs-0126-default-subnet-pools": defect(
        lambda cloud: cloud.things["subnetpools"][0].update(is_default=False), "seen six;"
    ),
    "scs-0126-port-security": defect(
        lambda cloud: cloud.things["networks"][0].update(shared=True, port_security_enabled=False),
        "network external: expected port security",
    ),
    "scs-0126-rbac-policies": defect(
        lambda cloud: cloud.holes.add("POST /rbac-policies"), "expected 403; seen 201"
    ),
}


def _new_groups(cloud: FakeOpenStack, *rules: dict[str, Any]) -> None:
    cloud.default_rules = None
    cloud.new_group_rules = list(rules)


def _two_defaults(cloud: FakeOpenStack) -> None:
    for name, default in (("second", True), ("third", False)):
        cloud.add("networks", {"name": name, "router:external": True, "is_default": default})


def _four_pools(cloud: FakeOpenStack) -> None:
    for name, default, shared in (
        ("a", False, True),
        ("b", True, True),
        ("c", True, True),
        ("d", True, False),
    ):
        values = {"name": name, "ip_version": 4, "shared": shared, "is_default": default}
        cloud.add("subnetpools", values)


def _other_store(cloud: FakeOpenStack, world: World, stack: ExitStack) -> None:
    """The object store at another address than all else, where nothing speaks S3."""
    other = FakeOpenStack()
    other.s3 = "welcome"
    stack.enter_context(serving(other, good_tls(world.authority.server())))
    cloud.urls["object-store", "public"] = f"{other.base}/swift/v1"


MORE: tuple[tuple[str, Defect], ...] = (
    ("scs-addresses-dhcp", _guest("router (10.1.0.1); seen there is none", **{WAYS[0]: "{link}"})),
    ("scs-addresses-dhcp", _guest("router (10.1.0.1); seen 10.1.0.254", **{WAYS[0]: "10.1.0.254"})),
    ("scs-addresses-dhcp", _guest("answer from 10.1.0.1 to its ping", reached="{six}:1::1")),
    ("scs-addresses-dhcpv6-stateful", _guest("seen there is none;", **{WAYS[0]: ""})),
    ("scs-addresses-dhcpv6-stateful", _guest(":1::1 to its ping", reached="10.1.0.1")),
    (
        "scs-addresses-dhcpv6-stateful",
        _guest(":1::5, as its", **{FIRST: "10.1.0.5/24 {six}:1::5/96"}),
    ),
    ("scs-addresses-dhcpv6-stateless", _guest("there is none;", **{WAYS[1]: ""})),
    ("scs-addresses-dhcpv6-stateless", _guest("seen fd5c::9;", **{SERVERS: "fd5c::9"})),
    ("scs-addresses-dhcpv6-stateless", _guest("from DHCPv6; seen none;", **{SERVERS: ""})),
    (
        "scs-0127-resolver",
        _guest("10.0.0.53: silence", **_asked({0: "10.0.0.53 . NS -"})),
    ),
    (
        "scs-0127-resolver",
        _guest("10.0.0.53: RCODE 5", **_asked({0: "10.0.0.53 . NS 5"})),
    ),
    (
        "scs-0127-own-name",
        _guest("10.0.0.53 A: 10.1.0.6;", **_asked({1: "10.0.0.53 {own} A 0 10.1.0.6"})),
    ),
    (
        "scs-0127-zone-record",
        defect(lambda cloud: setattr(cloud, "zone_status", "ERROR"), "designate-worker"),
    ),
    (
        "scs-0127-zone-extension",
        defect(lambda cloud: cloud.extensions.__delitem__(slice(3, None)), "seen there is none"),
    ),
    (
        "scs-0115-default-rules",
        defect(
            lambda cloud: _new_groups(
                cloud,
                *(a_rule("egress", kind) for kind in ("IPv4", "IPv6")),
                a_rule("ingress", "IPv4", protocol="udp"),
            ),
            "lets udp (IPv4) in from anywhere",
        ),
    ),
    (
        "scs-0115-default-rules",
        defect(
            lambda cloud: _new_groups(
                cloud, a_rule("egress", "IPv4"), a_rule("egress", "IPv6", protocol="tcp")
            ),
            "a new group: expected a rule that lets all of IPv6 out",
        ),
    ),
    (
        "scs-0115-default-rules",
        defect(
            lambda cloud: cloud.default_rules[1].update(  # type: ignore[index]
                used_in_non_default_sg=False
            ),
            "custom groups: expected a rule that lets all of IPv6 out",
        ),
    ),
    (
        "scs-0126-default-external-network",
        defect(_two_defaults, "external (default), second (default), third;"),
    ),
    ("scs-0126-default-subnet-pools", defect(_four_pools, "seen a, b (default), c (default);")),
    ("scs-0123-swift-s3", Defect(_other_store, "seen 403: welcome")),
    ("scs-0121-zones-available", defect(lambda cloud: cloud.shut.add("nova"), "seen none is")),
    (
        "scs-0116-permissions",
        defect(lambda cloud: cloud.holes.add("another payload"), "put in; seen something else;"),
    ),
    (
        "scs-0116-permissions",
        defect(lambda cloud: cloud.holes.add("no secrets listed"), "the list of secrets"),
    ),
    (
        "scs-0116-permissions",
        defect(lambda cloud: cloud.holes.add("secrets stay"), "deleting it: expected 204"),
    ),
    (
        "scs-0123-service-placement",
        defect(
            lambda cloud: cloud.interfaces.update(placement=["internal"]),
            "a public endpoint in this region; seen endpoints: internal",
        ),
    ),
    (
        "scs-0100-semantics-check",
        defect(
            lambda cloud: cloud.flavors.append(
                {
                    "id": "x",
                    "name": "own",
                    "vcpus": 1,
                    "ram": 1024,
                    "disk": 0,
                    "extra_specs": {"scs:name-v3": "SCS-2V-1"},
                }
            ),
            "flavor own, scs:name-v3: expected no more",
        ),
    ),
    (
        "scs-0103-flavor-1v_4",
        defect(lambda cloud: cloud.flavors.remove(cloud.flavor("SCS-1V-4")), "no flavor is named"),
    ),
    (
        "scs-0103-flavor-1v_4",
        defect(lambda cloud: cloud.flavor("SCS-1V-4")["extra_specs"].clear(), "none to be seen"),
    ),
    (
        "scs-0103-flavor-2v_4_20s",
        defect(
            lambda cloud: cloud.flavor("SCS-2V-4-20s")["extra_specs"].pop("scs:disk0-type"),
            "expected scs:disk0-type=ssd; seen scs:disk0-type=(not set)",
        ),
    ),
    (
        "scs-0114-syntax-check",
        defect(
            lambda cloud: _types(cloud, "[scs:replicated,encrypted]"),
            "'[scs:encrypted,replicated] …'",
        ),
    ),
    (
        "scs-0117-test-backup",
        defect(lambda cloud: cloud.stuck.add("backup"), "the backup: expected available; seen err"),
    ),
    (
        "scs-0302-attacks",
        defect(lambda cloud: cloud.holes.add("POST /roles"), "may not make a role: 403; seen 201"),
    ),
    (
        "scs-0302-attacks",
        defect(lambda cloud: cloud.holes.add("GET /users"), "none of another domain's users"),
    ),
)
"""Other ways in which a check fails: each place where it finds something has been there once."""
