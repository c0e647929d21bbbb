# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Images, flavors and rules as the API shows them, all as the standards want them."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

from scs.components.flavors import flavor as scs_flavor

CODE = "https://cloud-images.ubuntu.com/noble/20261101/noble.img"
NOW = datetime.datetime.now(datetime.UTC)

Json = dict[str, Any]


def ago(days: float) -> str:
    return f"{NOW - datetime.timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"


def an_image(name: str, distro: str, version: str, source: str, **more: Any) -> Json:
    values = {
        "id": f"image-{name}",
        "name": name,
        "status": "active",
        "visibility": "public",
        "owner": "another",
        "created_at": ago(1),
        "size": 600_000_000,
        "min_disk": 8,
        "min_ram": 512,
        "architecture": "x86_64",
        "os_distro": distro,
        "os_version": version,
        "os_purpose": "generic",
        "hw_disk_bus": "virtio",
        "hw_rng_model": "virtio",
        "image_build_date": ago(2)[:10],
        "image_original_user": distro,
        "image_source": source,
        "image_description": "https://example.org/",
        "replace_frequency": "monthly",
        "provided_until": "none",
        "uuid_validity": "last-2",
    }
    return {**values, **more}


def a_flavor(name: str) -> Json:
    wanted = scs_flavor(name)
    return {
        "id": f"flavor-{name}",
        "name": name,
        "vcpus": wanted.vcpus,
        "ram": wanted.ram,
        "disk": wanted.disk,
        "extra_specs": dict(wanted.extra_specs),
    }


def a_rule(direction: str, kind: str, **more: Any) -> Json:
    values = {
        "id": str(uuid.uuid4()),
        "direction": direction,
        "ethertype": kind,
        "remote_ip_prefix": None,
        "remote_group_id": None,
        "protocol": None,
        "port_range_min": None,
        "used_in_default_sg": True,
        "used_in_non_default_sg": True,
    }
    return {**values, **more}


def default_rules() -> list[Json]:
    own = {"remote_group_id": "PARENT", "used_in_non_default_sg": False}
    return [
        *(a_rule("egress", kind) for kind in ("IPv4", "IPv6")),
        *(a_rule("ingress", kind, **own) for kind in ("IPv4", "IPv6")),
    ]
