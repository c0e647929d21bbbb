# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rotating secrets while the cloud serves: what can be rotated, and doing it step by step.

What can be rotated follows from the declarations: accounts of whoever gives accounts, folders
of keys, and the CA's certificates. Accounts go through three changes of the whole cloud (both
accounts there, the new one used, the old one gone), each an ordinary plan that is applied and
looked at again. A run that was killed between them is gone on with.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from scs.engine.apply import apply
from scs.engine.pki import RENEW_DAYS
from scs.engine.recording import Recording
from scs.engine.secrets import Step
from scs.engine.session import Session
from scs.errors import BadInput, Problem
from scs.model.needs import Certificate
from scs.model.view import View
from scs.plan.resolve import needs_of

CERTIFICATES = "certificates"
DUE = datetime.timedelta(days=RENEW_DAYS)


@dataclass(frozen=True)
class Known:
    """One secret as a person sees it: everything but its value."""

    name: str
    kind: str
    """account, keys, certificate, or fixed: scs does not rotate it."""
    made: float
    """Seconds since 1970; 0: not known."""
    ends: float
    """The same; 0: never."""
    readers: Sequence[str]
    """Components whose files hold it."""
    state: str
    """How far its rotation is; empty: none is under way."""


def accounts(view: View) -> Sequence[str]:
    """The secrets of accounts that can take turns with another one."""
    return sorted(
        f"{gives.account}/{getattr(need, 'name', '')}"
        for part in view.components
        for gives in part.gives
        if gives.account
        for need in needs_of(view, gives.need)
    )


def key_folders(view: View) -> Sequence[str]:
    """The folders of keys."""
    return sorted(folder.name for part in view.components for folder in part.keys)


def listed(session: Session) -> Sequence[Known]:
    """All secrets and certificates of the cloud, by name."""
    session.authority.renews = False
    view = session.view()
    expander = session.expander(view)
    texts: dict[str, str] = {}
    for node in view.nodes:
        for item in expander.node(node):
            text = json.dumps(item.payload(), default=str)
            texts[item.component] = texts.get(item.component, "") + text
    turning, folders = set(accounts(view)), key_folders(view)
    found = []
    for name in session.secrets:
        if any(name.startswith(f"{folder}/") for folder in folders):
            continue
        secret = session.secrets.secret(name)
        readers = [part for part, text in sorted(texts.items()) if secret.value in text]
        kind = "account" if name in turning else "fixed"
        found.append(Known(name, kind, secret.made, 0.0, readers, secret.step.value))
    for name in folders:
        keys = session.secrets.keys(name)
        made = session.secrets.keys_made(name)
        used = keys[max(keys)]
        readers = [part for part, text in sorted(texts.items()) if used in text]
        found.append(Known(name, "keys", made, 0.0, readers, ""))
    owners = _owners(view)
    for name, (start, end) in session.authority.lives.items():
        readers = owners.get(name.rpartition("/")[2], [])
        found.append(
            Known(
                f"{CERTIFICATES}/{name}",
                "fixed" if name == "ca" else "certificate",
                start.timestamp(),
                end.timestamp(),
                readers,
                "",
            )
        )
    return sorted(found, key=lambda item: item.name)


def _owners(view: View) -> Mapping[str, list[str]]:
    """Name of a certificate → the components that need it."""
    found: dict[str, list[str]] = {}
    for part in view.components:
        for need in part.needs:
            if isinstance(need, Certificate):
                found.setdefault(need.name, []).append(part.name)
    return found


def chosen(known: Sequence[Known], names: Collection[str], *, everything: bool) -> Sequence[Known]:
    """Those that are meant: by name, or a folder of names such as `database`.

    Raises BadInput for a name that nothing has, and for what scs does not rotate.
    """
    able = [item for item in known if item.kind != "fixed"]
    if everything:
        return able
    found: dict[str, Known] = {}
    problems = []
    for name in names:
        meant = [item for item in known if item.name == name or item.name.startswith(f"{name}/")]
        usable = [item for item in meant if item in able]
        if not meant:
            problems.append(Problem("rotate", f"there is no secret {name}", "scs secrets list"))
        elif not usable:
            what = f"{name} cannot be rotated by scs: it has no second account or key"
            problems.append(Problem("rotate", what, "scs secrets list tells which can"))
        found |= {item.name: item for item in usable}
    if problems:
        raise BadInput(*problems)
    return list(found.values())


def due(session: Session) -> Sequence[str]:
    """The certificates that end soon, by the names that `listed` has."""
    now = datetime.datetime.now(datetime.UTC)
    ends = session.authority.lives.items()
    return [f"{CERTIFICATES}/{name}" for name, (_, end) in ends if name != "ca" and end - now < DUE]


def rotate(
    session: Session, recording: Recording, names: Sequence[Known], say: Callable[[str], None]
) -> None:
    """Rotate these, and go on with what is under way; raises what `apply` raises.

    Raises BadInput when cloud.yaml wants other changes too: they are not part of a rotation.
    """
    secrets = session.secrets
    begun = set(secrets.under_way)
    session.authority.renews = False  # before it is their turn
    look = session.look()
    others = () if begun else look.plan.changes
    if others:
        what = f"differs from cloud.yaml in {len(others)} things, first {others[0].id}"
        raise BadInput(Problem(f"cloud {session.spec.name}", what, "scs up, then rotate"))
    if begun:
        say(f"going on with {', '.join(sorted(begun))}")
        if look.plan:
            apply(session, look, recording)
    session.authority.renews = True
    for item in names:
        if item.kind == "keys":
            secrets.turn_keys(item.name)
        elif item.kind == "certificate":
            session.authority.renew(item.name.removeprefix(f"{CERTIFICATES}/"))
    moving = {item.name for item in names if item.kind == "account"} | begun
    first = True
    while moving or first:
        steps = {name: secrets.advance(name) for name in sorted(moving)}
        moving = {name for name, step in steps.items() if step != Step.SETTLED}
        for step in dict.fromkeys(steps.values()):
            if step != Step.SETTLED:
                say(f"{step.value}: {', '.join(n for n, s in steps.items() if s == step)}")
        look = session.look()
        session.keep_secrets()
        if look.plan:
            apply(session, look, recording)
        first = False
    session.keep_secrets()
