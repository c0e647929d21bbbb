# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Names: what Designate is to know of its name server, and who may command that."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from clouds import ONE, ONE_FULL, expanded, expander_of
from scs.components.designate import MDNS, pool, rows
from scs.resources import File, Gate, Link, Migration, Resource


@cache
def things() -> dict[str, Resource]:
    (items,) = expanded(expander_of(ONE_FULL)).values()
    return {item.id: item for item in items}


def text(path: str) -> str:
    item = things()[f"file:{path}"]
    assert isinstance(item, File)
    return item.content


WANTED = pool(expander_of(ONE_FULL).view)


def test_the_pool_is_what_the_file_says() -> None:
    assert yaml.safe_load(text("/etc/designate/pools.yaml")) == [WANTED]
    item = things()["migration:designate-pool"]
    assert isinstance(item, Migration)
    assert "--file=/etc/designate/pools.yaml" in item.argv
    assert item.rows == rows(WANTED)
    # Designate itself has to run for it, and those that read it once wait.
    assert "unit:designate-central.service" in item.after
    worker = things()["unit:designate-worker.service"]
    gates = [things()[name] for name in worker.after if "designate-worker waits" in name]
    told = {gate.probe["query"]: gate.probe["equals"] for gate in gates if isinstance(gate, Gate)}
    assert told == item.rows
    assert "unit:designate-worker.service" not in item.after


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all that can be changed."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from leaves(inner, (*path, key))
    else:
        yield path


DESCRIPTIONS = [("name",), ("description",), ("targets", 0, "description")]


@pytest.mark.parametrize("path", [path for path in leaves(WANTED) if path not in DESCRIPTIONS])
def test_any_change_of_the_pool_is_seen_in_the_database(path: tuple[Any, ...]) -> None:
    changed: Any = copy.deepcopy(WANTED)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = "other"
    before, after = rows(WANTED), rows(changed)
    assert list(before) == list(after), "the questions stay the same"
    assert sum(before[query] != after[query] for query in before) == 1


def test_a_lost_name_server_is_seen_in_the_database() -> None:
    changed: Any = copy.deepcopy(WANTED)
    changed["targets"].clear()
    assert "" in rows(changed).values()


def test_the_name_server_is_told_of_changes_at_the_master_s_address() -> None:
    # BIND heeds nobody else, and from the virtual address it would be somebody else.
    (target,) = WANTED["targets"]
    (master,) = target["masters"]
    assert target["options"]["host"] == master["host"]
    assert f"listen = {master['host']}:{MDNS}" in text("/etc/designate/designate.conf")


def test_one_key_and_nobody_else_reads_it() -> None:
    path = WANTED["targets"][0]["options"]["rndc_key_file"]
    own, theirs = things()["file:/etc/bind/rndc.key"], things()[f"file:{path}"]
    assert isinstance(own, File)
    assert isinstance(theirs, File)
    assert own.content == theirs.content
    assert (own.owner, own.mode, own.secret) == ("bind", 0o640, True)
    assert (theirs.owner, theirs.mode, theirs.secret) == ("designate", 0o400, True)


def test_the_api_finds_its_pipeline() -> None:
    item = things()["link:/etc/designate/api-paste.ini"]
    assert isinstance(item, Link)
    assert item.target == "/opt/scs/openstack/etc/designate/api-paste.ini"


def test_neutron_tells_names_only_where_there_is_somebody_to_tell() -> None:
    (plain,) = expanded(expander_of(ONE)).values()
    path = "/etc/neutron/neutron.conf"
    before = next(item.content for item in plain if isinstance(item, File) and item.name == path)
    assert "designate" not in before
    assert "extension_drivers = port_security,dns_domain_ports\n" in before
    assert "external_dns_driver = designate\n" in text(path)
