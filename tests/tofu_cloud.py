# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A cloud whose machines OpenTofu makes, in whichever way, and which are of paper then."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from paper.there import NETWORKS, TREE, VIRTUAL, Machines, node
from paper.there import Machine as Paper
from scs.engine.host_keys import host_key
from scs.errors import Problem
from scs.model.topology import Node
from scs.paths import Paths
from scs.providers import Connection
from scs.providers.reach import Said
from scs.providers.ssh import Claims, Login, SshProvider
from scs.providers.tofu import (
    PLATFORMS,
    Machine,
    Plans,
    Program,
    Secrets,
    Site,
    TofuProvider,
    Tools,
    folder,
)
from scs.providers.tofu.cloud_init import READY

OPTIONS = {"cloud": "there", "clouds_file": "", "external_network": "public", "router": ""}


class MadeCloud(Machines):
    """A cloud on OpenStack; each `run` is another run of scs."""

    def __init__(self, at: Path, tools: Tools, exists: Callable[[int], bool]) -> None:
        super().__init__(*(Paper(number) for number in (1, 2, 3)))
        self.at = at
        self.paths = Paths(at / "state/mine", at / "cache")
        self.login = Login("debian", at / "key", folder(self.paths) / "known_hosts", "tofu")
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.login.key)]
        subprocess.run(argv, check=True)
        self.problems: list[Problem] = []
        self.size = "SCS-8V-32"
        self.disk = 0
        self.options: dict[str, Any] = {**OPTIONS}
        self.plugs: dict[str, str] = dict.fromkeys(NETWORKS, "")
        self.tunnel_mtu = 1558
        self.environment: Mapping[str, str] = {}
        self.tools = tools
        self.booted: list[str] = []
        self._exists = exists
        for machine in self.machines.values():
            machine.silent = "No route to host"

    def run(self, *numbers: int) -> TofuProvider:
        """What a run of scs has, whose cloud.yaml has these nodes."""
        plans = Plans(
            platform=PLATFORMS["openstack"],
            site=self._site,
            machine=self._machine,
            host_key=host_key,
            passphrase=lambda: "a passphrase of the cloud",
            problems=lambda: self.problems,
        )
        nodes = [node(number) for number in numbers]
        found = TofuProvider(
            self.paths, nodes, self.login, plans, self._reach, self._program, self.talk
        )
        self.provider = found._there
        return found

    def up(self, *numbers: int) -> TofuProvider:
        provider = self.run(*numbers)
        provider.create(provider.nodes)
        assert {name for name, at in provider.observe().items() if at.running} >= {
            item.name for item in provider.nodes
        }
        return self.run(*numbers)

    def _site(self, machines: Sequence[Machine]) -> Site:
        return Site(
            cloud="mine",
            machines=tuple(machines),
            networks=NETWORKS,
            tunnel_mtu=self.tunnel_mtu,
            dns=(IPv4Address("9.9.9.9"),),
            virtual=(VIRTUAL,),
            user="debian",
            public_key=self.login.key.with_suffix(".pub").read_text(),
            image="Debian 13",
            disk=self.disk,
            plugs=self.plugs,
            options=self.options,
        )

    def _machine(self, wanted: Node) -> Machine:
        return Machine(wanted, self.size, wanted.zone, host_key(wanted.name))

    def _reach(self, nodes: Sequence[Node]) -> SshProvider:
        self.provider = SshProvider(
            self.paths,
            "mine",
            nodes,
            NETWORKS,
            self.login,
            lambda: {TREE: lambda _say: self.at},
            lambda _node: Claims(),
            virtual=(VIRTUAL,),
            talk=self.talk,
        )
        return self.provider

    def _program(self, secrets: Callable[[], Secrets]) -> Program:
        return Program(folder(self.paths), lambda _say: self.tools, secrets, self.environment)

    def talk(self, link: Connection, words: str, given: str | Path, seconds: float) -> Said:
        machine = self.machines[link.host]
        machine.silent = "" if self._exists(machine.number) else "No route to host"
        if given == READY:
            self.booted.append(link.host)
            return machine.said() if machine.silent else Said(0, "", "")
        return super().talk(link, words, given, seconds)

    def file(self) -> Any:
        """The configuration that OpenTofu got last."""
        return json.loads((folder(self.paths) / "main.tf.json").read_text())
