# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What nodes have in common is made once, and is what each would have made by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clouds import CLOUDS, CONTAINERS, THREE, expanded, expander_of, view_of
from scs import components
from scs.model.component import EVERYWHERE, Component, Gives, Service, Text
from scs.model.needs import Need
from scs.model.topology import Role
from scs.model.view import NodeAskedFor, View
from scs.plan.expand import Expander
from scs.plan.site import Site
from scs.resources import File, Resource
from scs.spec import CloudSpec

MANY = CloudSpec.model_validate(
    {
        "name": "paper",
        "storage": "ceph",
        "services": sorted({part.service for part, _ in components.discover().values()} - {""}),
        "nodes": [
            {"name": "control-1", "roles": ["control", "network"]},
            *({"name": f"compute-{number}", "roles": ["compute"]} for number in range(1, 4)),
            {"name": "store-1", "roles": ["storage"]},
            {"name": "store-2", "roles": ["storage"], "disks": ["/dev/vdb", "/dev/vdc"]},
            {"name": "both-1", "roles": ["compute", "storage"]},
            {"name": "both-2", "roles": ["storage", "compute"], "disks": ["/dev/vdb"]},
        ],
    }
)
ALL = {**CLOUDS, "many nodes": (MANY, CONTAINERS)}


def alone(site: Site, _what: object, make: Callable[..., Any], *args: Any) -> Any:
    """Instead of `Site.once`: nothing is shared."""
    return make(site, *args)


@pytest.mark.parametrize("cloud", ALL)
def test_sharing_changes_nothing(cloud: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, facts = ALL[cloud]
    shared = expanded(expander_of(spec, **facts))
    monkeypatch.setattr(Site, "once", alone)
    assert shared == expanded(expander_of(spec, **facts))


def test_what_nodes_have_in_common_is_the_same_thing() -> None:
    nodes = expanded(expander_of(MANY))
    one, other = ({item.id: item for item in nodes[name]} for name in ("compute-1", "compute-2"))
    assert set(one) == set(other)
    differ = {name for name in one if one[name] != other[name]}
    made_twice = {name for name in one if one[name] is not other[name]}
    assert "file:/etc/nova/nova-compute.conf" in differ
    assert "unit:libvirtd.service" not in made_twice
    # One unit of a hundred things asks whether its node is the control node.
    assert len(made_twice - differ) < 5, made_twice - differ


class Gadget(Need):
    """Made up for these tests."""


def gadget(**declared: Any) -> Callable[..., dict[str, tuple[Resource, ...]]]:
    """What nodes have of a component that is on all of them."""
    part = Component(name="gadget", summary="", roles=EVERYWHERE, **declared)

    def expand(spec: CloudSpec = MANY) -> dict[str, tuple[Resource, ...]]:
        found = components.discover() | {"gadget": (part, Path("/nonexistent"))}
        return {
            name: tuple(item for item in items if item.component == "gadget")
            for name, items in expanded(expander_of(spec, found)).items()
        }

    return expand


def texts(nodes: dict[str, tuple[Resource, ...]]) -> dict[str, str]:
    return {
        name: item.content
        for name, items in nodes.items()
        for item in items
        if isinstance(item, File) and item.name == "/etc/gadget"
    }


def counted(text: Callable[[View], str | None]) -> tuple[Text, Counter[str]]:
    """A file, and how often it was made from which place."""
    made: Counter[str] = Counter()

    def noted(view: View) -> str | None:
        made["any node" if isinstance(view.place, frozenset) else view.here.name] += 1
        return text(view)

    return Text("/etc/gadget", noted), made


def test_it_is_made_once_for_all_nodes_with_the_same_roles() -> None:
    file, made = counted(lambda view: " ".join(sorted(view.roles)))
    found = texts(gadget(files=(file,))())
    assert found["compute-1"] == found["compute-3"] == "compute"
    assert found["both-1"] == found["both-2"] == "compute storage"
    kinds = {node.roles for node in MANY.nodes()}
    assert made == {"any node": len(kinds)}


def test_it_is_made_for_each_node_where_it_tells_them_apart() -> None:
    file, made = counted(lambda view: view.here.name)
    found = texts(gadget(files=(file,))())
    assert found == {node.name: node.name for node in MANY.nodes()}
    assert {name: made[name] for name in found} == dict.fromkeys(found, 1)


def test_who_catches_errors_still_sees_each_node() -> None:
    def text(view: View) -> str:
        try:
            return view.here.name
        except Exception:  # as a component of an operator's may
            return "nowhere"

    assert texts(gadget(files=(Text("/etc/gadget", text),))())["compute-2"] == "compute-2"


def test_a_file_may_be_on_one_node_alone() -> None:
    file = Text("/etc/gadget", lambda view: "x" if view.here.name == "compute-2" else None)
    nodes = gadget(files=(file,), units=(Service("gadget", "/bin/x", "x", "root"),))()
    assert set(texts(nodes)) == {"compute-2"}
    readers = {
        name
        for name, items in nodes.items()
        for item in items
        if "/etc/gadget" in getattr(item, "reads", ())
    }
    assert readers == {"compute-2"}


def test_what_is_given_may_differ_between_nodes() -> None:
    def resources(view: View, needs: tuple[Need, ...]) -> list[tuple[Need, Resource]]:
        return [
            (need, File(name=f"/etc/given-{view.here.name}", content=view.here.name))
            for need in needs
            if view.here.name != "compute-2"
        ]

    nodes = gadget(
        gives=(Gives(Gadget, resources=resources, ready=lambda _view, _need: {}),),
        needs=(Gadget(),),
        units=(Service("gadget", "/bin/x", "x", "root"),),
    )()
    for name, items in nodes.items():
        ids = {item.id for item in items}
        unit = next(item for item in items if item.kind == "unit")
        there = name != "compute-2"
        assert (f"file:/etc/given-{name}" in ids) == there
        assert (f"file:/etc/given-{name}" in unit.after) == there
        assert ("gate:gadget needs Gadget" in ids) != there


def test_a_view_from_any_node_knows_roles_and_no_node() -> None:
    view = view_of(THREE, components.discover(), **CONTAINERS)
    here = view.on(frozenset({Role.COMPUTE}))
    assert here.roles == {Role.COMPUTE}
    node = view.on(next(node for node in view.nodes if node.name == "compute-1"))
    assert here.components_here == node.components_here
    assert here.nodes_with(Role.COMPUTE) == view.nodes_with(Role.COMPUTE)
    for ask in (lambda: here.here, lambda: here.address):
        with pytest.raises(NodeAskedFor):
            ask()
    with pytest.raises(LookupError):
        view.roles  # noqa: B018 - asking is what fails


def test_an_expander_can_be_asked_in_any_order() -> None:
    def both(backwards: bool) -> dict[str, tuple[Resource, ...]]:
        expander: Expander = expander_of(MANY)
        nodes = expander.view.nodes
        found = {node.name: expander.node(node) for node in (nodes[::-1] if backwards else nodes)}
        return dict(sorted(found.items()))

    assert both(backwards=True) == both(backwards=False)
