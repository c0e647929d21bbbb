# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""How services of several control nodes reach what all of them share."""

from __future__ import annotations

import re

import pytest

from clouds import CLOUDS, CONTAINERS, EQUALS, ONE, ONE_CEPH, expanded, expander_of
from scs.components.haproxy import LOOKS
from scs.resources import File, Unit
from scs.spec import CloudSpec

HAPROXY = "/etc/haproxy/haproxy.cfg"
CACHES = re.compile(r"^memcached?_servers = (.+)$", re.MULTILINE)


def texts(cloud: CloudSpec) -> dict[str, dict[str, str]]:
    """Node → path → text."""
    return {
        node: {item.name: item.content for item in items if isinstance(item, File)}
        for node, items in expanded(expander_of(cloud, **CONTAINERS)).items()
    }


def test_all_use_the_same_cache_by_way_of_their_own_load_balancer() -> None:
    addresses = [str(node.address) for node in EQUALS.nodes()]
    for files in texts(EQUALS).values():
        asked = {found for text in files.values() for found in CACHES.findall(text)}
        assert asked == {"127.0.0.1:11211"}
        (block,) = re.findall(
            r"^listen memcached-11211\n(.+?)(?:\n\n|\Z)", files[HAPROXY], re.S | re.M
        )
        assert "bind 127.0.0.1:11211\n" in f"{block}\n"
        servers = re.findall(r"server \S+ (\S+):11211 .*?(backup)?$", block, re.MULTILINE)
        # In the same order everywhere: whatever is forgotten is forgotten for all.
        assert servers == [(addresses[0], ""), *((address, "backup") for address in addresses[1:])]


def test_the_only_cache_is_asked_itself() -> None:
    (files,) = texts(ONE).values()
    (node,) = ONE.nodes()
    asked = {found for text in files.values() for found in CACHES.findall(text)}
    assert asked == {f"{node.address}:11211"}
    assert "11211" not in files[HAPROXY]


def test_a_client_may_take_one_member_of_the_queue_for_another() -> None:
    addresses = {str(node.address) for node in EQUALS.nodes()}
    for node, files in texts(EQUALS).items():
        names = set(files["/etc/scs/tls/rabbitmq.crt"].partition(" for ")[2].split())
        assert addresses | {node} <= names
        assert len(set(files["/etc/scs/tls/haproxy.crt"].split()) & addresses) == 1


def test_no_queue_is_on_one_of_several_nodes_alone() -> None:
    for cloud, several in ((ONE, False), (EQUALS, True)):
        asked = [
            text
            for files in texts(cloud).values()
            for text in files.values()
            if "[oslo_messaging_rabbit]" in text
        ]
        assert len(asked) >= 3 * len(cloud.nodes())
        for text in asked:
            assert "rabbit_quorum_queue = true\n" in text
            assert ("rabbit_transient_quorum_queue = true\n" in text) is several


@pytest.mark.parametrize("cloud", [name for name in CLOUDS if "equal" in name])
def test_no_request_is_cut_off_or_refused_because_nodes_are_slow(cloud: str) -> None:
    spec, _ = CLOUDS[cloud]
    for files in texts(spec).values():
        lists = [part for part in files[HAPROXY].split("\nlisten ") if "ssl verify" in part]
        assert lists
        for part in lists:
            assert "shutdown-sessions" not in part
            checked = set(re.findall(r"server node-\d (\S+) .* check ", part))
            patient = set(
                re.findall(r"server patient-node-\d (\S+) .* backup$", part, re.MULTILINE)
            )
            assert checked == patient
            assert len(patient) == len(spec.nodes())


@pytest.mark.parametrize("cloud", [name for name in CLOUDS if "equal" in name])
def test_what_starts_anew_is_left_alone_where_others_answer(cloud: str) -> None:
    spec, facts = CLOUDS[cloud]
    expander = expander_of(spec, **facts)
    points = {point.name for _, point in expander.view.endpoints if point.http}
    for items in expanded(expander).values():
        units = [item for item in items if isinstance(item, Unit) and item.aside]
        files = {item.name: item for item in items if isinstance(item, File)}
        # Each endpoint by one unit.
        assert sorted(name for item in units for name in item.aside[1:]) == sorted(points)
        (tool,) = {item.aside[0] for item in units}
        assert files[tool].mode == 0o755
        compile(files[tool].content, tool, "exec")
        # Who holds an endpoint waits as long as the others need to notice.
        looks = re.findall(r" ssl verify .* check inter (\d+)s ", files[HAPROXY].content)
        assert set(looks) == {str(LOOKS)}
        for name in points:
            assert f"str({name}),table_gpt0(aside)" in files[HAPROXY].content


@pytest.mark.parametrize("cloud", [name for name in CLOUDS if "equal" not in name])
def test_nothing_is_left_alone_where_no_other_answers(cloud: str) -> None:
    spec, facts = CLOUDS[cloud]
    for items in expanded(expander_of(spec, **facts)).values():
        assert not any(isinstance(item, Unit) and item.aside for item in items)
        assert not any(isinstance(item, File) and "/haproxy/aside" in item.name for item in items)


@pytest.mark.parametrize("cloud", [ONE_CEPH, EQUALS])
def test_objects_need_no_keystone_of_the_same_node(cloud: CloudSpec) -> None:
    nodes = {f"{node.address}:5000" for node in cloud.nodes()}
    for files in texts(cloud).values():
        (port,) = re.findall(
            r"^rgw_keystone_url = http://127\.0\.0\.1:(\d+)$",
            files["/etc/ceph/radosgw.conf"],
            re.MULTILINE,
        )
        (there,) = [
            part for part in files[HAPROXY].split("\nlisten ") if f"bind 127.0.0.1:{port}\n" in part
        ]
        servers = set(re.findall(r"server \S+ (\S+)", there))
        assert servers == (nodes if len(nodes) > 1 else {"127.0.0.1:5000"})
