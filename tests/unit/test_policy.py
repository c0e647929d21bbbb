# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Policies: what the default set says, how an operator's files count, and what is refused."""

from __future__ import annotations

import dataclasses
import gc
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from clouds import CLOUDS, ONE, view_of
from scs import components, policy
from scs.cli.policy import enforce, foretell
from scs.engine.apply import idle_consent
from scs.engine.session import Session
from scs.errors import BadInput, Denied
from scs.model.component import CONTROL, Component, Endpoint
from scs.model.needs import Certificate
from scs.plan.plan import Step
from scs.policy import Outcome, Ruling
from scs.spec import CloudSpec

NOWHERE = Path("/nonexistent")


def document(spec: CloudSpec = ONE, **more: Any) -> dict[str, Any]:
    """What policies see of a cloud on paper."""
    _, facts = CLOUDS["one container"]
    view = view_of(spec, components.discover(), **facts)
    return policy.document(spec.filled(), view.components, **more)


def own(folder: Path, **files: str) -> Path:
    """A folder with these files in `policy/`; `package main` is put before each."""
    (folder / "policy").mkdir()
    for name, text in files.items():
        (folder / "policy" / f"{name}.rego").write_text(f"package main\n{text}\n")
    return folder


def said(folder: Path, wanted: Mapping[str, Any]) -> dict[tuple[str, str], Ruling]:
    """(file, rule) → what it says, of those that say something."""
    rulings = policy.judge(policy.read(folder), wanted)
    return {(item.file, item.rule): item for item in rulings if item.messages}


@pytest.mark.parametrize("name", CLOUDS)
def test_a_cloud_as_it_comes_is_allowed(name: str) -> None:
    spec, facts = CLOUDS[name]
    view = view_of(spec, components.discover(), **facts)
    assert not said(NOWHERE, policy.document(spec.filled(), view.components))


def test_the_default_policies_pass_their_tests() -> None:
    trials = policy.verify(policy.read(NOWHERE))
    assert len(trials) > 20
    assert not [trial for trial in trials if not trial.ok]


def test_every_default_file_has_tests() -> None:
    names = [item.source.name for item in policy.read(NOWHERE)]
    files = {name for name in names if not name.startswith("default:lib/")}
    tests = {name for name in files if name.endswith("_test.rego")}
    assert {name.replace("_test.rego", ".rego") for name in tests} == files - tests


@pytest.mark.parametrize(
    ("config", "rule", "words"),
    [
        ({"nova": {"DEFAULT": {"admin_password": "hunter2"}}}, "deny_secret", "admin_password"),
        ({"nova": {"DEFAULT": {"url": "amqp://u:pw@mq/"}}}, "deny_secret", "config.nova.DEFAULT"),
        ({"nova": {"glance": {"url": "http://10.0.0.1"}}}, "deny_endpoint", "without TLS"),
        ({"nova": {"glance": {"insecure": True}}}, "deny_endpoint", "certificates"),
    ],
)
def test_the_spec_is_judged(config: Mapping[str, Any], rule: str, words: str) -> None:
    spec = CloudSpec.model_validate({"name": "paper", "config": config})
    messages = [
        message
        for (_, name), ruling in said(NOWHERE, document(spec)).items()
        if name.startswith(rule) and ruling.outcome is Outcome.DENIED
        for message in ruling.messages
    ]
    assert any(words in message for message in messages)


@pytest.mark.parametrize(
    ("part", "rule"),
    [
        (Component("x", "x", CONTROL, source="pypi:x", license="BUSL-1.1"), "deny_licence_not_osi"),
        (Component("x", "x", CONTROL, source="pypi:x"), "deny_licence_not_osi"),
        (
            Component("x", "x", CONTROL, endpoints=(Endpoint("x", 1, http=False),)),
            "deny_endpoint_without_tls",
        ),
        (Component("x", "x", CONTROL, endpoints=(Endpoint("x", 1),)), ""),
        (
            Component(
                "x",
                "x",
                CONTROL,
                needs=(Certificate("x"),),
                endpoints=(Endpoint("x", 1, http=False),),
            ),
            "",
        ),
    ],
)
def test_components_are_judged(part: Component, rule: str) -> None:
    found = said(NOWHERE, policy.document(ONE.filled(), [part]))
    assert [name for _, name in found] == ([rule] if rule else [])


def test_an_operators_file_counts(tmp_path: Path) -> None:
    folder = own(
        tmp_path,
        naming='deny_name contains msg if { input.spec.name == "paper"; msg := "not this name" }',
        objects='violation contains {"msg": "told", "more": 1} if { true }',
        careful='warn contains "careful" if { count(input.components) > 1 }',
    )
    found = said(folder, document())
    assert {(key, item.outcome, item.messages) for key, item in found.items()} == {
        (("policy/naming.rego", "deny_name"), Outcome.DENIED, ("not this name",)),
        (("policy/objects.rego", "violation"), Outcome.DENIED, ("told",)),
        (("policy/careful.rego", "warn"), Outcome.WARNED, ("careful",)),
    }
    assert found["policy/naming.rego", "deny_name"].line == 2


def test_other_packages_count_too(tmp_path: Path) -> None:
    folder = own(tmp_path)
    (folder / "policy/deeper").mkdir()
    text = 'package our.rules\ndeny contains "no" if { true }\n'
    (folder / "policy/deeper/x.rego").write_text(text)
    (ruling,) = said(folder, document()).values()
    assert (ruling.file, ruling.package) == ("policy/deeper/x.rego", "our.rules")


def test_an_exception_switches_a_default_off(tmp_path: Path) -> None:
    spec = CloudSpec.model_validate(
        {"name": "paper", "config": {"nova": {"glance": {"insecure": True}}}}
    )
    text = 'exception contains rules if { input.spec.name == "%s"; rules := ["%s"] }'
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    yes = own(tmp_path / "a", let=text % ("paper", "endpoint_without_tls"))
    no = own(tmp_path / "b", let=text % ("other", "endpoint_without_tls"))
    for folder, outcome in ((yes, Outcome.EXCEPTED), (no, Outcome.DENIED)):
        (ruling,) = said(folder, document(spec)).values()
        assert ruling.outcome is outcome


def test_one_rule_in_two_files_is_told_by_file(tmp_path: Path) -> None:
    folder = own(
        tmp_path,
        a='deny_x contains "from a" if { true }',
        b='deny_x contains "from b" if { true }',
        c='deny_x contains "from c" if { false }',
    )
    found = said(folder, document())
    assert {file: item.messages for (file, _), item in found.items()} == {
        "policy/a.rego": ("from a",),
        "policy/b.rego": ("from b",),
    }


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ('deny contains "x" if { = }', "2:24", "expecting expression"),
        ('deny contains "x" if { nothing_of_that_name(1) }', "2:44", "nothing_of_that_name"),
        ("deny contains 1/0 if { true }", "2:16", "divide by zero"),
        ('deny[msg] { msg := "old" }', "2:11", "`if` keyword"),
        ("deny if { true }", "2", "expected a set of messages, got true"),
        ('deny contains "x" if { http.send({"url": "http://x"}) }', "2", "http.send"),
        ("a if { b }\nb if { a }\ndeny contains 1 if { a }", "2:1", "recursion"),
    ],
)
def test_what_is_no_policy_is_refused(tmp_path: Path, text: str, where: str, words: str) -> None:
    folder = own(tmp_path, bad=text)
    with pytest.raises(BadInput) as error:
        policy.judge(policy.read(folder), document())
    (problem,) = error.value.problems
    assert problem.where.startswith(f"policy/bad.rego:{where}")
    assert words in problem.what
    assert problem.hint
    assert "backtrace" not in str(problem)


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("text", ["deny if { true }", "{", "deny if { http.send({}) }"])
def test_a_refusal_can_be_forgotten_in_any_thread(tmp_path: Path, text: str) -> None:
    folder = own(tmp_path, bad=text)
    try:
        policy.judge(policy.read(folder), document())
    except BadInput as error:
        error.__dict__["itself"] = error  # so that it goes when the collector comes
    collector = threading.Thread(target=gc.collect)
    collector.start()
    collector.join()


@pytest.mark.parametrize(
    ("raw", "words"), [(b"\xff\xfe", "UTF-8"), (b"", "package"), (b"#" * (1 << 21), "at most")]
)
def test_files_that_are_none_are_refused(tmp_path: Path, raw: bytes, words: str) -> None:
    folder = own(tmp_path)
    (folder / "policy/x.rego").write_bytes(raw)
    with pytest.raises(BadInput, match=words):
        policy.judge(policy.read(folder), document())


def test_a_failing_test_is_found(tmp_path: Path) -> None:
    folder = own(
        tmp_path,
        mine='deny_mine contains "x" if { input.bad }',
        mine_test='test_good if { count(deny_mine) == 1 with input as {"bad": true} }\n'
        'test_bad if { count(deny_mine) == 1 with input as {"bad": false} }',
    )
    trials = {trial.rule: trial.ok for trial in policy.verify(policy.read(folder))}
    assert trials["test_good"]
    assert not trials["test_bad"]


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A cloud that does not exist, whose plan is to make it."""
    monkeypatch.setenv("SCS_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("SCS_CACHE", str(tmp_path / "cache"))
    return Session(CloudSpec(name="paper"), tmp_path, "up")


def test_a_first_plan_is_allowed_and_touches_nothing(session: Session, tmp_path: Path) -> None:
    with session:
        look = session.look()
        assert look.plan
        enforce(session, look)
        assert not (tmp_path / "state").exists()


def test_data_are_lost_by_consent_only(session: Session) -> None:
    with session:
        look = session.look()
        step = Step("directory:/d", "node-1", "db", "is left over", destroys=("its tables",))
        losing = dataclasses.replace(
            look, plan=dataclasses.replace(look.plan, machine=(step,), nodes={}, api=())
        )
        with pytest.raises(Denied, match="would destroy its tables") as error:
            enforce(session, losing)
        assert error.value.exit_code == 3
        assert error.value.problems[0].where.startswith("policy default:data.rego:")
        enforce(session, losing, delete_data=["db"])


@pytest.mark.parametrize(
    ("destroys", "names", "refused"),
    [
        (("pool x",), ["glance"], ""),
        (("pool x",), ["a-service-of-old"], ""),
        ((), ["glance"], "glance"),
        (("pool x",), ["glance", "nova"], "nova"),
    ],
)
def test_consent_that_nothing_asks_for_is_refused(
    session: Session, destroys: tuple[str, ...], names: list[str], refused: str
) -> None:
    """What was taken out may be of a component that stays, such as a pool of Glance's."""
    with session:
        look = session.look()
        step = Step("absent:ceph-pool:x", "node-1", "glance", "is left over", destroys=destroys)
        losing = dataclasses.replace(
            look, plan=dataclasses.replace(look.plan, machine=(step,), nodes={}, api=())
        )
        if refused:
            with pytest.raises(BadInput) as error:
                idle_consent(losing, names)
            assert [item.where for item in error.value.problems] == [f"--delete-data {refused}"]
        else:
            idle_consent(losing, names)


def test_a_plan_tells_that_up_would_be_refused(
    session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own(tmp_path, ours='deny_it contains "no" if { count(input.plan.changes) > 0 }')
    with session:
        foretell(session, session.look())
    said = capsys.readouterr().err
    assert said.startswith("`up` would be refused: policy policy/ours.rego:2, rule deny_it: no\n")


def test_a_denied_plan_says_file_and_rule(
    session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own(tmp_path, ours='deny_it contains "no" if { true }\nwarn contains "hm" if { true }')
    with session, pytest.raises(Denied) as error:
        enforce(session, session.look())
    assert str(error.value.problems[0]).startswith("policy policy/ours.rego:2, rule deny_it: no\n")
    assert capsys.readouterr().err == "warning: hm (policy policy/ours.rego:3, rule warn)\n"
