# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""SCS-0302: a domain manager does all in the own domain that it should, and nothing elsewhere.

Two domains of our own are made for this, so that nobody's users are touched whatever happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scs.standards.model import Answer, Check, Cloud, CouldNotRun, Finding, Needs, Standard

URL = "https://docs.scs.community/standards/scs-0302-v1-domain-manager-role"
MANAGER = "manager"
REFUSED = frozenset({401, 403, 404})
MEND = "Keystone's policy for the role manager: upstream's defaults since 2024.2, or SCS-0302's"


@dataclass(frozen=True)
class Ground:
    """Two domains with somebody in each, and the manager of the first."""

    manager: Cloud
    me: str
    mine: Mapping[str, str]
    """What is in the manager's domain: domain, project, user."""
    others: Mapping[str, str]
    roles: Mapping[str, str]
    """Name → id."""


def _ground(cloud: Cloud) -> Ground:
    return cloud.shared("two domains", lambda: _made(cloud))


def _made(cloud: Cloud) -> Ground:
    admin = cloud.admin()
    roles = {role["name"]: role["id"] for role in admin.items("identity", "/roles", "roles")}
    if MANAGER not in roles:
        raise CouldNotRun("there is no role manager")
    mine, others = (_domain(cloud, admin, suffix) for suffix in ("", "-other"))
    name = f"{cloud.marks['name']}-manager"
    me = _user(cloud, admin, mine["domain"], name)
    path = f"/domains/{mine['domain']}/users/{me}/roles/{roles[MANAGER]}"
    admin.send("PUT", "identity", path).checked()
    scope = {"domain_id": mine["domain"]}
    manager = cloud.login(name, cloud.password, mine["domain"], scope)
    return Ground(manager, me, mine, others, roles)


def _domain(cloud: Cloud, admin: Cloud, suffix: str) -> Mapping[str, str]:
    marks = {"name": cloud.marks["name"] + suffix, "description": cloud.marks["description"]}
    made = admin.send("POST", "identity", "/domains", {"domain": marks}).checked()
    domain = made.body["domain"]["id"]
    project = {**marks, "domain_id": domain}
    inside = admin.send("POST", "identity", "/projects", {"project": project}).checked()
    user = _user(cloud, admin, domain, marks["name"])
    return {"domain": domain, "project": inside.body["project"]["id"], "user": user}


def _user(cloud: Cloud, admin: Cloud, domain: str, name: str) -> str:
    values = {"name": name, "domain_id": domain, "password": cloud.password}
    made = admin.send("POST", "identity", "/users", {"user": values}).checked()
    return str(made.body["user"]["id"])


def duties(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """It makes users, projects and groups, and gives and takes the role member."""
    ground = _ground(cloud)
    manager, domain = ground.manager, ground.mine["domain"]
    made: dict[str, str] = {}
    for kind in ("user", "project", "group"):
        values = {"name": f"{cloud.marks['name']}-own", "domain_id": domain}
        answer = manager.send("POST", "identity", f"/{kind}s", {kind: values})
        if answer.ok:
            made[kind] = answer.body[kind]["id"]
        else:
            yield _refused(f"make a {kind}", answer)
    project, member = ground.mine["project"], ground.roles.get("member", "")
    for what, path in (
        ("give a user the role member", f"/projects/{project}/users/{made.get('user')}"),
        ("give a group the role member", f"/projects/{project}/groups/{made.get('group')}"),
    ):
        if "None" in path:
            continue  # told above
        for verb, word in (("PUT", what), ("DELETE", what.replace("give", "take from", 1))):
            answer = manager.send(verb, "identity", f"{path}/roles/{member}")
            if not answer.ok:
                yield _refused(word, answer)
    for kind, known in made.items():
        answer = manager.send("DELETE", "identity", f"/{kind}s/{known}")
        if not answer.ok:
            yield _refused(f"delete a {kind}", answer)


def _refused(what: str, answer: Answer) -> Finding:
    return Finding("a domain manager", f"may {what} in the own domain", answer.words, MEND)


def _attacks(cloud: Cloud, ground: Ground) -> Iterator[tuple[str, str, str, Any]]:
    """(what, verb, path, body) of all that a manager must not be able to do."""
    mine, others, roles = ground.mine, ground.others, ground.roles
    name = f"{cloud.marks['name']}-attack"
    marks = {"name": name, "description": cloud.marks["description"]}
    if admin := roles.get("admin"):
        own = f"/domains/{mine['domain']}/users/{ground.me}/roles/{admin}"
        project = f"/projects/{mine['project']}/users/{ground.me}/roles/{admin}"
        yield "become administrator of the own domain", "PUT", own, None
        yield "become administrator of a project", "PUT", project, None
        friend = f"/projects/{mine['project']}/users/{mine['user']}/roles/{admin}"
        yield "make somebody administrator", "PUT", friend, None
        yield (
            "become administrator of the cloud",
            "PUT",
            f"/system/users/{ground.me}/roles/{admin}",
            None,
        )
    if member := roles.get("member"):
        foreign = f"/projects/{others['project']}/users/{ground.me}/roles/{member}"
        yield "become member of another domain's project", "PUT", foreign, None
    outside = {"name": name, "domain_id": others["domain"]}
    yield "make a user in another domain", "POST", "/users", {"user": outside}
    yield "make a project in another domain", "POST", "/projects", {"project": outside}
    yield "make a group in another domain", "POST", "/groups", {"group": outside}
    taken = {"user": {"description": "taken over"}}
    yield "change another domain's user", "PATCH", f"/users/{others['user']}", taken
    yield "see another domain's user", "GET", f"/users/{others['user']}", None
    yield "see another domain's project", "GET", f"/projects/{others['project']}", None
    yield "make a role", "POST", "/roles", {"role": marks}
    yield "make a domain", "POST", "/domains", {"domain": {**marks, "enabled": False}}
    shut = {"domain": {"enabled": False}}
    yield "shut another domain", "PATCH", f"/domains/{others['domain']}", shut
    yield "delete another domain's user", "DELETE", f"/users/{others['user']}", None


def attacks(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """Each attempt to reach beyond the own domain, or above the own role, is refused."""
    ground = _ground(cloud)
    for what, verb, path, body in _attacks(cloud, ground):
        answer = ground.manager.send(verb, "identity", path, body)
        if answer.status not in REFUSED:
            _undo(cloud, verb, path, answer)
            expected = f"may not {what}: 403"
            yield Finding("a domain manager", expected, answer.words, MEND)
    for kind in ("users", "projects"):
        path = f"/{kind}?domain_id={ground.others['domain']}"
        answer = ground.manager.send("GET", "identity", path)
        if answer.ok and answer.body[kind]:
            seen = f"{len(answer.body[kind])} of them"
            expected = f"sees none of another domain's {kind}"
            yield Finding("a domain manager", expected, seen, MEND)


def _undo(cloud: Cloud, verb: str, path: str, answer: Answer) -> None:
    """What an attack that went well has left outside of our two domains."""
    admin = cloud.admin()
    if path == "/roles" and answer.ok:
        admin.send("DELETE", "identity", f"/roles/{answer.body['role']['id']}")
    if path.startswith("/system/") and verb == "PUT":
        admin.send("DELETE", "identity", path)


def _check(name: str, title: str, ask: Any, rationale: str) -> Check:
    return Check(
        id=f"scs-0302-{name}",
        title=title,
        ask=ask,
        rationale=rationale,
        needs=frozenset({Needs.ADMIN, Needs.MAKES}),
        seconds=20,
    )


STANDARD = Standard(
    "scs-0302",
    "v1",
    "Domain manager role",
    URL,
    (
        _check(
            "duties",
            "Domain managers manage users, projects and groups",
            duties,
            "Customers help themselves, without waiting for the provider.",
        ),
        _check(
            "attacks",
            "Domain managers reach nothing beyond their domain",
            attacks,
            "One customer's manager must not become everybody's.",
        ),
    ),
)
