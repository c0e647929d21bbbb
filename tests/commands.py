# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A node's commands, replaced: they answer from a table, and what was run is remembered."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from scs.resources import ConvergeError, database


class Commands:
    """Stands for the node's commands: answers from a table, remembers what was run."""

    def __init__(self, answers: Mapping[str, str | ConvergeError]) -> None:
        self.answers = answers
        self.ran: list[str] = []

    def __call__(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 0,
        check: bool = True,
    ) -> str:
        line = " ".join(argv) + (f" < {stdin}" if stdin else "")
        self.ran.append(line)
        for start, answer in self.answers.items():
            if line.startswith(start):
                if isinstance(answer, ConvergeError):
                    raise answer
                return answer
        return ""


def replace_command(
    monkeypatch: pytest.MonkeyPatch, module: Any, answers: Mapping[str, str | ConvergeError]
) -> Commands:
    commands = Commands(answers)
    monkeypatch.setattr(module, "command", commands)
    return commands


NO_SERVER = ConvergeError("no server")


def replace_client(
    monkeypatch: pytest.MonkeyPatch, answers: Mapping[str, str | ConvergeError]
) -> None:
    """MariaDB's client: answers by the beginning of a query; what fails is passed over."""

    def client(argv: Sequence[str], *, stdin: str) -> str:
        assert "--force" in argv[-1]
        told = ""
        for mark, query in re.findall(r"SELECT '(scs-answer-\d+)';\n(.+);", stdin):
            answer = next(text for start, text in answers.items() if query.startswith(start))
            if answer is NO_SERVER:
                raise answer
            told += f"{mark}\n" + ("" if isinstance(answer, ConvergeError) else answer)
        return told

    monkeypatch.setattr(database, "command", client)
