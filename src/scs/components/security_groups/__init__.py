# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is in a security group from the start, where the provider says so."""

from __future__ import annotations

from collections.abc import Iterable

from scs.model.component import CONTROL, Component
from scs.model.objects import ApiObject, DefaultRules
from scs.model.view import View
from scs.standards.iaas.network import opens, shut

KEY = "content.default_security_group_rules"


def rules(view: View) -> Iterable[ApiObject]:
    yield DefaultRules(name="all", rules=view.content.default_security_group_rules or ())


def against_the_standard(view: View) -> Iterable[str]:
    """What a certificate would be refused for, before the first group is made so."""
    own = [rule.values() for rule in view.content.default_security_group_rules or ()]
    for place, rule in enumerate(own):
        if opens(rule):
            whence = rule["remote_ip_prefix"] or rule["remote_group_id"] or "anywhere"
            yield (
                f"{KEY}[{place}] lets {rule['protocol'] or 'everything'} ({rule['ethertype']}) in"
                f" from {whence}: scs-0115 allows a way in from the same group only, and that in"
                " default groups only. Take it out, and let users open their groups themselves"
            )
    for groups, kind in shut(own):
        yield (
            f"{KEY}: nothing lets {groups} groups out to all of {kind}, which scs-0115 demands."
            f" Add a rule with `direction: egress`, `ethertype: {kind}` and"
            f" `used_in_{'default' if groups == 'default' else 'non_default'}_sg: true`"
        )


component = Component(
    name="security-groups",
    summary="rules of new security groups",
    roles=CONTROL,
    when=lambda view: view.content.default_security_group_rules is not None,
    objects=rules,
    warnings=against_the_standard,
)
