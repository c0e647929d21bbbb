# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A whole cloud on machines that are there already: `provider: ssh`, by real ssh.

    tools/try-ssh                      one machine; removed afterwards
    tools/try-ssh --nodes 3            three that share the work, with Ceph
    tools/try-ssh --keep               they stay, to be looked at; `--down` removes them

The machines are Debian 13 run by systemd with an sshd and three interfaces, and nothing of a
cloud's. They are made as local nodes are, so they share this machine's kernel; to scs they are
somebody's machines, of which it knows an address, a key and a host key. What is brought up,
proven, changed and left is everything that a cloud has.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from scs.errors import Exit
from scs.model.topology import INTERFACES, Network, Node, Role
from scs.paths import Paths
from scs.providers.local import LocalProvider, install_host_packages, layers
from scs.shell import quiet, run
from trial import Trial, arguments, carry_out, scs

FOLDER = Path("/var/tmp/scs-ssh-cloud")
CACHE = Path(os.environ.get("SCS_CACHE", "/var/cache/scs"))
MACHINES, CLOUD = "machines", "by-ssh"
NETWORKS = {
    "management": Network("management", IPv4Network("10.49.0.0/24")),
    "tunnel": Network("tunnel", IPv4Network("10.49.1.0/24"), mtu=9000),
    "external": Network("external", IPv4Network("10.49.2.0/24"), IPv6Network("fd5c:5c5c:49::/64")),
}
ROLES = ("control", "network", "compute", "storage")
LEFT = "ls -d /etc/scs /opt/scs /var/lib/scs /var/lib/mysql /etc/nova 2>/dev/null; true"
"""Nothing of that may be on a machine that a cloud has left."""
OPTION = {"keystone": {"token": {"expiration": 7200}}}


class Machines:
    """Those that are there: nobody's yet."""

    def __init__(self, count: int) -> None:
        self.nodes = [
            Node(
                f"node-{number}",
                frozenset(map(Role, ROLES)),
                {
                    name: IPv4Address(int(NETWORKS[name].ipv4.network_address) + 10 + number)
                    for name in ("management", "tunnel")
                },
            )
            for number in range(1, count + 1)
        ]
        paths = Paths(FOLDER / "state" / MACHINES, CACHE)
        self.provider = LocalProvider(paths, MACHINES, NETWORKS, self._layers)

    def _layers(self, say: Any) -> list[Path]:
        return [layers.build_base(CACHE, (), say)]

    def make(self) -> None:
        install_host_packages()
        self.provider.create(self.nodes, quiet)

    def remove(self) -> None:
        self.provider.remove(quiet)

    def say(self, node: str, command: str) -> str:
        """What a command there says, past all that scs is told of the machine."""
        (found,) = (item for item in self.nodes if item.name == node)
        to = self.provider.connection(found)
        options = [f"-oUserKnownHostsFile={to.known_hosts}", "-oBatchMode=yes", f"-i{to.key}"]
        return run(["ssh", "-Fnone", *options, f"{to.user}@{to.host}", command], timeout=60).strip()


class BySsh(Trial):
    """The machines and the cloud on them, step by step."""

    def __init__(self, count: int) -> None:
        self.machines = Machines(count)
        self.folder = FOLDER / "cloud"
        kernel = subprocess.run(["modprobe", "-qn", "openvswitch"], check=False)
        self.datapath = "userspace" if kernel.returncode else "kernel"

    def spec(self, **more: Any) -> None:
        """cloud.yaml; JSON is YAML."""
        to = self.machines.provider.connection(self.machines.nodes[0])
        values = {
            "name": CLOUD,
            "provider": "ssh",
            "ssh": {
                "user": to.user,
                "key": str(to.key),
                "known_hosts": str(to.known_hosts),
                "interfaces": dict(INTERFACES),
                "datapath": self.datapath,
            },
            "storage": "ceph" if len(self.machines.nodes) > 1 else "files",
            "networks": {
                "management": {"ipv4": str(NETWORKS["management"].ipv4)},
                "tunnel": {"ipv4": str(NETWORKS["tunnel"].ipv4)},
                "external": {
                    "ipv4": str(NETWORKS["external"].ipv4),
                    "ipv6": str(NETWORKS["external"].ipv6),
                },
            },
            "nodes": [
                {"name": node.name, "address": str(node.address), "roles": list(ROLES)}
                for node in self.machines.nodes
            ],
            **more,
        }
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.folder / "cloud.yaml").write_text(json.dumps(values, indent=1) + "\n")

    def scs(self, *words: str, code: int = Exit.OK) -> str:
        """All that a command said; it must end with that code."""
        return "\n".join(scs(self.folder, FOLDER / "state", *words, code=code))

    def run(self) -> None:
        with self.step(f"{len(self.machines.nodes)} machines come to be"):
            self.machines.make()
            self.spec()
        with self.step("doctor looks and touches nothing"):
            self.scs("doctor")
            self.nothing_left()
        with self.step("what belongs to others is refused"):
            self.refusals()
        with self.step("up"):
            print(self.scs("up", "--yes", "--timings").partition("Longest steps")[0][-900:])
        with self.step("a second plan has nothing to do"):
            assert "Nothing to do" in self.scs("plan")
        with self.step("verify"):
            self.scs("verify")
        with self.step("one changed option"):
            self.spec(config=OPTION)
            self.scs("up", "--yes")
            read = "grep -h ^expiration /etc/keystone/keystone.conf"
            assert "7200" in self.machines.say("node-1", read)
        with self.step("a machine that restarts comes back"):
            self.restart()
        with self.step("down: the machines are left, and run on"):
            self.scs("down", "--yes")
            self.nothing_left()

    def refusals(self) -> None:
        node = self.machines.nodes[0].name
        for words, undo, told in (
            (
                "mkdir -p /var/lib/mysql && echo theirs > /var/lib/mysql/ibdata1",
                "rm -r /var/lib/mysql",
                "holds data that are not this cloud's",
            ),
            ("hostname other", f"hostname {node}", "other"),
            ("ip link set eth2 down", "ip link set eth2 up", "is down"),
        ):
            self.machines.say(node, words.replace("eth2", INTERFACES["external"]))
            try:
                said = self.scs("up", "--yes", code=Exit.PREFLIGHT)
            finally:
                self.machines.say(node, undo.replace("eth2", INTERFACES["external"]))
            assert told in said, said
            print(f"           {told}: refused", flush=True)
        self.nothing_left()

    def restart(self) -> None:
        (first, *_) = self.machines.nodes
        self.machines.provider.stop(first.name)
        assert "does not answer" in self.scs("plan", code=Exit.PREFLIGHT)
        self.machines.make()
        self.scs("up", "--yes")
        assert "Nothing to do" in self.scs("plan")

    def nothing_left(self) -> None:
        for node in self.machines.nodes:
            assert (found := self.machines.say(node.name, LEFT)) == "", found

    def down(self) -> None:
        """The cloud, if there is one, and the machines."""
        if (FOLDER / "state" / CLOUD).exists():
            self.scs("down", "--yes")
        self.machines.remove()
        shutil.rmtree(FOLDER, ignore_errors=True)


def main() -> int:
    parser = arguments("tools/try-ssh", __doc__)
    parser.add_argument("--nodes", type=int, default=1, metavar="N", help="1 or 3 machines")
    options = parser.parse_args()
    return carry_out(BySsh(options.nodes), options)


if __name__ == "__main__":
    sys.exit(main())
