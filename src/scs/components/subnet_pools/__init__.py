# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ranges of addresses that projects take their subnets from, where the provider gives some."""

from __future__ import annotations

from collections.abc import Iterable

from scs.model.component import CONTROL, Component
from scs.model.objects import ApiObject, SubnetPool
from scs.model.view import View


def pools(view: View) -> Iterable[ApiObject]:
    for own in view.content.subnet_pools:
        yield SubnetPool(
            name=own.name,
            prefixes=own.prefixes,
            prefix_length=own.prefix_length,
            default=own.default,
        )


component = Component(
    name="subnet-pools",
    summary="shared subnet pools",
    roles=CONTROL,
    when=lambda view: bool(view.content.subnet_pools),
    objects=pools,
)
