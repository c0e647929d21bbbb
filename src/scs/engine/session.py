# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""One command's work on one cloud: what it is made of, and what works on it."""

from __future__ import annotations

import difflib
import os
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from scs import components, release
from scs.api.clients import Clients
from scs.api.executor import Executor
from scs.engine import compiled, records
from scs.engine import own as beside
from scs.engine.events import MACHINE, Events
from scs.engine.external import external, given_ca
from scs.engine.external_ceph import login, unreachable
from scs.engine.external_s3 import refused
from scs.engine.hand import Hand
from scs.engine.journal import Journal
from scs.engine.known import KnownOptions
from scs.engine.looking import Look, look
from scs.engine.made import Made
from scs.engine.nodes import provider_of
from scs.engine.pki import Authority
from scs.engine.secrets import Secrets
from scs.engine.stock import Stock
from scs.engine.vault import Vault
from scs.engine.workshop import Workshop
from scs.errors import BadInput, Problem, ScsError
from scs.images.disk import TOOLS
from scs.model.component import Component, Config
from scs.model.external import External
from scs.model.needs import BlockStorage, Environment
from scs.model.overrides import Overrides
from scs.model.topology import Node
from scs.model.view import View
from scs.paths import Paths
from scs.plan import options, own
from scs.plan.expand import Expander
from scs.plan.removal import record
from scs.plan.resolve import resolve
from scs.providers import Connection, NodeFacts, Provider
from scs.providers.local.preflight import install_host_packages, missing_host_packages
from scs.providers.local.rootfs import delete_tree
from scs.providers.reach import by_root, ssh_argv
from scs.release import MAIN
from scs.resources import Resource
from scs.spec import CloudSpec
from scs.spec.loading import option_lines

SHARED_TEMPLATES = Path(__file__).parents[1] / "plan" / "templates"


def discover(folder: Path) -> dict[str, tuple[Component, Path]]:
    """All components; those of the operator lie in `components` of the folder."""
    own = folder / "components"
    return components.discover(*([own] if own.is_dir() else []))


def services(available: Mapping[str, tuple[Component, Path]]) -> frozenset[str]:
    """The names that may stand in `config:` of cloud.yaml."""
    return frozenset(
        item.service
        for part, _ in available.values()
        for item in part.files
        if isinstance(item, Config) and item.service
    )


class Session:
    """One command on one cloud; a context manager that ends what it started."""

    def __init__(
        self, spec: CloudSpec, folder: Path, command: str, hand: Hand | None = None
    ) -> None:
        self.spec = spec
        self.folder = folder
        self.file: Path | None = None
        """The file that the spec was read from, where somebody wants to be told its lines."""
        self.command = command
        self.paths = Paths.of(spec.name)
        self.events = Events()
        self.hand = hand or Hand()
        self.hand.records = records.settings(self.paths)
        self.vault = Vault.of(self.paths, spec.secrets.recipients)
        self.made = Made(self.paths.state / "made.json")
        self.delete_data: frozenset[str] = frozenset()
        """Components that are no more wanted and whose data may go."""
        self.journal = Journal(self.paths.state / "journal.jsonl")
        self.release = release.load(spec.release)
        self.workshop = Workshop(self.events)
        self.stock = Stock(spec, self.paths, self.release, self.workshop, self.packages)
        self.nodes_only = False
        """Nothing is made in the API, nor taken away there."""
        self.finishing = False
        """An upgrade is finished: what leads back to the release before is given up."""
        self.rounds = 0
        """How often this run has converged nodes."""
        self.run_id = f"{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}"

    @cached_property
    def secrets(self) -> Secrets:
        """Read when first asked for: a cloud whose identity is lost can still be removed."""
        return Secrets(self.paths.state / "secrets.age", self.vault)

    @cached_property
    def authority(self) -> Authority:
        authority = Authority(self.paths.state / "pki.age", self.spec.name, self.vault)
        authority.use(given_ca(self.spec, self.folder), self.spec.name)
        return authority

    def reread(self) -> None:
        """Read both anew when they are next asked for: under the lock they stay as they are."""
        self.__dict__.pop("secrets", None)
        self.__dict__.pop("authority", None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.hand.__exit__(kind, error, trace)
        self.workshop.close()

    # What the cloud is made of.

    @cached_property
    def available(self) -> dict[str, tuple[Component, Path]]:
        """All components; those of the operator lie in `components` next to cloud.yaml."""
        found = discover(self.folder)
        if unknown := sorted(set(self.spec.config) - services(found)):
            hint = f"there are: {', '.join(sorted(services(found)))}"
            raise BadInput(*[Problem("config", f"no service {name}", hint) for name in unknown])
        return found

    @cached_property
    def external(self) -> External:
        """What the operator brings along."""
        return external(self.spec, self.folder)

    @cached_property
    def overrides(self) -> Overrides:
        """What the operator has put beside cloud.yaml; raises BadInput."""
        found, problems = beside.read(self.folder)
        problems += own.problems(found, [part for part, _ in self.available.values()])
        if problems:
            raise BadInput(*problems)
        mine = (value for value in self.external.secrets() if len(value) > 3)
        self.secrets.hide((*options.secret_values(found), *mine))
        lines = option_lines(self.file) if self.file and self.spec.config else {}
        return replace(found, lines=lines)

    @cached_property
    def known(self) -> KnownOptions:
        """What options the release's services know."""
        parts = [part for part, _ in self.available.values()]
        return KnownOptions(self.paths.cache, self.release, parts)

    def warnings(self, view: View) -> Sequence[Problem]:
        """What is odd about the operator's options, as far as they are known, or the cloud's."""
        odd = [
            Problem(f"component {part.name}", what)
            for part in view.components
            if part.warnings
            for what in part.warnings(view)
        ]
        return (*odd, *options.warnings(self.expander(view), self.known.of))

    @cached_property
    def provider(self) -> Provider:
        return provider_of(self)

    def view(self, facts: NodeFacts | None = None) -> View:
        """The cloud as its components see it; without facts, with what its provider takes for
        granted of nodes.
        """
        spec = self.spec
        facts = facts or self.provider.guess
        key = self.provider.key.with_suffix(".pub")
        view = View(
            cloud=spec.name,
            region=spec.region,
            nodes=spec.nodes(),
            networks=spec.networks(),
            floating=(spec.floating.first, spec.floating.last),
            internal_address=spec.internal_address,
            external_address=spec.external_address,
            dns=spec.dns,
            release=self.release.name,
            finishing=self.finishing,
            services=frozenset(spec.services),
            tenant=spec.first_project(),
            content=spec.provided(),
            container=facts.container,
            datapath=facts.ovs_datapath,
            virt_type=facts.virt_type,
            environments={
                part: str(self.release.beside(part).environment_path) for part in self.release.parts
            },
            config=spec.config,
            external=self.external,
            storage=spec.stored(),
            memory=facts.memory,
            secret=self.secrets,
            accounts=self.secrets.credentials,
            numbered=self.secrets.keys,
            certificate=self.authority.issue,
            ca=self.authority.certificate,
            ssh_public_key=key.read_text() if key.exists() else "",
            overrides=self.overrides,
        )
        return resolve([part for part, _ in self.available.values()], view)

    def seen_view(self) -> View:
        """The cloud as its components see it now; guessed facts where nodes do not run."""
        states = self.provider.observe()
        nodes = self.spec.nodes()
        running = all(node.name in states and states[node.name].running for node in nodes)
        return self.view(self.provider.facts() if running else None)

    def expander(self, view: View) -> Expander:
        folders = {name: str(path) for name, (_, path) in self.available.items()}
        return Expander(view, folders, str(SHARED_TEMPLATES), compiled.folder())

    def packages(self) -> tuple[str, ...]:
        """All Debian packages that components of this cloud want on its nodes."""
        view = self.view()
        return tuple(sorted({name for part in view.components for name in part.packages}))

    def environments(self, view: View) -> Sequence[Future[Path]]:
        """The environments that the cloud needs beside that of the services, in the making."""
        names = {need.name for need in view.needs(Environment)} - {MAIN}
        return self.stock.start_beside(sorted(names))

    def keep_secrets(self) -> None:
        """Save what secrets and certificates were made since."""
        self.secrets.save()
        self.authority.save()

    # Before anything is touched.

    def preflight(self) -> Sequence[Problem]:
        """What would stop a run on this machine; looks only, except for missing host packages."""
        self.view()  # the operator's own files are right, or nothing goes on
        problems = list(self.provider.preflight(online=not self.stock.complete))
        if self.external.ceph and (why := unreachable(self.external.ceph)):
            hint = "correct mon_host, or see to it that the monitors can be reached from here"
            problems.append(Problem("external.ceph.config", why, hint))
        if why := self._store_refused():
            hint = "correct endpoint, access_key, secret key, bucket or ca in cloud.yaml"
            problems.append(Problem("external.volume_backups", why, hint))
        tools = {package: tool for tool, package in TOOLS.items()}
        if not problems and (missing := missing_host_packages(tools)):
            self.events.timed(
                MACHINE,
                f"installing {len(missing)} packages here",
                lambda: install_host_packages(self.events.saying("host packages"), tools),
            )
        return problems

    def _store_refused(self) -> str:
        """Why the operator's store for backups of volumes can't be used; empty when it can."""
        store = self.external.volume_backups
        own = (self.spec.internal_address, self.spec.external_address)
        if store is None or urlsplit(store.endpoint).hostname in {str(item) for item in own}:
            return ""  # this cloud's own answers only once the cloud is up
        try:
            return refused(store)
        except OSError as error:
            # Later it may be away for a while, and that must not keep a cloud from being mended.
            later = (self.paths.state / "clouds.yaml").exists()
            return "" if later else f"{store.endpoint}: {error}"

    def check_external(self, view: View) -> None:
        """Have the operator's Ceph say what it thinks of its accounts; raises BadInput."""
        blocks = view.needs(BlockStorage)
        if self.external.ceph and blocks:
            problems = login(self.external.ceph, blocks, self.stock.base())
            if problems:
                raise BadInput(*problems)

    # Looking (the whole of it: engine/looking.py).

    def connections(self) -> dict[str, Connection]:
        return {node.name: self.provider.connection(node) for node in self.spec.nodes()}

    def look(self) -> Look:
        """See what is there, and plan. Changes nothing."""
        return look(self)

    def desired(self, expander: Expander, node: Node) -> Sequence[Resource]:
        """All that is wanted on a node, and the record of it."""
        items = expander.node(node)
        return (*items, record(items, expander.view.on(node)))

    def executor(self, view: View) -> Executor:
        return Executor(Clients(view, self.paths.state / "ca.pem"), self.stock.built)

    # Where an operator looks next, and the end.

    def ssh(self, node: str | None) -> list[str]:
        """The ssh command for a node; the only one needs no name."""
        links = self.connections()
        if node is None and len(links) == 1:
            node = next(iter(links))
        if node not in links:
            what = f"no node {node}" if node else "which node?"
            raise BadInput(Problem("ssh", what, f"there are: {', '.join(links)}"))
        if not links[node].key.exists():
            raise BadInput(Problem(f"cloud {self.spec.name}", "is not up", "scs up"))
        return ssh_argv(links[node])

    def logs(self, component: str, lines: int, follow: bool) -> None:
        """Print the journal of a component's units, from all its nodes."""
        view = self.view()
        parts = {part.name: part for part in view.components}
        if component not in parts:
            near = difflib.get_close_matches(component, parts, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(parts)}"
            raise BadInput(Problem("logs", f"no component {component}", hint))
        expander = self.expander(view)
        for node in view.nodes_of(parts[component]):
            units = [
                item.name
                for item in expander.node(node)
                if item.kind == "unit" and item.component == component
            ]
            if not units:
                hint = "its steps are in the journal of scs"
                raise BadInput(Problem("logs", f"{component} has no units", hint))
            journal = ["journalctl", "--no-pager", f"--lines={lines}"]
            journal += ["--follow"] if follow else []
            journal += [f"--unit={unit}" for unit in units]
            words = by_root(self.provider.connection(node), shlex.join(journal))
            subprocess.run([*self.ssh(node.name), words], check=False)

    def outliving(self) -> tuple[str, ...]:
        """What the cloud has made elsewhere and `down` does not remove."""
        try:
            view = self.view()
        except ScsError as error:
            # The cloud can go without what cloud.yaml refers to: that may be gone already.
            why = "; ".join(f"{item.where} {item.what}" for item in error.problems)
            return (f"what it has made elsewhere, if anything: {why}",)
        return tuple(
            line for part in view.components if part.outlives for line in part.outlives(view)
        )

    def forget(self) -> None:
        """Remove what is kept about a cloud that is gone: secrets, CA, journal."""
        delete_tree(self.paths.state)
        self.vault.forget()
        parent = self.paths.state.parent
        if parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()
