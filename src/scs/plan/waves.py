# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which nodes are changed at the same time, and which one after another. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from scs.model.topology import Node, Role
from scs.model.view import ENVIRONMENT
from scs.plan.upgrade import needed, turns_back
from scs.resources import Migration, Resource, Seen, Unit

Wave = Mapping[str, Sequence[Resource]]
"""Node → what is done there; the nodes of a wave are changed at the same time."""


def waves(
    nodes: Sequence[Node],
    work: Wave,
    observed: Mapping[str, Mapping[str, Seen]],
    controls: Collection[str] = (),
) -> list[Wave]:
    """The work in the order in which it is done; `controls` are the components of control nodes.

    What runs on one control node runs on the others, too. So where something that runs is touched
    on several of them, they take turns, and the others are there for users meanwhile. So do nodes
    of any role where it is a unit that has turns (`Service.turn`), such as a disk of Ceph's. What
    does not run yet needs no turns: members of a cluster that comes up wait for each other.

    From one release to another, services of control nodes are never older than those that ask
    them from elsewhere: they come first, and go back last. What stands still and is no release's
    (a cache, disks) is started before all of them: somebody may wait for it.
    """
    back = turns_back(work, observed)
    if back is None:
        return _in_turns(nodes, work, observed)
    names = {node.name: node for node in nodes}
    first = {
        name: _first(items, observed.get(name, {}), prepared=back) for name, items in work.items()
    }
    rest = _without(work, first)

    def asks(item: Resource) -> bool:
        return isinstance(item, Unit) and item.component not in controls

    if back:
        asking = {
            name: needed(items, asks) if Role.CONTROL in names[name].roles else items
            for name, items in rest.items()
        }
        return _filled([first, asking, *_in_turns(nodes, _without(rest, asking), observed)])
    mine = {
        name: [item for item in items if not asks(item)]
        for name, items in rest.items()
        if Role.CONTROL in names[name].roles
    }
    return _filled([first, *_in_turns(nodes, mine, observed), _without(rest, mine)])


def _first(
    items: Sequence[Resource], seen: Mapping[str, Seen], *, prepared: bool
) -> list[Resource]:
    """What stands still and is of no release, and with `prepared` what readies databases.

    Older code bears no databases that were not prepared for it.
    """
    runs = {item.id for item in _touched(items, seen)}

    def chosen(item: Resource) -> bool:
        if isinstance(item, Unit):
            return item.id not in runs and ENVIRONMENT not in item.reads
        return prepared and isinstance(item, Migration) and bool(item.back)

    return needed(items, chosen)


def _without(work: Wave, done: Wave) -> Wave:
    there = {name: {item.id for item in items} for name, items in done.items()}
    return {
        name: [item for item in items if item.id not in there.get(name, ())]
        for name, items in work.items()
    }


def _filled(found: Sequence[Wave]) -> list[Wave]:
    """The waves without nodes that have nothing to do in them."""
    waves = [{name: items for name, items in wave.items() if items} for wave in found]
    return [wave for wave in waves if wave]


def _in_turns(
    nodes: Sequence[Node], work: Wave, observed: Mapping[str, Mapping[str, Seen]]
) -> list[Wave]:
    first: dict[str, Sequence[Resource]] = {}
    turns: list[Wave] = []
    for node in nodes:
        if node.name not in work:
            continue
        mine = {node.name: work[node.name]}
        touched = _touched(work[node.name], observed.get(node.name, {}))
        if any(Role.CONTROL in node.roles or unit.turn for unit in touched):
            turns.append(mine)
        else:
            first |= mine
    if turns:
        first |= turns.pop(0)
    return _filled([first, *turns])


def _touched(steps: Sequence[Resource], seen: Mapping[str, Seen]) -> list[Unit]:
    """The units among them that run."""
    return [
        item
        for item in steps
        if isinstance(item, Unit) and seen.get(item.id, {}).get("active") == "active"
    ]
