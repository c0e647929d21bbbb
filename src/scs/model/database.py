# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Databases between components: how one gives them, and how who has one brings it up to date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scs.model.component import Migration
from scs.model.needs import Database, Need
from scs.model.view import ENVIRONMENT, View
from scs.resources import Database as DatabaseResource
from scs.resources import Resource


def accounts(
    view: View, needs: tuple[Need, ...], after: tuple[str, ...] = ()
) -> Iterable[tuple[Need, Resource]]:
    """For each need its databases, and its account as it is now: two while it is rotated."""
    for need in needs:
        assert isinstance(need, Database)
        known = view.credentials(f"database/{need.name}")
        yield (
            need,
            DatabaseResource(
                name=need.name,
                accounts=tuple((item.user, item.password) for item in known if item.valid),
                gone=tuple(item.user for item in known if not item.valid),
                databases=need.schemas,
                after=after,
            ),
        )


def schema(
    name: str,
    *command: str,
    expand: Sequence[str] = (),
    online: Sequence[str] = (),
    contract: Sequence[str] = (),
) -> Migration:
    """A service of OpenStack's brings its only database up to date with a command of its own.

    Service, user and database have the same name, and so have the heads of alembic that prove it.
    The others are words of the same program, each of them all that follows its name.
    """
    program, *words = command

    def argv(words: Sequence[str]) -> tuple[str, ...]:
        return (f"{ENVIRONMENT}/bin/{program}", *words) if words else ()

    return Migration(
        name,
        argv=argv(words),
        user=name,
        expand=argv(expand),
        online=(argv(online),) if online else (),
        contract=argv(contract),
        proofs={name: name},
        snapshot=True,
    )
