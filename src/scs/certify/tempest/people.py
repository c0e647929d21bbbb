# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whom tempest tests as: users that it makes for each class of tests, or logins that it is given.

Where an administrator's login is at hand, tempest gets a domain of its own with an administrator
in it who is made for this run. So its projects and users are found by where they are, whatever
became of it, and the operator's password is never told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scs.certify.cloud import Asked
from scs.standards.iaas.lan import network_behind_router
from scs.standards.model import CouldNotRun, Test

Settings = Mapping[str, Mapping[str, Any]]

SUFFIX = "-tempest"
"""What the name of tempest's domain has behind the run's."""
PROJECT = "tempest"
FORGOTTEN = 12
"""A cloud that remembers more passwords than that is believed to remember so many."""


@dataclass(frozen=True)
class Login:
    """A member of a project, who logs in with a password."""

    cloud: Asked
    password: str


@dataclass(frozen=True)
class People:
    """Whom tempest tests as."""

    settings: Settings
    """Of the sections auth and identity."""
    accounts: tuple[tuple[Mapping[str, Any], ...], ...]
    """For each worker: the logins that it has; empty: tempest makes its users."""
    domain: str
    """The domain's id that the tests look at."""
    secrets: tuple[str, ...]
    note: str

    @property
    def workers(self) -> int | None:
        """No more can work at a time; None: as many as like."""
        return len(self.accounts) or None

    def lacks(self, test: Test) -> str:
        """Why these cannot make a test; empty: they can."""
        if not self.accounts:
            return ""
        if test.isolated:
            return "needs projects of its own: name an administrator's login (--admin-cloud)"
        several = any(len(accounts) > 2 for accounts in self.accounts)
        fit = {"primary", "project_reader", "operator:member"}
        fit |= {"alt", "operator_alt:member"} if several else set()
        if missing := [one for one in test.credentials if one not in fit]:
            hint = "" if several else "a second member's login (--also) or "
            return f"needs a login as {', '.join(missing)}: name {hint}an administrator's"
        return ""


# Users that tempest makes.


def administered(cloud: Asked) -> People:
    """A domain, a project and an administrator for tempest; raises CouldNotRun."""
    admin = cloud.admin()
    name, mark = f"{cloud.marks['name']}{SUFFIX}", cloud.marks["description"]
    domain = _made(admin, "domain", {"name": name, "description": mark})
    project = _made(admin, "project", {"name": PROJECT, "domain_id": domain})
    boss = _made(admin, "user", {"name": PROJECT, "domain_id": domain, "password": cloud.password})
    give(admin, "admin", boss, project)
    count = _remembered(admin, domain, cloud.password)
    auth = {
        "use_dynamic_credentials": True,
        "create_isolated_networks": True,
        "admin_username": PROJECT,
        "admin_password": cloud.password,
        "admin_project_name": PROJECT,
        "admin_domain_name": name,
        "default_credentials_domain_name": name,
    }
    return People(
        settings={
            "auth": auth,
            "identity": {"user_unique_last_password_count": count},
            # The users are tempest's, so it may change their passwords as it likes.
            "identity-feature-enabled": {"security_compliance": True},
        },
        accounts=(),
        domain=domain,
        secrets=(cloud.password,),
        note="users: made for each class of tests, in a domain of the run",
    )


def _made(admin: Asked, kind: str, values: Mapping[str, Any]) -> str:
    made = admin.send("POST", "identity", f"/{kind}s", {kind: values}).checked()
    return str(made.body[kind]["id"])


def give(admin: Asked, role: str, user: str, project: str) -> None:
    """Give a user a role in a project; raises CouldNotRun."""
    found = admin.items("identity", f"/roles?name={role}", "roles")
    known = next((one["id"] for one in found if one["name"] == role), None)
    if known is None:
        raise CouldNotRun(f"the cloud has no role {role}")
    path = f"/projects/{project}/users/{user}/roles/{known}"
    admin.send("PUT", "identity", path).checked()


def _remembered(admin: Asked, domain: str, password: str) -> int:
    """How many of a user's passwords the cloud remembers, and so refuses; 0: none.

    A user of ours tries it out: the API does not tell.
    """
    values = {"name": "passwords", "domain_id": domain, "password": password}
    user = _made(admin, "user", values)
    now = password
    for number in range(1, FORGOTTEN):
        following = f"{password}-{number}"
        if not _changed(admin, user, now, following):
            return 0  # it may not be changed so soon, or not at all
        if _changed(admin, user, following, password):
            return 0 if number == 1 else number
        now = following
    return FORGOTTEN


def _changed(admin: Asked, user: str, before: str, after: str) -> bool:
    body = {"user": {"original_password": before, "password": after}}
    return admin.send("POST", "identity", f"/users/{user}/password", body).ok


# Logins that it is given.


def given(logins: Sequence[Login]) -> People:
    """Each worker gets a login of its own; with several, the last is everybody's other user.

    Each project gets a network for the tests' guests, found and removed by its marks.
    """
    for login in logins:
        network_behind_router(login.cloud)
    others = logins[-1:] if len(logins) > 1 else ()
    mains = logins[:-1] if others else logins
    accounts = tuple(
        (
            account(main, "member"),
            # Before the next one: whoever asks for just another user gets the first that is free.
            *(account(other) for other in others),
            # tempest asks for a reader, and has no use for it while `enforce_scope` is off. It
            # takes no login twice; with the project's id this is another one to it.
            {**account(main, "reader"), "project_id": main.cloud.token.project_id},
        )
        for main in mains
    )
    return People(
        settings={
            "auth": {"use_dynamic_credentials": False, "create_isolated_networks": False},
            "identity": {},
            # No test may change the password of somebody else's user.
            "identity-feature-enabled": {"security_compliance": False},
        },
        accounts=accounts,
        domain=logins[0].cloud.person["project_domain_id"],
        secrets=tuple(login.password for login in logins),
        note=f"users: {len(logins)} given login{'s' * (len(logins) > 1)}",
    )


def account(login: Login, *roles: str) -> dict[str, Any]:
    """An entry of tempest's accounts.yaml."""
    person = login.cloud.person
    return {
        "username": person["username"],
        "user_domain_name": person["user_domain_name"],
        "project_name": person["project_name"],
        "project_domain_name": person["project_domain_name"],
        "password": login.password,
        "roles": list(roles),
        "resources": {"network": login.cloud.marks["name"]},
    }
