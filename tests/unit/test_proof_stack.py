# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The proof of a stack, against a Heat that makes its resources while it is asked."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

from scs.verify.stack import prove
from scs.verify.steps import Patience

MADE = {"endpoint": "https://heat/signal", "token": "t", "signed": "https://heat/signed?x"}


class Answer(SimpleNamespace):
    content = b"{}"

    def json(self) -> Any:
        return self.body


class Heat:
    """What it answers in turn to those who look at the stack; signals are noted."""

    def __init__(self) -> None:
        self.signals: list[str] = []
        self.states: list[tuple[str, dict[str, str]]] = [
            ("CREATE_IN_PROGRESS", {}),
            # A handle that is not made yet is told by its resource's name.
            ("CREATE_IN_PROGRESS", {**MADE, "endpoint": "", "signed": "by_signature"}),
            ("CREATE_IN_PROGRESS", {**MADE, "signed": "by_signature"}),
            ("CREATE_IN_PROGRESS", MADE),
            ("CREATE_COMPLETE", {**MADE, "port": "p"}),
            ("UPDATE_COMPLETE", {**MADE, "port": "p"}),
            ("DELETE_COMPLETE", {}),
        ]

    def post(self, *_: Any, **__: Any) -> Any:
        return Answer(status_code=201, body={"stack": {"id": "s"}}, headers={})

    def put(self, *_: Any, **__: Any) -> Any:
        return Answer(status_code=202, body={}, headers={})

    def delete(self, *_: Any) -> Any:
        return Answer(status_code=204, body={}, headers={})

    def get(self, *_: Any) -> Any:
        state, values = self.states.pop(0)
        outputs = [{"output_key": key, "output_value": value} for key, value in values.items()]
        stack = {"stack_status": state, "stack_status_reason": "", "outputs": outputs}
        return Answer(status_code=200, body={"stack": stack}, headers={})

    def request(self, url: str, *_: Any, **__: Any) -> Any:
        self.signals.append(url)
        return Answer(status_code=200, text="", headers={})


def test_a_stack_is_signalled_when_its_handles_are_addresses(monkeypatch: Any) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    heat = Heat()
    cloud: Any = SimpleNamespace(
        orchestration=heat,
        session=heat,
        network=SimpleNamespace(
            get_port=lambda _: SimpleNamespace(description="second"), find_port=lambda _: None
        ),
    )
    marks = {"name": "n", "description": "d"}
    prove(cloud, marks, Patience(threading.Event()), lambda _: None)
    assert heat.signals == [MADE["endpoint"], MADE["signed"]]
    assert heat.states == []
