# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Looking at and making everything in the cloud's API."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from scs.api.aggregate import Aggregates
from scs.api.clients import Clients, GivenUp, answers
from scs.api.compute import Flavors, FloatingIps, Keypairs, Servers
from scs.api.default_rules import DefaultRulesOfGroups
from scs.api.hosts import AgentsOfHosts, Hosts
from scs.api.identity import Catalog, Domains, People, Projects, Roles
from scs.api.image import Images
from scs.api.kinds import Kind
from scs.api.network import Networks, Routers, SecurityGroups
from scs.api.quota import Quotas
from scs.api.subnet_pool import SubnetPools
from scs.api.volume import VolumeTypes
from scs.images import BuiltImage
from scs.model.objects import ApiObject
from scs.patience import patient
from scs.resources.graph import Outcome, attempt, schedule

AGAIN_SECONDS = 2.0
"""How long a service that did not do what it was asked gets before it is asked once more."""
Tell = Callable[[Mapping[str, object]], None]


@dataclass(frozen=True)
class Sight:
    """What a look at the API has shown; nothing of services that do not answer."""

    things: Mapping[str, Any] = field(default_factory=dict)
    """Id → what is there; empty where there is nothing."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Id → why its service, which answers, does not tell of it."""


class Executor:
    """The second executor beside the nodes' own: in-process, as a graph, in parallel."""

    def __init__(self, clients: Clients, built: Callable[[str], BuiltImage]) -> None:
        self.clients = clients
        self.stop = clients.stop
        self._lock = threading.Lock()
        self._fresh: dict[str, dict[str, Any]] = {}
        self._catalogued = False
        self.kinds: dict[str, Kind[Any]] = {
            "domain": Domains(),
            "project": Projects(),
            "role": Roles(),
            "user": People(),
            "catalog": Catalog(),
            "flavor": Flavors(),
            "host": Hosts(),
            "aggregate": Aggregates(),
            "agents": AgentsOfHosts(),
            "keypair": Keypairs(),
            "server": Servers(),
            "floating-ip": FloatingIps(),
            "image": Images(built),
            "network": Networks(),
            "router": Routers(),
            "security-group": SecurityGroups(),
            "default-security-group-rules": DefaultRulesOfGroups(),
            "quota": Quotas("compute", "/os-quota-sets", "quota_set"),
            "subnet-pool": SubnetPools(),
            "network-quota": Quotas("network", "/v2.0/quotas", "quota"),
            "volume-quota": Quotas("block-storage", "/os-quota-sets", "quota_set"),
            "volume-type": VolumeTypes(),
        }

    def compare(self, want: ApiObject, seen: Mapping[str, object]) -> str | None:
        return self.kinds[want.kind].compare(want, seen)

    def diff(self, want: ApiObject, seen: Mapping[str, object]) -> str:
        return self.kinds[want.kind].diff(want, seen) if seen else ""

    def _answers(self, service: str) -> bool:
        """Whether a service's endpoint answers."""
        view = self.clients.view
        return answers(view.url(service, external=True), view.ca)

    def at_stake(self, want: ApiObject, seen: Mapping[str, object]) -> tuple[list[str], list[str]]:
        """What has to move when this leaves, and what of it can't."""
        return self.kinds[want.kind].at_stake(want, seen)

    def leave(self, wanted: Iterable[ApiObject]) -> None:
        """Move away what depends on these, while their node runs."""
        for want in wanted:
            kind = self.kinds[want.kind]
            kind.leave(self.clients, want, kind.observe(self.clients, [want])[want.id])

    def remove(self, wanted: Iterable[ApiObject]) -> None:
        """Remove these from the cloud's API."""
        for want in wanted:
            kind = self.kinds[want.kind]
            kind.remove(self.clients, want, kind.observe(self.clients, [want])[want.id])

    def answering(self, services: Iterable[str]) -> set[str]:
        """Those of these services whose endpoints answer."""
        names = sorted(services)
        with ThreadPoolExecutor(max_workers=8) as pool:
            answer = pool.map(self._answers, names)
            return {name for name, ok in zip(names, answer, strict=True) if ok}

    def settle(self, wanted: Sequence[ApiObject], seconds: float = 60) -> None:
        """Wait until all services answer again: the load balancer notices a restart by and by."""
        services = {want.service for want in wanted}
        end = time.monotonic() + patient(seconds)
        while self.answering(services) != services and time.monotonic() < end:
            time.sleep(0.3)

    def observe(self, wanted: Sequence[ApiObject]) -> Sight:
        """Look at all of these, each kind in one go, many kinds at a time."""
        if not wanted:
            return Sight()
        there = self.answering({want.service for want in wanted} | {"identity"})
        if "identity" not in there:
            return Sight()
        by_kind: dict[str, list[ApiObject]] = {}
        for want in wanted:
            if want.service in there:
                by_kind.setdefault(want.kind, []).append(want)
        things: dict[str, Any] = {}
        refused: dict[str, str] = {}
        clients = self.clients.moment()
        with ThreadPoolExecutor(max_workers=len(by_kind)) as pool:
            tasks = {
                kind: pool.submit(self.kinds[kind].observe, clients, wants)
                for kind, wants in by_kind.items()
            }
            for kind, task in tasks.items():
                try:
                    things |= task.result()
                except RuntimeError as error:
                    refused |= {want.id: str(error) for want in by_kind[kind]}
        return Sight(things, refused)

    def run(
        self,
        steps: Sequence[ApiObject],
        tell: Tell,
        held: Callable[[ApiObject], bool],
        seconds: float = 900,
    ) -> list[Outcome]:
        """Converge these objects; waits for each one's service to answer first.

        `held` tells whether an object must wait for work that is done elsewhere. Ends early
        when `stop` is set. A failure ends what depends on it, nothing else.
        """
        named = {step.id: step for step in steps}
        self._fresh.clear()
        self._catalogued = False
        after = {step.id: step.before(steps) for step in steps}
        end = time.monotonic() + patient(seconds)

        def work(name: str) -> Outcome:
            step = named[name]
            try:
                self._await(step, held, end)
            except (GivenUp, RuntimeError, TimeoutError) as failure:
                return Outcome(name, False, time.time(), 0.0, str(failure))
            alike = [other for other in steps if other.kind == step.kind]
            return attempt(name, lambda: self._twice(step, alike), tell)

        return schedule(after, work, width=6)

    def _twice(self, step: ApiObject, alike: Sequence[ApiObject]) -> None:
        """Services that have just started refuse requests now and then: look, try again."""
        # Not at the top: the SDK takes a second to load, and looking at the nodes goes on.
        from keystoneauth1.exceptions import ClientException
        from openstack.exceptions import SDKException

        try:
            self._converge(step, alike)
        except (SDKException, ClientException, RuntimeError):
            self.clients.pause(AGAIN_SECONDS)
            with self._lock:
                self._fresh.pop(step.kind, None)
            self._converge(step, alike)

    def _converge(self, step: ApiObject, alike: Sequence[ApiObject]) -> None:
        kind = self.kinds[step.kind]
        with self._lock:
            if step.service != "identity" and not self._catalogued:
                # Tokens from before the catalog was filled do not know the other services.
                self.clients.refresh()
                self._catalogued = True
            if step.kind not in self._fresh:
                self._fresh[step.kind] = kind.observe(self.clients, alike)
        seen = self._fresh[step.kind].get(step.id, {})
        if kind.compare(step, seen) is not None:  # it may have been there, just out of sight
            kind.converge(self.clients, step, seen)

    def _await(self, step: ApiObject, held: Callable[[ApiObject], bool], end: float) -> None:
        url = self.clients.view.url(step.service, external=True)
        waited = False
        while (
            (holding := held(step))
            or (
                # What it waited for may be what has failed.
                waited and self.stop.is_set()
            )
            or not self._answers(step.service)
        ):
            waited = waited or holding
            if self.stop.is_set():
                raise GivenUp
            if time.monotonic() > end:
                raise TimeoutError(f"{url} does not answer")
            time.sleep(0.3)
