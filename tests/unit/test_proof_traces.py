# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the proof leaves in a cloud: found by its marks, removed, and nothing else with it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from openstack.exceptions import BadRequestException, ConflictException, NotFoundException

from scs.verify import traces

RUN = "0123abcd"


@pytest.mark.parametrize(
    ("name", "description", "run"),
    [
        (f"scs-verify-{RUN}", f"made by scs verify in run {RUN}", RUN),
        (None, f"made by scs verify in run {RUN}", RUN),  # floating IPs have no names
        ("scs-verify", f"made by scs verify in run {RUN}", None),
        (f"scs-verify-{RUN}", "", None),
        (f"scs-verify-{RUN}", None, None),
        ("scs-verify-ffffffff", f"made by scs verify in run {RUN}", None),
        (f"scs-verify-{RUN}-mine", f"made by scs verify in run {RUN}", None),
        (f"scs-verify-{RUN}", f"not made by scs verify in run {RUN}", None),
        (f"scs-verify-{RUN}\n", f"made by scs verify in run {RUN}", None),
        ("scs-verify-mine", "made by scs verify in run mine", None),
        (None, "made by somebody", None),
        (None, None, None),
    ],
)
def test_only_what_has_all_marks_is_ours(
    name: str | None, description: str | None, run: str | None
) -> None:
    assert traces.run_of(name, description) == run


class Cloud:
    """A project with things in it; removing follows the rules that Neutron and Nova have."""

    current_project_id = "mine"

    def __init__(self) -> None:
        self.things: dict[str, list[Any]] = {
            kind: []
            for kind in (
                *("servers", "ips", "routers", "networks", "security_groups", "keypairs"),
                *("volumes", "load_balancers", "zones", "secrets", "stacks"),
            )
        }
        self.compute = self.network = self.block_storage = self.load_balancer = self.dns = self
        self.key_manager = self.orchestration = self
        self.services = {
            *("compute", "network", "block-storage", "load-balancer", "dns"),
            *("key-manager", "orchestration"),
        }
        self.busy = 2
        self.gone: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("delete_"):
            return self._delete
        things = self.things[name]
        return lambda: list(things)

    def _delete(self, known: str) -> None:
        if known == "network" and self.busy:
            self.busy -= 1
            raise ConflictException("in use")
        for things in self.things.values():
            for thing in things:
                if known == thing.id:
                    things.remove(thing)
                    self.gone.append(known)
                    return
        raise NotFoundException(known)

    def has_service(self, name: str) -> bool:
        return name in self.services

    def delete_volume(self, known: str, cascade: bool) -> None:
        assert cascade
        if known == "volume" and "copy" not in self.gone:
            raise BadRequestException("has dependent volumes")
        self._delete(known)

    def get_volume(self, known: str) -> Any:
        for thing in self.things["volumes"]:
            if thing.id == known:
                return thing
        raise NotFoundException(known)

    def delete_load_balancer(self, known: str, cascade: bool) -> None:
        assert cascade
        self._delete(known)

    def get_load_balancer(self, known: str) -> None:
        assert known in self.gone
        raise NotFoundException(known)

    def get_zone(self, known: str) -> None:
        assert "floating" in self.gone
        raise NotFoundException(known)

    def get_stack(self, known: str) -> None:
        assert known in self.gone
        raise NotFoundException(known)

    def get_server(self, known: str) -> None:
        assert known in self.gone
        raise NotFoundException(known)

    def ports(self, **_: str) -> list[Any]:
        return [SimpleNamespace(id="port")]

    def remove_interface_from_router(self, router: str, subnet: None, port: str) -> None:
        assert "floating" in self.gone
        assert port == "port"

    def add(self, kind: str, known: str, project: str = "mine", **other: Any) -> None:
        values = {
            "name": traces.name_of(RUN),
            "description": traces.mark_of(RUN),
            "public_key": "",
            **other,
        }
        self.things[kind].append(SimpleNamespace(id=known, project_id=project, **values))


def full_cloud() -> Cloud:
    cloud = Cloud()
    cloud.add("servers", "server")
    cloud.add("servers", "hello", name="hello", description="hello")
    cloud.add("ips", "floating", name="10.21.2.101")
    cloud.add("ips", "hello-floating", name="10.21.2.102", description="")
    cloud.add("routers", "router")
    cloud.add("networks", "network")
    cloud.add("networks", "shared", project="others")
    cloud.add("security_groups", "group")
    cloud.add("security_groups", "default", name="default", description="Default security group")
    own = traces.name_of(RUN)
    cloud.add("keypairs", own, project="", public_key=f"ssh-ed25519 AAAA {traces.mark_of(RUN)}")
    cloud.add("volumes", "volume", snapshot_id=None, status="available")
    cloud.add("volumes", "copy", snapshot_id="snapshot", status="available")
    cloud.add("volumes", "data", snapshot_id=None, status="available", name="data")
    cloud.add("load_balancers", "balancer")
    cloud.add("load_balancers", "web", name="web")
    cloud.add("zones", "zone", name=f"{own}.test.")
    cloud.add("zones", "example", name="example.org.", description=None)
    mark: dict[str, Any] = {"project": "", "description": "", "tags": [traces.mark_of(RUN)]}
    cloud.add("stacks", "stack", **mark, status="CREATE_COMPLETE")
    cloud.add("stacks", "gone", **mark, status="DELETE_COMPLETE")
    cloud.add("stacks", "theirs", name="theirs", **mark, status="CREATE_COMPLETE")
    cloud.add("secrets", "secret", secret_id="secret", name=traces.mark_of(RUN))
    cloud.add("secrets", "password", secret_id="password", name="password")
    cloud.add("keypairs", "scs", project="", name="scs", public_key="ssh-ed25519 AAAA me@here")
    return cloud


def test_leftovers_are_found_by_listing() -> None:
    found = traces.find(full_cloud())  # type: ignore[arg-type]
    assert {trace.run for trace in found} == {RUN}
    assert [trace.id for trace in found] == [
        "server",
        "floating",
        "router",
        "network",
        "group",
        traces.name_of(RUN),
        "volume",
        "copy",
        "balancer",
        "zone",
        "stack",
        "secret",
    ]
    assert traces.told([*found, found[0]]).startswith("2 servers, 1 floating IP, 1 router")


def test_leftovers_are_removed_and_nothing_else() -> None:
    cloud: Any = full_cloud()
    cloud.things["keypairs"][0].id = traces.name_of(RUN)
    problems = traces.remove(cloud, traces.find(cloud), lambda _: None)
    assert problems == []
    assert traces.find(cloud) == []
    left = [thing.id for things in cloud.things.values() for thing in things]
    assert left == [
        *("hello", "hello-floating", "shared", "default", "scs", "data"),
        *("web", "example", "password", "gone", "theirs"),
    ]
    assert cloud.gone.index("copy") < cloud.gone.index("volume")
    # A router's interface stays while a load balancer's address is behind it.
    assert cloud.gone.index("balancer") < cloud.gone.index("router")


@pytest.mark.parametrize(
    ("service", "things", "kind"),
    [
        ("block-storage", "volumes", "volume"),
        ("load-balancer", "load_balancers", "load balancer"),
        ("dns", "zones", "zone"),
        ("key-manager", "secrets", "secret"),
        ("orchestration", "stacks", "stack"),
    ],
)
def test_a_cloud_is_not_asked_for_what_it_does_not_have(
    service: str, things: str, kind: str
) -> None:
    cloud: Any = full_cloud()
    assert kind in {trace.kind for trace in traces.find(cloud)}
    cloud.services.remove(service)
    del cloud.things[things]
    assert kind not in {trace.kind for trace in traces.find(cloud)}


def test_removing_goes_on_past_a_failure() -> None:
    cloud: Any = full_cloud()
    cloud._delete_was = cloud._delete

    def refuse(known: str) -> None:
        if known == "floating":
            raise RuntimeError("500: try later")
        cloud.gone.append("floating")
        cloud._delete_was(known)

    cloud._delete = refuse
    problems = traces.remove(cloud, traces.find(cloud), lambda _: None)
    assert problems == ["floating IP floating: RuntimeError: 500: try later"]
    assert [trace.id for trace in traces.find(cloud)] == ["floating"]
