# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""`plan` of a cloud with many nodes that are not there: planner and engine, no ssh.

Only what talks to a node is simulated: instead of ssh, one round trip that takes as long as
--round-trip says and answers what such a node would show. Everything else is what `plan` does:
the nodes' programs and answers are packed, sent and unpacked. What it leaves out is ssh's own
work on this machine, which real nodes cost on top. Two processes, so that the memory of the
one that plans holds nothing of the one that made up the answers:

    simulated.py make FOLDER --nodes N
    simulated.py plan FOLDER --nodes N --round-trip SECONDS     (prints JSON)
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import resource
import sys
import threading
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyrage

from scs.api.clients import Clients
from scs.engine import eye
from scs.providers import Connection
from scs.resources import Database, Migration, Resource, Seen, Unit

sys.path[:0] = [str(Path(__file__).parents[1] / "tests")]
from paper.cloud import PaperCloud  # noqa: E402 - lies beside the tests
from paper.hand import PaperHand  # noqa: E402
from paper.node import PaperNode  # noqa: E402
from paper.world import World  # noqa: E402


class Wire(PaperHand):
    """Looks by way of the real eye; only the ssh under it is made up."""

    def __init__(self, cloud: PaperCloud, answers: Mapping[str, str], seconds: float) -> None:
        super().__init__(cloud)
        self.answers = answers
        self.seconds = seconds
        self.trips: list[tuple[int, int]] = []
        """Bytes there and back, of each round trip."""
        self._lock = threading.Lock()

    def observe(
        self,
        links: Mapping[str, Connection],
        wanted: Iterable[tuple[str, Sequence[Resource]]],
    ) -> dict[str, dict[str, Seen]]:
        return eye.look(links, wanted, self._ask)

    def _ask(self, link: Connection, _words: str, program: str) -> eye.Said:
        time.sleep(self.seconds)
        answer = self.answers[link.host]
        with self._lock:
            self.trips.append((len(program), len(answer)))
        return eye.Said(0, answer, "")


def world(folder: Path, nodes: int) -> World:
    found = World(PaperCloud(folder / "cloud.json"), folder)
    found.yaml = {
        "name": "paper",
        "networks": {
            "management": {"ipv4": "10.50.0.0/16"},
            "tunnel": {"ipv4": "10.51.0.0/16"},
        },
        "nodes": [{"name": "control-1", "roles": ["control", "network"]}]
        + [{"name": f"compute-{number}", "roles": ["compute"]} for number in range(1, nodes)],
    }
    return found


def pack(value: object) -> str:
    return "\n" + base64.b64encode(zlib.compress(json.dumps(value).encode())).decode() + "\n"


def _turn(item: Resource) -> int:
    """Units are younger than what they read, and databases are asked when their server is up."""
    if item.kind == Unit.kind:
        return 1 if item.component == "mariadb" else 4
    return {Database.kind: 2, Migration.kind: 3}.get(item.kind, 0)


def make(folder: Path, nodes: int) -> None:
    """A cloud that is as it should be: what its nodes would answer, and its state folder."""
    (folder / "key").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    here = world(folder, nodes)
    cloud = here.cloud
    cloud.path = None  # written once, at the end
    session = here.session()
    view = session.view(session.provider.facts())
    expander = session.expander(view)
    answers = {}
    for node in view.nodes:
        cloud.running.add(node.name)
        paper = PaperNode(cloud, node.name)
        items = session.desired(expander, node)
        for item in sorted(items, key=_turn):
            paper.converge(item)
        seen = {item.id: paper.observe(item) for item in items if item.seen}
        answers[str(node.address)] = pack(seen)
        if node.name != "control-1":
            paper.things.clear()  # what it shows is in its answer
    executor = session.executor(view)
    # Who asks comes before what is asked for.
    for item in sorted(expander.objects(), key=lambda item: item.service != "identity"):
        kind = executor.kinds[item.kind]
        clients = Clients(view, session.paths.state / "ca.pem")
        seen = kind.observe(clients, [item])[item.id]
        if kind.compare(item, seen) is not None:
            kind.converge(clients, item, seen)
    session.keep_secrets()
    (folder / "answers.json").write_text(json.dumps(answers))
    cloud.path = folder / "cloud.json"
    cloud.keep()


def plan(folder: Path, nodes: int, seconds: float) -> dict[str, Any]:
    """Plan once; what it took."""
    here = world(folder, nodes)
    wire = Wire(here.cloud, json.loads((folder / "answers.json").read_text()), seconds)
    began, used = time.monotonic(), time.process_time()
    session = here.session("plan")
    session.hand = wire
    look = session.look()
    took, worked = time.monotonic() - began, time.process_time() - used
    if look.plan:
        raise SystemExit(f"there is something to do: {look.plan.changes[0]}")
    return {
        "nodes": nodes,
        "seconds": round(took, 3),
        "processor": round(worked, 3),
        "resources": sum(map(len, look.desired.values())),
        "trips": len(wire.trips) / nodes,
        "bytes_there": round(sum(there for there, _ in wire.trips) / nodes),
        "bytes_back": round(sum(back for _, back in wire.trips) / nodes),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("what", choices=("make", "plan"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--nodes", type=int, required=True)
    parser.add_argument("--round-trip", type=float, default=0.1, metavar="SECONDS")
    options: Any = parser.parse_args()
    os.environ["SCS_STATE"] = str(options.folder / "state")
    os.environ["SCS_CACHE"] = str(options.folder / "cache")
    os.environ["SCS_IDENTITY"] = str(options.folder / "key")
    if options.what == "make":
        make(options.folder, options.nodes)
    else:
        print(json.dumps(plan(options.folder, options.nodes, options.round_trip)))


if __name__ == "__main__":
    main()
