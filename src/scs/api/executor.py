# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Looking at and making everything in the cloud's API."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from scs.api.clients import Clients, answers
from scs.api.compute import Flavors, Keypairs, Servers
from scs.api.identity import Catalog, People, Projects
from scs.api.image import Images
from scs.api.kinds import Kind
from scs.api.network import Networks, Routers, SecurityGroups
from scs.images import BuiltImage
from scs.model.objects import ApiObject
from scs.resources.graph import Outcome, attempt, schedule

Tell = Callable[[Mapping[str, object]], None]


class Executor:
    """The second executor beside the nodes' own: in-process, as a graph, in parallel."""

    def __init__(self, clients: Clients, built: Callable[[str], BuiltImage]) -> None:
        self.clients = clients
        self.stop = threading.Event()
        self._lock = threading.Lock()
        self._fresh: dict[str, dict[str, Any]] = {}
        self._catalogued = False
        self.kinds: dict[str, Kind[Any]] = {
            "project": Projects(),
            "user": People(),
            "catalog": Catalog(),
            "flavor": Flavors(),
            "keypair": Keypairs(),
            "server": Servers(),
            "image": Images(built),
            "network": Networks(),
            "router": Routers(),
            "security-group": SecurityGroups(),
        }

    def compare(self, want: ApiObject, seen: Mapping[str, object]) -> str | None:
        return self.kinds[want.kind].compare(want, seen)

    def answering(self, wanted: Sequence[ApiObject]) -> bool:
        """Whether all endpoints that these objects belong to answer."""
        view = self.clients.view
        services = {want.service for want in wanted} | {"identity"}
        urls = [view.url(service, external=True) for service in sorted(services)]
        with ThreadPoolExecutor(max_workers=8) as pool:
            return all(pool.map(lambda url: answers(url, view.ca), urls))

    def observe(self, wanted: Sequence[ApiObject]) -> dict[str, Any]:
        """Id → what is there; nothing when the API does not answer. Raises what a request raises."""
        if not wanted or not self.answering(wanted):
            return {}
        by_kind: dict[str, list[ApiObject]] = {}
        for want in wanted:
            by_kind.setdefault(want.kind, []).append(want)
        _ = self.clients.admin.session.get_token()
        # Without its user nothing of the tenant's can be there.
        people = self.kinds["user"].observe(self.clients, by_kind.get("user", []))
        tenant = f"user:{self.clients.view.tenant.user}"
        if tenant in people and not people[tenant]:
            return people
        found: dict[str, Any] = dict(people)
        with ThreadPoolExecutor(max_workers=6) as pool:
            tasks = [
                pool.submit(self.kinds[kind].observe, self.clients, wants)
                for kind, wants in by_kind.items()
                if kind != "user"
            ]
            for task in tasks:
                found |= task.result()
        return found

    def run(self, steps: Sequence[ApiObject], tell: Tell, seconds: float = 900) -> list[Outcome]:
        """Converge these objects; waits for each one's service to answer first.

        Ends early when `stop` is set. A failure ends what depends on it, nothing else.
        """
        named = {step.id: step for step in steps}
        self._fresh.clear()
        self._catalogued = False
        after = {step.id: set(step.after) for step in steps}
        # The catalog and the users come before everything that is asked for by its address.
        first = {step.id for step in steps if step.service == "identity"}
        for step in steps:
            if step.service != "identity":
                after[step.id] |= first
        end = time.monotonic() + seconds

        def work(name: str) -> Outcome:
            step = named[name]
            try:
                self._await(step.service, end)
            except (RuntimeError, TimeoutError) as failure:
                return Outcome(name, False, time.time(), 0.0, str(failure))
            alike = [other for other in steps if other.kind == step.kind]
            return attempt(name, lambda: self._converge(step, alike), tell)

        return schedule(after, work, width=6)

    def _converge(self, step: ApiObject, alike: Sequence[ApiObject]) -> None:
        kind = self.kinds[step.kind]
        with self._lock:
            if step.service != "identity" and not self._catalogued:
                # Tokens from before the catalog was filled do not know the other services.
                self.clients.refresh()
                self._catalogued = True
            if step.kind not in self._fresh:
                self._fresh[step.kind] = kind.observe(self.clients, alike)
        kind.converge(self.clients, step, self._fresh[step.kind].get(step.id, {}))

    def _await(self, service: str, end: float) -> None:
        view = self.clients.view
        url = view.url(service, external=True)
        while not answers(url, view.ca):
            if self.stop.is_set():
                raise RuntimeError("given up, because something on a node failed")
            if time.monotonic() > end:
                raise TimeoutError(f"{url} does not answer")
            time.sleep(0.3)
