# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What components' metrics say at a glance."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from scs.model.component import Component, Gauge
from scs.model.view import View
from scs.patience import patient

SECONDS = 1.0
"""How long one exporter may take; `status` does not wait for what is in trouble."""
NAME = re.compile(r'(?:^|,)name="((?:[^"\\]|\\.)*)"')
MOST = 16 << 20
"""Bytes of metrics that are read at most."""


class Reading(NamedTuple):
    """What one gauge tells."""

    text: str
    urgent: str
    """What somebody must do soon; empty: nothing."""


def readings(view: View) -> dict[str, Reading]:
    """What each gauge of the cloud is about → what it tells; of those that answer."""
    gauges = [(part, gauge) for part in view.components for gauge in part.gauges]
    if not gauges:
        return {}
    with ThreadPoolExecutor(max_workers=len(gauges)) as pool:
        told = pool.map(lambda pair: _reading(view, *pair), gauges)
        return {gauge.name: item for (_, gauge), item in zip(gauges, told, strict=True) if item}


def _reading(view: View, part: Component, gauge: Gauge) -> Reading | None:
    """What the first node tells that has something to tell: of managers only one has."""
    # Whatever a machine's proxy is for, it is not the way to a node.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for node in view.nodes_of(part):
        try:
            with direct.open(
                f"http://{node.address}:{gauge.port}/metrics", timeout=patient(SECONDS)
            ) as answer:
                metrics = added_up(answer.read(MOST).decode(errors="replace"))
                return Reading(gauge.tells(metrics), gauge.urges(metrics))
        except (OSError, KeyError):
            continue
    return None


def added_up(text: str) -> dict[str, float]:
    """Metric → the sum of its values over all labels, from Prometheus' text form; see Gauge."""
    found: dict[str, float] = {}
    for name, label, value in _samples(text):
        for key in (name, f"{name}{{{label}}}") if label else (name,):
            found[key] = found.get(key, 0.0) + value
    return found


def _samples(text: str) -> Iterator[tuple[str, str, float]]:
    """Metric, its label `name`, value."""
    for line in text.splitlines():
        name, brace, rest = line.partition("{")
        # A label's value may hold anything but a quote that is not escaped.
        tail = rest.rpartition("}")[2] if brace else line.partition(" ")[2]
        words = tail.split()
        if line.startswith("#") or not words:
            continue
        try:
            value = float(words[0])
        except ValueError:
            continue
        label = NAME.search(rest) if brace else None
        yield (name if brace else line.partition(" ")[0]), label[1] if label else "", value
