# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What new security groups let through, where the operator says it."""

from __future__ import annotations

from collections.abc import Iterable

from scs.model.component import CONTROL, Component
from scs.model.objects import ApiObject, DefaultRules
from scs.model.view import View


def rules(view: View) -> Iterable[ApiObject]:
    yield DefaultRules(name="all", rules=view.content.default_rules)


component = Component(
    name="default-rules",
    summary="rules that new security groups begin with",
    roles=CONTROL,
    when=lambda view: bool(view.content.default_rules),
    objects=rules,
)
