# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is derived from the model of cloud.yaml: a first file, the reference, the schema."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from scs.errors import BadInput
from scs.spec import CloudSpec, parse, reference, schema, starter
from scs.spec.loading import places_of

ROOT = Path(__file__).parents[2]


def test_starter_teaches_the_defaults() -> None:
    text = starter()
    assert len(text.splitlines()) <= 40
    assert max(map(len, text.splitlines())) <= 100
    assert parse(text) == CloudSpec()
    # Every `#key: value` is true, too; the second node is an example, no default.
    lines = text.replace("#  - name: node-2\n#    roles: [compute]\n", "").splitlines()
    shown = "\n".join(re.sub("^#(?=[a-z]|  )", "", line) for line in lines)
    assert parse(shown).filled() == CloudSpec().filled()
    assert yaml.safe_load(shown).keys() == CloudSpec().filled().keys()


def test_starter_takes_a_name() -> None:
    assert parse(starter("other-1")).name == "other-1"
    for name in ("Other", "a\nregion: b", ""):
        with pytest.raises(BadInput, match="expected a lower-case letter"):
            starter(name)


def test_starter_with_its_example_is_right() -> None:
    text = starter().replace("#  - name", "  - name").replace("#    roles", "    roles")
    assert [node.name for node in parse(text).nodes()] == ["node-1", "node-2"]


def test_reference_is_up_to_date() -> None:
    text = (ROOT / "docs/cloud-yaml.md").read_text()
    assert text == reference(), "python -m scs.spec reference > docs/cloud-yaml.md"


def test_reference_has_every_key() -> None:
    text = reference()
    keys = text.replace("[]", "")
    for place in places_of(CloudSpec):
        path = ".".join(map(str, place))
        assert f"`{path}`" in keys or f"### {path}\n" in keys
    for example in re.findall(r"example: `(.+)`", text):
        yaml.safe_load(example)


def test_schema_knows_every_key() -> None:
    found = schema()
    assert found["$schema"].startswith("https://json-schema.org/")
    assert found["properties"].keys() == CloudSpec().filled().keys()
    assert found["additionalProperties"] is False
    assert found["properties"]["compute"]["default"] == {"virt": "auto"}


@pytest.mark.parametrize(
    ("words", "code", "start"),
    [
        (["reference"], 0, "<!--"),
        (["schema"], 0, "{"),
        (["starter"], 0, "# A cloud"),
        ([], 3, ""),
        (["x"], 3, ""),
    ],
)
def test_command(
    words: list[str], code: int, start: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from scs.spec.__main__ import main

    assert main(words) == code
    out, err = capsys.readouterr()
    assert out.startswith(start)
    assert bool(err) == bool(code)
