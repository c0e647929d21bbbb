# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The hand on paper: looks and converges without a connection, in the real one's shapes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import IO, Any

from paper.cloud import PaperCloud
from paper.node import PaperNode
from scs import components
from scs.engine.events import Events
from scs.engine.hand import Hand
from scs.engine.ssh import Watcher
from scs.engine.stream import Fed, StreamError
from scs.model.saved import Saved
from scs.providers import Connection
from scs.resources import Resource, Seen, build
from scs.resources.graph import attempt, schedule

DECLARED = {
    argv: (f"{part.name} {saved.name}", saved)
    for part, _ in components.discover().values()
    for saved in part.saves
    for argv in (saved.save, saved.load, saved.proves)
    if argv
}
"""A command that moves data → of what; proves that several have are not told apart."""


def data_of(cloud: PaperCloud, node: str, label: str, saved: Saved) -> str:
    """What a component's data on a node are; the first ones where nobody has changed them."""
    first = f"the first {label} of {node}\n{saved.ends}\n"
    return cloud.data.setdefault(node, {}).setdefault(label, first)


class PaperWatcher(Watcher):
    """Nothing to follow: the fake hand tells of its steps itself."""

    def __init__(self) -> None:
        """Needs no connection."""

    def close(self) -> None:
        pass


class PaperHand(Hand):
    """Looks at and changes paper; answers in the real one's shapes, by way of payloads."""

    def __init__(self, cloud: PaperCloud) -> None:
        super().__init__()
        self.cloud = cloud
        self.told: dict[str, Events] = {}
        self.calls: list[tuple[str, tuple[str, ...]]] = []
        """(observe or converge, nodes): the round trips."""
        self.names: dict[str, str] = {}
        """Address → node."""

    def start(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def observe(
        self,
        links: Mapping[str, Connection],
        wanted: Iterable[tuple[str, Sequence[Resource]]],
    ) -> dict[str, dict[str, Seen]]:
        if links:
            self.calls.append(("observe", tuple(links)))
        return {
            name: {
                item.id: PaperNode(self.cloud, name).observe(item)
                for item in _sent([json.loads(item.asked) for item in items if item.seen])
            }
            for name, items in wanted
        }

    def converge(
        self,
        nodes: Mapping[str, Connection],
        payloads: Mapping[str, Sequence[Mapping[str, Any]]],
        run: str,
    ) -> dict[str, list[dict[str, Any]]]:
        self.calls.append(("converge", tuple(nodes)))
        answers = {}
        for name in nodes:
            steps = {item.id: item for item in _sent(payloads[name])}
            node, tell = PaperNode(self.cloud, name), self.told[name].told(name)

            def work(
                step: str,
                node: PaperNode = node,
                steps: dict[str, Resource] = steps,
                tell: Callable[[Mapping[str, object]], None] = tell,
            ) -> Any:
                return attempt(step, lambda: node.converge(steps[step]), tell)

            after = {step: set(item.after) for step, item in steps.items()}
            answers[name] = [outcome.__dict__ for outcome in schedule(after, work, width=4)]
        return answers

    @contextmanager
    def read_from(self, link: Connection, argv: Sequence[str]) -> Iterator[IO[bytes]]:
        node = self.names[link.host]
        if list(argv[:2]) == ["systemctl", "stop"]:
            self.cloud.at_step(node, " ".join(argv))
            for unit in argv[2:]:
                self.cloud.nodes[node][f"unit:{unit}"]["active"] = "inactive"
            self.cloud.keep()
            yield io.BytesIO()
            return
        label, saved = DECLARED[tuple(argv)]
        self.cloud.at_step(node, f"save {label}")
        stream = io.BytesIO(data_of(self.cloud, node, label, saved).encode())
        yield stream
        if label in self.cloud.broken:
            raise StreamError(f"ended with 1\n{label} does not want to")

    @contextmanager
    def feed_to(self, link: Connection, argv: Sequence[str]) -> Iterator[Fed]:
        node = self.names[link.host]
        label, saved = DECLARED[tuple(argv)]
        fed = Fed(io.BytesIO())
        self.cloud.at_step(node, f"feed {label}")
        yield fed
        assert isinstance(fed.stream, io.BytesIO)
        text = fed.stream.getvalue().decode()
        if label in self.cloud.broken:
            raise StreamError(f"ended with 1\n{label} does not want to")
        if tuple(argv) == saved.proves:
            fed.said = f"{len(text)} characters"
            return
        self.cloud.at_step(node, f"fed {label}")
        self.cloud.data.setdefault(node, {})[label] = text
        self.cloud.keep()

    def watch(self, events: Events, node: str, link: Connection, run: str) -> Watcher:
        self.told[node] = events
        return PaperWatcher()


def _sent(payloads: Sequence[Mapping[str, Any]]) -> list[Resource]:
    return [build(item) for item in json.loads(json.dumps(list(payloads)))]
