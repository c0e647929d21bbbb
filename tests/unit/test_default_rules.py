# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The rules that each new security group gets: as cloud.yaml says, and no others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from clouds import CONTAINERS, view_of
from paper.api import NEUTRONS_OWN
from paper.world import World
from scs import components
from scs.api.default_rules import PATH, DefaultRulesOfGroups
from scs.api.network import SecurityGroups
from scs.components.security_groups import component as security_groups
from scs.engine.applied import drift
from scs.model.objects import CloudNetwork, DefaultRules, Flavor, Project, SecurityGroup
from scs.model.security_rules import DefaultRule
from scs.model.view import View
from scs.spec import CloudSpec

OUT4 = DefaultRule("egress", "IPv4", used_in_default_sg=True, used_in_non_default_sg=True)
OUT6 = replace(OUT4, ethertype="IPv6")
SAME4 = DefaultRule("ingress", "IPv4", remote_group_id="PARENT", used_in_default_sg=True)
SAME6 = replace(SAME4, ethertype="IPv6")
OWN = (OUT4, OUT6, SAME4, SAME6)
"""What Neutron has by itself."""
SSH = DefaultRule(
    "ingress",
    "IPv4",
    protocol="tcp",
    port_range_min=22,
    port_range_max=22,
    remote_ip_prefix="10.0.0.0/8",
    used_in_non_default_sg=True,
)
KEY = "default_security_group_rule"
KIND = DefaultRulesOfGroups()


class Neutron:
    """Default rules as Neutron keeps them, with what it refuses."""

    def __init__(self) -> None:
        self.there: dict[str, dict[str, Any]] = {}
        self.count = 0
        for rule in OWN:
            self.add({**rule.values(), "description": "of its first migration"})

    def add(self, values: Mapping[str, Any]) -> None:
        self.count += 1
        self.there[f"id-{self.count}"] = {**values, "id": f"id-{self.count}"}

    def rest(self, service: str, path: str, key: str) -> list[dict[str, Any]]:
        assert (service, path, key) == ("network", PATH, f"{KEY}s")
        return list(self.there.values())

    def change(
        self, method: str, service: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Any:
        assert service == "network"
        if method == "DELETE":
            assert body is None
            del self.there[path.removeprefix(f"{PATH}/")]
            return {}
        assert (method, path) == ("POST", PATH)
        assert body is not None
        new = DefaultRule.of(body[KEY])
        for item in self.there.values():
            # It compares a new rule with those of custom groups, whatever groups that is for.
            if item["used_in_non_default_sg"] and DefaultRule.of(item).does == new.does:
                raise RuntimeError("409 Default Security group rule already exists")
        self.add(body[KEY])
        return {KEY: body[KEY]}


def seen_of(neutron: Any, want: DefaultRules) -> dict[str, Any]:
    found: dict[str, Any] = KIND.observe(neutron, [want])[want.id]
    return found


def made(neutron: Any, *rules: DefaultRule) -> str | None:
    """Make it so; why it is not so afterwards."""
    want = DefaultRules(name="all", rules=rules)
    KIND.converge(neutron, want, seen_of(neutron, want))
    return KIND.compare(want, seen_of(neutron, want))


def test_neutrons_own_are_what_paper_says() -> None:
    assert tuple(sorted(rule.text for rule in OWN)) == NEUTRONS_OWN


def test_what_is_missing_is_made_and_the_others_go() -> None:
    neutron: Any = Neutron()
    want = DefaultRules(name="all", rules=(OUT4, OUT6, SSH))
    seen = seen_of(neutron, want)
    assert KIND.compare(want, seen) == "lacks 1 rule, has 2 rules that cloud.yaml does not have"
    assert KIND.diff(want, seen) == (
        "- ingress IPv4 any from PARENT, in default groups\n"
        "- ingress IPv6 any from PARENT, in default groups\n"
        "+ ingress IPv4 tcp 22 from 10.0.0.0/8, in custom groups"
    )
    assert made(neutron, *want.rules) is None
    # What was right has not been touched.
    assert [(known, DefaultRule.of(item)) for known, item in neutron.there.items()] == [
        ("id-1", OUT4),
        ("id-2", OUT6),
        ("id-5", SSH),
    ]
    assert KIND.diff(want, seen_of(neutron, want)) == ""
    assert made(neutron) is None
    assert neutron.there == {}


def test_a_rule_that_other_groups_get_is_exchanged() -> None:
    """Neutron would refuse the new one while the old one is there."""
    neutron: Any = Neutron()
    inner = replace(OUT4, used_in_non_default_sg=False)
    assert made(neutron, inner, OUT6, SAME4, SAME6) is None
    assert made(neutron, *OWN) is None
    assert len(neutron.there) == 4


def test_a_rule_that_is_there_twice_goes_once() -> None:
    neutron: Any = Neutron()
    neutron.add(SAME4.values())  # Neutron lets this happen
    want = DefaultRules(name="all", rules=OWN)
    assert KIND.compare(want, seen_of(neutron, want)) == (
        "has 1 rule that cloud.yaml does not have"
    )
    assert made(neutron, *OWN) is None
    assert len(neutron.there) == 4


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ({"remote_ip_prefix": "0.0.0.0/0"}, OUT4),
        ({"protocol": "ANY", "remote_group_id": None}, OUT4),
        ({"ethertype": "IPv6", "remote_ip_prefix": "::/0"}, OUT6),
        ({"protocol": "6"}, replace(OUT4, protocol="tcp")),
        ({"protocol": 17}, replace(OUT4, protocol="udp")),
        ({"protocol": "200"}, replace(OUT4, protocol="200")),
        ({"protocol": "hopopt"}, replace(OUT4, protocol="ip")),
        ({"ethertype": "IPv6", "protocol": "icmp"}, replace(OUT6, protocol="ipv6-icmp")),
        ({"ethertype": "IPv6", "protocol": "1"}, replace(OUT6, protocol="ipv6-icmp")),
        ({"ethertype": "IPv6", "protocol": "icmpv6"}, replace(OUT6, protocol="ipv6-icmp")),
        (
            {"protocol": "tcp", "port_range_min": 1, "port_range_max": 65535},
            replace(OUT4, protocol="tcp"),
        ),
        ({"remote_ip_prefix": "10.0.0.9/24"}, replace(OUT4, remote_ip_prefix="10.0.0.0/24")),
        (
            {"ethertype": "IPv6", "remote_ip_prefix": "FD00:0::/8"},
            replace(OUT6, remote_ip_prefix="fd00::/8"),
        ),
    ],
)
def test_what_neutron_takes_for_the_same_is_the_same(
    written: Mapping[str, Any], rule: DefaultRule
) -> None:
    assert DefaultRule.of({**OUT4.values(), **written}) == rule
    assert DefaultRule.of(rule.values()) == rule


def test_rules_that_differ_have_other_words() -> None:
    icmp = replace(OUT4, protocol="icmp", port_range_min=8)
    ports = replace(OUT4, protocol="tcp", port_range_min=8, port_range_max=9)
    rules = [
        *(*OWN, SSH, icmp, ports),
        replace(icmp, port_range_max=8),
        replace(icmp, port_range_max=0),
        replace(ports, port_range_max=8),
        replace(OUT4, direction="ingress"),
        replace(OUT4, remote_group_id="PARENT"),
        replace(OUT4, remote_address_group_id="PARENT"),
        replace(OUT4, remote_ip_prefix="10.0.0.0/8"),
        replace(OUT4, used_in_default_sg=False),
        replace(OUT4, used_in_non_default_sg=False),
    ]
    assert len({rule.text for rule in rules}) == len(rules)
    assert icmp.text == "egress IPv4 icmp type 8, in default and custom groups"


def test_groups_are_made_after_the_rules_that_they_take() -> None:
    rules = DefaultRules(name="all", rules=OWN)
    network = CloudNetwork(name="demo", project="demo")
    flavor = Flavor(name="small", vcpus=1, ram=1, disk=1)
    there = [rules, network, flavor, Project(name="demo")]
    assert network.before(iter(there)) == {rules.id, "project:demo"}
    assert rules.before(iter(there)) == flavor.before(iter(there)) == {"project:demo"}


# In groups that are made with them --------------------------------------------------------------


class Group:
    """A new group of a project's, with the rules that a provider gives to all."""

    id = "group-id"

    def __init__(self, *rules: DefaultRule) -> None:
        self.security_group_rules = [rule.values() for rule in rules]
        self.exists = False

    def of(self, _project: str) -> Any:
        return SimpleNamespace(network=self)

    def rest(self, _service: str, _path: str, _key: str) -> list[dict[str, Any]]:
        found = {"id": self.id, "name": "ssh", "project_id": "1"}
        return [found | {"security_group_rules": self.security_group_rules}] if self.exists else []

    def project_ids(self) -> dict[str, str]:
        return {"demo": "1"}

    def create_security_group(self, name: str) -> Group:
        assert name == "ssh"
        self.exists = True
        return self

    def create_security_group_rule(self, security_group_id: str, **values: Any) -> None:
        assert security_group_id == self.id
        empty = {**OUT4.values(), "direction": None, "ethertype": None}
        rule = {**empty, **values}
        assert rule not in self.security_group_rules, "409 Security group rule already exists"
        self.security_group_rules.append(rule)

    def rules(self) -> set[str]:
        return {DefaultRule.of(rule).does for rule in self.security_group_rules}


ANYWHERE = replace(SSH, remote_ip_prefix="", used_in_default_sg=True)


@pytest.mark.parametrize(
    "given", [(OUT4, OUT6), (), (OUT6,), (OUT4, OUT6, SSH), (OUT4, OUT6, ANYWHERE)]
)
def test_a_group_of_ours_lets_out_and_in_whatever_new_groups_start_with(
    given: tuple[DefaultRule, ...],
) -> None:
    cloud: Any = Group(*given)
    kind = SecurityGroups()
    want = SecurityGroup(
        name="ssh", project="demo", ingress=(("IPv4", "tcp", 22), ("IPv6", "icmp", 0))
    )
    seen = kind.observe(cloud, [want])[want.id]
    assert kind.compare(want, seen) == "is missing"
    kind.converge(cloud, want, seen)
    assert kind.compare(want, kind.observe(cloud, [want])[want.id]) is None
    wanted = {OUT4.does, OUT6.does, "ingress IPv4 tcp 22", "ingress IPv6 ipv6-icmp"}
    assert cloud.rules() == wanted | {rule.does for rule in given}


def test_a_group_that_was_not_finished_is() -> None:
    cloud: Any = Group(ANYWHERE)
    cloud.exists = True
    kind = SecurityGroups()
    want = SecurityGroup(name="ssh", project="demo", ingress=(("IPv4", "tcp", 22),))
    seen = kind.observe(cloud, [want])[want.id]
    assert kind.compare(want, seen) == "lacks rules"
    kind.converge(cloud, want, seen)
    assert kind.compare(want, kind.observe(cloud, [want])[want.id]) is None


# In cloud.yaml ----------------------------------------------------------------------------------

BOTH = {"used_in_default_sg": True, "used_in_non_default_sg": True}
OUT: list[dict[str, Any]] = [
    {"direction": "egress", "ethertype": "IPv4", **BOTH},
    {"direction": "egress", "ethertype": "IPv6", **BOTH},
]
GROUP = {"ethertype": "IPv4", "remote_group_id": "PARENT"}
INSIDE = {"direction": "ingress", **GROUP, "used_in_default_sg": True}


def view(*rules: Mapping[str, Any]) -> View:
    content = {"default_security_group_rules": rules}
    spec = CloudSpec.model_validate({"name": "paper", "content": content})
    return view_of(spec, components.discover(), **CONTAINERS)


def told(*rules: Mapping[str, Any]) -> list[str]:
    assert security_groups.warnings
    return list(security_groups.warnings(view(*rules)))


@pytest.mark.parametrize("content", [{}, {"default_security_group_rules": None}])
def test_who_says_nothing_leaves_the_rules_alone(content: dict[str, Any]) -> None:
    spec = CloudSpec.model_validate({"name": "paper", "content": content})
    seen = view_of(spec, components.discover(), **CONTAINERS)
    assert security_groups not in seen.components
    assert spec.filled()["content"]["default_security_group_rules"] is None


def test_what_cloud_yaml_says_is_wanted() -> None:
    assert security_groups.objects
    for rules in ((), (*OUT, INSIDE)):
        seen = view(*rules)
        assert security_groups in seen.components
        (wanted,) = security_groups.objects(seen)
        assert isinstance(wanted, DefaultRules)
        assert wanted.rules == (OUT4, OUT6, SAME4)[: len(rules)]


def test_what_the_standard_wants_is_not_warned_of() -> None:
    assert told(*OUT, INSIDE) == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"ethertype": "IPv4", **BOTH}, "everything (IPv4) in from anywhere"),
        (
            {"ethertype": "IPv6", "protocol": "tcp", "port_range_min": 22, **BOTH},
            "tcp (IPv6) in from anywhere",
        ),
        (
            {"ethertype": "IPv4", "remote_ip_prefix": "10.0.0.0/8", **BOTH},
            "everything (IPv4) in from 10.0.0.0/8",
        ),
        ({**GROUP, **BOTH}, "everything (IPv4) in from PARENT"),
    ],
)
def test_an_open_door_is_warned_of(rule: dict[str, Any], words: str) -> None:
    (warning,) = told(*OUT, {"direction": "ingress", **rule})
    assert warning.startswith(f"content.default_security_group_rules[2] lets {words}: scs-0115")
    assert "Take it out" in warning


def test_a_missing_way_out_is_warned_of() -> None:
    (warning,) = told(OUT[0], {**OUT[1], "used_in_non_default_sg": False})
    assert "nothing lets custom groups out to all of IPv6, which scs-0115 demands" in warning
    assert "`used_in_non_default_sg: true`" in warning
    assert len(told()) == 4


def test_what_somebody_changes_by_hand_is_drift(world: World) -> None:
    world.yaml["content"] = {"default_security_group_rules": [*OUT, INSIDE]}
    world.up()
    assert not world.plan().plan
    by_hand = "ingress IPv4 tcp 22, in default and custom groups"
    world.cloud.api["default-security-group-rules:all"]["rules"].append(by_hand)
    with world.session("drift") as session:
        (found,) = drift(session, session.look())
    assert (found.thing, found.component) == ("default-security-group-rules:all", "security-groups")
    assert found.what == "has 1 rule that cloud.yaml does not have"
    assert found.diff == f"- {by_hand}"
    assert found.mended
    world.up()
    assert not world.plan().plan
    # Taken out of the file, they stay as they are.
    del world.yaml["content"]
    assert not world.plan().plan
