# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""One command's work on one cloud: look, plan, apply, look again."""

from __future__ import annotations

import difflib
import getpass
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from scs import components, images, release
from scs.api.clients import Clients, clouds_yaml
from scs.api.executor import GIVEN_UP, Executor
from scs.engine.events import Event, Events
from scs.engine.hand import Hand
from scs.engine.pki import Authority
from scs.engine.state import Entry, Journal, Secrets, write_private
from scs.engine.workshop import Workshop
from scs.errors import BadInput, Problem, StepFailed
from scs.images import BuiltImage
from scs.images.disk import TOOLS
from scs.model.component import Component, Config
from scs.model.objects import ApiObject
from scs.model.topology import Node
from scs.model.view import Tenant, View
from scs.paths import Paths
from scs.plan.expand import Expander
from scs.plan.plan import API, Plan, Step, api_steps, node_steps
from scs.plan.resolve import resolve
from scs.providers import Connection, NodeFacts, NodeState
from scs.providers.local import LocalProvider, host, layers
from scs.providers.local.preflight import install_host_packages, missing_host_packages
from scs.providers.local.rootfs import delete_tree
from scs.resources import Resource, Seen
from scs.spec import CloudSpec

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


class Session:
    """One command on one cloud; a context manager that ends what it started."""

    def __init__(
        self, spec: CloudSpec, folder: Path, command: str, hand: Hand | None = None
    ) -> None:
        self.spec = spec
        self.folder = folder
        self.command = command
        self.paths = Paths.of(spec.name)
        self.events = Events()
        self.hand = hand or Hand()
        self.secrets = Secrets(self.paths.state / "secrets.json")
        self.authority = Authority(self.paths.state / "pki.json", spec.name)
        self.journal = Journal(self.paths.state / "journal.jsonl")
        self.release = release.load(spec.release)
        self.workshop = Workshop(self.events)
        self.run_id = f"{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}"

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
        own = self.folder / "components"
        found = components.discover(*([own] if own.is_dir() else []))
        services = {
            item.service
            for part, _ in found.values()
            for item in part.files
            if isinstance(item, Config) and item.service
        }
        unknown = sorted(set(self.spec.config) - services)
        if unknown:
            hint = f"there are: {', '.join(sorted(services))}"
            raise BadInput(*[Problem("config", f"no service {name}", hint) for name in unknown])
        return found

    @cached_property
    def provider(self) -> LocalProvider:
        return LocalProvider(
            self.paths,
            self.spec.name,
            self.spec.networks(),
            self._layers,
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
            tenant=Tenant(
                spec.tenant.project,
                spec.tenant.user,
                str(spec.tenant.network),
                str(spec.tenant.ipv6 or ""),
            ),
            container=facts.container,
            datapath=facts.ovs_datapath,
            virt_type=facts.virt_type,
            environment=str(self.release.environment_path),
            config=spec.config,
            secret=self.secrets,
            certificate=self.authority.issue,
            ca=self.authority.certificate,
            ssh_public_key=key.read_text() if key.exists() else "",
        )
        return resolve([part for part, _ in self.available.values()], view)

    def expander(self, view: View) -> Expander:
        folders = {name: str(path) for name, (_, path) in self.available.items()}
        return Expander(view, folders, str(SHARED_TEMPLATES))

    # Layers and images.

    def packages(self) -> tuple[str, ...]:
        """All Debian packages that components of this cloud want on its nodes."""
        view = self.view(UNKNOWN)
        return tuple(sorted({name for part in view.components for name in part.packages}))

    def _layers(self, _say: Callable[[str], None]) -> Sequence[Path]:
        base = self.workshop.start("root file system", self._base)
        environment = self.workshop.start("OpenStack environment", self._environment)
        return [environment.result(), base.result()]

    def _base(self, say: Callable[[str], None]) -> Path:
        return layers.build_base(self.paths.cache, self.packages(), say, self.spec.debian.mirror)

    def _environment(self, say: Callable[[str], None]) -> Path:
        if not layers.environment_path(self.paths.cache, self.release).exists():
            layers.prepare_environment(self.paths.cache, self.release, say)
        base = self.workshop.start("root file system", self._base).result()
        return layers.build_environment(self.paths.cache, self.release, base, say)

    def start_images(self) -> None:
        """Start working on the images, so that they are there when the cloud is."""
        self.workshop.start("image scs-verify", self._tiny)

    def _tiny(self, say: Callable[[str], None]) -> BuiltImage:
        return images.build_tiny(self.paths.cache, say)

    def _debian(self, say: Callable[[str], None]) -> BuiltImage:
        source = self.spec.images.debian.source
        if source == "build":
            return images.build_debian(self.paths.cache, say)
        return images.fetch(source.url, source.sha512, self.paths.cache, say)

    def built(self, recipe: str) -> BuiltImage:
        """The image that a recipe makes; waits for it."""
        if recipe == "tiny":
            return self.workshop.start("image scs-verify", self._tiny).result()
        # A whole Debian takes long: it may have what the cloud's own start leaves over.
        return self.workshop.start("image Debian 13", self._debian, idle=True).result()

    # Before anything is touched.

    def preflight(self) -> Sequence[Problem]:
        """What would stop a run on this machine; looks only, except for missing host packages."""
        cached = layers.environment_path(self.paths.cache, self.release).exists()
        problems = self.provider.preflight(online=not cached)
        tools = {package: tool for tool, package in TOOLS.items()}
        if not problems and (missing := missing_host_packages(tools)):
            self.events.timed(
                MACHINE,
                f"installing {len(missing)} packages here",
                lambda: install_host_packages(self.events.saying("host packages"), tools),
            )
        return problems

    # Looking.

    def connections(self) -> dict[str, Connection]:
        return {node.name: self.provider.connection(node) for node in self.spec.nodes()}

    def look(self) -> Look:
        """See what is there, and plan. Changes nothing."""
        states = self.provider.observe()
        nodes = self.spec.nodes()
        running = all(node.name in states and states[node.name].running for node in nodes)
        if running:
            self.hand.start()
        facts = self.provider.facts() if running else UNKNOWN
        view = self.view(facts)
        expander = self.expander(view)
        desired = {node.name: expander.node(node) for node in view.nodes}
        objects = expander.objects()
        executor = self.executor(view)
        observed: Mapping[str, Mapping[str, Seen]] = {}
        api: Mapping[str, Any] = {}
        if running:
            with ThreadPoolExecutor(max_workers=2) as pool:
                on_nodes = pool.submit(self._observe_nodes, desired)
                in_api = pool.submit(executor.observe, objects)
                observed, api = on_nodes.result(), in_api.result()
        plan = Plan(
            machine=tuple(self._machine_steps(view.nodes, states)),
            nodes={
                name: node_steps(name, items, observed.get(name, {}))
                for name, items in desired.items()
            },
            api=api_steps(objects, api, executor.compare, reachable=running),
        )
        return Look(view, states, desired, observed, objects, api, plan)

    def executor(self, view: View) -> Executor:
        return Executor(Clients(view, self.paths.state / "ca.pem"), self.built)

    def _observe_nodes(
        self, desired: Mapping[str, Sequence[Resource]]
    ) -> Mapping[str, Mapping[str, Seen]]:
        payloads = {name: [item.payload() for item in items] for name, items in desired.items()}
        return self.hand.call("observe", self.connections(), payloads)

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

    # Applying.

    def apply(self, look: Look) -> Look:
        """Do what the plan says and look again; raises StepFailed."""
        self.hand.start()
        self.secrets.save()
        self.authority.save()
        if look.plan.machine:
            self.start_images()
            self._make_nodes(look.view.nodes)
            look = self.events.timed(MACHINE, "looking at the nodes", self.look)
            self.secrets.save()
            self.authority.save()
        self._write_clients(look.view)
        if any(item.id.startswith("image:") for _, item in look.plan.api):
            self.start_images()
        self._converge(look)
        self.executor(look.view).settle(look.objects)
        again = self.events.timed(MACHINE, "looking again", self.look)
        if again.plan:
            raise StepFailed(
                *[
                    Problem(
                        f"{step.component} on {step.where}",
                        f"{step.id} {step.reason}, although its step went well",
                        f"look at it with: scs logs {step.component}",
                    )
                    for step in again.plan.changes
                ]
            )
        return again

    def _make_nodes(self, nodes: Sequence[Node]) -> None:
        self._layers(lambda _: None)
        self.events.timed(
            MACHINE,
            "starting nodes",
            lambda: self.provider.create(nodes, self.events.saying("starting nodes")),
        )

    def _write_clients(self, view: View) -> None:
        ca = self.paths.state / "ca.pem"
        for path, text in (
            (ca, view.ca),
            (self.paths.state / "clouds.yaml", clouds_yaml(view, ca)),
        ):
            if not path.exists() or path.read_text() != text:
                write_private(path, text)

    def _converge(self, look: Look) -> None:
        executor = self.executor(look.view)
        plan = look.plan
        links = self.connections()
        steps = {name: pairs for name, pairs in plan.nodes.items() if pairs}
        known = {(step.where, step.id): step for step in plan.steps}
        ended: list[Event] = []
        self.events.listen(lambda event: ended.append(event) if event.kind == "end" else None)
        problems: list[Problem] = []
        watchers = [Watcher(self.events, name, links[name], self.run_id) for name in steps]

        pending = self._pending(look)
        owners = {point.type: part.name for part, point in look.view.endpoints if point.type}

        def held(item: ApiObject) -> bool:
            if item.whole:
                return any(list(pending.values()))
            return bool(pending.get(owners[item.service]))

        def nodes() -> None:
            if not steps:
                return
            payloads = {
                name: [item.payload() for _, item in pairs] for name, pairs in steps.items()
            }
            try:
                answers = self.hand.call(
                    "converge", {name: links[name] for name in steps}, payloads, self.run_id
                )
            except StepFailed as error:
                executor.stop.set()
                problems.extend(error.problems)
                return
            finally:
                pending.clear()  # whatever the watchers may have missed
            for name, outcomes in answers.items():
                failed = [outcome for outcome in outcomes if not outcome["ok"]]
                if failed:
                    executor.stop.set()
                problems.extend(
                    self._problem(known[name, outcome["id"]], outcome["error"])
                    for outcome in failed
                )

        with ThreadPoolExecutor(max_workers=2) as pool:
            on_nodes = pool.submit(nodes)
            wanted = [item for _, item in plan.api]
            outcomes = executor.run(wanted, self.events.told(API), held)
            on_nodes.result()
        for watcher in watchers:
            watcher.close()
        problems += [
            self._problem(known[API, outcome.id], outcome.error)
            for outcome in outcomes
            if not outcome.ok and outcome.error != GIVEN_UP
        ]
        self._record(ended, known)
        if problems:
            raise StepFailed(*problems)

    def finish(self, started: float) -> None:
        """Record how long the whole run took: the next run's estimate."""
        now = time.time()
        first = any(event.step == "starting nodes" for event in self.events.ended)
        name = "run:first" if first else "run:change"
        self._record([Event("end", MACHINE, name, now, now - started)], {})

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

    def forget(self) -> None:
        """Remove what is kept about a cloud that is gone: secrets, CA, journal."""
        delete_tree(self.paths.state)
        parent = self.paths.state.parent
        if parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()

    def _pending(self, look: Look) -> dict[str, set[tuple[str, str]]]:
        """Component → its steps on nodes that are still to be done; shrinks as they end."""
        pending: dict[str, set[tuple[str, str]]] = {}
        for node, pairs in look.plan.nodes.items():
            for step, _ in pairs:
                pending.setdefault(step.component, set()).add((node, step.id))

        def ended(event: Event) -> None:
            if event.kind == "end":
                for left in list(pending.values()):
                    left.discard((event.where, event.step))

        self.events.listen(ended)
        return pending

    def _problem(self, step: Step, error: str) -> Problem:
        text = "\n".join("    " + line for line in self.secrets.mask(error).splitlines())
        hint = (
            f"see more with: scs logs {step.component}; then run the same command again:"
            " it goes on from here"
        )
        return Problem(f"{step.component} on {step.where}", f"{step.id} failed\n{text}", hint)

    def _record(self, ended: Sequence[Event], known: Mapping[tuple[str, str], Step]) -> None:
        self.journal.add(
            [
                Entry(
                    run=self.run_id,
                    command=self.command,
                    step=event.step,
                    where=event.where,
                    reason=known[event.where, event.step].reason
                    if (event.where, event.step) in known
                    else "",
                    started=event.at - event.seconds,
                    seconds=round(event.seconds, 3),
                    ok=event.ok,
                    by=getpass.getuser(),
                )
                for event in ended
            ]
        )


class Watcher:
    """Follows, over a connection of its own, how a node's steps are getting on."""

    def __init__(self, events: Events, node: str, link: Connection, run: str) -> None:
        argv = [*ssh_argv(link), f"exec tail -n +1 -s 0.2 -F /run/scs/progress/{run} 2>/dev/null"]
        self._process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._tell = events.told(node)
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                self._tell(json.loads(line))
            except json.JSONDecodeError:
                continue  # the stream was cut in the middle of a line

    def close(self) -> None:
        time.sleep(0.4)  # tail looks every 0.2 s; the last events are still on their way
        self._process.terminate()
        self._process.wait()
        self._thread.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


def ssh_argv(link: Connection) -> list[str]:
    """The ssh command for a node, up to the command that is to run there."""
    return [
        "ssh",
        "-i",
        str(link.key),
        "-p",
        str(link.port),
        "-o",
        f"UserKnownHostsFile={link.known_hosts}",
        "-o",
        "IdentitiesOnly=yes",
        "-o",
        "LogLevel=ERROR",
        f"{link.user}@{link.host}",
    ]
