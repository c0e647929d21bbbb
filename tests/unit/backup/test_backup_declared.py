# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What components say of their data, and which streams follow from it."""

from __future__ import annotations

import pytest

from backups import PARTS
from paper.world import World
from scs.derive.backup import left, sources, stopped
from scs.model.component import Component


@pytest.mark.parametrize("part", [part for part in PARTS.values() if part.keeps])
def test_all_that_is_kept_is_saved_or_says_why_not(part: Component) -> None:
    taken = {path for saved in part.saves for path in saved.of}
    silent = [item.path for item in part.kept() if item.path not in taken and not item.unsaved]
    assert not silent, f"{part.name} keeps {silent}: what has a backup of them?"
    assert taken <= set(part.data()), "what is saved is kept"


@pytest.mark.parametrize("part", [part for part in PARTS.values() if part.saves])
def test_what_is_saved_has_a_name_of_its_own_and_is_proven(part: Component) -> None:
    names = [saved.name for saved in part.saves]
    assert len(names) == len(set(names))
    assert all("." not in name and "/" not in name for name in names)
    assert all(saved.proves or saved.each for saved in part.saves)


def test_commands_that_move_data_have_no_secret(world: World) -> None:
    words = " ".join(
        word
        for part in PARTS.values()
        for saved in part.saves
        for argv in (saved.save, saved.load, saved.proves)
        for word in argv
    )
    assert not any(secret in words for secret in world.secrets())


def test_streams_follow_from_the_cloud(world: World) -> None:
    world.yaml |= {
        "services": ["designate"],
        "nodes": [{"name": "node-1"}, {"name": "node-2", "roles": ["compute"]}],
    }
    view = world.session().view()
    found = [(*source.key, source.node.name) for source in sources(view, bulk=False)]
    assert found == [
        ("bind", "zones", "node-1", "node-1"),
        ("mariadb", "databases", "", "node-1"),
        ("nova-compute", "identity", "node-1", "node-1"),
        ("nova-compute", "identity", "node-2", "node-2"),
        ("ovn-central", "northbound", "", "node-1"),
    ]
    assert ("glance", "images", "", "node-1") in [
        (*source.key, source.node.name) for source in sources(view, bulk=True)
    ]
    assert "/var/lib/glance/images" in {item.path for item in left(view, bulk=False)}
    assert "/var/lib/glance/images" not in {item.path for item in left(view, bulk=True)}
    assert all(item.why for item in left(view, bulk=False))


def test_images_in_ceph_are_nobodys_files(world: World) -> None:
    world.yaml["storage"] = "ceph"
    view = world.session().view()
    assert "glance" not in {source.component.name for source in sources(view, bulk=True)}
    assert "ceph-mon" in {source.component.name for source in sources(view, bulk=False)}


def test_who_writes_to_databases_is_stopped(world: World) -> None:
    view = world.session().view()
    found = stopped(view, PARTS["mariadb"].saves)
    assert {"keystone", "nova", "neutron", "glance", "placement"} <= set(found)
    assert "memcached" in found, "it remembers what the databases said before"
    assert not {"mariadb", "rabbitmq", "ovn-central", "nova-compute"} & set(found)
    assert not stopped(view, PARTS["ovn-central"].saves)
