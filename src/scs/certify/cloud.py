# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A cloud of any clouds.yaml, as checks ask it: slowly, counted, and with request ids kept.

What is kept of a request is its method, address, status and id; never a header, a body or a token.
"""

from __future__ import annotations

import json as json_module
import re
import secrets
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from scs.certify.tls import examine
from scs.certify.wire import Call, Limiter, Once
from scs.errors import BadInput, Problem
from scs.marks import Marks
from scs.patience import patient
from scs.standards.model import Answer, Connection, CouldNotRun, Service, Token, Verdict

if TYPE_CHECKING:
    from keystoneauth1.session import Session
    from openstack.config.cloud_region import CloudRegion

T = TypeVar("T")

MARKS = Marks("certify")
SECONDS = 60
"""How long one request may take."""
ALIASES: Mapping[str, tuple[str, ...]] = {"block-storage": ("volumev3", "block-storage", "volume")}
VERSIONS: Mapping[str, str] = {
    "dns": "v2",
    "identity": "v3",
    "image": "v2",
    "key-manager": "v1",
    "network": "v2.0",
}
"""What an address in the catalog may lack at its end."""
IDS = ("x-openstack-request-id", "x-compute-request-id", "openstack-request-id")


def session_of(name: str) -> tuple[Session, str, str]:
    """Session, region and interface of a cloud in clouds.yaml; raises BadInput."""
    region = _named(name)
    interface = str(region.config.get("interface") or "public")
    return region.get_session(), region.get_region_name() or "", interface


def password_of(name: str) -> str:
    """The password of a cloud in clouds.yaml; empty: its login has none. Raises BadInput."""
    auth = _named(name).config.get("auth", {})
    return str(auth.get("password") or "") if auth.get("username") else ""


def _named(name: str) -> CloudRegion:
    import openstack.config
    from openstack.exceptions import ConfigException

    try:
        with warnings.catch_warnings():
            # Of things that the SDK will drop: nobody here uses them.
            warnings.simplefilter("ignore")
            found: CloudRegion = openstack.config.OpenStackConfig().get_one(name)
            found.get_session()  # now: it complains of the rest of what is wrong
            return found
    except (ConfigException, FileNotFoundError) as error:
        hint = (
            "openstack --os-cloud NAME token issue must work; OS_CLIENT_CONFIG_FILE names the file"
        )
        raise BadInput(Problem(f"cloud {name}", str(error).strip(), hint)) from error


class Run:
    """What all views of a cloud have in common for the length of one run."""

    def __init__(self, now: datetime, limiter: Limiter | None = None) -> None:
        self.name = secrets.token_hex(4)
        self.now = now
        self.limiter = limiter or Limiter()
        self.once = Once()
        self.stop = threading.Event()
        self.verdicts: dict[str, tuple[Verdict, tuple[Call, ...]]] = {}
        """What came of tests of another program, with what these asked."""
        self.untested = ""
        """Why there is none of them."""
        self.password = f"{secrets.token_urlsafe(24)}aA1!"


class Asked:
    """A cloud as one login sees it; each check has one of its own, with its own evidence."""

    def __init__(
        self,
        session: Session,
        region: str,
        interface: str,
        run: Run,
        admin: Session | None = None,
        log: list[Call] | None = None,
        who: str = "member",
    ) -> None:
        self._session = session
        self._region = region
        self._interface = interface
        self._admin = admin
        self._who = who
        self.run = run
        self.now = run.now
        self.password = run.password
        self.log: list[Call] = [] if log is None else log

    def fresh(self) -> Asked:
        """The same for another check."""
        return Asked(self._session, self._region, self._interface, self.run, self._admin)

    @property
    def marks(self) -> Mapping[str, str]:
        return {
            "name": MARKS.name_of(self.run.name),
            "description": MARKS.mark_of(self.run.name),
        }

    @property
    def region(self) -> str:
        return self._region

    @property
    def has_admin(self) -> bool:
        return self._admin is not None

    # Who asks, and where.

    @cached_property
    def _access(self) -> Any:
        from keystoneauth1.exceptions import ClientException

        def get() -> Any:
            auth = self._session.auth
            assert auth is not None
            try:
                with self.run.limiter.turn():
                    access = auth.get_access(self._session)  # type: ignore[attr-defined]
            except ClientException as error:
                raise CouldNotRun(f"no token for the {self._who}: {error}") from error
            self.log.append(Call("token", f"of the {self._who}", 0))
            return access

        return self.run.once.get((id(self._session), "token"), get, self.log)

    @property
    def token(self) -> Token:
        access = self._access
        return Token(access.user_id, access.project_id or "", frozenset(access.role_names))

    @property
    def person(self) -> Mapping[str, str]:
        """Names of the user and the project, and where these are, as far as the token tells."""
        access = self._access
        where = ("user_domain_name", "project_domain_name", "project_domain_id")
        names = ("username", "project_name", *where)
        return {name: str(getattr(access, name) or "") for name in names}

    @property
    def verify(self) -> bool | str:
        """How the cloud's certificates are examined: against a file of CAs, or not at all."""
        known = self._session.verify
        return True if known is None else known

    @property
    def services(self) -> Sequence[Service]:
        found = []
        for entry in self._access.service_catalog.catalog:
            urls = {
                point["interface"].removesuffix("URL"): point["url"]
                for point in entry["endpoints"]
                if not self._region or point.get("region_id", point.get("region")) == self._region
            }
            found.append(Service(entry["type"], entry.get("name", ""), urls))
        return found

    def has(self, service: str) -> bool:
        return bool(self._address(service))

    def _address(self, service: str) -> str:
        types = ALIASES.get(service, (service,))
        return next(
            (
                item.urls[self._interface]
                for kind in types
                for item in self.services
                if item.type == kind and self._interface in item.urls
            ),
            "",
        )

    def url(self, service: str) -> str:
        """Where a service's API begins; raises CouldNotRun when the catalog does not have it."""
        address = self._address(service).rstrip("/")
        if not address:
            raise CouldNotRun(f"the catalog has no {service}")
        version = VERSIONS.get(service)
        if version and not re.search(r"/v\d[\d.]*$", address):
            address = f"{address}/{version}"
        return address

    @property
    def identity(self) -> str:
        """Where it is asked for tokens; by the login where the catalog does not say so."""
        if self.has("identity"):
            return self.url("identity")
        return str(getattr(self._session.auth, "auth_url", ""))

    # Asking.

    def get(self, service: str, path: str, microversion: str = "") -> Answer:
        key = (id(self._session), service, path, microversion)
        return self.run.once.get(
            key, lambda: self.send("GET", service, path, microversion=microversion), self.log
        )

    def items(
        self, service: str, path: str, key: str, microversion: str = ""
    ) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        following: str = path
        while following:
            body = self.get(service, following, microversion).checked().body
            found += body[key]
            links = {link["rel"]: link["href"] for link in body.get(f"{key}_links") or ()}
            more = links.get("next") or body.get("next")
            if not more:
                break
            # Wherever the service believes to be: the page is asked for where the list was.
            following = f"{path.partition('?')[0]}?{urlsplit(more).query}"
        return found

    def send(
        self,
        method: str,
        service: str,
        path: str,
        json: Any = None,
        *,
        microversion: str = "",
        data: bytes | None = None,
        first: int = 0,
    ) -> Answer:
        headers = {"Accept": "application/json"}
        if first:
            headers["Accept"] = "*/*"
        if microversion:
            headers["OpenStack-API-Version"] = f"{service} {microversion}"
        if data is not None:
            headers["Content-Type"] = "application/octet-stream"
        if method == "PATCH" and service == "image":
            headers["Content-Type"] = "application/openstack-images-v2.1-json-patch"
            data, json = json_module.dumps(json).encode(), None
        url = self.url(service) + path
        return self._ask(method, url, headers, json=json, data=data, first=first)

    def bare(self, url: str, headers: Mapping[str, str]) -> Answer:
        return self._ask("GET", url, headers, authenticated=False)

    def _ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        first: int = 0,
        authenticated: bool = True,
        **more: Any,
    ) -> Answer:
        from keystoneauth1.exceptions import ClientException

        self._check()
        if more.get("json") is None:
            more.pop("json", None)
        try:
            with self.run.limiter.turn():
                got = self._session.request(
                    url,
                    method,
                    headers=dict(headers),
                    raise_exc=False,
                    authenticated=authenticated,
                    log=False,
                    stream=bool(first),
                    timeout=patient(SECONDS),
                    connect_retries=1,
                    **more,
                )
                content = next(got.iter_content(first), b"") if first else got.content
                got.close()
        except ClientException as error:
            raise CouldNotRun(f"{method} {_public(url)}: {error}") from error
        known = next((got.headers[name] for name in IDS if name in got.headers), "")
        self.log.append(Call(method, _public(url), got.status_code, known))
        return Answer(
            method,
            _public(url),
            got.status_code,
            known,
            None if first else _body(content),
            content,
        )

    def connection(self, url: str) -> Connection:
        parts = urlsplit(url)

        def look() -> Connection:
            verify = self._session.verify
            with self.run.limiter.turn():
                found = examine(url, verify if isinstance(verify, str) else None)
            self.log.append(Call("TLS", found.where, 0))
            return found

        return self.run.once.get(("tls", parts.netloc), look, self.log)

    # Waiting, sharing, being somebody else.

    def _check(self) -> None:
        if self.run.stop.is_set():
            raise CouldNotRun("the run was ended")

    def until(self, probe: Callable[[], T | None], seconds: float, failure: str) -> T:
        seconds = patient(seconds)
        start = time.monotonic()
        while True:
            self._check()
            if answer := probe():
                return answer
            spent = time.monotonic() - start
            if spent > seconds:
                raise CouldNotRun(f"waited {seconds:.0f} s in vain for {failure}")
            # The longer it has taken, the longer it will: so few questions for long waits.
            self.run.stop.wait(min(5.0, max(0.2, spent / 6)))

    def shared(self, name: str, make: Callable[[], T]) -> T:
        return self.run.once.get(("shared", name), make, self.log)

    def admin(self) -> Asked:
        if self._admin is None:
            raise CouldNotRun("needs an administrator's login")
        return Asked(
            self._admin, self._region, self._interface, self.run, None, self.log, "administrator"
        )

    def tested(self, test: str) -> Verdict:
        if test not in self.run.verdicts:
            raise CouldNotRun(self.run.untested or "the run ended before this test")
        verdict, calls = self.run.verdicts[test]
        self.log.extend(calls)
        return verdict

    def login(self, user: str, password: str, domain: str, scope: Mapping[str, Any]) -> Asked:
        from keystoneauth1.identity.v3 import Password
        from keystoneauth1.session import Session

        auth = Password(
            self.url("identity"),
            username=user,
            password=password,
            user_domain_id=domain,
            **scope,
        )
        session = Session(auth=auth, verify=self._session.verify)
        other = Asked(session, self._region, self._interface, self.run, None, self.log, user)
        _ = other.token
        return other


def _public(url: str) -> str:
    """An address without what may be private in it."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, parts.query, ""))


def _body(content: bytes) -> Any:
    try:
        return json_module.loads(content)
    except ValueError:
        return content[:10_000].decode(errors="replace")
