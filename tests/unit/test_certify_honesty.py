# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Honesty of the certifier: for each check a cloud with one defect, in which just it fails and says
why; and a check that always passes is found by that.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from certify_defects import DEFECTS, MORE, PROPERTIES, Defect
from certify_mutants import mutants
from certify_world import CHECKS, STANDARDS, World, done
from fake_openstack.cloud import FakeOpenStack
from fake_openstack.serving import serving
from fake_openstack.things import a_rule
from fake_openstack.tls import Authority, good_tls
from scs.certify.run import attempt
from scs.standards.iaas import zones
from scs.standards.iaas.images import RULES
from scs.standards.model import Check, CouldNotRun, Finding, Needs, Outcome


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    authority = Authority(tmp_path_factory.mktemp("openstack"))
    cloud = FakeOpenStack()
    with serving(cloud, good_tls(authority.server())) as handler:
        yield World(authority, handler, cloud.base)


@pytest.fixture
def cloud(world: World) -> FakeOpenStack:
    return world.fresh()


QUICK = tuple(check for check in CHECKS.values() if check.seconds == 1)
"""Those that cost nearly nothing: all of them are done beside every defect."""


def beside(check: Check) -> tuple[Check, ...]:
    """What is done besides, to see that nothing else fails: the quick ones and the family."""
    family = STANDARDS[check.id][0].number
    slow = (
        one for one in CHECKS.values() if one.seconds > 1 and STANDARDS[one.id][0].number == family
    )
    return (*QUICK, *slow)


def test_each_check_has_a_defect() -> None:
    assert set(DEFECTS) == set(CHECKS)


@pytest.mark.parametrize("known", CHECKS)
def test_just_the_check_fails_and_says_why(known: str, cloud: FakeOpenStack, world: World) -> None:
    wrong = DEFECTS[known]
    with ExitStack() as stack:
        wrong.break_it(cloud, world, stack)
        view = world.asked()
        with ThreadPoolExecutor(8) as pool:
            tasks = {check.id: pool.submit(done, check, view) for check in beside(CHECKS[known])}
        found = {key: task.result() for key, task in tasks.items()}
        if known not in found:  # of a family that only has slow ones
            found[known] = done(CHECKS[known], view)
        blind = replace(CHECKS[known], ask=_always_well)
        unseen = done(blind, view)
    result = found[known]
    assert result.outcome == Outcome.FAIL, result.reason
    texts = [
        f"{one.subject}: expected {one.expected}; seen {one.seen}; {one.mend}"
        for one in result.findings
    ]
    assert any(wrong.said in text for text in texts), texts
    assert all(one.mend and one.expected and one.seen for one in result.findings)
    failed = {key for key, one in found.items() if one.outcome == Outcome.FAIL}
    assert failed - wrong.others == {known}
    could_not = {key for key, one in found.items() if one.outcome == Outcome.COULD_NOT_RUN}
    assert could_not <= wrong.could_not, [(key, found[key].reason) for key in could_not]
    # Mutation: a check that always passes would have been found by the first line of these.
    assert unseen.outcome != Outcome.FAIL


@pytest.mark.parametrize("index", range(len(MORE)))
def test_other_ways_to_fail(index: int, cloud: FakeOpenStack, world: World) -> None:
    known, wrong = MORE[index]
    assert found_out(CHECKS[known], wrong, cloud, world) == ""
    assert [name for name in cloud.left if name.startswith("scs-certify")] == [] or (
        CHECKS[known].seconds > 1 or cloud.holes == {"secrets stay"}
    )


def found_out(check: Check, wrong: Defect, cloud: FakeOpenStack, world: World) -> str:
    """Empty if the check finds this defect, else what it did instead."""
    with ExitStack() as stack:
        wrong.break_it(cloud, world, stack)
        result = done(check, world.asked())
    texts = [
        f"{one.subject}: expected {one.expected}; seen {one.seen}; {one.mend}"
        for one in result.findings
    ]
    if result.outcome == Outcome.FAIL and any(wrong.said in text for text in texts):
        return ""
    return f"{result.outcome} {result.reason} {texts}"


@pytest.mark.parametrize("module", ["addresses", "catalog", "dns", "keys", "network", "zones"])
def test_no_mutant_survives(module: str, world: World) -> None:
    """Whatever is turned round or left out in a check, some of these clouds shows it."""
    path = Path(zones.__file__).with_name(f"{module}.py")
    survivors, count = [], 0
    for mutant in mutants(path):
        checks = {key: check for key, check in mutant.checks().items() if key in CHECKS}
        count += 1
        if not any(_shown(check, world) for check in checks.values()):
            survivors.append(f"{mutant.where}: {mutant.what}")
    assert count > 5
    assert survivors == []


def _shown(check: Check, world: World) -> bool:
    """Whether a whole cloud, or one with a defect, tells this check from the right one."""
    world.fresh()
    if done(check, world.asked()).outcome != Outcome.PASS:
        return True
    wrongs = [DEFECTS[check.id], *(wrong for known, wrong in MORE if known == check.id)]
    return any(found_out(check, wrong, world.fresh(), world) for wrong in wrongs)


def _always_well(cloud: Any, _parameters: Any) -> list[Any]:
    assert cloud.services
    return []


def test_what_was_found_counts_also_when_the_rest_cannot_be(
    cloud: FakeOpenStack, world: World
) -> None:
    def ask(_cloud: Any, _parameters: Any) -> Iterator[Finding]:
        yield Finding("here", "this", "that", "mend it")
        raise CouldNotRun("the rest is silence")

    result = done(replace(CHECKS["scs-0125-https"], ask=ask), world.asked())
    assert (result.outcome, len(result.findings)) == (Outcome.FAIL, 1)
    assert result.reason == "the rest is silence"


def test_a_check_that_asks_nothing_is_no_pass(cloud: FakeOpenStack, world: World) -> None:
    lazy = replace(CHECKS["scs-0125-https"], ask=lambda _cloud, _parameters: ())
    view = world.asked()
    standard, preview = STANDARDS[lazy.id]
    fresh = view.fresh()
    result = attempt(fresh, standard, lazy, preview)
    assert (result.outcome, result.reason) == (Outcome.COULD_NOT_RUN, "the check has asked nothing")


def test_a_cloud_that_does_not_answer_is_no_pass(cloud: FakeOpenStack, world: World) -> None:
    """Whatever needs more than the catalog comes to nothing when each service says 503."""
    volume = f"/volume/v3/{'p' * 32}"
    for path in (
        *("/compute/v2.1/flavors/detail", "/compute/v2.1/os-availability-zone"),
        *("/image/v2/images", "/network/v2.0/default-security-group-rules"),
        *("/network/v2.0/networks", "/network/v2.0/subnetpools", "/network/v2.0/extensions"),
        *(f"{volume}/types", f"{volume}/os-availability-zone"),
    ):
        cloud.broken[f"GET {path}"] = (503, {"message": "down for a while"})
    cloud.broken["POST /network/v2.0/networks"] = (503, {"message": "down for a while"})
    view = world.asked()
    checks = [check for check in QUICK if check.services and check.id != "scs-0123-swift-s3"]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda check: done(check, view), checks))
    assert len(results) > 60
    for result in results:
        assert result.outcome == Outcome.COULD_NOT_RUN, result.check.id
        assert "503: down for a while" in result.reason


def test_without_an_administrator_some_cannot_run(cloud: FakeOpenStack, world: World) -> None:
    view = world.asked(admin=False)
    checks = [check for check in CHECKS.values() if Needs.ADMIN in check.needs]
    assert checks
    for check in checks:
        result = done(check, view)
        assert result.outcome == Outcome.COULD_NOT_RUN
        assert "administrator" in result.reason


def test_old_neutrons_are_seen_through_a_new_group(cloud: FakeOpenStack, world: World) -> None:
    cloud.default_rules = None
    check = CHECKS["scs-0115-default-rules"]
    assert done(check, world.asked()).outcome == Outcome.PASS
    cloud.new_group_rules = [a_rule("egress", "IPv4"), a_rule("ingress", "IPv6")]
    result = done(check, world.asked())
    assert result.outcome == Outcome.FAIL
    assert {finding.expected for finding in result.findings} == {
        "no way in but from the same group, and that in default groups only",
        "a rule that lets all of IPv6 out",
    }
    assert cloud.left == []


def test_every_property_of_the_standard_is_looked_at() -> None:
    assert set(PROPERTIES) == set(RULES)
