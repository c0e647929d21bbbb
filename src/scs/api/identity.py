# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Domains, projects, roles, users, and the catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scs.api.clients import DOMAIN, Clients
from scs.api.kinds import Kind, lines
from scs.model.objects import CatalogEntry, Domain, Person, Project, Role


class Domains(Kind[Domain]):
    """Domains beside the default one."""

    def observe(self, clients: Clients, wanted: Sequence[Domain]) -> dict[str, Any]:
        there = domain_ids(clients)
        return {want.id: {"id": there[want.name]} if want.name in there else {} for want in wanted}

    def converge(self, clients: Clients, want: Domain, seen: Mapping[str, Any]) -> None:
        clients.identity.create_domain(name=want.name, description=want.description)

    def remove(self, clients: Clients, want: Domain, seen: Mapping[str, Any]) -> None:
        if seen:
            # Keystone deletes none that is in use, and with one all that is in it.
            clients.identity.update_domain(seen["id"], is_enabled=False)
            clients.identity.delete_domain(seen["id"])


class Roles(Kind[Role]):
    """Roles beside those that Keystone comes with."""

    def observe(self, clients: Clients, wanted: Sequence[Role]) -> dict[str, Any]:
        there = {
            item["name"]: item["id"] for item in clients.rest("identity", "/v3/roles", "roles")
        }
        return {want.id: {"id": there[want.name]} if want.name in there else {} for want in wanted}

    def converge(self, clients: Clients, want: Role, seen: Mapping[str, Any]) -> None:
        clients.identity.create_role(name=want.name)

    def remove(self, clients: Clients, want: Role, seen: Mapping[str, Any]) -> None:
        if seen:
            clients.identity.delete_role(seen["id"])


class Projects(Kind[Project]):
    """Projects in the default domain."""

    def observe(self, clients: Clients, wanted: Sequence[Project]) -> dict[str, Any]:
        there = clients.project_ids()
        return {want.id: {"id": there[want.name]} if want.name in there else {} for want in wanted}

    def converge(self, clients: Clients, want: Project, seen: Mapping[str, Any]) -> None:
        clients.identity.create_project(
            name=want.name, description=want.description, domain_id=DOMAIN
        )


def domain_ids(clients: Clients) -> dict[str, str]:
    """Name → id of all domains."""
    listed = clients.rest("identity", "/v3/domains", "domains")
    return {item["name"]: item["id"] for item in listed}


class People(Kind[Person]):
    """Users with their roles on one project or domain; that the password works is seen by
    logging in.
    """

    def observe(self, clients: Clients, wanted: Sequence[Person]) -> dict[str, Any]:
        domains = {"": DOMAIN}
        if any(want.domain for want in wanted):
            domains |= domain_ids(clients)
        there = {
            name: _users(clients, domains[name])
            for name in {want.domain for want in wanted} & set(domains)
        }
        listed = clients.rest(
            "identity", "/v3/role_assignments?include_names=true", "role_assignments"
        )
        held: dict[str, list[tuple[str, str]]] = {}
        for item in listed:
            scope = item["scope"]
            project = scope.get("project", {})
            if "user" not in item:
                continue
            if project.get("domain", {}).get("id") == DOMAIN:
                pair = (project["name"], item["role"]["name"])
                held.setdefault(item["user"]["id"], []).append(pair)
            elif scope.get("domain", {}).get("id") == item["user"]["domain"]["id"]:
                held.setdefault(item["user"]["id"], []).append(("", item["role"]["name"]))
        found: dict[str, Any] = {}
        for want in wanted:
            known = there.get(want.domain, {}).get(want.name)
            roles = [role for project, role in held.get(known or "", []) if project == want.project]
            found[want.id] = {"id": known, "roles": sorted(roles)} if known else {}
        return found

    def compare(self, want: Person, seen: Mapping[str, Any]) -> str | None:
        if want.absent:
            return "is to be removed" if seen else None
        if not seen:
            return "is missing"
        missing = sorted(set(want.roles) - set(seen["roles"]))
        where = want.project or f"domain {want.domain}"
        return f"lacks role {', '.join(missing)} on {where}" if missing else None

    def converge(self, clients: Clients, want: Person, seen: Mapping[str, Any]) -> None:
        identity = clients.identity
        if want.absent:
            identity.delete_user(seen["id"])
            return
        domain = domain_ids(clients)[want.domain] if want.domain else DOMAIN
        values: dict[str, Any] = {}
        if want.project:
            project = identity.find_project(want.project, ignore_missing=False, domain_id=DOMAIN)
            values["default_project_id"] = project.id
        if not seen:
            user = identity.create_user(
                name=want.name, password=want.password, domain_id=domain, **values
            ).id
        else:
            user = seen["id"]
        roles = {item.name: item for item in identity.roles()}
        for role in want.roles:
            if want.project:
                identity.assign_project_role_to_user(project, user, roles[role])
            else:
                identity.assign_domain_role_to_user(domain, user, roles[role])

    def remove(self, clients: Clients, want: Person, seen: Mapping[str, Any]) -> None:
        if seen:
            clients.identity.delete_user(seen["id"])


def _users(clients: Clients, domain: str) -> dict[str, str]:
    """Name → id of all users of a domain."""
    listed = clients.rest("identity", f"/v3/users?domain_id={domain}", "users")
    return {item["name"]: item["id"] for item in listed}


class Catalog(Kind[CatalogEntry]):
    """Services and endpoints."""

    def observe(self, clients: Clients, wanted: Sequence[CatalogEntry]) -> dict[str, Any]:
        listed = clients.rest("identity", "/v3/services", "services")
        services = {item["type"]: item for item in listed}
        urls: dict[str, dict[str, list[str]]] = {}
        for item in clients.rest("identity", "/v3/endpoints", "endpoints"):
            urls.setdefault(item["service_id"], {})[item["interface"]] = [item["id"], item["url"]]
        return {
            want.id: {
                "id": services[want.type]["id"],
                "name": services[want.type]["name"],
                "urls": urls.get(services[want.type]["id"], {}),
            }
            if want.type in services
            else {}
            for want in wanted
        }

    def compare(self, want: CatalogEntry, seen: Mapping[str, Any]) -> str | None:
        if not seen:
            return "is not in the catalog"
        wrong = [
            interface
            for interface, url in want.urls.items()
            if seen["urls"].get(interface, ["", ""])[1] != url
        ]
        return f"has another {' and '.join(wrong)} address" if wrong else None

    def diff(self, want: CatalogEntry, seen: Mapping[str, Any]) -> str:
        return lines(
            (interface, seen["urls"].get(interface, ["", "nothing"])[1], url)
            for interface, url in want.urls.items()
        )

    def converge(self, clients: Clients, want: CatalogEntry, seen: Mapping[str, Any]) -> None:
        identity = clients.identity
        service = (
            seen["id"]
            if seen
            else identity.create_service(
                name=want.name, type=want.type, description=want.description
            ).id
        )
        for interface, url in want.urls.items():
            known, there = seen.get("urls", {}).get(interface, ["", ""])
            if known and there != url:
                identity.update_endpoint(known, url=url)
            elif not known:
                identity.create_endpoint(
                    service_id=service,
                    interface=interface,
                    url=url,
                    region_id=clients.view.region,
                )

    def remove(self, clients: Clients, want: CatalogEntry, seen: Mapping[str, Any]) -> None:
        if seen:
            for known, _ in seen["urls"].values():
                clients.identity.delete_endpoint(known)
            clients.identity.delete_service(seen["id"])
