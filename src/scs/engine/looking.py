# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Looking at a whole cloud, nodes and API at the same time, and planning what would change."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scs.api.executor import Sight
from scs.engine.events import MACHINE
from scs.model.objects import ApiObject
from scs.model.topology import Node, Role
from scs.model.view import View
from scs.plan.announce import announced
from scs.plan.expand import Expander
from scs.plan.impact import coming
from scs.plan.plan import (
    Plan,
    Step,
    api_steps,
    given_up,
    gone_steps,
    leaving_step,
    node_steps,
    objections,
    removal_steps,
    stranded,
)
from scs.plan.removal import emptied
from scs.plan.upgrade import refusals, staged
from scs.providers import Lack, NodeState
from scs.release import names
from scs.resources import Absent, Record, Resource, Seen

if TYPE_CHECKING:
    from scs.engine.session import Session


@dataclass(frozen=True)
class Look:
    """The cloud as it is wanted and as it was seen, at one moment."""

    view: View
    states: Mapping[str, NodeState]
    desired: Mapping[str, Sequence[Resource]]
    observed: Mapping[str, Mapping[str, Seen]]
    objects: Sequence[ApiObject]
    api: Mapping[str, Mapping[str, Any]]
    plan: Plan


def look(session: Session) -> Look:
    """See what is there, and plan. Changes nothing."""
    states = session.provider.observe()
    lacks = session.provider.lacks()
    cut_off = any(lack.cuts_off for lack in lacks)
    there = {name for name, state in states.items() if state.running and not cut_off}
    facts = session.provider.facts() if there else None
    view = session.view(facts)
    expander = session.expander(view)
    objects = () if session.nodes_only else expander.objects()
    # The API is where the control nodes are; other nodes may be yet to come.
    reachable = all(node.name in there for node in view.nodes_with(Role.CONTROL))
    going = _going(session, expander, states)
    held = _held(session, [node for node, _ in going if states[node.name].running])
    executor = session.executor(view)
    made = () if session.nodes_only else session.made.gone(objects)
    gone = [item for item in made if _served(view, item)]
    asked = [*objects, *(item for _, left in going for item in left)]
    with ThreadPoolExecutor(max_workers=2) as pool:
        in_api = pool.submit(executor.observe, asked) if reachable else None
        in_past = pool.submit(executor.observe, gone) if reachable and gone else None
        desired, observed = _look_at_nodes(session, expander, there)
        sight = in_api.result() if in_api else Sight()
        past = in_past.result().things if in_past else {}
    away = {
        name: removal_steps(name, items, observed.get(name, {}), session.delete_data)
        for name, items in desired.items()
    }
    known = [part for part, _ in session.available.values()]
    going_parts = {item.component for steps, _ in away.values() for _, item in steps}
    gone_there, left_there = gone_steps(gone, past, session.delete_data)
    on_nodes = {
        name: (
            *staged(
                node_steps(
                    name,
                    items,
                    observed.get(name, {}),
                    looked=name in there,
                    unseen=_why_unseen(name, states, name in there),
                    away=[item for _, item in away[name][0] if isinstance(item, Absent)],
                ),
                observed.get(name, {}),
            ),
            *away[name][0],
        )
        for name, items in desired.items()
    }
    kept = tuple(item for _, found in away.values() for item in found)
    changed = {step.component for steps in on_nodes.values() for step, _ in steps}
    plan = Plan(
        machine=(*_machine_steps(session, view.nodes, states), *_lack_steps(session, lacks)),
        nodes=on_nodes,
        api=api_steps(
            objects,
            sight.things,
            executor.compare,
            executor.diff,
            reachable=reachable,
            coming=coming(view, sorted(changed)),
            refused={name: session.secrets.mask(why) for name, why in sight.refused.items()},
        ),
        gone=gone_there,
        objections=(
            *objections(view, observed),
            *stranded(view, known, kept),
            *given_up(view, known, going_parts, session.delete_data),
        ),
        refusals=tuple(refusals(view, observed, names())),
        kept=(*kept, *left_there),
        leaving=tuple(
            leaving_step(
                node,
                MACHINE,
                session.spec.provider,
                left,
                [executor.at_stake(item, sight.things.get(item.id, {})) for item in left],
                held.get(node.name, ()),
            )
            for node, left in going
        ),
    )
    plan = announced(plan, view, desired)
    return Look(view, states, desired, observed, objects, sight.things, plan)


def _served(view: View, item: ApiObject) -> bool:
    """Whether the service of an object is still in the cloud."""
    return any(point.type == item.service for _, point in view.endpoints)


def _going(
    session: Session, expander: Expander, states: Mapping[str, NodeState]
) -> Sequence[tuple[Node, Sequence[ApiObject]]]:
    """The nodes that are there and not in cloud.yaml, with what is left of them in the API."""
    wanted = {node.name for node in session.spec.nodes()}
    left = [name for name in states if name not in wanted]
    made = session.provider.known() if left else {}
    return [(made[name], expander.leaves(made[name])) for name in left]


def _held(session: Session, nodes: Sequence[Node]) -> Mapping[str, Sequence[Absent]]:
    """Node that goes → what has to hand over its data before."""
    if not nodes:
        return {}
    asked = Record(name="managed")
    links = {node.name: session.provider.connection(node) for node in nodes}
    seen = session.hand.observe(links, [(name, [asked]) for name in links])
    return {name: emptied(things.get(asked.id, {})) for name, things in seen.items()}


def _look_at_nodes(
    session: Session, expander: Expander, there: Collection[str]
) -> tuple[Mapping[str, Sequence[Resource]], Mapping[str, Mapping[str, Seen]]]:
    """What is wanted on each node, and what was seen of it on those that are there.

    A node is looked at as soon as it is known what for: meanwhile the next is worked out.
    """
    desired: dict[str, Sequence[Resource]] = {}

    def wanted() -> Iterator[tuple[str, Sequence[Resource]]]:
        for node in expander.view.nodes:
            desired[node.name] = session.desired(expander, node)
            if node.name in there:
                yield node.name, desired[node.name]

    links = {name: link for name, link in session.connections().items() if name in there}
    observed = session.hand.observe(links, wanted())
    return desired, observed


def _machine_steps(
    session: Session, nodes: Sequence[Node], states: Mapping[str, NodeState]
) -> Sequence[Step]:
    return [
        Step(
            id=f"node:{node.name}",
            where=MACHINE,
            component=session.spec.provider,
            reason=states[node.name].detail
            if node.name in states
            else f"{session.provider.absent(node)} ({', '.join(sorted(node.roles))})",
        )
        for node in nodes
        if node.name not in states or not states[node.name].running
    ]


def _lack_steps(session: Session, lacks: Sequence[Lack]) -> Sequence[Step]:
    return [
        Step(f"network:{lack.name}", MACHINE, session.spec.provider, lack.reason) for lack in lacks
    ]


def _why_unseen(node: str, states: Mapping[str, NodeState], running: bool) -> str:
    """Why a node that exists could not be looked at; empty when it was, or is still to be made."""
    if running or node not in states:
        return ""
    return "not all nodes run" if states[node].running else "the node does not run"
