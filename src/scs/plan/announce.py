# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a plan announces of its steps besides what and why: order, waves, interruptions. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from scs.model.objects import ApiObject
from scs.model.view import View
from scs.plan.impact import described, loss
from scs.plan.plan import API, Plan, Step
from scs.resources import Resource, Unit

Key = tuple[str, str]
"""Where a step runs, and its id."""


def announced(plan: Plan, view: View, desired: Mapping[str, Sequence[Resource]]) -> Plan:
    """The plan with numbers, waves and interruptions in its steps."""
    before = order(plan, view)
    waves = _waves(before)
    steps = {(step.where, step.id): step for step in plan.steps}
    places = {key: number for number, key in enumerate(steps)}
    sequence = sorted(steps, key=lambda key: (waves[key], places[key]))
    numbers = {key: number for number, key in enumerate(sequence, 1)}
    hit = _interruptions(plan, view, desired)

    def told(step: Step) -> Step:
        key = (step.where, step.id)
        return replace(
            step,
            number=numbers[key],
            wave=waves[key],
            after=tuple(sorted(numbers[other] for other in before[key])),
            interrupts=hit.get(key, ()),
        )

    return replace(
        plan,
        machine=tuple(told(step) for step in plan.machine),
        nodes={
            name: tuple((told(step), item) for step, item in pairs)
            for name, pairs in plan.nodes.items()
        },
        api=tuple((told(step), item) for step, item in plan.api),
        gone=tuple((told(step), item) for step, item in plan.gone),
        leaving=tuple(replace(item, step=told(item.step)) for item in plan.leaving),
    )


def order(plan: Plan, view: View) -> dict[Key, set[Key]]:
    """Step → the steps of this plan that must have gone well before it starts."""
    machine = {(step.where, step.id) for step in plan.machine}
    before: dict[Key, set[Key]] = {key: set() for key in machine}
    for node, pairs in plan.nodes.items():
        there = {item.id for _, item in pairs}
        for _, item in pairs:
            before[node, item.id] = machine | {
                (node, name) for name in item.after if name in there and name != item.id
            }
    objects = {item.id for _, item in plan.api}
    served_by = owners(view)
    for _, wanted in plan.api:
        names = wanted.before(other for _, other in plan.api) & objects
        before[API, wanted.id] = machine | {(API, name) for name in names}
        before[API, wanted.id] |= {
            (node, other.id)
            for node, pairs in plan.nodes.items()
            for _, other in pairs
            if holds(wanted, other.component, served_by)
        }
    # What goes goes last: objects of the API, then nodes, one by one.
    for step in (*(step for step, _ in plan.gone), *(item.step for item in plan.leaving)):
        before[step.where, step.id] = set(before)
    return before


def owners(view: View) -> Mapping[str, str]:
    """Service type → the component that serves it."""
    return {point.type: part.name for part, point in view.endpoints if point.type}


def holds(item: ApiObject, component: str, served_by: Mapping[str, str]) -> bool:
    """Whether an object of the API waits for a component's steps on nodes."""
    return item.whole or served_by[item.service] == component


def _waves(before: Mapping[Key, set[Key]]) -> dict[Key, int]:
    waves: dict[Key, int] = {}

    def wave(key: Key) -> int:
        if key not in waves:
            waves[key] = 0  # a circle would be an error of the declarations; it must not hang
            waves[key] = 1 + max((wave(other) for other in before[key]), default=0)
        return waves[key]

    for key in before:
        wave(key)
    return waves


def _interruptions(
    plan: Plan, view: View, desired: Mapping[str, Sequence[Resource]]
) -> dict[Key, tuple[str, ...]]:
    """Restarted unit → the endpoints that are away meanwhile.

    They are when the unit restarts on every node that has it: then no other one answers.
    """
    restarted: dict[str, dict[str, Unit]] = {}
    for node, pairs in plan.nodes.items():
        for step, item in pairs:
            if step.effect == "restart" and isinstance(item, Unit):
                restarted.setdefault(item.id, {})[node] = item
    return interrupted(view, desired, restarted)


def interrupted(
    view: View,
    desired: Mapping[str, Sequence[Resource]],
    restarted: Mapping[str, Mapping[str, Unit]],
) -> dict[Key, tuple[str, ...]]:
    """Unit → the endpoints that are away while it is; `restarted`: its id → node → it."""
    found: dict[Key, tuple[str, ...]] = {}
    for name, places in restarted.items():
        everywhere = {
            node for node, items in desired.items() if any(item.id == name for item in items)
        }
        if everywhere != set(places):
            continue
        for node, unit in places.items():
            units = [item for item in desired[node] if isinstance(item, Unit)]
            impact = loss(view, unit.component, unit, units)
            if impact.endpoints:
                words = dict.fromkeys(described(point) for point in impact.endpoints)
                found[node, name] = tuple(words)
    return found


def expected(
    plan: Plan,
    seconds: Mapping[str, float],
    done: Collection[Key] = (),
    running: Mapping[Key, float] | None = None,
) -> float:
    """How long the longest chain of steps takes, from what each step took before.

    Without what is `done`, and less what has passed of what is `running` (seconds).
    """
    ends: dict[int, float] = {}
    for step in sorted(plan.steps, key=lambda step: step.number):
        key = (step.where, step.id)
        begin = max((ends.get(number, 0.0) for number in step.after), default=0.0)
        took = 0.0 if key in done else seconds.get(step.id, 0.0)
        ends[step.number] = begin + max(took - (running or {}).get(key, 0.0), 0.0)
    return max(ends.values(), default=0.0)
