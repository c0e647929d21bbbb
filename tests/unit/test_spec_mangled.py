# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whatever is in cloud.yaml, a person gets an answer and never a traceback."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from typing import Any

import yaml

from cloud_yaml import EVERYTHING, SERVICES
from scs.errors import BadInput
from scs.spec import CloudSpec, parse
from scs.spec.loading import places_of

SEED = 20260201
LEAVES = [place for place in places_of(CloudSpec) if place != ("config",)]
WRONG_VALUES: tuple[Any, ...] = (
    7,
    -1,
    0.5,
    True,
    "Ä ö",
    "x" * 300,
    "10.0.0.0/99",
    "::1",
    "\x1b[31m",
    "a\nb",
    [],
    [[]],
    [None],
    ["x", 1],
    {"x": 1},
    {"url": 5},
)
TRAPS = ("&a b", "*a", "!!str x", "010", "1_0", "10:21", ".nan", "{<<: x}", "@", "[", "'")


def nested(place: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """A file with that value at that place."""
    for part in reversed(place[1:]):
        value = {part: value}
    if place[0] == "nodes" and len(place) > 1:
        value = [{"name": "a", **value}]
    return {str(place[0]): value}


def misspelled(word: str, chance: random.Random) -> str:
    """The word with one slip of the hand."""
    index = chance.randrange(len(word))
    return chance.choice(
        [
            word[:index] + word[index + 1 :] + "_",
            word[:index] + "q" + word[index:],
            word.capitalize(),
        ]
    )


def malformed(chance: random.Random) -> Iterator[str | bytes]:
    """Files with one or more mistakes each."""
    for place in LEAVES:
        for value in WRONG_VALUES:
            yield yaml.safe_dump(nested(place, value), allow_unicode=True)
            yield yaml.safe_dump(nested(place, value), default_flow_style=True)
        for _ in range(3):
            wrong = (*place[:-1], misspelled(str(place[-1]), chance))
            yield yaml.safe_dump(nested(wrong, None))
        for trap in TRAPS:
            text = yaml.safe_dump(nested(place, "TRAP"), default_flow_style=True)
            yield text.replace("TRAP", trap)
    lines = EVERYTHING.splitlines(keepends=True)
    for index, line in enumerate(lines):
        yield "".join([*lines[: index + 1], line, *lines[index + 1 :]])  # written twice
        yield "".join([*lines[:index], "\t" + line, *lines[index + 1 :]])
    for _ in range(300):
        mangled = bytearray(EVERYTHING.encode())
        for _ in range(chance.randrange(1, 6)):
            index = chance.randrange(len(mangled))
            match chance.randrange(3):
                case 0:
                    mangled[index] = chance.choice(b"\0\t\n\r #&*!|>'\"%@`{}[],:?-~0_\x80\xff")
                case 1:
                    del mangled[index : index + chance.randrange(20)]
                case _:
                    mangled[index:index] = mangled[index : index + chance.randrange(20)]
        yield bytes(mangled)


# A few are right after all: `dns: []`, or a letter changed within a name.
MOST_RIGHT = 0.02


def test_malformed_files_are_answered() -> None:
    begin = time.process_time()
    files = right = 0
    for text in malformed(random.Random(SEED)):
        files += 1
        try:
            parse(text, services=SERVICES)
        except BadInput as error:
            for problem in error.problems:
                assert re.match(r"cloud\.yaml(:[1-9][0-9]*:[1-9][0-9]*)?$", problem.where), text
                assert problem.hint or "expected" in problem.what, (text, problem)
                assert str(problem).replace("\n    → ", "").isprintable(), (text, problem)
                line = int(problem.where.split(":")[1])
                source = text.encode() if isinstance(text, str) else text
                assert line <= len(re.split(rb"\r\n|\r|\n", source)), (text, problem)
        else:
            right += 1
    assert files >= 500
    assert right / files < MOST_RIGHT
    assert time.process_time() - begin < 150
