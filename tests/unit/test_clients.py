# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a change in the API is told: done, refused, or nobody knows."""

from __future__ import annotations

from json import loads
from pathlib import Path
from typing import Any

import pytest
from keystoneauth1.exceptions import ConnectFailure

from clouds import ONE, expander_of
from scs.api.clients import Clients, Unavailable


class Answer:
    def __init__(self, code: int, text: str = "{}") -> None:
        self.status_code = code
        self.text = text
        self.content = text.encode()

    def json(self) -> Any:
        return loads(self.text)


class Session:
    """keystoneauth's, as far as it is used."""

    def __init__(self, answer: Answer | Exception) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str, Any, Any]] = []

    def request(self, url: str, method: str, *, json: Any, headers: Any, raise_exc: bool) -> Any:
        assert not raise_exc
        self.asked.append((method, url, json, headers))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def clients(session: Session) -> Clients:
    made = Clients(expander_of(ONE).view, Path("/nonexistent"))
    made._sessions["admin"] = session  # type: ignore[assignment]
    return made


def test_a_change_in_a_version_of_the_api() -> None:
    session = Session(Answer(200, '{"service": {}}'))
    told = clients(session).change(
        "PUT", "compute", "/os-services/7", {"forced_down": True}, microversion="2.88"
    )
    assert told == {"service": {}}
    ((method, url, body, headers),) = session.asked
    assert (method, body) == ("PUT", {"forced_down": True})
    assert url == "https://10.21.0.4:8774/v2.1/os-services/7"
    assert headers == {"OpenStack-API-Version": "compute 2.88"}


@pytest.mark.parametrize("answer", [Answer(503), Answer(504), ConnectFailure("refused")])
def test_nobody_knows_whether_it_was_done(answer: Answer | Exception) -> None:
    with pytest.raises(Unavailable, match="compute /x"):
        clients(Session(answer)).change("POST", "compute", "/x", {})


def test_it_is_refused() -> None:
    with pytest.raises(RuntimeError, match="compute /x: 409") as told:
        clients(Session(Answer(409, '{"conflictingRequest": "in use"}'))).change(
            "POST", "compute", "/x", {}
        )
    assert not isinstance(told.value, Unavailable)
