# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Projects, users, and the catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scs.api.clients import DOMAIN, Clients
from scs.api.kinds import Kind, lines
from scs.model.objects import CatalogEntry, Person, Project


class Projects(Kind[Project]):
    """Projects in the default domain."""

    def observe(self, clients: Clients, wanted: Sequence[Project]) -> dict[str, Any]:
        listed = clients.rest("identity", f"/v3/projects?domain_id={DOMAIN}", "projects")
        there = {item["name"]: item["id"] for item in listed}
        return {want.id: {"id": there[want.name]} if want.name in there else {} for want in wanted}

    def converge(self, clients: Clients, want: Project, seen: Mapping[str, Any]) -> None:
        clients.identity.create_project(
            name=want.name, description=want.description, domain_id=DOMAIN
        )


class People(Kind[Person]):
    """Users with their roles on one project; that the password works is seen by logging in."""

    def observe(self, clients: Clients, wanted: Sequence[Person]) -> dict[str, Any]:
        users = clients.rest("identity", f"/v3/users?domain_id={DOMAIN}", "users")
        there = {item["name"]: item["id"] for item in users}
        listed = clients.rest(
            "identity", "/v3/role_assignments?include_names=true", "role_assignments"
        )
        held: dict[str, list[tuple[str, str]]] = {}
        for item in listed:
            project = item["scope"].get("project", {})
            if "user" in item and project.get("domain", {}).get("id") == DOMAIN:
                pair = (project["name"], item["role"]["name"])
                held.setdefault(item["user"]["id"], []).append(pair)
        return {
            want.id: {
                "id": there[want.name],
                "roles": sorted(
                    role
                    for project, role in held.get(there[want.name], [])
                    if project == want.project
                ),
            }
            if want.name in there
            else {}
            for want in wanted
        }

    def compare(self, want: Person, seen: Mapping[str, Any]) -> str | None:
        if want.absent:
            return "is to be removed" if seen else None
        if not seen:
            return "is missing"
        missing = sorted(set(want.roles) - set(seen["roles"]))
        return f"lacks role {', '.join(missing)} on {want.project}" if missing else None

    def converge(self, clients: Clients, want: Person, seen: Mapping[str, Any]) -> None:
        identity = clients.identity
        if want.absent:
            identity.delete_user(seen["id"])
            return
        project = identity.find_project(want.project, ignore_missing=False, domain_id=DOMAIN)
        if not seen:
            user = identity.create_user(
                name=want.name,
                password=want.password,
                domain_id=DOMAIN,
                default_project_id=project.id,
            ).id
        else:
            user = seen["id"]
        roles = {item.name: item for item in identity.roles()}
        for role in want.roles:
            identity.assign_project_role_to_user(project, user, roles[role])

    def remove(self, clients: Clients, want: Person, seen: Mapping[str, Any]) -> None:
        if seen:
            clients.identity.delete_user(seen["id"])


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
