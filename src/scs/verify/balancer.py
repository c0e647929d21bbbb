# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A load balancer for the proof: it shares out what comes, and passes a dead member by."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from scs.api.clients import checked
from scs.verify import guest
from scs.verify.ground import Ground
from scs.verify.run import Run
from scs.verify.server import Server
from scs.verify.steps import Finding, ProofFailed

BALANCED = (5003, 5004)
"""Where the guest answers for the two members of the load balancer's pool."""
UDP = 5005
"""Where datagrams go in the guest; nobody listens, its kernel counts them."""
PORTS = (*(("tcp", port) for port in BALANCED), ("udp", UDP))
"""All that the guest must let in for it."""
FRONT = 5002
"""The port of the load balancer, for TCP and for UDP."""
CALLS = 10
"""How many connections, and how many datagrams, must reach the guest."""
SECONDS = 60
"""How long it may take to be made, or to see how its members are."""


class Balancer:
    """One load balancer, whose members are all the same guest."""

    def __init__(self, run: Run, ground: Ground, server: Server) -> None:
        self._run = run
        self._ground = ground
        self._server = server
        self._made: Mapping[str, Any] = {}
        self._pool = ""

    def load_balancer(self) -> Finding:
        """One for TCP with two members and a monitor, and for UDP with one member."""
        start = time.monotonic()
        name, subnet = self._run.name, self._ground.subnet_id
        pools = [
            {
                "name": f"{name}-{protocol}",
                "protocol": protocol,
                "lb_algorithm": "SOURCE_IP_PORT",
                "members": [
                    {"address": self._server.fixed, "protocol_port": port, "subnet_id": subnet}
                    for port in ports
                ],
            }
            for protocol, ports in (("TCP", BALANCED), ("UDP", (UDP,)))
        ]
        listeners = [
            {
                "name": pool["name"],
                "protocol": pool["protocol"],
                "protocol_port": FRONT,
                "default_pool": pool,
            }
            for pool in pools
        ]
        values = {**self._run.marks, "vip_subnet_id": subnet, "listeners": listeners}
        self._run.patience.check()
        made = self._asked("post", "loadbalancers", {"loadbalancer": values})["loadbalancer"]
        self._made = made
        self._await_active()
        seconds = time.monotonic() - start
        found = self._asked("get", f"pools?loadbalancer_id={made['id']}")["pools"]
        pool = next(item for item in found if item["protocol"] == "TCP")
        monitor = {
            "type": "TCP",
            "pool_id": pool["id"],
            "name": name,
            "delay": 2,
            "timeout": 1,
            "max_retries": 1,
            "max_retries_down": 1,
        }
        self._asked("post", "healthmonitors", {"healthmonitor": monitor})
        self._pool = pool["id"]
        self._await_active()
        return Finding(
            f"{made['provider']}, {made['vip_address']}, TCP and UDP {FRONT}, ACTIVE after"
            f" {seconds:.1f} s, with a monitor after {time.monotonic() - start:.1f} s"
        )

    def _asked(self, method: str, path: str, body: object = None) -> Any:
        """The answer of the load balancing to one request."""
        answer = getattr(self._run.cloud.load_balancer, method)(f"/lbaas/{path}", json=body)
        return checked(answer, f"load balancer: {path.partition('?')[0]}")

    def _await_active(self) -> None:
        """Until it is ACTIVE, and so are its listeners, pools and members: each comes later."""
        last: set[str] = set()

        def probe() -> bool:
            tree = self._asked("get", f"loadbalancers/{self._made['id']}/status")["statuses"]
            last.clear()
            last.update(provisioning(tree))
            if "ERROR" in last:
                raise ProofFailed("the load balancer, or something of it, went to ERROR")
            return last == {"ACTIVE"}

        self._run.patience.until(
            probe, SECONDS, lambda: f"the load balancer is {', '.join(sorted(last))}"
        )

    def balancing(self) -> Finding:
        """Both members are used from outside, and only the living one when the other has died."""
        say, patience, shell = self._run.saying("balancing"), self._run.patience, self._server.shell
        pids = {
            port: shell.run(
                f"nc -ll -p {port} -e echo {port} < /dev/null > /dev/null 2>&1 & echo $!"
            ).strip()
            for port in BALANCED
        }
        outside = self._run.cloud.network.create_ip(
            floating_network_id=self._ground.external_id,
            port_id=self._made["vip_port_id"],
            description=self._run.mark,
        ).floating_ip_address
        say(f"both members through {outside}")
        self._await_members(dict.fromkeys(BALANCED, "ONLINE"))
        seen: set[str] = set()
        both = {str(port) for port in BALANCED}

        def answered() -> bool:
            seen.add(guest.called(outside, FRONT))
            return seen >= both

        patience.until(
            answered,
            SECONDS,
            lambda: f"of both members, {', '.join(sorted(seen - {''})) or 'none'} answered",
            every=0.1,
        )
        dead, alive = BALANCED
        say(f"without {dead}")
        shell.run(f"kill {pids[dead]}")
        start = time.monotonic()
        self._await_members({dead: "ERROR", alive: "ONLINE"})
        seconds = time.monotonic() - start
        answers = [guest.called(outside, FRONT) for _ in range(CALLS)]
        good = answers.count(str(alive))
        if good != CALLS:
            raise ProofFailed(f"of {CALLS} connections {good} reached the living member: {answers}")
        before = self._datagrams()
        guest.send_datagrams(outside, FRONT, CALLS)
        patience.until(
            lambda: self._datagrams() - before >= CALLS,
            10,
            lambda: f"of {CALLS} datagrams {self._datagrams() - before} reached the guest",
        )
        return Finding(
            f"both members answered at {outside}; a dead one was ERROR after {seconds:.1f} s,"
            f" then {good} of {CALLS} connections and all datagrams reached the guest",
            {"seconds_until_error": round(seconds, 1)},
        )

    def _await_members(self, wanted: Mapping[int, str]) -> None:
        last: dict[int, str] = {}

        def probe() -> bool:
            found = self._asked("get", f"pools/{self._pool}/members")["members"]
            last.update({item["protocol_port"]: item["operating_status"] for item in found})
            return last == wanted

        told = ", ".join(f"{port} {status}" for port, status in wanted.items())
        self._run.patience.until(
            probe, SECONDS, lambda: f"the members are {last} instead of {told}"
        )

    def _datagrams(self) -> int:
        """How many the guest has got where nobody listens."""
        lines = self._server.shell.run("grep ^Udp: /proc/net/snmp").splitlines()
        counts = dict(zip(lines[0].split()[1:], map(int, lines[1].split()[1:]), strict=True))
        return counts["NoPorts"]


def provisioning(tree: Any) -> Iterator[str]:
    """How far each part of a load balancer is made, from Octavia's tree of states."""
    if isinstance(tree, list):
        for item in tree:
            yield from provisioning(item)
    elif isinstance(tree, dict):
        if status := tree.get("provisioning_status"):
            yield status
        yield from provisioning(list(tree.values()))
