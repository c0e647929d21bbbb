# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Names: what Designate and its name servers know of each other, and whom these answer what."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from functools import cache
from ipaddress import IPv4Network
from typing import Any

import pytest
import yaml

from clouds import EQUALS_FULL, ONE, ONE_FULL, expanded, expander_of
from scs.components.designate import CATALOG, MDNS, pool, rows
from scs.model.needs import NameServer
from scs.model.objects import CloudNetwork
from scs.resources import File, Gate, Link, Migration, Resource
from scs.spec import rules

SPECS = {"one": ONE_FULL, "three": EQUALS_FULL}
FULL = pytest.mark.parametrize("cloud", SPECS)
NAMED, POOLS = "/etc/bind/named.conf", "/etc/designate/pools.yaml"
DESIGNATE = "/etc/designate/designate.conf"


@cache
def nodes(cloud: str) -> dict[str, dict[str, Resource]]:
    """Address of a node → its resources by their ids."""
    spec = SPECS[cloud]
    made = expanded(expander_of(spec))
    addresses = {node.name: str(node.address) for node in spec.nodes()}
    return {addresses[node]: {item.id: item for item in items} for node, items in made.items()}


def things() -> dict[str, Resource]:
    (items,) = nodes("one").values()
    return items


def content(items: dict[str, Resource], path: str) -> str:
    item = items[f"file:{path}"]
    assert isinstance(item, File)
    return item.content


def text(path: str) -> str:
    return content(things(), path)


def said(config: str, statement: str) -> list[list[str]]:
    """What is between the braces of each such statement of BIND's, item by item."""
    found = re.findall(rf"\b{statement} {{([^}}]*)}}", config)
    return [[item.strip() for item in inside.split(";") if item.strip()] for inside in found]


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


def test_what_is_lost_in_the_database_is_seen() -> None:
    changed: Any = copy.deepcopy(WANTED)
    changed["targets"].clear()
    assert "" in rows(changed).values()


def test_three_control_nodes_may_have_it() -> None:
    assert "designate" in EQUALS_FULL.services
    assert not list(rules.several(EQUALS_FULL))


@FULL
def test_all_name_servers_are_asked_and_all_hand_out_zones(cloud: str) -> None:
    for items in nodes(cloud).values():
        (known,) = yaml.safe_load(content(items, POOLS))
        assert [one["host"] for one in known["nameservers"]] == list(nodes(cloud))
        (target,) = known["targets"]
        assert target["masters"] == [{"host": host, "port": MDNS} for host in nodes(cloud)]


@FULL
def test_zones_come_from_any_node_and_from_the_own_one_first(cloud: str) -> None:
    for address, items in nodes(cloud).items():
        assert f"listen = {address}:{MDNS}\n" in content(items, DESIGNATE)
        config = content(items, NAMED)
        for statement in ("default-primaries", "primaries"):
            (found,) = (
                said(config, statement)
                if statement != "primaries"
                else said(config, r"secondary;\s+primaries")
            )
            assert found[0] == f"{address} port {MDNS}"
            assert set(found) == {f"{node} port {MDNS}" for node in nodes(cloud)}


@FULL
def test_whoever_is_told_of_a_change_tells_all_others(cloud: str) -> None:
    for address, items in nodes(cloud).items():
        (known,) = yaml.safe_load(content(items, POOLS))
        (target,) = known["targets"]
        config = content(items, NAMED)
        (listens,) = said(config, "listen-on")
        (heeds,) = said(config, "allow-notify")
        told = target["options"]["host"]
        others = set(nodes(cloud)) - {address}
        assert told in listens
        assert set(heeds) == {told} | others
        assert [set(found) for found in said(config, "also-notify")] == [others] * bool(others)


@FULL
def test_the_catalog_is_everywhere_called_the_same_and_asked_by_control_nodes_only(
    cloud: str,
) -> None:
    view = expander_of(SPECS[cloud]).view
    assert [need.catalog for need in view.needs(NameServer)] == [CATALOG]
    assert pool(view)["catalog_zone"]["catalog_zone_fqdn"] == CATALOG
    for items in nodes(cloud).values():
        config = content(items, NAMED)
        assert config.count(f'zone "{CATALOG.rstrip(".")}"') == 2
        allowed = [set(found) for found in said(config, "allow-query")]
        assert allowed == [{"any"}, {"127.0.0.1", *nodes(cloud)}]
        assert said(config, "allow-transfer") == [["none"]]


@FULL
def test_so_many_name_servers_are_enough_that_one_of_three_may_be_lost(cloud: str) -> None:
    for items in nodes(cloud).values():
        (enough,) = re.findall(r"threshold_percentage = (\d+)", content(items, DESIGNATE))
        all_of_them = len(nodes(cloud))
        # As Designate counts them.
        for there in range(all_of_them + 1):
            assert (100 * float(there) / all_of_them >= int(enough)) is (2 * there > all_of_them)


@FULL
def test_locks_are_shared_and_the_producer_is_alone(cloud: str) -> None:
    for items in nodes(cloud).values():
        (locks,) = re.findall(r"backend_url = (\S+)", content(items, DESIGNATE))
        several = len(nodes(cloud)) > 1
        assert locks.startswith("memcached://127.0.0.1:11211?" if several else "file:///var/lib/")
        alone = [
            item.name
            for item in items.values()
            if isinstance(item, File) and "OS_COORDINATION__BACKEND_URL=file:" in item.content
        ]
        assert alone == ["/etc/systemd/system/designate-producer.service"]


@FULL
def test_nobody_commands_a_name_server_but_its_own_root(cloud: str) -> None:
    for items in nodes(cloud).values():
        held = [
            item
            for item in items.values()
            if isinstance(item, File) and 'key "rndc-key"' in item.content
        ]
        assert [(item.name, item.owner, item.mode, item.secret) for item in held] == [
            ("/etc/bind/rndc.key", "bind", 0o640, True)
        ]
        assert re.findall(r"inet (\S+) port 953", content(items, NAMED)) == ["127.0.0.1"]


@FULL
def test_the_name_of_the_name_server_is_found_where_the_world_asks(cloud: str) -> None:
    (record,) = pool(expander_of(SPECS[cloud]).view)["ns_records"]
    name = record["hostname"]
    for items in nodes(cloud).values():
        config = content(items, NAMED)
        (file,) = re.findall(rf'zone "{name[:-1]}" {{\s+type primary;\s+file "(\S+)";', config)
        zone = content(items, file)
        assert f"@ IN NS {name}\n" in zone
        assert f"@ IN A {SPECS[cloud].external_address}\n" in zone
        assert str(SPECS[cloud].external_address) in said(config, "listen-on")[0]


def test_other_names_are_looked_up_for_guests_alone() -> None:
    lent = EQUALS_FULL.floating
    for items in nodes("three").values():
        config = content(items, NAMED)
        assert said(config, "allow-recursion") == said(config, "allow-query-cache") == [["guests"]]
        (guests,) = said(config, "acl guests")
        addresses = [item for network in guests for item in IPv4Network(network)]
        assert (addresses[0], addresses[-1]) == (lent.first, lent.last)
        assert len(addresses) == int(lent.last) - int(lent.first) + 1
        # Nodes speak IPv4 to the outside.
        assert said(config, "forwarders") == [["9.9.9.9"]]
        assert "dns_servers = 10.21.0.4,9.9.9.9,2620:fe::fe\n" in content(
            items, "/etc/neutron/neutron.conf"
        )
    view = expander_of(EQUALS_FULL).view
    (first,) = (
        subnet
        for part in view.components
        if part.objects
        for item in part.objects(view)
        if isinstance(item, CloudNetwork)
        for subnet in item.subnets
        if subnet.dns
    )
    assert first.dns == ("10.21.0.4", "9.9.9.9", "2620:fe::fe")


def test_who_knows_no_other_names_says_so_and_guests_go_on_asking_those_that_do() -> None:
    assert "recursion no;" in text(NAMED)
    assert "forward" not in text(NAMED)
    assert "dns_servers" not in text("/etc/neutron/neutron.conf")
    plain = ONE.model_copy(update={"dns": EQUALS_FULL.dns})
    assert expander_of(plain).view.resolvers == plain.dns
    six = ONE_FULL.model_copy(update={"dns": EQUALS_FULL.dns[1:]})
    assert expander_of(six).view.resolvers == six.dns


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
