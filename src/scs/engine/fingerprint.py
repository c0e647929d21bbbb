# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Short marks of what is wanted and of what was seen, to tell later whether it has changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from scs.model.objects import ApiObject
from scs.model.view import View
from scs.plan.announce import Key
from scs.plan.plan import API
from scs.resources import Resource

if TYPE_CHECKING:
    from scs.engine.looking import Look
    from scs.engine.session import Session


def mark(value: Any) -> str:
    """The same for equal values."""
    return sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:32]


def nameless(view: View) -> View:
    """The cloud with the names of secrets in their places: what is made of it holds none."""
    return replace(
        view,
        secret=lambda name: f"secret:{name}",
        certificate=lambda name, addresses: (f"certificate:{name}:{addresses}", f"key:{name}"),
        ca="the CA's certificate",
        accounts=lambda name: tuple(
            replace(item, password=f"secret:{name}") for item in view.credentials(name)
        ),
        numbered=lambda name: {number: f"key:{name}:{number}" for number in view.keys(name)},
        external=view.external.nameless(),
    )


def wanted(session: Session, view: View) -> dict[Key, str]:
    """A mark of each thing as it is wanted; no secret goes into it."""
    expander = session.expander(nameless(view))
    found: dict[Key, str] = {}
    for node in view.nodes:
        for item in session.desired(expander, node):
            found[node.name, item.id] = mark(item.payload())
    for wish in expander.objects():
        found[API, wish.id] = mark({"kind": wish.kind, **asdict(wish)})
    return found


def seen(look: Look) -> dict[Key, dict[str, Any]]:
    """What was seen of each thing that scs wants, without what changes by itself."""
    found: dict[Key, dict[str, Any]] = {}
    for node, items in look.desired.items():
        there = look.observed.get(node, {})
        for item in items:
            if item.id in there:
                found[node, item.id] = lasting(item, there[item.id])
    for wish in look.objects:
        if wish.id in look.api:
            found[API, wish.id] = lasting(wish, look.api[wish.id])
    return found


def lasting(item: Resource | ApiObject, values: Mapping[str, Any]) -> dict[str, Any]:
    """What was seen, without what changes by itself, and without a file's text."""
    return {
        key: value for key, value in values.items() if key not in item.volatile and key != "content"
    }
