# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The rules that each new security group gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from scs.api.clients import Clients
from scs.api.kinds import Kind
from scs.model.objects import DefaultRules
from scs.model.security_rules import DefaultRule

PATH = "/v2.0/default-security-group-rules"
KEY = "default_security_group_rule"


class DefaultRulesOfGroups(Kind[DefaultRules]):
    """All of Neutron's default rules as one thing: a rule can't be changed, only exchanged."""

    def observe(self, clients: Clients, wanted: Sequence[DefaultRules]) -> dict[str, Any]:
        """`rules`: in words; `ids`: the id of each, in the same order."""
        there = [
            (DefaultRule.of(item).text, item["id"])
            for item in clients.rest("network", PATH, f"{KEY}s")
        ]
        there.sort()
        seen = {"rules": [text for text, _ in there], "ids": [known for _, known in there]}
        return {want.id: seen for want in wanted}

    def compare(self, want: DefaultRules, seen: Mapping[str, Any]) -> str | None:
        missing, others = _apart(want, seen)
        told = [
            f"{verb} {count} rule{'' if count == 1 else 's'}{which}"
            for verb, count, which in (
                ("lacks", len(missing), ""),
                ("has", len(others), " that cloud.yaml does not have"),
            )
            if count
        ]
        return ", ".join(told) or None

    def diff(self, want: DefaultRules, seen: Mapping[str, Any]) -> str:
        """What goes with a minus, what comes with a plus."""
        missing, others = _apart(want, seen)
        gone = (f"- {seen['rules'][place]}" for place in others)
        return "\n".join([*gone, *(f"+ {rule.text}" for rule in missing)])

    def converge(self, clients: Clients, want: DefaultRules, seen: Mapping[str, Any]) -> None:
        missing, others = _apart(want, seen)
        # First what goes: Neutron refuses a rule that differs only in the groups that have it,
        # and a group that is made in between is closed rather than open.
        for place in others:
            clients.change("DELETE", "network", f"{PATH}/{seen['ids'][place]}")
        for rule in missing:
            clients.change("POST", "network", PATH, {KEY: rule.values()})


def _apart(want: DefaultRules, seen: Mapping[str, Any]) -> tuple[list[DefaultRule], list[int]]:
    """What is missing, and the places of what is too much: Neutron lets some be there twice."""
    left = Counter(rule.text for rule in want.rules)
    others = []
    for place, text in enumerate(seen.get("rules", ())):
        if left[text]:
            left[text] -= 1
        else:
            others.append(place)
    return [rule for rule in want.rules if left[rule.text]], others
