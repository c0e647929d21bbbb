# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The ssh provider: the nodes of a cloud are machines that exist, and stay when it goes."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address
from pathlib import Path

from scs.errors import Problem, ScsError
from scs.model.finding import Finding, Level
from scs.model.topology import Network, Node, Role
from scs.paths import Paths
from scs.private import write_private
from scs.providers import Connection, Lack, NodeFacts, NodeState
from scs.providers.reach import Said, Talk, talk
from scs.providers.ssh import checks, here, kvm, scripts
from scs.providers.ssh.checks import Wanted
from scs.providers.ssh.fence import Switch
from scs.providers.ssh.here import Login
from scs.providers.ssh.probe import Answer, Found, Silent, look_at_all
from scs.providers.written import dump_node, hosts_block, load_node
from scs.shell import Say, quiet

JOIN_SECONDS = 420
"""How long a machine may take to become a node: it may have to install Python."""
SEND_SECONDS = 1800
"""How long an environment may be on its way to a machine."""
LEAVE_SECONDS = 120
PARALLEL = 16

Tree = Callable[[Say], Path]
"""Makes a folder on this machine, if need be, that machines get a copy of."""


@dataclass(frozen=True)
class Claims:
    """What a cloud will need for itself on a machine."""

    data: tuple[str, ...] = ()
    """Paths of its data."""
    ports: frozenset[int] = frozenset()
    """TCP ports."""


_DATAPATHS = {"kernel": "system", "userspace": "netdev"}
"""What cloud.yaml says → Open vSwitch's word for it."""


class SshProvider:
    """Machines that are there already, in the shape of `scs.providers.Provider`.

    `trees` are the folders that each node has, by their place there; `claims` tells what is
    needed for the cloud alone on a node; `virtual` are the addresses of the APIs. `virt` is
    "auto" (probe), "kvm" or "qemu", `datapath` who switches packets. `talk` is the one way to the
    machines, `switch` turns them off.
    """

    owns_machines = False

    def __init__(
        self,
        paths: Paths,
        cloud: str,
        nodes: Sequence[Node],
        networks: Mapping[str, Network],
        login: Login,
        trees: Callable[[], Mapping[str, Tree]],
        claims: Callable[[Node], Claims],
        virtual: Iterable[IPv4Address] = (),
        virt: str = "auto",
        datapath: str = "kernel",
        talk: Talk = talk,
        switch: Switch | None = None,
    ) -> None:
        self.paths = paths
        self.cloud = cloud
        self.nodes = tuple(nodes)
        self.networks = networks
        self.login = login
        self.key = login.key
        self.virt = virt
        self.datapath = datapath
        self.guess = NodeFacts(container=False, ovs_datapath=_DATAPATHS[datapath], virt_type="qemu")
        self._trees = trees
        self._claims = claims
        self._virtual = frozenset(virtual)
        self._talk = talk
        self._switch = switch
        self._answers: Mapping[str, Answer] | None = None
        """What machines have said when they were last looked at."""

    # --- what is kept here

    @property
    def _folder(self) -> Path:
        return self.paths.state / "nodes"

    @property
    def id(self) -> str:
        """What tells this cloud from others of its name; `none` before it has any node."""
        try:
            return (self.paths.state / "cloud-id").read_text().strip()
        except OSError:
            return "none"

    @property
    def _mark(self) -> str:
        return f"{self.cloud} {self.id}"

    def known(self) -> dict[str, Node]:
        """The machines that were made nodes and are still."""
        found = {}
        for file in sorted(self._folder.glob("*/node.json")):
            with suppress(OSError, ValueError, KeyError):
                found[file.parent.name] = load_node(file.read_text())
        return found

    def _seen(self, name: str) -> str:
        """When a node has last answered, in words."""
        try:
            when = (self._folder / name / "seen").stat().st_mtime
        except OSError:
            return "nobody has noted when it last did"
        return f"it last did on {time.strftime('%Y-%m-%d at %H:%M', time.localtime(when))}"

    # --- looking

    def connection(self, node: Node) -> Connection:
        """How to reach the node."""
        return Connection(
            host=str(node.address),
            user=self.login.user,
            key=self.login.key,
            known_hosts=self.login.known_hosts,
            port=node.ssh_port,
        )

    @cached_property
    def _wanted(self) -> Wanted:
        claims = {node.name: self._claims(node) for node in self.nodes}
        return Wanted(
            cloud=self.cloud,
            id=self.id,
            nodes=self.nodes,
            networks=self.networks,
            virt=self.virt,
            data={name: claim.data for name, claim in claims.items()},
            ports={name: claim.ports for name, claim in claims.items()},
            trees=tuple(self._trees()),
            virtual=self._virtual,
            datapath=self.datapath,
            section=self.login.section,
        )

    def _all(self) -> dict[str, Node]:
        """The nodes of cloud.yaml, and those that were nodes before."""
        return {**self.known(), **{node.name: node for node in self.nodes}}

    def _look(self) -> Mapping[str, Answer]:
        nodes = self._all()
        try:
            asks = {node.name: self._wanted.ask(node) for node in self.nodes}
        except ScsError:
            # What cloud.yaml refers to may be gone when the cloud goes: who is there can be seen.
            asks = {}
        links = {name: self.connection(node) for name, node in nodes.items()}
        self._answers = look_at_all(links, asks, self._talk)
        for name, answer in self._answers.items():
            if self._ours(answer):
                with suppress(OSError):  # who may only look, does not note it
                    (self._folder / name / "seen").touch()
        return self._answers

    @property
    def _last(self) -> Mapping[str, Answer]:
        return self._look() if self._answers is None else self._answers

    def _ours(self, answer: Answer | None) -> bool:
        return isinstance(answer, Found) and answer.mark == (self.cloud, self.id)

    def preflight(self, online: bool = True) -> Sequence[Problem]:
        """What is wrong here, on any machine, or between them; looks only, answers within 10 s."""
        del online  # machines fetch what they need themselves, when they need it
        return self._here() or checks.problems(self._wanted, self._told(self._look()))

    def _told(self, answers: Mapping[str, Answer]) -> Mapping[str, Answer]:
        """The answers, with the time at which silent nodes have last said something."""
        known = self.known()
        return {
            name: Silent(f"{answer.why}; {self._seen(name)}", answer.hint)
            if isinstance(answer, Silent) and name in known
            else answer
            for name, answer in answers.items()
        }

    def _here(self) -> list[Problem]:
        """What is wrong with this machine or the files that cloud.yaml names."""
        return here.of_machine() or [
            *here.of_key(self.login),
            *here.of_host_keys(self.login, self.nodes),
        ]

    def examine(self) -> Sequence[Finding]:
        """How the machines are; looks only."""
        if here := self._here():
            return [Finding(item.where, Level.BAD, item.what, item.hint) for item in here]
        answers = self._told(self._look())
        wrong = checks.problems(self._wanted, answers)
        found = [Finding(item.where, Level.BAD, item.what, item.hint) for item in wrong]
        places = {item.where for item in wrong}
        found += [
            Finding(f"node {node.name}", Level.OK, f"answers: {_described(answer)}")
            for node in self.nodes
            if isinstance(answer := answers[node.name], Found) and f"node {node.name}" not in places
        ]
        return found + [
            Finding("nodes", Level.WARN, item.reason, "scs up") for item in self.lacks()
        ]

    def observe(self) -> Mapping[str, NodeState]:
        """The machines that are nodes of this cloud; a silent one exists, and does not run."""
        answers, known = self._look(), self.known()
        states = {}
        for name, answer in answers.items():
            if self._ours(answer):
                assert isinstance(answer, Found)
                states[name] = NodeState(name, True, True, _described(answer))
            elif name in known:
                states[name] = NodeState(name, True, False, self._why_not(name, answer))
        return states

    def _why_not(self, name: str, answer: Answer) -> str:
        if isinstance(answer, Silent):
            return f"{answer.why}; {self._seen(name)}"
        if answer.mark is None:
            return "answers, and does not belong to the cloud any more: it was installed anew"
        return f"belongs to the cloud {answer.mark[0]} by now"

    def lacks(self) -> Sequence[Lack]:
        """What nodes that answer have lost, or do not have yet, of what `create` brings."""
        hosts, trees, addresses = [], [], []
        wanted = hosts_block(self._all().values())
        for node in self.nodes:
            answer = self._last.get(node.name)
            if not self._ours(answer):
                continue
            assert isinstance(answer, Found)
            if (*answer.all("host"),) != wanted:
                hosts.append(node.name)
            missing = sorted(set(self._wanted.trees) - set(answer.all("tree")))
            trees += [f"{node.name} has no {tree}" for tree in missing]
            held = {at.ip for _, at in answer.addresses}
            addresses += [
                f"{node.name} has lost {address}"
                for address in node.extra_addresses
                if address not in held
            ]
        found = [
            ("hosts", f"/etc/hosts does not name all nodes on {', '.join(hosts)}" if hosts else ""),
            ("environments", "; ".join(trees)),
            ("addresses", "; ".join(addresses)),
        ]
        return [Lack(name, reason) for name, reason in found if reason]

    def absent(self, node: Node) -> str:
        """Why a machine that is no node is to become one."""
        del node
        return "is not in the cloud yet"

    def facts(self) -> NodeFacts:
        """What the nodes that answer can do; KVM is proven by a guest on each that runs guests."""
        found = {
            node.name: answer
            for node in self.nodes
            if isinstance(answer := self._last.get(node.name), Found) and self._ours(answer)
        }
        sizes = [int(answer["memory"] or 0) // 1024 for answer in found.values()]
        virt_type, note = self._virt_type(found)
        return NodeFacts(
            container=False,
            ovs_datapath=_DATAPATHS[self.datapath],  # a machine that can't is refused
            virt_type=virt_type,
            memory=min(sizes, default=0),
            notes=(note,) if note else (),
        )

    def _virt_type(self, found: Mapping[str, Found]) -> tuple[str, str]:
        if self.virt != "auto":
            return self.virt, ""
        asked = {node.name: node for node in self.nodes if Role.COMPUTE in node.roles}
        kept = self._kept_facts()
        boots = {name: answer["boot"] for name, answer in found.items() if name in asked}
        works = {
            name: kept[name]["kvm"]
            for name, boot in boots.items()
            if kept.get(name, {}).get("boot") == boot
        }
        new = {name: asked[name] for name in boots if name not in works}
        with ThreadPoolExecutor(PARALLEL) as pool:
            told = pool.map(lambda node: self._tries_kvm(node, found[node.name]), new.values())
            works |= dict(zip(new, told, strict=True))
        if new and self._folder.is_dir():
            facts = {name: {"boot": boots[name], "kvm": works[name]} for name in works}
            with suppress(OSError):
                write_private(self.paths.state / "facts.json", json.dumps(facts))
        without = sorted(name for name, value in works.items() if not value)
        if not works or without:
            names = f" on {', '.join(without)}" if without else ""
            return "qemu", f"guests are emulated, because a tiny guest does not run on KVM{names}"
        return "kvm", ""

    def _kept_facts(self) -> dict[str, dict[str, str | bool]]:
        try:
            kept: dict[str, dict[str, str | bool]] = json.loads(
                (self.paths.state / "facts.json").read_text()
            )
        except (OSError, ValueError):
            return {}
        return kept

    def _tries_kvm(self, node: Node, found: Found) -> bool:
        if found["kvm"] != "yes":
            return False
        said = self._talk(self.connection(node), "python3 -", kvm.PROGRAM, 15)
        return kvm.WORKS in said.output

    # --- changing

    def create(self, nodes: Sequence[Node], say: Say = quiet) -> None:
        """Prove that these machines are fit, and make them nodes; may be run again at any time.

        Raises ScsError with all that is wrong, before anything on any machine is touched.
        """
        if problems := self.preflight():
            raise ScsError(*problems)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.paths.state.chmod(0o700)
        if self.id == "none":
            write_private(self.paths.state / "cloud-id", f"{uuid.uuid4()}\n")
            self.__dict__.pop("_wanted", None)
        for node in nodes:
            # First: a run that is killed must know what it has begun.
            write_private(self._folder / node.name / "node.json", dump_node(node))
        say(f"taking over {', '.join(node.name for node in nodes)}")
        self._on_all(nodes, self._join)
        missing = {
            (node.name, tree): node
            for node in nodes
            for tree in self._wanted.trees
            if tree not in self._found(node.name).all("tree")
        }
        makers = self._trees()
        made = {tree: makers[tree](say) for tree in dict.fromkeys(tree for _, tree in missing)}
        for tree, folder in made.items():
            takers = [node for (_, other), node in missing.items() if other == tree]
            say(f"sending {tree} to {', '.join(node.name for node in takers)}")

            def send(node: Node, tree: str = tree, folder: Path = folder) -> Said:
                link = self.connection(node)
                return self._talk(link, scripts.receive(tree), folder, SEND_SECONDS)

            self._on_all(takers, send)
        self._answers = None

    def _found(self, name: str) -> Found:
        answer = self._last[name]
        assert isinstance(answer, Found), "preflight refuses what does not answer"
        return answer

    def _join(self, node: Node) -> Said:
        script = scripts.join(
            self._mark,
            hosts_block(self._all().values()),
            node.extra_addresses,
            node.interfaces["management"],
        )
        return self._talk(self.connection(node), "sh -s", script, JOIN_SECONDS)

    def stop(self, node: str) -> None:
        """End the guests of a node; the machine itself is not ours to switch off."""
        known = self.known()
        if node in known:
            self._on_all([known[node]], self._say(scripts.end_guests(self._mark)))

    def unfenceable(self) -> str:
        """Why a machine can't be switched off from here; empty when it can."""
        if self._switch is None:
            return "cloud.yaml names no program that switches machines off (instance_ha.fence)"
        return self._switch.unusable()

    def off(self, node: str) -> bool | None:
        """What the operator's program says; None where there is none."""
        machine = self._all().get(node)
        return self._switch.off(machine) if self._switch and machine else None

    def fence(self, node: str) -> None:
        """Have a machine switched off by the operator's program."""
        if self._switch is None:
            raise ScsError(Problem(f"node {node}", self.unfenceable()))
        self._switch.fence(self._all()[node])

    def remove_node(self, node: str) -> None:
        """Take a machine out of the cloud: what `create` brought goes, and the mark last."""
        known = self.known()
        if node in known:
            self._leave(known[node])
            self._tell_others(node)

    def forget(self, node: str) -> None:
        """A machine is gone, with all that was on it: it is a node no more."""
        if node in self.known():
            self._drop(node)
            self._tell_others(node)

    def _tell_others(self, node: str) -> None:
        """Have /etc/hosts of the others name a node no more."""
        known = self.known()
        others = [other for other in self.nodes if other.name in known and other.name != node]
        self._on_all(others, self._join)

    def remove(self, say: Say = quiet) -> None:
        """Take all machines out of the cloud; raises ScsError for those that do not answer.

        What components have made there is cleared before, from the record that is on each. A
        machine that was taken out is forgotten, so that running it again does the rest.
        """
        known = self.known()
        if known:
            say(f"leaving {', '.join(known)}")

        def leave(node: Node) -> Sequence[Problem]:
            try:
                self._leave(node)
            except ScsError as error:
                return error.problems
            return ()

        with ThreadPoolExecutor(PARALLEL) as pool:
            problems = [problem for found in pool.map(leave, known.values()) for problem in found]
        if problems:
            raise ScsError(*problems)
        for file in ("cloud-id", "facts.json"):
            (self.paths.state / file).unlink(missing_ok=True)

    def _leave(self, node: Node) -> None:
        back = ""
        if self.datapath == "userspace" and (interface := node.interfaces.get("tunnel")):
            prefix = self.networks["tunnel"].ipv4.prefixlen
            back = f"{node.addresses['tunnel']}/{prefix} dev {interface}"
        self._on_all([node], self._say(scripts.leave(self._mark, back)))
        self._drop(node.name)

    def _drop(self, node: str) -> None:
        folder = self._folder / node
        for file in ("seen", "node.json"):
            (folder / file).unlink(missing_ok=True)
        with suppress(OSError):
            folder.rmdir()

    def _say(self, script: str) -> Callable[[Node], Said]:
        return lambda node: self._talk(self.connection(node), "sh -s", script, LEAVE_SECONDS)

    def _on_all(self, nodes: Sequence[Node], work: Callable[[Node], Said]) -> None:
        """Do it on all at once; raises ScsError with all that has failed."""
        with ThreadPoolExecutor(PARALLEL) as pool:
            said = list(pool.map(work, nodes))
        problems = []
        for node, answer in zip(nodes, said, strict=True):
            if answer.code:
                tail = "\n".join(f"    {line}" for line in answer.errors.splitlines()[-15:])
                hint = f"look at it with: scs ssh {node.name}; then run the same command again"
                if answer.code == 255:
                    hint = (
                        "bring it back and run the same command again; if it is gone for ever, "
                        f"forget it: rm -r {self._folder / node.name}"
                    )
                what = f"ended with {answer.code}\n{tail}"
                problems.append(Problem(f"node {node.name}", what, hint))
        if problems:
            raise ScsError(*problems)


def _described(found: Found) -> str:
    memory = int(found["memory"] or 0) / 2**20
    return f"{found['PRETTY_NAME']}, {found['processor']}, {memory:.0f} GiB"
