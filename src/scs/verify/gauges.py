# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What components' metrics say at a glance."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from scs.model.component import Component, Gauge
from scs.model.view import View
from scs.patience import patient

SECONDS = 1.0
"""How long one exporter may take; `status` does not wait for what is in trouble."""
MOST = 16 << 20
"""Bytes of metrics that are read at most."""


def readings(view: View) -> dict[str, str]:
    """What each gauge of the cloud is about → what it tells; of those that answer."""
    gauges = [(part, gauge) for part in view.components for gauge in part.gauges]
    if not gauges:
        return {}
    with ThreadPoolExecutor(max_workers=len(gauges)) as pool:
        told = pool.map(lambda pair: _reading(view, *pair), gauges)
        return {gauge.name: text for (_, gauge), text in zip(gauges, told, strict=True) if text}


def _reading(view: View, part: Component, gauge: Gauge) -> str:
    """What the first node tells that has something to tell: of managers only one has."""
    # Whatever a machine's proxy is for, it is not the way to a node.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for node in view.nodes_of(part):
        try:
            with direct.open(
                f"http://{node.address}:{gauge.port}/metrics", timeout=patient(SECONDS)
            ) as answer:
                return gauge.tells(added_up(answer.read(MOST).decode(errors="replace")))
        except (OSError, KeyError):
            continue
    return ""


def added_up(text: str) -> dict[str, float]:
    """Metric → the sum of its values over all labels, from Prometheus' text form."""
    found: dict[str, float] = {}
    for name, value in _samples(text):
        found[name] = found.get(name, 0.0) + value
    return found


def _samples(text: str) -> Iterator[tuple[str, float]]:
    for line in text.splitlines():
        name, brace, rest = line.partition("{")
        # A label's value may hold anything but a quote that is not escaped.
        tail = rest.rpartition("}")[2] if brace else line.partition(" ")[2]
        words = tail.split()
        if line.startswith("#") or not words:
            continue
        try:
            yield (name if brace else line.partition(" ")[0]), float(words[0])
        except ValueError:
            continue
