# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Volumes in guests: with Cinder's key the hypervisor opens them, wherever a guest runs."""

from __future__ import annotations

from collections.abc import Iterable

from scs.model.component import COMPUTE, Component, User
from scs.model.needs import BlockStorage, Hypervisor, Need
from scs.model.storage import FILES, keyring_path
from scs.model.view import View
from scs.resources import HypervisorSecret, Resource

ACCOUNT = "cinder"
"""In Ceph. Cinder tells Nova to open volumes as the account that it uses itself."""


def volumes(view: View) -> Iterable[Need]:
    """Where volumes lie, and what they are cloned from."""
    images = view.storage.image_pools
    yield BlockStorage(ACCOUNT, owner="cinder", pools=("volumes",), reads=images)


def key(view: View) -> Iterable[Resource]:
    """With it the hypervisor opens volumes in Ceph."""
    yield HypervisorSecret(
        name=view.uuid(f"ceph/{ACCOUNT}"),
        usage=f"client.{ACCOUNT}",
        keyring=keyring_path(f"client.{ACCOUNT}"),
    )


component = Component(
    name="cinder-attach",
    summary="volumes in guests",
    roles=COMPUTE,
    when=lambda view: view.storage.kind != FILES,
    needs=(Hypervisor(),),
    needs_in=volumes,
    # Owns the keyring; nothing runs as this user here.
    users=(User("cinder", home="/var/lib/cinder"),),
    prepares=key,
)
