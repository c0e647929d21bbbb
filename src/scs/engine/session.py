# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""One command's work on one cloud: what it is made of, and looking at it."""

from __future__ import annotations

import difflib
import os
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from scs import components, release
from scs.api.clients import Clients
from scs.api.executor import Executor, Sight
from scs.engine import compiled, records
from scs.engine import own as beside
from scs.engine.events import Events
from scs.engine.external import external, given_ca
from scs.engine.external_ceph import login, unreachable
from scs.engine.hand import Hand
from scs.engine.journal import Journal
from scs.engine.known import KnownOptions
from scs.engine.made import Made
from scs.engine.pki import Authority
from scs.engine.secrets import Secrets
from scs.engine.ssh import ssh_argv
from scs.engine.stock import Stock
from scs.engine.vault import Vault
from scs.engine.workshop import Workshop
from scs.errors import BadInput, Problem, ScsError
from scs.images.disk import TOOLS
from scs.model.component import Component, Config
from scs.model.external import External
from scs.model.needs import BlockStorage, Environment
from scs.model.objects import ApiObject
from scs.model.overrides import Overrides
from scs.model.topology import Node, Role
from scs.model.view import View
from scs.paths import Paths
from scs.plan import options, own
from scs.plan.announce import announced
from scs.plan.expand import Expander
from scs.plan.impact import coming
from scs.plan.plan import (
    Plan,
    Step,
    api_steps,
    gone_steps,
    leaving_step,
    node_steps,
    objections,
    removal_steps,
    stranded,
)
from scs.plan.removal import emptied, record
from scs.plan.resolve import resolve
from scs.providers import Connection, Lack, NodeFacts, NodeState
from scs.providers.local import LocalProvider, host
from scs.providers.local.preflight import install_host_packages, missing_host_packages
from scs.providers.local.rootfs import delete_tree
from scs.release import MAIN
from scs.resources import Absent, Record, Resource, Seen
from scs.spec import CloudSpec
from scs.spec.loading import option_lines

MACHINE = "this machine"
SHARED_TEMPLATES = Path(__file__).parents[1] / "plan" / "templates"
UNKNOWN = NodeFacts(container=True, ovs_datapath="netdev", virt_type="qemu")
"""What is taken for granted of nodes that do not exist yet; looked at once they do."""


@dataclass(frozen=True)
class Look:
    """The cloud as it is wanted and as it was seen, at one moment."""

    view: View
    states: Mapping[str, NodeState]
    desired: Mapping[str, Sequence[Resource]]
    observed: Mapping[str, Mapping[str, Seen]]
    objects: Sequence[ApiObject]
    api: Mapping[str, Mapping[str, Any]]
    plan: Plan


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
        self._delete_data: frozenset[str] = frozenset()
        """Components that are no more wanted and whose data may go."""
        self.journal = Journal(self.paths.state / "journal.jsonl")
        self.release = release.load(spec.release)
        self.workshop = Workshop(self.events)
        self.stock = Stock(spec, self.paths, self.release, self.workshop, self.packages)
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
        self.secrets.hide(options.secret_values(found))
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
    def provider(self) -> LocalProvider:
        return LocalProvider(
            self.paths,
            self.spec.name,
            self.spec.networks(),
            self.stock.layers,
            virt=self.spec.compute.virt,
            uplink_dns=self.spec.dns,
            mirror=self.spec.debian.mirror,
        )

    def view(self, facts: NodeFacts) -> View:
        """The cloud as its components see it."""
        spec = self.spec
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
        return self.view(self.provider.facts() if running else UNKNOWN)

    def expander(self, view: View) -> Expander:
        folders = {name: str(path) for name, (_, path) in self.available.items()}
        return Expander(view, folders, str(SHARED_TEMPLATES), compiled.folder())

    def allow_to_delete(self, names: Sequence[str]) -> None:
        """Data of these components may go; raises BadInput for one that the cloud has."""
        used = {part.name for part in self.view(UNKNOWN).components} & set(names)
        if used:
            what = "is in this cloud: only what was taken out of it can be deleted"
            raise BadInput(*[Problem(f"--delete-data {name}", what) for name in sorted(used)])
        self._delete_data = frozenset(names)

    def packages(self) -> tuple[str, ...]:
        """All Debian packages that components of this cloud want on its nodes."""
        view = self.view(UNKNOWN)
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
        self.view(UNKNOWN)  # the operator's own files are right, or nothing goes on
        problems = list(self.provider.preflight(online=not self.stock.complete))
        if self.external.ceph and (why := unreachable(self.external.ceph)):
            hint = "correct mon_host, or see to it that the monitors can be reached from here"
            problems.append(Problem("external.ceph.config", why, hint))
        tools = {package: tool for tool, package in TOOLS.items()}
        if not problems and (missing := missing_host_packages(tools)):
            self.events.timed(
                MACHINE,
                f"installing {len(missing)} packages here",
                lambda: install_host_packages(self.events.saying("host packages"), tools),
            )
        return problems

    def check_external(self, view: View) -> None:
        """Have the operator's Ceph say what it thinks of its accounts; raises BadInput."""
        blocks = view.needs(BlockStorage)
        if self.external.ceph and blocks:
            problems = login(self.external.ceph, blocks, self.stock.base())
            if problems:
                raise BadInput(*problems)

    # Looking.

    def connections(self) -> dict[str, Connection]:
        return {node.name: self.provider.connection(node) for node in self.spec.nodes()}

    def look(self) -> Look:
        """See what is there, and plan. Changes nothing."""
        states = self.provider.observe()
        lacks = self.provider.lacks()
        cut_off = any(lack.cuts_off for lack in lacks)
        there = {name for name, state in states.items() if state.running and not cut_off}
        facts = self.provider.facts() if there else UNKNOWN
        view = self.view(facts)
        expander = self.expander(view)
        objects = expander.objects()
        # The API is where the control nodes are; other nodes may be yet to come.
        reachable = all(node.name in there for node in view.nodes_with(Role.CONTROL))
        going = self._going(expander, states)
        held = self._held([node for node, _ in going if states[node.name].running])
        executor = self.executor(view)
        gone = [item for item in self.made.gone(objects) if self._served(view, item)]
        asked = [*objects, *(item for _, left in going for item in left)]
        with ThreadPoolExecutor(max_workers=2) as pool:
            in_api = pool.submit(executor.observe, asked) if reachable else None
            in_past = pool.submit(executor.observe, gone) if reachable and gone else None
            desired, observed = self._look_at_nodes(expander, there)
            sight = in_api.result() if in_api else Sight()
            past = in_past.result().things if in_past else {}
        away = {
            name: removal_steps(name, items, observed.get(name, {}), self._delete_data)
            for name, items in desired.items()
        }
        known = (part for part, _ in self.available.values())
        gone_there, left_there = gone_steps(gone, past, self._delete_data)
        on_nodes = {
            name: (
                *node_steps(
                    name,
                    items,
                    observed.get(name, {}),
                    looked=name in there,
                    unseen=_why_unseen(name, states, name in there),
                ),
                *away[name][0],
            )
            for name, items in desired.items()
        }
        kept = tuple(item for _, found in away.values() for item in found)
        changed = {step.component for steps in on_nodes.values() for step, _ in steps}
        plan = Plan(
            machine=(*self._machine_steps(view.nodes, states), *self._lack_steps(lacks)),
            nodes=on_nodes,
            api=api_steps(
                objects,
                sight.things,
                executor.compare,
                executor.diff,
                reachable=reachable,
                coming=coming(view, sorted(changed)),
                refused={name: self.secrets.mask(why) for name, why in sight.refused.items()},
            ),
            gone=gone_there,
            objections=(*objections(view, observed), *stranded(view, known, kept)),
            kept=(*kept, *left_there),
            leaving=tuple(
                leaving_step(
                    node,
                    MACHINE,
                    self.spec.provider,
                    left,
                    [executor.at_stake(item, sight.things.get(item.id, {})) for item in left],
                    held.get(node.name, ()),
                )
                for node, left in going
            ),
        )
        plan = announced(plan, view, desired)
        return Look(view, states, desired, observed, objects, sight.things, plan)

    def desired(self, expander: Expander, node: Node) -> Sequence[Resource]:
        """All that is wanted on a node, and the record of it."""
        items = expander.node(node)
        return (*items, record(items, expander.view.on(node)))

    def _served(self, view: View, item: ApiObject) -> bool:
        """Whether the service of an object is still in the cloud."""
        return any(point.type == item.service for _, point in view.endpoints)

    def _going(
        self, expander: Expander, states: Mapping[str, NodeState]
    ) -> Sequence[tuple[Node, Sequence[ApiObject]]]:
        """The nodes that are there and not in cloud.yaml, with what is left of them in the API."""
        wanted = {node.name for node in self.spec.nodes()}
        left = [name for name in states if name not in wanted]
        made = self.provider.known() if left else {}
        return [(made[name], expander.leaves(made[name])) for name in left]

    def _held(self, nodes: Sequence[Node]) -> Mapping[str, Sequence[Absent]]:
        """Node that goes → what has to hand over its data before."""
        if not nodes:
            return {}
        asked = Record(name="managed")
        links = {node.name: self.provider.connection(node) for node in nodes}
        seen = self.hand.observe(links, [(name, [asked]) for name in links])
        return {name: emptied(things.get(asked.id, {})) for name, things in seen.items()}

    def executor(self, view: View) -> Executor:
        return Executor(Clients(view, self.paths.state / "ca.pem"), self.stock.built)

    def _look_at_nodes(
        self, expander: Expander, there: Collection[str]
    ) -> tuple[Mapping[str, Sequence[Resource]], Mapping[str, Mapping[str, Seen]]]:
        """What is wanted on each node, and what was seen of it on those that are there.

        A node is looked at as soon as it is known what for: meanwhile the next is worked out.
        """
        desired: dict[str, Sequence[Resource]] = {}

        def wanted() -> Iterator[tuple[str, Sequence[Resource]]]:
            for node in expander.view.nodes:
                desired[node.name] = self.desired(expander, node)
                if node.name in there:
                    yield node.name, desired[node.name]

        links = {name: link for name, link in self.connections().items() if name in there}
        observed = self.hand.observe(links, wanted())
        return desired, observed

    def _machine_steps(
        self, nodes: Sequence[Node], states: Mapping[str, NodeState]
    ) -> Sequence[Step]:
        return [
            Step(
                id=f"node:{node.name}",
                where=MACHINE,
                component=self.spec.provider,
                reason=states[node.name].detail
                if node.name in states
                else f"does not exist ({', '.join(sorted(node.roles))})",
            )
            for node in nodes
            if node.name not in states or not states[node.name].running
        ]

    def _lack_steps(self, lacks: Sequence[Lack]) -> Sequence[Step]:
        return [
            Step(f"network:{lack.name}", MACHINE, self.spec.provider, lack.reason) for lack in lacks
        ]

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
        view = self.view(UNKNOWN)
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
            subprocess.run([*self.ssh(node.name), *journal], check=False)

    def down(self, *, keep_cache: bool) -> None:
        """Remove all nodes and, unless it is to be kept, the cache."""
        say = self.events.saying("removing nodes")
        self.events.timed(MACHINE, "removing nodes", lambda: self.provider.remove(say))
        if not keep_cache:
            others = host.clouds_on(self.paths.cache, self.paths.state)
            if others:
                # Their nodes stand on the layers there.
                say(f"the cache stays: cloud {', '.join(others)} uses it")
            else:
                self.events.timed(
                    MACHINE, "removing the cache", lambda: delete_tree(self.paths.cache)
                )

    def outliving(self) -> tuple[str, ...]:
        """What the cloud has made elsewhere and `down` does not remove."""
        try:
            view = self.view(UNKNOWN)
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


def _why_unseen(node: str, states: Mapping[str, NodeState], running: bool) -> str:
    """Why a node that exists could not be looked at; empty when it was, or is still to be made."""
    if running or node not in states:
        return ""
    return "not all nodes run" if states[node].running else "the node does not run"
