# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The local provider: the nodes of a cloud as systemd containers on this machine."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path, PurePosixPath

from scs.errors import Problem, ScsError
from scs.model.finding import Finding
from scs.model.topology import INTERFACES, Network, Node, Role
from scs.paths import Paths
from scs.providers import Connection, Lack, NodeFacts, NodeState
from scs.providers.local import (
    cgroups,
    examine,
    firewall,
    host,
    network,
    preflight,
    probe,
    rootfs,
)
from scs.providers.local.layers import shared
from scs.providers.local.node import Container
from scs.providers.local.preflight import Wanted
from scs.providers.written import dump_node, load_node
from scs.shell import Say, quiet

Layers = Callable[[Say], Sequence[Path]]
"""Makes the read-only directories of a node's root if need be; topmost first."""

_PARALLEL = 8


@dataclass(frozen=True)
class Lent:
    """The environment that the services run in, for nodes whose layers have another one."""

    place: PurePosixPath
    """Where nodes look for it."""
    make: Callable[[Say], Path]
    """Puts it into the folder that nodes share with this machine, under its own name."""


class LocalProvider:
    """Nodes as systemd containers on this machine, in the shape of `scs.providers.Provider`.

    `networks` are "management", "tunnel" and "external". `lent` is what nodes get when the layers
    that they were made from lack it. `virt` is "auto" (probe), "kvm" or
    "qemu". `uplink_dns` are name servers for the nodes where the host's can't be used;
    `mirror` is the Debian archive that `preflight` asks if it is not this machine's.
    """

    owns_machines = True
    guess = NodeFacts(container=True, ovs_datapath="netdev", virt_type="qemu")

    def __init__(
        self,
        paths: Paths,
        cloud: str,
        networks: Mapping[str, Network],
        layers: Layers,
        lent: Lent | None = None,
        virt: str = "auto",
        uplink_dns: Sequence[IPv4Address | IPv6Address] = (),
        mirror: str | None = None,
    ) -> None:
        self.paths = paths
        self.cloud = cloud
        self.networks = {name: networks[name] for name in INTERFACES}
        self.layers = layers
        self.lent = lent
        self.virt = virt
        self.uplink_dns = tuple(uplink_dns)
        self.mirror = mirror
        self.key = self._ssh / "id_ed25519"

    @staticmethod
    def slowness(nodes: Sequence[Node], processors: int) -> int:
        """How much longer things take than on a machine of its own for each control node.

        While a cloud comes up, one of these keeps two processors busy, and here they share them.
        """
        controls = sum(Role.CONTROL in node.roles for node in nodes)
        return max(1, math.ceil(2 * controls / processors)) if controls > 1 else 1

    # --- where things are

    @property
    def _nodes(self) -> Path:
        return self.paths.state / "nodes"

    @property
    def _ssh(self) -> Path:
        return self.paths.state / "ssh"

    def container(self, node: str) -> Container:
        """The running side of a node, for looking into it: `exec`, `init`, `console`."""
        return Container(self.cloud, node, self._nodes / node)

    def known(self) -> dict[str, Node]:
        """The nodes whose definition is kept in the state folder."""
        found = {}
        for file in sorted(self._nodes.glob("*/node.json")):
            try:
                found[file.parent.name] = load_node(file.read_text())
            except (OSError, ValueError, KeyError):
                continue  # half made: `create` writes it anew, `remove` goes by the folder
        return found

    # --- Provider

    def preflight(self, online: bool = True) -> Sequence[Problem]:
        """What would stop a run here; looks only, answers within 10 s.

        `online` says that something is still to be fetched, so that the mirrors are asked.
        """
        return preflight.check(self._wanted(online))

    def _wanted(self, online: bool) -> Wanted:
        return Wanted(
            paths=self.paths,
            cloud=self.cloud,
            networks=self.networks,
            virt=self.virt,
            uplink_dns=self.uplink_dns,
            online=online,
            mirror=self.mirror,
            running=any(state.running for state in self.observe().values()),
        )

    def examine(self) -> Sequence[Finding]:
        """How this machine is, as far as nodes are concerned; looks only."""
        return examine.machine(self._wanted(online=True), self.lacks)

    def observe(self) -> Mapping[str, NodeState]:
        """The nodes of this cloud that exist now; looks only."""
        states = {}
        for name in self.known():
            container = self.container(name)
            running = container.running()
            lower = self._recorded_layers(name)
            made_from = ", ".join(path.name for path in lower)
            detail = f"made from {made_from}" if made_from else "not booted yet"
            if not running:
                detail = f"stopped; {detail}"
            states[name] = NodeState(name=name, exists=True, running=running, detail=detail)
        return states

    def lacks(self) -> Sequence[Lack]:
        """What is missing around the nodes that run: links, NAT, ways through the firewall.

        All of it is the machine's own, where others may take it away: a firewall that is
        reloaded, a network manager, a person.
        """
        running = [name for name in self.known() if self.container(name).running()]
        if not running:
            return []  # all is made when the first one starts
        ruleset = firewall.read_ruleset()
        ipv6 = any(item.ipv6 is not None for item in self.networks.values())
        links = network.missing_links(self.cloud, self.networks, running, network.addressed_links())
        off = [f"{name} is 0" for name in host.missing_forwarding(ipv6)]
        ways = firewall.missing_ways(ruleset, self.cloud, self.networks)
        ways += firewall.missing_by_tools(ruleset, self.cloud, self.networks)
        seen = [
            ("links", links, True),
            ("forwarding", off, False),
            ("nat", firewall.missing_nat(ruleset, self.cloud, self.networks), False),
            ("firewall", ways, False),
            ("environments", self._lacking(running), False),
        ]
        return [Lack(name, "; ".join(found), cuts) for name, found, cuts in seen if found]

    def absent(self, node: Node) -> str:
        """Why a node is to be made."""
        del node
        return "does not exist"

    def facts(self) -> NodeFacts:
        """Probe what the nodes can do.

        Whether KVM works is found by booting a guest with a running node's qemu; until one
        has it, the answer is `qemu` with a note. An answer holds until the machine restarts.
        """
        notes: list[str] = []
        datapath, why = probe.ovs_datapath()
        if why:
            notes.append(why)
        virt_type, why = self._virt_type()
        if why:
            notes.append(why)
        return NodeFacts(
            container=True,
            ovs_datapath=datapath,
            virt_type=virt_type,
            memory=probe.memory() // max(1, len(self.known())),
            notes=tuple(notes),
        )

    def create(self, nodes: Sequence[Node], say: Say = quiet) -> None:
        """Make and start these nodes until sshd answers; does nothing for those that run.

        Stopped ones, also those of before a restart of the machine, come back with their
        data. Raises ScsError when a node does not come up.
        """
        host.claim(self.cloud, self.paths.state)
        self._folders()
        resolver = rootfs.host_resolv_conf(self.uplink_dns)
        if resolver is None:
            raise ScsError(preflight.NO_RESOLVER)
        for node in nodes:
            host.remember_node(self.cloud, node.name)
        probe.load_modules()
        host.raise_limits()
        network.ensure_bridges(self.cloud, self.networks)
        network.route_through_host(self.networks)
        firewall.open_up(self.cloud, self.networks)

        rootfs.ensure_key(self.key, f"scs:{self.cloud}")
        down = [node for node in nodes if not self.container(node.name).running()]
        for node in nodes:
            if node not in down:
                if network.ensure_cables(self.cloud, node, self.networks):
                    network.configure_inside(self.cloud, node, self.networks)
                self.container(node.name).keep_watched()
        for node in down:
            self._prepare(node, say)
        self._write_known_hosts()
        self._tell_running(exclude=[node.name for node in down])
        for node in down:
            self._boot(node, resolver)
        if down:
            say(f"booting {', '.join(node.name for node in down)}")
        with ThreadPoolExecutor(_PARALLEL) as pool:
            waits = [
                pool.submit(self.container(node.name).ready, str(node.address)) for node in nodes
            ]
        problems: list[Problem] = []
        for wait in waits:
            error = wait.exception()
            if isinstance(error, ScsError):
                problems += error.problems
            elif error is not None:
                raise error
        if problems:
            raise ScsError(*problems)
        self._lend([node.name for node in nodes], say)

    def _lacking(self, nodes: Iterable[str]) -> list[str]:
        """What to say of each of these nodes that runs and has no such environment."""
        if self.lent is None:
            return []
        place = str(self.lent.place)
        # In the node's own file system; where a link leads there can't be told from here.
        inits = {name: self.container(name).init() for name in nodes}
        return [
            f"{name} has no {place}"
            for name, init in inits.items()
            if init is not None and not os.path.lexists(f"/proc/{init}/root{place}")
        ]

    def _lend(self, nodes: Sequence[str], say: Say) -> None:
        """Bring the environment to those that were made from the layers of another one."""
        takers = [name for name in nodes if self._lacking([name])]
        if not takers or self.lent is None:
            return
        made = self.lent.make(say)
        place, target = str(self.lent.place), f"/var/lib/scs/artifacts/environments/{made.name}"
        for name in takers:
            container = self.container(name)
            container.exec(["mkdir", "--parents", str(self.lent.place.parent)])
            container.exec(["ln", "--symbolic", "--force", "--no-dereference", target, place])

    def connection(self, node: Node) -> Connection:
        """How to reach the node."""
        return Connection(
            host=str(node.address),
            user="root",
            key=self.key,
            known_hosts=self._ssh / "known_hosts",
        )

    def remove(self, say: Say = quiet) -> None:
        """Remove all nodes of this cloud and all that was made for them, and nothing else.

        Needs no layers and works on what is left of a cloud; running it again finishes what
        a killed run has begun. The cloud's other state (secrets, journal) stays.
        """
        if host.claimed_elsewhere(self.cloud, self.paths.state):
            # What runs under this name belongs to another state folder.
            host.claim(self.cloud, self.paths.state)
        found = self._all_names()
        if found:
            say(f"stopping {', '.join(found)}")
        with ThreadPoolExecutor(_PARALLEL) as pool:
            ends = [pool.submit(self.container(name).stop, orderly=False) for name in found]
            for done in ends:
                done.result()
        for name in found:
            network.remove_node(self.cloud, name)
            rootfs.delete_tree(self._nodes / name)
        rootfs.delete_tree(self._nodes)
        network.remove_bridges(self.cloud)
        firewall.close(self.cloud, self.networks)
        for file in ("id_ed25519", "id_ed25519.pub", "known_hosts"):
            (self._ssh / file).unlink(missing_ok=True)
        if self._ssh.is_dir() and not any(self._ssh.iterdir()):
            self._ssh.rmdir()
        (self.paths.state / "facts.json").unlink(missing_ok=True)
        host.release(self.cloud)

    def remove_node(self, node: str) -> None:
        """Remove one node with its data; does nothing when it is gone."""
        self.container(node).stop()
        network.remove_node(self.cloud, node)
        rootfs.delete_tree(self._nodes / node)
        host.forget_node(self.cloud, node)
        self._write_known_hosts()
        self._tell_running(exclude=())

    # --- one node at a time, for tests and for looking into things

    def stop(self, node: str) -> None:
        """Stop a node in order, by force after 20 s; its data stay."""
        self.container(node).stop()

    def unfenceable(self) -> str:
        """Nothing: they live in control groups of this machine."""
        return ""

    def off(self, node: str) -> bool | None:
        """Whether nothing of the node lives: its control group is empty, which the kernel knows."""
        return self.container(node).empty()

    def fence(self, node: str) -> None:
        """End a node at once with all that it has started, and pull its cables first.

        A node whose processes are gone still has its addresses, the virtual ones as well, and
        the kernel would go on answering for them.
        """
        network.unplug(self.cloud, node, self.networks)
        container = self.container(node)
        container.stop(orderly=False)
        if not container.empty():
            what = "has processes that do not end"
            raise ScsError(Problem(f"node {node}", what))

    def start(self, node: str, say: Say = quiet) -> None:
        """Start a node that was stopped; raises ScsError if it was never made."""
        known = self.known()
        if node not in known:
            have = ", ".join(known) or "none"
            raise ScsError(Problem(f"node {node}", f"was never made; there are: {have}", "scs up"))
        self.create([known[node]], say)

    def exec(
        self,
        node: str,
        argv: Sequence[str | Path],
        *,
        stdin: str | None = None,
        timeout: float | None = 60,
        check: bool = True,
    ) -> str:
        """Run a command in a running node without ssh (8 ms); `timeout` in seconds."""
        return self.container(node).exec(argv, stdin=stdin, timeout=timeout, check=check)

    # --- steps

    def _folders(self) -> None:
        self.paths.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.paths.state.chmod(0o700)
        for folder in (self._nodes, self._ssh):
            folder.mkdir(exist_ok=True, mode=0o700)
        shared(self.paths.cache).mkdir(parents=True, exist_ok=True)

    def _recorded_layers(self, node: str) -> list[Path]:
        try:
            return [Path(line) for line in json.loads((self._nodes / node / "layers").read_text())]
        except (OSError, ValueError):
            return []

    def _lower(self, node: str, say: Say) -> list[Path]:
        """The layers under a node: always those that it was made from.

        Its own writes (a package database above all) fit only these.
        """
        recorded = self._recorded_layers(node)
        if recorded and all(path.is_dir() for path in recorded):
            return recorded
        present = list(self.layers(say))
        if not recorded:
            host.replace(self._nodes / node / "layers", json.dumps([str(p) for p in present]))
            return present
        missing = [path for path in recorded if not path.is_dir()]
        if missing:
            raise ScsError(
                Problem(
                    f"node {node}",
                    f"was made from {missing[0]}, which is gone",
                    "put the folder back, or make the cloud anew: scs down, then scs up",
                )
            )
        return recorded

    def _prepare(self, node: Node, say: Say) -> None:
        """Files of a node that is down, up to its host key."""
        folder = self._nodes / node.name
        folder.mkdir(exist_ok=True, mode=0o700)
        host.replace(folder / "node.json", dump_node(node), 0o600)
        self._lower(node.name, say)
        for part in ("upper", "work"):
            (folder / part).mkdir(exist_ok=True)
            (folder / part).chmod(0o755)  # the node's own "/": its users must be able to enter
        rootfs.ensure_key(folder / "ssh_host_ed25519_key", node.name)

    def _write_known_hosts(self) -> None:
        keys = {}
        for name, node in self.known().items():
            public = self._nodes / name / "ssh_host_ed25519_key.pub"
            if public.is_file():
                keys[name] = (node, public.read_text())
        host.replace(self._ssh / "known_hosts", rootfs.known_hosts(keys), 0o600)

    def _tell_running(self, exclude: Iterable[str]) -> None:
        """Make new nodes known to those that run."""
        known = self.known()
        for name in set(known) - set(exclude):
            init = self.container(name).init()
            if init is None:
                continue
            hosts = Path(f"/proc/{init}/root/etc/hosts")
            present = hosts.read_text()
            wanted = rootfs.hosts_text(present, known.values())
            if wanted != present:
                host.replace(hosts, wanted)

    def _boot(self, node: Node, resolver: str) -> None:
        folder = self._nodes / node.name
        container = self.container(node.name)
        container.stop()  # what a killed run may have left: a watcher, an empty group
        network.ensure_cables(self.cloud, node, self.networks)
        network.configure_inside(self.cloud, node, self.networks)
        lower = self._recorded_layers(node.name)
        kvm = self.virt != "qemu" and Path("/dev/kvm").exists()
        rootfs.write_node_files(
            rootfs.Files(folder / "upper", lower),
            node,
            self.known().values(),
            host_key=folder / "ssh_host_ed25519_key",
            authorized_key=self.key,
            resolver=resolver,
            kvm=kvm,
        )
        binds = [f"{shared(self.paths.cache)}:/var/lib/scs/artifacts"]
        binds += [device for device in ("/dev/net/tun", "/dev/fuse") if Path(device).exists()]
        options = rootfs.overlay_options(lower, folder / "upper", folder / "work")
        container.boot(options, binds)

    def _all_names(self) -> list[str]:
        """Every node of which anything may be left."""
        found = set(host.remembered_nodes(self.cloud))
        if self._nodes.is_dir():
            found |= {entry.name for entry in self._nodes.iterdir() if entry.is_dir()}
        for root in cgroups.all_roots():
            found |= {entry.name for entry in (root / "scs" / self.cloud).glob("*/")}
        return sorted(found)

    def _virt_type(self) -> tuple[str, str]:
        if self.virt != "auto":
            return self.virt, ""
        return probe.virt_type(
            self.paths.state / "facts.json",
            [self.container(name) for name in self.known()],
        )
