# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Stores of images: one, or further pools of Ceph beside it."""

from __future__ import annotations

from collections.abc import Mapping
from configparser import ConfigParser
from typing import Any

from clouds import ONE, ONE_CEPH, THREE_CEPH, expanded, expander_of
from scs.plan.expand import Expander
from scs.resources import CephPools, File
from scs.spec import CloudSpec

COLD = "images-cold"


def with_stores(spec: CloudSpec, *stores: str) -> Expander:
    written = spec.model_dump(exclude_unset=True, by_alias=True)
    return expander_of(CloudSpec.model_validate(written | {"images": {"stores": stores}}))


def options(expander: Expander) -> ConfigParser:
    """Those of the image service."""
    found = {
        item.content
        for items in expanded(expander).values()
        for item in items
        if isinstance(item, File) and item.name == "/etc/glance/glance-api.conf"
    }
    (text,) = found
    parser = ConfigParser(interpolation=None)
    parser.read_string(text)
    return parser


def rights(expander: Expander) -> tuple[Mapping[str, Any], Mapping[str, Mapping[str, str]]]:
    """Ceph's pools, and what its accounts may do on them."""
    found = [
        item
        for items in expanded(expander).values()
        for item in items
        if isinstance(item, CephPools)
    ]
    (pools,) = found
    return pools.pools, pools.accounts


def test_where_there_is_one_store_nobody_can_ask_for_copies() -> None:
    for spec, backends in ((ONE, "files:file"), (ONE_CEPH, "rbd:rbd")):
        found = options(expander_of(spec))
        assert found["DEFAULT"]["enabled_backends"] == backends
        assert found["DEFAULT"]["enabled_import_methods"] == "[glance-direct]"


def test_each_further_store_is_a_pool_of_its_name() -> None:
    found = options(with_stores(ONE_CEPH, COLD, "images-fast"))
    assert found["DEFAULT"]["enabled_backends"] == "rbd:rbd, images-cold:rbd, images-fast:rbd"
    assert found["DEFAULT"]["enabled_import_methods"] == "[glance-direct, copy-image]"
    assert found["glance_store"]["default_backend"] == "rbd"
    pools = {name: found[name]["rbd_store_pool"] for name in ("rbd", COLD, "images-fast")}
    assert pools == {"rbd": "images", COLD: COLD, "images-fast": "images-fast"}
    for name in pools:
        assert found[name]["rbd_store_user"] == "glance"


def test_only_the_image_service_writes_there_and_clones_are_made_from_there() -> None:
    for spec in (ONE_CEPH, THREE_CEPH):
        before, _ = rights(expander_of(spec))
        pools, accounts = rights(with_stores(spec, COLD))
        assert pools.keys() - before.keys() == {COLD}
        told = {
            account: right.removesuffix(f" pool={COLD}")
            for account, caps in accounts.items()
            for right in caps.get("osd", "").split(", ")
            if right.endswith(f"={COLD}")
        }
        assert told == {
            "client.glance": "profile rbd",
            "client.nova": "profile rbd-read-only",
            "client.cinder": "profile rbd-read-only",
        }
