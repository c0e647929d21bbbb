# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Networks, routers, security groups of the first project, others of the same names; pools."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from ipaddress import IPv4Network, collapse_addresses
from pathlib import Path
from typing import Any

import pytest

from clouds import CONTAINERS, expander_of
from scs.api.clients import Clients
from scs.api.kinds import Kind
from scs.api.network import Networks, Routers, SecurityGroups
from scs.api.subnet_pool import SubnetPools
from scs.model.objects import (
    ApiObject,
    CloudNetwork,
    Router,
    SecurityGroup,
    Subnet,
    SubnetPool,
)
from scs.spec import CloudSpec

MINE, OTHERS = "1", "2"
NETWORK = CloudNetwork(name="demo", project="demo", subnets=(Subnet("demo", "10.0.0.0/24"),))
EXTERNAL = CloudNetwork(name="external", physical="physnet1")
ROUTER = Router(name="demo", project="demo", external="external", subnets=("demo",))
GROUP = SecurityGroup(name="ssh", project="demo", ingress=(("IPv4", "tcp", 22),))


def network(known: str, name: str, project: str, external: bool = False) -> dict[str, Any]:
    return {"id": known, "name": name, "project_id": project, "router:external": external}


class Neutron:
    """Lists as the administrator gets them: those of all projects."""

    def __init__(self, *projects: str) -> None:
        self.lists: dict[str, list[dict[str, Any]]] = {
            "networks": [network("e", "external", "admin's", external=True)],
            "subnets": [],
            "routers": [],
            "ports": [],
            "security_groups": [],
        }
        for project in projects:
            self.has(project)

    def has(self, project: str) -> None:
        """All three, as they are meant to be."""
        self.lists["networks"] += [
            network(f"n{project}", "demo", project),
            network(f"x{project}", "external", project),
        ]
        subnet = {"id": f"s{project}", "name": "demo", "network_id": f"n{project}"}
        self.lists["subnets"].append(subnet)
        self.lists["routers"].append(
            {
                "id": f"r{project}",
                "name": "demo",
                "project_id": project,
                "external_gateway_info": {"network_id": "e"},
            }
        )
        fixed = [{"subnet_id": f"s{project}", "ip_address": "10.0.0.1"}]
        self.lists["ports"].append({"device_id": f"r{project}", "fixed_ips": fixed})
        rule = {
            "direction": "ingress",
            "ethertype": "IPv4",
            "protocol": "tcp",
            "port_range_min": 22,
            "port_range_max": 22,
            "remote_ip_prefix": None,
            "remote_group_id": None,
        }
        out = [{"direction": "egress", "ethertype": kind} for kind in ("IPv4", "IPv6")]
        anything = {"protocol": None, "remote_ip_prefix": None, "remote_group_id": None}
        self.lists["security_groups"].append(
            {
                "id": f"g{project}",
                "name": "ssh",
                "project_id": project,
                "security_group_rules": [rule, *({**anything, **one} for one in out)],
            }
        )

    def rest(self, _service: str, _path: str, key: str) -> list[dict[str, Any]]:
        return self.lists[key]

    def project_ids(self) -> dict[str, str]:
        return {"demo": MINE, "other": OTHERS}


EACH = pytest.mark.parametrize(
    ("kind", "want"), [(Networks(), NETWORK), (Routers(), ROUTER), (SecurityGroups(), GROUP)]
)


def why(neutron: Any, kind: Kind[Any], want: ApiObject) -> str | None:
    return kind.compare(want, kind.observe(neutron, [want])[want.id])


@EACH
def test_others_of_the_same_name_are_not_taken_for_ours(kind: Kind[Any], want: ApiObject) -> None:
    assert why(Neutron(MINE), kind, want) is None
    assert why(Neutron(OTHERS), kind, want) == "is missing"
    assert why(Neutron(MINE, OTHERS), kind, want) is None


@EACH
def test_what_others_lack_is_not_what_ours_lacks(kind: Kind[Any], want: ApiObject) -> None:
    neutron = Neutron(MINE, OTHERS)
    neutron.lists["subnets"].pop()
    neutron.lists["ports"].pop()
    neutron.lists["security_groups"][-1]["security_group_rules"] = []
    assert why(neutron, kind, want) is None


def test_the_external_network_is_an_external_one() -> None:
    neutron: Any = Neutron(OTHERS)
    assert Networks().observe(neutron, [EXTERNAL])[EXTERNAL.id]["id"] == "e"
    del neutron.lists["networks"][0]
    assert why(neutron, Networks(), EXTERNAL) == "is missing"


# Subnet pools -----------------------------------------------------------------------------------

POOL = SubnetPool(name="inside", prefixes=("10.64.0.0/16",), prefix_length=24, default=True)
POOLS = SubnetPools()


class Pools:
    """Subnet pools as Neutron keeps them: ranges side by side are joined, none is taken away."""

    def __init__(self, *others: dict[str, Any]) -> None:
        self.there = list(others)

    def rest(self, _service: str, _path: str, key: str) -> list[dict[str, Any]]:
        assert key == "subnetpools"
        return self.there

    def change(
        self, method: str, service: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Any:
        assert (service, path.split("/")[1:3]) == ("network", ["v2.0", "subnetpools"])
        if method == "POST":
            assert body
            known = str(len(self.there) + 1)
            self.there.append({**body["subnetpool"], "id": known})
            return {}
        (mine,) = [item for item in self.there if path.endswith(f"/{item['id']}")]
        if method == "DELETE":
            self.there.remove(mine)
            return {}
        assert body
        new = dict(body["subnetpool"])
        if "prefixes" in new:
            assert set(mine["prefixes"]) <= set(new["prefixes"]), "Illegal update to prefixes"
            joined = collapse_addresses(map(IPv4Network, new["prefixes"]))
            new["prefixes"] = list(map(str, joined))
        mine |= new
        return {}


def made(neutron: Any, want: SubnetPool) -> str | None:
    """Make it as wanted; why it is not so afterwards."""
    POOLS.converge(neutron, want, POOLS.observe(neutron, [want])[want.id])
    return POOLS.compare(want, POOLS.observe(neutron, [want])[want.id])


def test_a_pool_is_made_grows_and_goes() -> None:
    own = {"id": "0", "name": "inside", "shared": False, "prefixes": ["10.0.0.0/8"]}
    neutron: Any = Pools({**own, "default_prefixlen": "8", "is_default": False})
    assert POOLS.compare(POOL, POOLS.observe(neutron, [POOL])[POOL.id]) == "is missing"
    assert made(neutron, POOL) is None
    assert len(neutron.there) == 2
    more = replace(POOL, prefixes=("10.64.0.0/16", "10.65.0.0/16"), prefix_length=26)
    seen = POOLS.observe(neutron, [more])[more.id]
    assert POOLS.compare(more, seen) == "lacks prefixes"
    assert POOLS.diff(more, seen) == (
        "prefix_length: 24 → 26\nprefixes: 10.64.0.0/16 → 10.64.0.0/16, 10.65.0.0/16"
    )
    assert made(neutron, more) is None
    assert neutron.there[1]["prefixes"] == ["10.64.0.0/15"]
    fewer = replace(more, default=False, prefixes=("10.65.0.0/16",))
    seen = POOLS.observe(neutron, [fewer])[fewer.id]
    assert POOLS.compare(fewer, seen) == "has another default"
    assert made(neutron, fewer) is None
    POOLS.remove(neutron, fewer, POOLS.observe(neutron, [fewer])[fewer.id])
    assert [item["id"] for item in neutron.there] == ["0"]
    POOLS.remove(neutron, fewer, {})


def test_pools_of_cloud_yaml_are_wanted() -> None:
    written = [
        {"name": "a", "prefixes": ["10.64.0.0/16"], "default": True},
        {"name": "b", "prefixes": ["fd5c:5c5c:64::/48"], "default": True},
    ]
    spec = CloudSpec.model_validate({"name": "paper", "content": {"subnet_pools": written}})
    wanted = [
        item for item in expander_of(spec, **CONTAINERS).objects() if isinstance(item, SubnetPool)
    ]
    assert [(item.name, item.prefix_length, item.default) for item in wanted] == [
        ("a", 24, True),
        ("b", 64, True),
    ]


# One look ---------------------------------------------------------------------------------------


def test_what_several_kinds_ask_for_is_asked_of_the_cloud_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str] = []

    def listed(_clients: Clients, service: str, path: str, *_: str) -> list[dict[str, Any]]:
        asked.append(f"{service} {path}")
        if "broken" in path:
            raise RuntimeError("500")
        return [{"name": "demo", "id": MINE}]

    monkeypatch.setattr(Clients, "_listed", listed)
    clients = Clients(expander_of(CloudSpec(name="paper"), **CONTAINERS).view, tmp_path)
    look = clients.moment()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: look.project_ids(), range(8)))
    assert found == [{"demo": MINE}] * 8
    assert len(asked) == 1
    for _ in range(2):
        with pytest.raises(RuntimeError, match="500"):
            look.rest("network", "/broken", "x")
    assert len(asked) == 2
    # Another look asks anew, and so does who changes something.
    clients.moment().project_ids()
    clients.project_ids()
    clients.project_ids()
    assert len(asked) == 5
