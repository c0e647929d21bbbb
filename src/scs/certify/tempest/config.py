# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""tempest.conf, written from what the cloud answers: services, versions, extensions, networks.

Nothing in it is kept per cloud by hand. What a member cannot find out stays as tempest has it: then
the test itself tells.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping
from configparser import RawConfigParser
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from scs import icmp
from scs.certify.cloud import ALIASES, Asked
from scs.certify.tempest.guests import Guests
from scs.certify.tempest.people import People, Settings
from scs.patience import patient
from scs.standards.iaas.lan import gateway_of
from scs.standards.model import Answer, CouldNotRun

SERVICES: Mapping[str, str] = {
    "nova": "compute",
    "neutron": "network",
    "glance": "image",
    "cinder": "block-storage",
    "swift": "object-store",
}
"""What tempest asks for → what the catalog calls it."""
PREFIX = "scs-t-"
"""How the names of all that tests make begin; the run follows.

Short: what tempest puts behind it is up to 46 characters, Nova numbers servers that are made
together, and where ports have names in DNS, Neutron refuses a server's name of more than 63.
"""
BUILD_SECONDS = 300
SSH_PORT = 22
REACH_SECONDS = 20
"""A new router answers so late."""
CONNECT_SECONDS = 5


@dataclass(frozen=True)
class Outside:
    """The network that floating IPs come from."""

    id: str = ""
    name: str = ""
    reachable: bool = False
    """Connections from here get there: so one can log in to guests."""
    note: str = "there is no external network: no floating IPs, and nobody logs in to guests"


@dataclass(frozen=True)
class Offered:
    """What the services say that they can do."""

    compute: str = ""
    """Newest microversion; empty: there are none."""
    volume: str = ""
    network: tuple[str, ...] = ()
    """Extensions by their aliases; of Swift its features."""
    volume_extensions: tuple[str, ...] = ()
    swift: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    """Ways to import an image."""
    enforces_formats: bool = False
    """An image must be what it is called: then random bytes are none, which tests upload."""
    disk_formats: tuple[str, ...] = ()
    container_formats: tuple[str, ...] = ()
    unknown: tuple[str, ...] = field(default=())
    """What could not be asked."""


def offered(cloud: Asked) -> Offered:
    """Ask the services what they can do; what does not answer is named in `unknown`."""
    found: dict[str, Any] = {}
    unknown = []
    asks: dict[str, Callable[[], Any]] = {
        "compute": lambda: _newest(cloud.get("compute", "/").checked().body),
        "network": lambda: _aliases(cloud.items("network", "/extensions", "extensions")),
        "imports": lambda: _imports(cloud.get("image", "/info/import").checked().body),
        "enforces_formats": lambda: _enforces_formats(cloud),
    }
    if cloud.has("block-storage"):
        asks["volume"] = lambda: _newest(_root(cloud, "block-storage").body)
        asks["volume_extensions"] = lambda: _aliases(
            cloud.items("block-storage", "/extensions", "extensions")
        )
    if cloud.has("object-store"):
        asks["swift"] = lambda: tuple(sorted(_root(cloud, "object-store", "info").checked().body))
    for name, ask in asks.items():
        try:
            found[name] = ask()
        except (CouldNotRun, KeyError, TypeError, AttributeError) as error:
            unknown.append(f"{name.replace('_', ' ')}: {error}")
    try:
        properties = cloud.get("image", "/schemas/image").checked().body["properties"]
        for key in ("disk_format", "container_format"):
            found[f"{key}s"] = tuple(one for one in properties[key]["enum"] if one)
    except (CouldNotRun, KeyError, TypeError) as error:
        unknown.append(f"image formats: {error}")
    return Offered(**found, unknown=tuple(unknown))


def _newest(body: Mapping[str, Any]) -> str:
    one = body.get("version") or next(v for v in body["versions"] if v["id"].startswith("v3"))
    return str(one.get("version") or "")


def _aliases(items: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(sorted(item["alias"] for item in items))


def _imports(body: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(body["import-methods"]["value"])


def _enforces_formats(cloud: Asked) -> bool:
    """Tried out: a few bytes that are no qcow2 are uploaded as one."""
    formats = {"disk_format": "qcow2", "container_format": "bare"}
    values = {**cloud.marks, **formats, "visibility": "private"}
    made = cloud.send("POST", "image", "/images", values).checked().body
    answer = cloud.send("PUT", "image", f"/images/{made['id']}/file", data=b"no image" * 64)
    if answer.status >= 500:
        answer.checked()
    return not answer.ok


def _root(cloud: Asked, service: str, name: str = "") -> Answer:
    """What a service tells everybody beside its versions; a list of these comes with status 300."""
    url = re.split(r"/v\d+(?:\.\d+)?(?:/|$)", cloud.url(service))[0]
    return cloud.bare(f"{url}/{name}", {})


def outside(cloud: Asked) -> Outside:
    """The network of floating IPs, and whether one gets there: a router of ours is asked."""
    known = cloud.items("network", "/networks?router:external=true", "networks")
    if not known:
        return Outside()
    chosen = next((one for one in known if one.get("is_default")), known[0])
    note = f"external network {chosen['name']}"
    try:
        address = gateway_of(cloud, chosen["id"])
        why = unreachable(address)
    except CouldNotRun as error:
        why = str(error)
    if why:
        note += f": not reachable from here ({why}), so nobody logs in to guests"
    return Outside(chosen["id"], chosen["name"], not why, note)


def unreachable(address: str, seconds: float = REACH_SECONDS) -> str:
    """Why a router cannot be reached; empty: it accepted or refused a connection, or a ping.

    OVN's routers answer pings alone, others perhaps only connections.
    """
    if not address:
        return "no address"
    try:
        if icmp.reached(address, patient(seconds)):
            return ""
        why = "no answer to a ping"
    except PermissionError:
        why = "a ping is not allowed here"
    try:
        with socket.create_connection((address, SSH_PORT), timeout=patient(CONNECT_SECONDS)):
            return ""
    except ConnectionRefusedError:
        return ""
    except OSError as error:
        return f"{address}: {why}; port {SSH_PORT}: {error.strerror or error}"


def configuration(
    cloud: Asked, people: People, guests: Guests, net: Outside, can: Offered, locks: str
) -> Settings:
    """tempest.conf as sections of options."""
    has = {name: cloud.has(kind) for name, kind in SERVICES.items()}
    region = cloud.region
    verify = cloud.verify
    login = net.reachable and bool(guests.user)
    volumes = next((k for k in ALIASES["block-storage"] if _in_catalog(cloud, k)), "volumev3")
    settings: dict[str, dict[str, Any]] = {
        "DEFAULT": {
            "resource_name_prefix": f"{PREFIX}{cloud.run.name}",
            "use_stderr": False,
            "debug": False,
        },
        "oslo_concurrency": {"lock_path": locks},
        "auth": {},
        "identity": {
            "auth_version": "v3",
            "uri_v3": cloud.url("identity"),
            "region": region,
            "v3_endpoint_type": "public",
            "default_domain_id": people.domain,
            "ca_certificates_file": verify if isinstance(verify, str) else "",
            "disable_ssl_certificate_validation": verify is False,
        },
        "identity-feature-enabled": {"api_v2": False, "api_v3": True, "access_rules": True},
        "service_available": {**has, "horizon": False},
        "compute": {
            "region": region,
            "image_ref": guests.image,
            "image_ref_alt": guests.other_image,
            "flavor_ref": guests.flavor,
            "flavor_ref_alt": guests.other_flavor,
            "max_microversion": can.compute,
            "build_timeout": _seconds(BUILD_SECONDS),
        },
        "compute-feature-enabled": {
            "resize": guests.flavor != guests.other_flavor,
            "vnc_console": True,
            "console_output": True,
            "attach_encrypted_volume": False,  # the type is the operator's to make
            "personality": False,
            "change_password": False,  # needs an agent in the guest
        },
        "network": {
            "region": region,
            "public_network_id": net.id,
            "floating_network_name": net.name,
            "build_timeout": _seconds(BUILD_SECONDS),
        },
        "network-feature-enabled": {
            "api_extensions": ",".join(can.network),
            "floating_ips": bool(net.id),
            "port_security": "port-security" in can.network,
            "ipv6": True,
            "ipv6_subnet_attributes": True,
        },
        "image": {"region": region, "build_timeout": _seconds(BUILD_SECONDS)},
        "image-feature-enabled": {
            "api_v2": True,
            "import_image": bool(can.imports),
            "image_format_enforcement": can.enforces_formats,
        },
        "validation": {
            "run_validation": login,
            "connect_method": "floating",
            "auth_method": "keypair",
            "ssh_key_type": "ecdsa",
            "image_ssh_user": guests.user,
            "image_alt_ssh_user": guests.user,
            "ssh_timeout": _seconds(BUILD_SECONDS),
            "security_group": True,
            "security_group_rules": True,
        },
        "volume": {
            "catalog_type": volumes,
            "region": region,
            "max_microversion": can.volume,
            "build_timeout": _seconds(BUILD_SECONDS),
            "backup_driver": "ceph",  # a member cannot see it; not "swift", which has its own ways
        },
        "volume-feature-enabled": {
            "api_extensions": ",".join(can.volume_extensions),
            "multi_backend": False,
            "manage_volume": False,
            "manage_snapshot": False,
            "extend_attached_volume": _at_least(can.volume, 42),
        },
        "object-storage": {"region": region, "operator_role": "member"},
        "object-storage-feature-enabled": {
            "discoverability": bool(can.swift),
            "discoverable_apis": ",".join(can.swift),
        },
    }
    for name, key in (("disk_formats", "disk_formats"), ("container_formats", "container_formats")):
        formats = getattr(can, name)
        if formats:
            # tempest takes the first for images of random bytes.
            first = [one for one in ("raw", "bare") if one in formats]
            settings["image"][key] = ",".join([*first, *(f for f in formats if f not in first)])
    for section, options in people.settings.items():
        settings.setdefault(section, {}).update(options)
    return settings


def written(settings: Settings) -> str:
    """The text of tempest.conf; what is empty is left as tempest has it."""
    parser = RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    for section, options in settings.items():
        if section != "DEFAULT":
            parser.add_section(section)
        for key, value in options.items():
            if value != "":
                # oslo.config takes a dollar for a reference.
                parser.set(section, key, str(value).replace("$", "$$"))
    out = StringIO()
    parser.write(out)
    return out.getvalue()


def _seconds(seconds: float) -> int:
    return int(patient(seconds))


def _at_least(version: str, minor: int) -> bool:
    parts = version.split(".")
    return len(parts) == 2 and parts[1].isdigit() and int(parts[1]) >= minor


def _in_catalog(cloud: Asked, kind: str) -> bool:
    return any(service.type == kind for service in cloud.services)
