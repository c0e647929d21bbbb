# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the provider has in the API for customers: projects, limits, zones, aggregates."""

from __future__ import annotations

from collections.abc import Mapping
from configparser import RawConfigParser
from typing import Any

import pytest

from clouds import CONTAINERS, expander_of, view_of
from scs import components
from scs.api.aggregate import Aggregates
from scs.api.quota import Quotas
from scs.components import flavors
from scs.components.aggregates import component as aggregates
from scs.errors import BadInput
from scs.model.content import LIMITS, NAMES, limits_of
from scs.model.objects import Aggregate, Flavor, Project, Quota, Server, VolumeQuota
from scs.model.view import View
from scs.resources import File
from scs.spec import CloudSpec
from scs.standards.flavors import MANDATORY, RECOMMENDED

EAST = Aggregate(name="east", zone="east", hosts=("a", "b"))
FAST = Aggregate(name="fast", hosts=("a",), properties={"ssd": "true"})


class Nova:
    """Aggregates as Nova keeps them, with the rule that it has for zones."""

    def __init__(self) -> None:
        self.there: dict[str, dict[str, Any]] = {}

    def rest(self, _service: str, path: str, key: str) -> list[dict[str, Any]]:
        assert (path, key) == ("/os-aggregates", "aggregates")
        return list(self.there.values())

    def one(self, _service: str, path: str, key: str) -> dict[str, Any]:
        assert key == "aggregate"
        return self.there[path.rpartition("/")[2]]

    def change(
        self, method: str, _service: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Any:
        words = path.split("/")[2:]
        if method == "DELETE":
            assert not self.there.pop(words[0])["hosts"], "Nova refuses while it has hosts"
            return {}
        assert method == "POST"
        assert body is not None
        if not words:
            known = str(len(self.there) + 1)
            zone = body["aggregate"]["availability_zone"]
            made = {"id": known, "hosts": [], "metadata": {}, **body["aggregate"]}
            if zone:
                made["metadata"]["availability_zone"] = zone
            self.there[known] = made
            return {"aggregate": made}
        mine = self.there[words[0]]
        ((action, values),) = body.items()
        if action == "set_metadata":
            for name, value in values["metadata"].items():
                if name == "availability_zone":
                    mine[name] = value
                elif value is not None:
                    mine["metadata"][name] = value
        elif action == "add_host":
            zones = {
                item["availability_zone"]
                for item in self.there.values()
                if values["host"] in item["hosts"] and item["availability_zone"]
            }
            assert not mine["availability_zone"] or not zones, "a host is in one zone only"
            mine["hosts"].append(values["host"])
        else:
            assert action == "remove_host"
            mine["hosts"].remove(values["host"])
        return {}


def made(nova: Any, want: Aggregate) -> str | None:
    """Make it as wanted; why it is not so afterwards."""
    kind = Aggregates()
    kind.converge(nova, want, kind.observe(nova, [want])[want.id])
    return kind.compare(want, kind.observe(nova, [want])[want.id])


def test_an_aggregate_is_made_changed_and_removed() -> None:
    nova: Any = Nova()
    kind = Aggregates()
    assert kind.compare(FAST, kind.observe(nova, [FAST])[FAST.id]) == "is missing"
    assert made(nova, FAST) is None
    nova.there["1"]["metadata"] |= {"ssd": "false", "others": "kept"}
    nova.there["1"]["hosts"] = ["b"]
    seen = kind.observe(nova, [FAST])[FAST.id]
    assert kind.compare(FAST, seen) == "has other hosts, ssd"
    assert kind.diff(FAST, seen) == "hosts: b → a\nssd: false → true"
    assert made(nova, FAST) is None
    assert nova.there["1"]["metadata"] == {"ssd": "true", "others": "kept"}
    kind.remove(nova, FAST, kind.observe(nova, [FAST])[FAST.id])
    assert nova.there == {}
    kind.remove(nova, FAST, {})


def test_a_host_that_changes_its_zone_leaves_the_other_first() -> None:
    nova: Any = Nova()
    assert made(nova, EAST) is None
    west = Aggregate(name="west", zone="west", hosts=("b",))
    assert made(nova, west) is None
    assert made(nova, Aggregate(name="east", zone="east", hosts=("a",))) is None
    assert {item["name"]: item["hosts"] for item in nova.there.values()} == {
        "east": ["a"],
        "west": ["b"],
    }


def test_an_aggregate_becomes_a_zone() -> None:
    nova: Any = Nova()
    assert made(nova, Aggregate(name="east", hosts=("a",))) is None
    kind = Aggregates()
    assert kind.compare(EAST, kind.observe(nova, [EAST])[EAST.id]) == "has other zone, hosts"
    assert made(nova, EAST) is None


class Limited:
    """A service that limits one project, by its id."""

    def __init__(self, **limits: int) -> None:
        self.limits: dict[str, Any] = {"id": "known", **limits}

    def project_ids(self) -> dict[str, str]:
        return {"shop": "known"}

    def one(self, _service: str, path: str, _key: str) -> dict[str, Any]:
        assert path == "/quotas/known"
        return self.limits

    def change(self, method: str, _service: str, path: str, body: Mapping[str, Any]) -> Any:
        assert (method, path) == ("PUT", "/quotas/known")
        self.limits |= body["quota"]
        return {}


def test_limits_are_compared_told_and_set() -> None:
    service: Any = Limited(cores=20, ram=51200)
    kind = Quotas("compute", "/quotas", "quota")
    want = Quota(name="shop", limits={"cores": 40, "ram": 51200})
    seen = kind.observe(service, [want])[want.id]
    assert seen == {"cores": 20, "ram": 51200}
    assert kind.compare(want, seen) == "allows other cores"
    assert kind.diff(want, seen) == "cores: 20 → 40"
    kind.converge(service, want, seen)
    assert kind.compare(want, kind.observe(service, [want])[want.id]) is None


def test_limits_of_a_project_that_is_not_there_yet() -> None:
    service: Any = Limited()
    kind = Quotas("compute", "/quotas", "quota")
    for limits, reason in (({"cores": 1}, "allows other cores"), ({}, None)):
        want = Quota(name="soon", limits=limits)
        assert kind.compare(want, kind.observe(service, [want])[want.id]) == reason


def test_each_limit_is_one_service_s() -> None:
    assert len(NAMES) == len(set(NAMES))
    quota = dict.fromkeys(NAMES, 1)
    assert sum(len(limits_of(service, quota)) for service in LIMITS) == len(NAMES)


SPEC: dict[str, Any] = {
    "name": "paper",
    "storage": "ceph",
    "nodes": [
        {"name": "control-1", "roles": ["control", "network", "storage"], "zone": "east"},
        {"name": "compute-1", "roles": ["compute"], "zone": "east"},
        {"name": "compute-2", "roles": ["compute"], "zone": "west"},
    ],
    "tenant": {"quota": {"cores": 40}},
    "content": {
        "projects": [{"name": "shop", "description": "the shop", "quota": {"gigabytes": 500}}],
        "aggregates": [{"name": "fast", "nodes": ["compute-2"], "properties": {"ssd": "true"}}],
    },
}


def seen(spec: dict[str, Any]) -> View:
    return view_of(CloudSpec.model_validate(spec), components.discover(), **CONTAINERS)


def test_what_cloud_yaml_says_is_wanted() -> None:
    view = seen(SPEC)
    wanted = [item for part in view.components if part.objects for item in part.objects(view)]
    assert [(item.name, item.description) for item in wanted if isinstance(item, Project)] == [
        ("demo", "the first project"),
        ("shop", "the shop"),
    ]
    limits = {item.id: item.limits for item in wanted if isinstance(item, Quota)}
    assert limits == {
        "quota:demo": {"cores": 40},
        "quota:shop": {},
        "network-quota:demo": {},
        "network-quota:shop": {},
        "volume-quota:demo": {},
        "volume-quota:shop": {"gigabytes": 500},
    }
    assert {
        item.name: (item.zone, item.hosts) for item in wanted if isinstance(item, Aggregate)
    } == {
        "east": ("east", ("compute-1",)),
        "west": ("west", ("compute-2",)),
        "fast": ("", ("compute-2",)),
    }
    (server,) = (item for item in wanted if isinstance(item, Server))
    assert {"aggregate:east", "aggregate:west"} <= set(server.after)


@pytest.mark.parametrize("storage", ["files", "ceph"])
def test_who_asks_for_nothing_gets_no_aggregate(storage: str) -> None:
    view = seen({"name": "paper", "storage": storage})
    assert aggregates not in view.components
    assert view.zones == {}
    quotas = [
        item
        for part in view.components
        if part.objects
        for item in part.objects(view)
        if isinstance(item, VolumeQuota)
    ]
    assert bool(quotas) == (storage == "ceph")


def test_all_of_cinder_is_in_a_zone_that_servers_have() -> None:
    """The scheduler finds no place for a volume where its API and its service differ."""
    spec = CloudSpec.model_validate(SPEC)
    expander = expander_of(spec)
    control = expander.view.control
    written = {
        item.name: item.content
        for item in expander.node(control)
        if isinstance(item, File) and item.component.startswith("cinder")
    }
    for name in ("cinder.conf", "cinder-volume.conf"):
        text = written[f"/etc/cinder/{name}"]
        parsed = RawConfigParser()
        parsed.read_string(text)
        assert parsed.get("DEFAULT", "storage_availability_zone") == "east"


# Flavors ----------------------------------------------------------------------------------------


def flavors_of(content: Mapping[str, Any]) -> dict[str, Flavor]:
    spec = CloudSpec.model_validate({"name": "paper", "content": content})
    view = view_of(spec, components.discover(), **CONTAINERS)
    return {item.name: item for item in flavors.flavors(view) if isinstance(item, Flavor)}


def test_each_cloud_has_the_flavors_that_the_standard_demands() -> None:
    assert set(flavors_of({})) == {*MANDATORY, "SCS-1L-1-5"}
    assert set(flavors_of({"recommended_flavors": True})) == {*MANDATORY, *RECOMMENDED}


def test_an_scs_name_says_all_and_others_say_it_themselves() -> None:
    specs = {"aggregate_instance_extra_specs:ssd": "true"}
    found = flavors_of(
        {
            "flavors": [
                {"name": "SCS-8C-32-100p", "extra_specs": {**specs, "scs:name-v2": "a lie"}},
                {"name": "build", "vcpus": 4, "ram": 6144, "extra_specs": specs},
                {"name": "mute", "vcpus": 1, "ram": 64, "extra_specs": {"hw_rng:allowed": "False"}},
            ]
        }
    )
    big, build = found["SCS-8C-32-100p"], found["build"]
    assert (big.vcpus, big.ram, big.disk) == (8, 32768, 100)
    assert big.extra_specs["scs:cpu-type"] == "dedicated-core"
    assert big.extra_specs["scs:name-v2"] == "SCS-8C-32-100p"
    assert (build.vcpus, build.ram, build.disk) == (4, 6144, 0)
    assert dict(build.extra_specs) == {"hw_rng:allowed": "True", **specs}
    for key, value in specs.items():
        assert big.extra_specs[key] == value
    assert found["mute"].extra_specs["hw_rng:allowed"] == "False"


def test_names_that_are_none_are_told_all_at_once() -> None:
    with pytest.raises(BadInput) as refused:
        flavors_of({"flavors": [{"name": "SCS-4X-8"}, {"name": "SCS-4V-8-20"}, {"name": "SCS-0V"}]})
    assert [problem.where for problem in refused.value.problems] == [
        "content.flavors[0].name",
        "content.flavors[2].name",
    ]
