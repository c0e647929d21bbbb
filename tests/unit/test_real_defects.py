# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""tools/try-defects without a real cloud: defects of the API, undoing, and the verdict."""

from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from certify_world import CHECKS
from fake_openstack.cloud import FakeOpenStack
from fake_openstack.serving import clouds_yaml, serving
from fake_openstack.tls import Authority, good_tls
from real_defects.__main__ import DEFECTS, chosen, listed, tried, without_one
from real_defects.node import changed
from real_defects.record import Record
from real_defects.site import Site, Unfit
from real_defects.trial import FOUND, NotUndone, Real, Trial, attempt, table
from scs.standards.model import CouldNotRun
from scs.standards.scopes import IAAS_5_1

KNOWN = {one.name: one for one in DEFECTS}
# One of each way in which the API is changed.
SOME = (
    "flavor-name-unreadable",
    "flavor-overstates-in-a-spec",
    "flavor-other-ram-SCS-1V-4",
    "flavor-lost-SCS-1V-2",
    "flavor-without-disk-type",
    "image-build-date",
    "image-generic-twice",
    "image-debian-12-hidden",
    "image-source-debian-11",
    "volume-type-unsorted",
    "volume-type-not-encrypted",
    "service-missing-placement",
    "service-missing-identity",
    "endpoint-in-the-clear",
    "zone-down",
    "security-groups-open",
    "security-groups-shut",
    "external-network-not-default",
)


def on_this_machine(_node: str, script: str, stdin: bytes) -> str:
    done = subprocess.run(["sh", "-c", script], input=stdin, capture_output=True, check=False)
    if done.returncode:
        raise CouldNotRun(done.stderr.decode())
    return done.stdout.decode()


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOpenStack]:
    authority = Authority(tmp_path)
    made = FakeOpenStack()
    made.interfaces["placement"] = ["public"]
    with serving(made, good_tls(authority.server())):
        path = clouds_yaml(made, tmp_path, authority.path)
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
        yield made


@pytest.fixture
def site(cloud: FakeOpenStack, tmp_path: Path) -> Site:
    return site_in(tmp_path)


def site_in(folder: Path) -> Site:
    record = Record(folder / "defects.json")
    return Site("fake", "fake-admin", record, ("node-1",), on_this_machine)


def seen(cloud: FakeOpenStack) -> Any:
    """All that an administrator can change, in an order that does not matter; without new ids."""

    def sorted_(items: list[dict[str, Any]]) -> list[str]:
        return sorted(json.dumps(one, sort_keys=True) for one in items)

    return copy.deepcopy(
        (
            sorted_(cloud.flavors),
            sorted_([{**i, "os_hidden": i.get("os_hidden", False)} for i in cloud.images]),
            sorted_([{**rule, "id": ""} for rule in cloud.default_rules or ()]),
            {key: sorted_(items) for key, items in cloud.things.items() if items},
            sorted(cloud.types),
            cloud.off,
            {kind: sorted(points) for kind, points in cloud.interfaces.items()},
            cloud.shut,
        )
    )


@pytest.mark.parametrize("name", SOME)
def test_found_and_undone(name: str, cloud: FakeOpenStack, site: Site) -> None:
    before = seen(cloud)
    trial = attempt(replace(KNOWN[name], settle=0.0), site)
    assert trial.result == FOUND
    assert seen(cloud) == before
    assert len(site.record) == 0


def test_a_check_that_always_passes_has_not_found_it(cloud: FakeOpenStack, site: Site) -> None:
    defect = replace(KNOWN["flavor-name-unreadable"], settle=0.0)
    first = IAAS_5_1.standards[0]
    blind = tuple(
        replace(check, ask=_always_well) if check.id == defect.check else check
        for check in first.checks
    )
    scope = replace(IAAS_5_1, standards=(replace(first, checks=blind), *IAAS_5_1.standards[1:]))
    site.scope = scope
    before = seen(cloud)
    trial = attempt(defect, site)
    assert (trial.well, trial.result) == (False, "NOT FOUND: PASS")
    assert seen(cloud) == before
    assert "1 defects, 1 not found" in table([trial])


def _always_well(cloud: Any, _parameters: Any) -> list[Any]:
    assert cloud.get("compute", "/flavors/detail").ok
    return []


def test_a_check_that_fails_for_another_reason_has_not_found_it(
    cloud: FakeOpenStack, site: Site
) -> None:
    defect = replace(KNOWN["flavor-name-unreadable"], settle=0.0, said="something else")
    assert attempt(defect, site).result.startswith("NOT FOUND: FAIL: ")


def test_what_was_told_before_is_not_found(cloud: FakeOpenStack, site: Site) -> None:
    """The cloud is broken already; the defect then makes no difference."""
    cloud.flavors.remove(cloud.flavor("SCS-1V-2"))
    defect = Real("none", "scs-0103-flavor-1v_2", lambda _: None, "no flavor is named", settle=0.0)
    assert not attempt(defect, site).well


def test_that_it_stays_broken_is_told(cloud: FakeOpenStack, site: Site) -> None:
    def make(_site: Site) -> None:
        cloud.flavors.remove(cloud.flavor("SCS-1V-2"))  # and nothing is told that undoes it

    defect = Real("stays", "scs-0103-flavor-1v_2", make, "no flavor is named", settle=0.0)
    trial = attempt(defect, site)
    assert trial.result.startswith("found, but undone it is not as before: FAIL: ")
    assert not trial.well


# Killed runs.


class Killed(BaseException):
    pass


def test_a_killed_run_is_undone_by_the_next(cloud: FakeOpenStack, tmp_path: Path) -> None:
    """Whether it was killed before or after the change; and undoing may be killed as well."""
    before = seen(cloud)
    for after in range(1, 4):
        site, count = site_in(tmp_path), [0]
        ask = site.ask

        def dying(
            *words: Any, ask: Any = ask, count: Any = count, after: int = after, **m: Any
        ) -> Any:
            count[0] += 1
            if count[0] == after:
                raise Killed
            return ask(*words, **m)

        site.ask = dying  # type: ignore[method-assign]
        with pytest.raises(Killed):
            KNOWN["flavor-other-ram-SCS-1V-4"].make(site)
        again = site_in(tmp_path)
        assert len(again.record) == 1
        again.undo()
        again.undo()
        assert seen(cloud) == before
        assert len(site_in(tmp_path).record) == 0
    assert seen(cloud) == before


def test_what_cannot_be_undone_stays_recorded_and_ends_the_run(
    cloud: FakeOpenStack, site: Site, tmp_path: Path
) -> None:
    defect = replace(KNOWN["flavor-name-unreadable"], settle=0.0)

    def make(site: Site) -> None:
        defect.make(site)
        path = f"/compute/v2.1/flavors/{cloud.flavors[-1]['id']}"
        cloud.broken[f"DELETE {path}"] = (503, {"message": "come again"})

    with pytest.raises(NotUndone, match="come again"):
        attempt(replace(defect, make=make), site)
    assert len(site_in(tmp_path).record) == 1
    trials = tried([replace(defect, make=make), KNOWN["zone-down"]], site)
    assert [trial.result.partition(" (")[0] for trial in trials] == ["NOT UNDONE"]
    cloud.broken.clear()
    site_in(tmp_path).undo()
    assert [one["name"] for one in cloud.flavors if one["name"] == "SCS-4X-16"] == []


def test_files_of_nodes_are_as_before(cloud: FakeOpenStack, site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "etc with a blank"
    folder.mkdir()
    path, new, log = folder / "conf", folder / "new", tmp_path / "restarts"
    path.write_text("a = 1\n")
    path.chmod(0o640)
    then = f"echo again >>{log}"
    changed(site, "node-1", str(path), f"sed -i 's/1/2/' '{path}'", then)
    changed(site, "node-1", str(new), f"cat >'{new}'", then, b"secret")
    assert (path.read_text(), new.read_text()) == ("a = 2\n", "secret")
    assert "secret" not in (tmp_path / "defects.json").read_text()
    site.undo()
    assert [one.name for one in folder.iterdir()] == ["conf"]
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("a = 1\n", 0o640)
    assert log.read_text() == "again\n" * 4
    with pytest.raises(Unfit, match="nothing to change"):
        changed(site, "node-1", str(path), "true", then)
    site.undo()
    assert path.read_text() == "a = 1\n"
    assert [one.name for one in folder.iterdir()] == ["conf"]


def test_the_record_is_there_before_the_change(tmp_path: Path) -> None:
    path = tmp_path / "state/defects.json"
    record, undone = Record(path), list[str]()
    record.add({"do": "one"}, {"do": "two"})
    record.add({"do": "three"})
    Record(path).undo(lambda step: undone.append(step["do"]), keep=1)
    assert undone == ["three"]
    Record(path).undo(lambda step: undone.append(step["do"]))
    assert undone == ["three", "one", "two"]
    assert not path.exists()


# Which there are.


def test_names_and_checks() -> None:
    assert len(KNOWN) == len(DEFECTS)
    assert {one.check for one in DEFECTS} <= set(CHECKS)
    assert all(one.message for one in DEFECTS)
    assert without_one(DEFECTS[:1]) == [name for name in CHECKS if name != DEFECTS[0].check]
    assert all(name in listed() for name in without_one())


def test_choosing() -> None:
    assert [one.name for one in chosen(["tls-*"], slow=False)] == [
        "tls-too-old",
        "tls-with-a-weak-cipher",
    ]
    assert {one.slow for one in chosen([], slow=False)} == {False}
    assert len(chosen([], slow=True)) == len(DEFECTS)
    assert chosen(["guest-without-rng"], slow=False)
    assert chosen(["nothing"], slow=False) == []


def test_the_verdict_needs_all() -> None:
    good, bad = Trial(DEFECTS[0], FOUND, 1.0), Trial(DEFECTS[1], "NOT FOUND: PASS", 1.0)
    assert (good.well, bad.well) == (True, False)
    assert table([good, bad]).endswith("2 defects, 1 not found or not to be made")
