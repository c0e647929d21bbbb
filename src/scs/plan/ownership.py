# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who owns a thing by rights: the declaration that it comes from. Pure."""

from __future__ import annotations

from scs.model.component import Component, Config
from scs.model.view import View
from scs.plan import own
from scs.plan.units import UWSGI, unit_file

TLS = "/etc/scs/tls/"


def declaration(view: View, component: str, thing: str) -> str:
    """Where in a component's declaration a resource or API object comes from, in short."""
    kind, _, name = thing.partition(":")
    needed = _needed(view, kind, name)
    if needed:
        return needed
    part = next((part for part in view.components if part.name == component), None)
    if part is None:
        return ""
    if kind == "file" and (mine := own.origin(view, name)):
        return mine
    if kind == "file":
        return _file(part, name)
    if kind == "unit":
        return f"units: {name.removesuffix('.service')}"
    known = {
        "packages": "packages",
        "account": "users",
        "directory": "folders",
        "migration": f"migrations: {name}",
        "gate": "needs",
        "leftovers": "what it no longer wants",
        "keys": "keys",
    }
    return known.get(kind) or (f"gives: {kind} {name}" if part.gives else f"objects: {kind} {name}")


def _needed(view: View, kind: str, name: str) -> str:
    """An account is owned by who needs it, whoever makes it."""
    for part in view.components:
        for need in part.needs:
            if type(need).__name__.lower() == kind and getattr(need, "name", "") == name:
                return f"{part.name} needs {type(need).__name__}({name})"
    return ""


def _file(part: Component, path: str) -> str:
    for item in part.files:
        if item.path == path:
            return f"files: {item.template}" if isinstance(item, Config) else "files"
    for unit in part.units:
        folder = f"/etc/systemd/system/{unit_file(unit)}"
        if path in (folder, f"{folder}.d/scs.conf", f"{UWSGI}/{unit.name}.ini"):
            return f"units: {unit.name}"
    return f"certificate {path.removeprefix(TLS)}" if path.startswith(TLS) else "gives"
