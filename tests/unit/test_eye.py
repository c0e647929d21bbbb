# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Looking at nodes: what they are asked, when, and what becomes of an answer."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from clouds import CLOUDS, expanded, expander_of
from scs.engine import eye
from scs.errors import BadInput, StepFailed
from scs.providers import Connection
from scs.providers.reach import NO_ANSWER, Said
from scs.resources import File, Gate, Link, Resource, build

NODES = ("one", "two", "three")
LINKS = {name: Connection(name, "root", Path("key"), Path("known")) for name in NODES}
LINK = Link(name="/a", target="/b")


def asked(program: str) -> list[dict[str, Any]]:
    """What a node is asked by a program."""
    texts = re.findall(r'unpack\("([^"]+)"\)', program)
    found: list[dict[str, Any]] = json.loads(zlib.decompress(base64.b64decode(texts[-1])))
    return found


def said(seen: object) -> Said:
    packed = base64.b64encode(zlib.compress(json.dumps(seen).encode())).decode()
    return Said(0, f"a word before\n{packed}\n", "")


def test_each_node_answers_for_itself() -> None:
    def ask(link: Connection, _words: str, program: str) -> Said:
        assert asked(program) == [LINK.question()]
        return said({LINK.id: {"target": link.host}})

    seen = eye.look(LINKS, [(name, [LINK, Gate(name="g", probe={})]) for name in NODES], ask)
    assert list(seen) == list(NODES)
    assert seen == {name: {LINK.id: {"target": name}} for name in NODES}


def test_nobody_is_asked_when_nothing_is_wanted() -> None:
    assert eye.look(LINKS, []) == {}


def test_a_node_is_asked_while_the_next_is_worked_out() -> None:
    here = threading.Event()

    def ask(_link: Connection, _words: str, _program: str) -> Said:
        here.set()
        return said({})

    def wanted() -> Iterator[tuple[str, Sequence[Resource]]]:
        yield "one", [LINK]
        assert here.wait(20), "node one was not asked before node two was worked out"
        yield "two", [LINK]

    assert set(eye.look(LINKS, wanted(), ask)) == {"one", "two"}


def test_no_more_nodes_are_asked_when_working_out_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eye, "PARALLEL", 1)
    failed = threading.Event()
    hosts: list[str] = []

    def ask(link: Connection, _words: str, _program: str) -> Said:
        hosts.append(link.host)
        assert failed.wait(20)
        return said({})

    def wanted() -> Iterator[tuple[str, Sequence[Resource]]]:
        yield "one", [LINK]
        yield "two", [LINK]
        threading.Timer(0.2, failed.set).start()
        raise BadInput

    with pytest.raises(BadInput):
        eye.look(LINKS, wanted(), ask)
    assert hosts == ["one"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Said(255, "", "root@two: Permission denied (publickey)."), "no ssh: root@two: Perm"),
        (Said(1, "", "Traceback\nKeyError: 'kind'"), "cannot be looked at\nTraceback\nKeyErr"),
        (Said(NO_ANSWER, "", ""), "did not answer within 180 s"),
    ],
)
def test_a_node_that_cannot_be_looked_at_is_named(answer: Said, told: str) -> None:
    def ask(link: Connection, _words: str, _program: str) -> Said:
        return answer if link.host == "two" else said({})

    with pytest.raises(StepFailed) as failure:
        eye.look(LINKS, [(name, [LINK]) for name in NODES], ask)
    (problem,) = failure.value.problems
    assert problem.where == "node two"
    assert problem.what.startswith(told)
    assert "scs ssh two" in problem.hint


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_question_is_about_the_same_thing_and_holds_no_file(cloud: str) -> None:
    spec, facts = CLOUDS[cloud]
    for items in expanded(expander_of(spec, **facts)).values():
        for item in items:
            question = json.loads(item.asked)
            assert build(question).id == item.id
            if isinstance(item, File) and item.content:
                assert json.dumps(item.content)[1:-1] not in item.asked


def test_a_node_sees_what_this_machine_would(tmp_path: Path) -> None:
    """The whole program, run here."""
    files = [
        File(name=str(tmp_path / name), content="wanted", secret=name == "secret")
        for name in ("right", "wrong", "secret", "missing")
    ]
    for item, text in zip(files, ("wanted", "other", "other", None), strict=True):
        if text is not None:
            Path(item.name).write_text(text)
    program = eye.program(files).replace("/run/scs", str(tmp_path / "run"))
    assert "wanted" not in str(asked(program))
    done = subprocess.run(
        [sys.executable, "-I", "-"], input=program, capture_output=True, text=True, check=True
    )
    seen = eye.answer(done.stdout)
    assert seen == File.observe(files)
    contents = [seen[item.id].get("content") for item in files]
    assert contents == [None, "other", None, None]
