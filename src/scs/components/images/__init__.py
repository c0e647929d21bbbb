# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Images: a public Debian, the operator's own, and a small private one for `scs verify`."""

from __future__ import annotations

from collections.abc import Iterable

from scs.model.component import CONTROL, Component
from scs.model.content import DEBIAN, VERIFY
from scs.model.needs import BlockStorage
from scs.model.objects import ApiObject, Image
from scs.model.view import View


def images(view: View) -> Iterable[ApiObject]:
    tenant = view.tenant
    converted = view.given(BlockStorage)
    yield Image(
        name=VERIFY,
        recipe="tiny",
        project=tenant.project,
        converted=converted,
        after=(f"user:{tenant.user}",),
    )
    yield Image(name=DEBIAN, recipe="debian", converted=converted)
    for own in view.content.images:
        yield Image(name=own.name, recipe=own.name, digest=own.digest, converted=converted)


component = Component(
    name="images", summary="images that every cloud has", roles=CONTROL, objects=images
)
