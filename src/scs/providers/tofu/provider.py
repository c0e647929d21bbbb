# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The tofu provider: OpenTofu makes machines, and from then on they are reached as others are.

What it adds to machines that are there already: that they come, and that they go. All else is the
ssh provider's, which knows nothing of this one.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scs.errors import Problem, ScsError
from scs.model.finding import Finding, Level
from scs.model.topology import Node
from scs.paths import Paths
from scs.patience import patient
from scs.private import write_private
from scs.providers import Connection, Lack, NodeFacts, NodeState
from scs.providers.reach import Said, Talk, talk
from scs.providers.ssh import Login, SshProvider, here
from scs.providers.tofu.changes import changes, refused
from scs.providers.tofu.cloud_init import HOST_KEYS, READY, escaped
from scs.providers.tofu.configuration import (
    Configuration,
    addresses,
    configuration,
    different,
    text_of,
    with_kept,
    without,
)
from scs.providers.tofu.platforms import Platform
from scs.providers.tofu.program import Program, Secrets
from scs.providers.tofu.site import HostKey, Machine, Site
from scs.providers.written import dump_node
from scs.shell import Say, quiet

BOOT_SECONDS = 900
"""How long a new machine may take until it has done what its first boot is for."""
PACE = 5.0
ASK_SECONDS = 15
PARALLEL = 16


@dataclass(frozen=True)
class Plans:
    """What is to be made, as cloud.yaml says it and the cloud's secrets complete it."""

    platform: Platform
    site: Callable[[Sequence[Machine]], Site]
    machine: Callable[[Node], Machine]
    host_key: Callable[[str], HostKey]
    passphrase: Callable[[], str]
    problems: Callable[[], Sequence[Problem]]
    """What is wrong with files and programs that cloud.yaml names for OpenTofu."""


class TofuProvider:
    """Machines that OpenTofu makes, in the shape of `scs.providers.Provider`.

    `reach` gives the way to machines once they are there; `program` makes OpenTofu for a folder;
    `talk` is the one way to a machine that has just been made.
    """

    owns_machines = True

    def __init__(
        self,
        paths: Paths,
        nodes: Sequence[Node],
        login: Login,
        plans: Plans,
        reach: Callable[[Sequence[Node]], SshProvider],
        program: Callable[[Callable[[], Secrets]], Program],
        talk: Talk = talk,
    ) -> None:
        self.paths = paths
        self.nodes = tuple(nodes)
        self.login = login
        self.key = login.key
        self._plans = plans
        self._reach = reach
        self._program = program(self._secrets)
        self._talk = talk
        self._there = reach(self._joined())
        self.guess = self._there.guess

    # --- what is kept here

    def _joined(self) -> tuple[Node, ...]:
        """The nodes of cloud.yaml whose machines have become nodes."""
        return tuple(node for node in self.nodes if self._note(node.name).exists())

    def _note(self, name: str) -> Path:
        """There once a machine has become a node: from then on it holds data."""
        return self.paths.state / "nodes" / name / "joined"

    @property
    def _folder(self) -> Path:
        return folder(self.paths)

    @property
    def _applied(self) -> Configuration:
        """What machines were last made by, whole."""
        try:
            found: Configuration = json.loads((self._folder / "applied.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    def known(self) -> Mapping[str, Node]:
        """The machines whose making was begun, and that have not gone since."""
        return self._there.known()

    # --- looking

    def preflight(self, online: bool = True) -> Sequence[Problem]:
        """What is wrong here, or with machines that are nodes; looks only, answers within 10 s."""
        found = [*here.of_machine(), *here.of_key(self.login), *self._plans.problems()]
        if found or not self._joined():
            return found
        return self._there.preflight(online)

    def examine(self) -> Sequence[Finding]:
        """How OpenTofu's side is, and the machines that are nodes; looks only."""
        wrong = [*here.of_machine(), *here.of_key(self.login), *self._plans.problems()]
        if wrong:
            return [Finding(item.where, Level.BAD, item.what, item.hint) for item in wrong]
        told = f"{len(self._joined())} machines on {self._plans.platform.name} are nodes"
        found = [Finding("tofu", Level.OK, told)]
        return [*found, *(self._there.examine() if self._joined() else ())]

    def observe(self) -> Mapping[str, NodeState]:
        """The machines that were made, and those that were begun."""
        known = self.known()
        if not known:
            return {}
        begun = "was begun to be made, and is no node yet"
        seen = self._there.observe()
        return {
            name: seen[name]
            if name in seen and self._note(name).exists()
            else NodeState(name, True, False, begun)
            for name in known
        }

    def absent(self, node: Node) -> str:
        """What a machine is to be made as."""
        machine = self._plans.machine(node)
        site = self._plans.site([machine])
        zone = f" in zone {machine.zone}" if machine.zone else ""
        return (
            f"does not exist: a machine of {self._plans.platform.name}{zone}, {machine.size}, from "
            f"{site.image}"
        )

    def lacks(self) -> Sequence[Lack]:
        """What nodes have lost, and what of the machines is not as cloud.yaml says."""
        found = [*self._there.lacks()] if self._joined() else []
        if applied := self._applied:
            machines, rest = different(self._wanted(applied), applied)
            changed = sorted(machines & {node.name for node in self._joined()})
            told = [f"{', '.join(changed)} are not as they were made"] if changed else []
            told += ["what is around them is not as it was made"] if rest else []
            if told:
                found.append(Lack("machines", "; ".join(told)))
        return found

    def facts(self) -> NodeFacts:
        """What the nodes can do."""
        return self._there.facts()

    def connection(self, node: Node) -> Connection:
        """How to reach the node."""
        return self._there.connection(node)

    # --- changing

    def create(self, nodes: Sequence[Node], say: Say = quiet) -> None:
        """Have OpenTofu make these machines, and make them nodes; may be run again at any time."""
        if problems := self.preflight():
            raise ScsError(*problems)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.paths.state.chmod(0o700)
        gone = self._begun_for_nothing()
        for node in nodes:
            # First: a run that is killed must know what it has begun.
            write_private(self._note(node.name).with_name("node.json"), dump_node(node))
        self._trust(nodes)
        applied = self._applied
        self._converge(self._wanted(applied), gone, say)
        for name in gone:
            self._drop(name)
        self._await([node for node in nodes if not self._note(node.name).exists()], say)
        self._there = self._reach(self.nodes)
        self._there.create(nodes, say)
        for node in nodes:
            self._note(node.name).touch()

    def _begun_for_nothing(self) -> frozenset[str]:
        """Machines that never became nodes and that nobody wants any more."""
        wanted = {node.name for node in self.nodes}
        return frozenset(
            name for name in self.known() if name not in wanted and not self._note(name).exists()
        )

    def _wanted(self, applied: Configuration) -> Configuration:
        """As cloud.yaml says it; nodes that are still to go stay as they were made."""
        machines = [self._plans.machine(node) for node in self.nodes]
        made = configuration(self._plans.platform, self._plans.site(machines))
        wanted = {node.name for node in self.nodes}
        leaving = {
            name for name in self.known() if name not in wanted and self._note(name).exists()
        }
        return with_kept(made, applied, leaving)

    def _converge(self, wanted: Configuration, leaving: Collection[str], say: Say) -> None:
        """Have OpenTofu do what differs, unless it would destroy what is not to go."""
        applied, file = self._applied, self._folder / "main.tf.json"
        write_private(file, text_of(wanted))
        self._program.begin(say)
        found = changes(self._program.plan(say))
        nodes = [name for name in self.known() if self._note(name).exists()]
        if problems := refused(found, leaving, addresses(applied, nodes)):
            raise ScsError(*problems)
        for item in found:
            say(f"{' and '.join(item.actions)} {item.address}")
        if found:
            self._program.apply(say)
        write_private(self._folder / "applied.json", text_of(wanted))

    def _trust(self, nodes: Sequence[Node]) -> None:
        """Know the machines' host keys before there is any machine."""
        known = {**self.known(), **{node.name: node for node in nodes}}
        lines = [
            f"{node.address} {self._plans.host_key(node.name).public}" for node in known.values()
        ]
        write_private(self.login.known_hosts, "".join(f"{line}\n" for line in sorted(lines)))

    def _secrets(self) -> Secrets:
        names = {*self.known(), *(node.name for node in self.nodes)}
        keys = {name: escaped(self._plans.host_key(name).private) for name in sorted(names)}
        return Secrets(self._plans.passphrase(), {HOST_KEYS: keys})

    def _await(self, nodes: Sequence[Node], say: Say) -> None:
        """Wait until new machines have done what their first boot is for; raises ScsError."""
        if not nodes:
            return
        say(f"waiting for {', '.join(node.name for node in nodes)} to boot")
        end = time.monotonic() + patient(BOOT_SECONDS)
        with ThreadPoolExecutor(PARALLEL) as pool:
            said = list(pool.map(lambda node: self._booted(node, end), nodes))
        if problems := [
            Problem(
                f"node {node.name}",
                f"its machine was made, and is not ready after {patient(BOOT_SECONDS):.0f} s: "
                f"{answer.errors or 'its first boot is not done'}",
                "see that this machine reaches networks.management, and look at the machine's "
                "console; then run the same command again",
            )
            for node, answer in zip(nodes, said, strict=True)
            if answer.code
        ]:
            raise ScsError(*problems)

    def _booted(self, node: Node, end: float) -> Said:
        while True:
            said = self._talk(self.connection(node), "sh -s", READY, ASK_SECONDS)
            if not said.code or time.monotonic() > end:
                return said
            time.sleep(PACE)

    def stop(self, node: str) -> None:
        """End a node's guests in order, if it can still be told to."""
        with suppress(ScsError):  # the machine goes next, with all that is on it
            self._there.stop(node)

    def unfenceable(self) -> str:
        """Why a machine can't be switched off from here; empty when it can."""
        return self._there.unfenceable()

    def off(self, node: str) -> bool | None:
        """What the operator's program says; None where there is none."""
        return self._there.off(node)

    def fence(self, node: str) -> None:
        """Have a machine switched off by the operator's program."""
        self._there.fence(node)

    def remove_node(self, node: str) -> None:
        """Destroy one machine with its data; does nothing when it is gone."""
        if node in self.known():
            self._converge(without(self._applied, node), {node}, quiet)
            self._note(node).unlink(missing_ok=True)
            self._there.forget(node)

    def remove(self, say: Say = quiet) -> None:
        """Destroy all that OpenTofu has made for this cloud, and nothing else."""
        if self._program.remembers:
            self._program.begin(say)
            self._program.destroy(say)
        for name in self.known():
            self._drop(name)
        for file in ("cloud-id", "facts.json"):
            (self.paths.state / file).unlink(missing_ok=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _drop(self, name: str) -> None:
        shutil.rmtree(self._note(name).parent, ignore_errors=True)


def folder(paths: Paths) -> Path:
    """Where OpenTofu works for a cloud; for root alone."""
    return paths.state / "tofu"
