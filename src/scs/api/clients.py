# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Connections to the cloud's API."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import yaml

from scs.model.view import View
from scs.patience import patient
from scs.resources import ConvergeError

if TYPE_CHECKING:
    from keystoneauth1.session import Session
    from openstack.connection import Connection
    from openstack.identity.v3._proxy import Proxy as Identity

DOMAIN = "default"
UNAVAILABLE = (502, 503, 504)
AGAIN = 15.0
"""Seconds for which a look asks again when a service is not available."""
TIMEOUT = 60
"""Seconds that one request may take."""


def clouds_yaml(view: View, ca_path: Path) -> str:
    """clouds.yaml: the tenant's user (`CLOUD`) and the administrator (`CLOUD-admin`)."""
    common = {
        "region_name": view.region,
        "cacert": str(ca_path),
        "interface": "public",
        "identity_api_version": 3,
    }

    def entry(user: str, project: str) -> dict[str, Any]:
        auth = {
            "auth_url": view.url("identity", external=True),
            "username": user,
            "password": view.secret(f"user/{user}"),
            "project_name": project,
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        }
        return {"auth": auth, **common}

    clouds = {
        view.cloud: entry(view.tenant.user, view.tenant.project),
        f"{view.cloud}-admin": entry("admin", "admin"),
    }
    return yaml.safe_dump({"clouds": clouds}, sort_keys=False)


class Unavailable(RuntimeError):
    """The service was not there to answer: what it was asked for may be done or not."""


GIVEN_UP = "given up, because something on a node failed"
"""How such a step ends; it is no failure of its own."""


class GivenUp(ConvergeError):
    """Not done, because something else failed that it may have waited for."""

    def __init__(self) -> None:
        super().__init__(GIVEN_UP)


class RightOfWay:
    """Who makes a guest goes first, for while it boots there is time for the rest.

    A service's API on a small node is one process: of two requests at once each takes as long as
    both together.
    """

    LONGEST = 60.0
    """Seconds after which whoever gives way goes on: it is about pace alone."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._takers = 0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Others give way meanwhile."""
        with self._free:
            self._takers += 1
        try:
            yield
        finally:
            with self._free:
                self._takers -= 1
                self._free.notify_all()

    def give(self) -> None:
        """Wait for those that go first."""
        with self._free:
            self._free.wait_for(lambda: not self._takers, patient(self.LONGEST))


class Clients:
    """One connection as administrator and one as the tenant's user, made when first used.

    To look, `rest` is enough: the SDK takes a second to load, which a look has no use for.
    """

    def __init__(self, view: View, ca_path: Path) -> None:
        self.view = view
        self.ca_path = ca_path
        self._made: dict[str, Connection] = {}
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()
        self._lists: dict[tuple[str, ...], Future[list[dict[str, Any]]]] | None = None
        self.way = RightOfWay()
        self.stop = threading.Event()
        """Something on a node failed: what only waits gives up."""

    def pause(self, seconds: float) -> None:
        """Wait a little before looking again; raises GivenUp once waiting may be in vain."""
        if self.stop.wait(seconds):
            raise GivenUp

    def rest(
        self, service: str, path: str, key: str, *, project: str = "", microversion: str = ""
    ) -> list[dict[str, Any]]:
        """All items of a list of the API, of however many pages; `key` is what holds them.

        Raises RuntimeError with the server's words when it is an error.
        """
        if self._lists is None:
            return self._listed(service, path, key, project, microversion)
        known = (service, path, project, microversion)
        with self._lock:
            task = self._lists.get(known)
            if first := task is None:
                task = self._lists[known] = Future()
        if first:
            try:
                task.set_result(self._listed(service, path, key, project, microversion))
            except Exception as error:
                task.set_exception(error)
        return list(task.result())

    def moment(self) -> Clients:
        """The same connections for one look: what several ask for is asked of the cloud once."""
        found = copy(self)
        found._lists = {}
        return found

    def _listed(
        self, service: str, path: str, key: str, project: str, microversion: str
    ) -> list[dict[str, Any]]:
        point = self.view.endpoint(service)
        base = self.view.url(service, external=True)
        session = self._session(project)
        found: list[dict[str, Any]] = []
        headers = {"OpenStack-API-Version": f"{service} {microversion}"} if microversion else {}
        following: str | None = base + path
        while following:
            values = self._asked(session, following, f"{service} {path}", headers)
            found += values[key]
            links = {link["rel"]: link["href"] for link in values.get(f"{key}_links", ())}
            following = links.get("next") or values.get("next")
            if following:
                # Wherever the service believes to be: it is asked where we have found it.
                parts = urlsplit(following)
                root = base.removesuffix(point.path)
                following = f"{root}{parts.path}{'?' if parts.query else ''}{parts.query}"
        return found

    def one(self, service: str, path: str, key: str) -> dict[str, Any]:
        """One object of the API, as the administrator sees it; `key` is what holds it."""
        values: dict[str, Any] = self.whole(service, path)[key]
        return values

    def whole(self, service: str, path: str) -> dict[str, Any]:
        """The whole of an answer to the administrator."""
        url = self.view.url(service, external=True) + path
        values: dict[str, Any] = self._asked(self._session(""), url, f"{service} {path}")
        return values

    def change(
        self,
        method: str,
        service: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        microversion: str = "",
    ) -> Any:
        """Have the administrator change something; the JSON of the answer.

        Raises RuntimeError with the server's words when it is refused, and Unavailable when
        nobody can tell whether it was done.
        """
        from keystoneauth1.exceptions import ClientException

        url = self.view.url(service, external=True) + path
        headers = {"OpenStack-API-Version": f"{service} {microversion}"} if microversion else {}
        session, what = self._session(""), f"{service} {path}"
        try:
            answer = session.request(url, method, json=body, headers=headers, raise_exc=False)
        except ClientException as error:
            raise Unavailable(f"{what}: {error}") from error
        if answer.status_code in UNAVAILABLE:
            raise Unavailable(f"{what}: answered {answer.status_code}")
        return checked(answer, what)

    def _asked(
        self, session: Session, url: str, what: str, headers: Mapping[str, str] | None = None
    ) -> Any:
        """The JSON of a GET; asks again for a while where a service has just restarted."""
        from keystoneauth1.exceptions import ClientException

        end = time.monotonic() + AGAIN
        while True:
            try:
                answer = session.get(url, headers=dict(headers or {}), raise_exc=False)
            except ClientException as error:  # no connection, or no token
                failure = RuntimeError(f"{what}: {error}")
                again = getattr(error, "http_status", 503) >= 500
            else:
                if answer.status_code not in UNAVAILABLE:
                    return checked(answer, what)
                failure, again = RuntimeError(f"{what}: answered {answer.status_code}"), True
            if not again or time.monotonic() > end:
                raise failure
            time.sleep(0.5)

    def project_ids(self) -> dict[str, str]:
        """Name → id of all projects in the default domain."""
        path = f"/v3/projects?domain_id={DOMAIN}"
        return {item["name"]: item["id"] for item in self.rest("identity", path, "projects")}

    def _session(self, project: str) -> Session:
        tenant = self.view.tenant
        own = project == tenant.project
        user, scope = (tenant.user, tenant.project) if own else ("admin", "admin")
        with self._lock:
            if user not in self._sessions:
                from keystoneauth1.identity.v3 import Password
                from keystoneauth1.session import Session

                login = Password(
                    auth_url=f"{self.view.url('identity', external=True)}/v3",
                    username=user,
                    password=self.view.secret(f"user/{user}"),
                    project_name=scope,
                    user_domain_id=DOMAIN,
                    project_domain_id=DOMAIN,
                )
                self._sessions[user] = Session(
                    login, verify=str(self.ca_path), timeout=patient(TIMEOUT)
                )
            return self._sessions[user]

    @property
    def admin(self) -> Connection:
        return self._made_once("admin", "admin")

    @property
    def tenant(self) -> Connection:
        return self._made_once(self.view.tenant.user, self.view.tenant.project)

    def _made_once(self, user: str, project: str) -> Connection:
        # Many threads ask at the same time, and each login costs the cloud a password's hash.
        with self._lock:
            if user not in self._made:
                self._made[user] = self._connect(user, project)
            return self._made[user]

    @property
    def identity(self) -> Identity:
        """The administrator's Keystone: v3, whatever the SDK's types allow."""
        return cast("Identity", self.admin.identity)

    def refresh(self) -> None:
        """Log in anew at the next use."""
        with self._lock:
            self._made.clear()
            self._sessions.clear()

    def of(self, project: str) -> Connection:
        """The connection that works in this project; empty: the administrator's."""
        return self.tenant if project == self.view.tenant.project else self.admin

    def _connect(self, user: str, project: str) -> Connection:
        import openstack

        return openstack.connect(
            auth_url=self.view.url("identity", external=True),
            username=user,
            password=self.view.secret(f"user/{user}"),
            project_name=project,
            user_domain_name="Default",
            project_domain_name="Default",
            region_name=self.view.region,
            cacert=str(self.ca_path),
            interface="public",
            api_timeout=patient(TIMEOUT),
            load_yaml_config=False,
            load_envvars=False,
        )


def answers(url: str, ca: str, timeout: float = 3) -> bool:
    """Whether an endpoint answers at all (401 counts: it is there)."""
    import ssl

    context = ssl.create_default_context(cadata=ca)
    parts = urlsplit(url)
    try:
        urllib.request.urlopen(
            f"{parts.scheme}://{parts.netloc}/", timeout=patient(timeout), context=context
        ).close()
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
    return True


def checked(response: Any, what: str) -> Any:
    """The JSON of a response; raises RuntimeError with the server's words when it is an error."""
    if response.status_code >= 400:
        try:
            told = json.dumps(response.json())
        except ValueError:
            told = response.text
        raise RuntimeError(f"{what}: {response.status_code} {told[:500]}")
    return response.json() if response.content else {}
