# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""All resources: how they are sent to nodes, and the commands that they run there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from own_files import directory, file, link
from scs.resources import ConvergeError, Packages, QueueAccounts, Resource, Unit, build
from scs.resources.base import command


def test_payloads_are_plain_and_come_back_equal(tmp_path: Path) -> None:
    wanted: list[Resource] = [
        file(tmp_path, after=("directory:/x",)),
        directory(tmp_path),
        link(tmp_path),
        Packages(name="p", packages=("a", "b"), component="c"),
        QueueAccounts(name="q", host="h", port=1, accounts=(("user", "password", "user"),)),
        Unit(name="u", reads=("/a",), ready={"type": "tcp", "host": "h", "port": 1}),
    ]
    for item in wanted:
        assert build(json.loads(json.dumps(item.payload()))) == item


@pytest.mark.parametrize(
    ("argv", "options", "message"),
    [
        (["no-such-command-here"], {}, "no-such-command-here: no such command"),
        (["sh", "-c", "seq 100; exit 3"], {}, r"(?s)ended with 3\n86\n.*\n100$"),
        (["sh", "-c", "echo so far; exec sleep 60"], {"timeout": 0.3}, r"(?s)longer.*so far"),
    ],
)
def test_commands_that_fail_tell_how_they_ended(
    argv: list[str], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConvergeError, match=message):
        command(argv, **options)
