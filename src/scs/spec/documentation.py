# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""What may stand in cloud.yaml, for people and for editors; both made from the model."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from scs.spec.document import MAX_BYTES
from scs.spec.first_file import starter
from scs.spec.kinds import Kind
from scs.spec.loading import is_list, models_of
from scs.spec.model import CloudSpec
from scs.spec.rules import RULES

_HEAD = """\
<!--
SPDX-FileCopyrightText: 2026 The scs authors
SPDX-License-Identifier: AGPL-3.0-or-later
Written by `python -m scs.spec reference`; change the model, not this file.
-->

# cloud.yaml

The one file that you write: what the cloud shall be. Every key is optional, and what you leave
out has the default shown here; an empty file is a cloud of one node on this machine. `scs init`
writes this one:

```yaml
{starter}```

All problems of the file are told at once, each with line, column and what would be right, before
anything is touched.

## Keys

A key with a dot lies inside another: `compute.virt` is written `compute: {{virt: auto}}`, or on
two lines. `nodes[]` stands for each entry of the list.
"""

_YAML = """
## How the file is read

As YAML 1.2 in UTF-8, at most {kib} KiB, one document, indented with spaces. `no` and `off` are
text; only `true` and `false` are truth values. A section with nothing in it, as when all its
lines are commented out, has its defaults. Refused, because programs read it differently or
because it hides what a file says: a key written twice, references (`&`, `*`, `<<`), tags (`!…`),
and numbers such as `010`, `1_000` or `10:30`, which mean text in quotes and nothing without.
Passwords and keys have no place in the file: scs makes them and keeps them
in files that only root can read.
"""


def reference() -> str:
    """docs/cloud-yaml.md: each key with type, default, meaning and example."""
    blocks = [_HEAD.format(starter=starter()), *_section(CloudSpec, CloudSpec().filled(), "")]
    blocks.append("\n## What must agree\n")
    blocks += [f"- {inspect.getdoc(rule)}" for rule in RULES]
    blocks.append(_YAML.format(kib=MAX_BYTES // 1024))
    return "\n".join(blocks)


def schema() -> dict[str, Any]:
    """The same as JSON schema (2020-12), for editors. It can't say what must agree."""
    made = CloudSpec.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def _section(model: type[BaseModel], default: Any, prefix: str) -> Iterator[str]:
    """The keys of a mapping, then the mappings in it."""
    rows: list[str] = []
    inner: list[tuple[type[BaseModel], Any, str]] = []
    for name, info in model.model_fields.items():
        key = info.alias or name
        value = default.get(key) if isinstance(default, dict) else _default(info)
        models = list(models_of(info.annotation))
        listed = is_list(info.annotation)
        inner += [
            (
                found,
                value[0] if listed and value else value,
                f"{prefix}{key}[]." if listed else f"{prefix}{key}.",
            )
            for found in models
        ]
        if info.description:
            rows += _key(f"{prefix}{key}", info, value)
    if prefix:
        yield f"\n### {prefix.removesuffix('.')}\n\n{inspect.getdoc(model)}"
    yield from ["", *rows] if prefix and rows else rows
    for found, value, path in inner:
        yield from _section(found, value, path)


def _default(info: FieldInfo) -> Any:
    """What a key of an entry has when nobody writes it: a file without entries shows none."""
    if info.is_required():
        return None
    value = info.get_default(call_default_factory=True)
    return list(value) if isinstance(value, tuple) else value


def _key(path: str, info: FieldInfo, default: Any) -> Iterator[str]:
    """One key, as an entry of a list."""
    shown = "none, the key must be there" if info.is_required() else f"`{_flow(default)}`"
    key = path.rpartition(".")[2]
    yield f"- **`{path}`**: {info.description}"
    yield f"  - type: {_type(info)}"
    yield f"  - default: {shown}"
    for example in info.examples or []:
        yield f"  - example: `{key}: {example}`"


def _flow(value: Any) -> str:
    """A value as YAML on one line."""
    text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=1000)
    return text.removesuffix("\n").removesuffix("\n...")


def _type(info: FieldInfo) -> str:
    """What a person writes there."""
    origin = get_origin(info.annotation)
    found = [kind for part in (info.annotation, *info.metadata) for kind in _kinds(part)]
    if origin is Mapping:
        *names, value = found
        if len(names) == 1:
            return f"a mapping; keys: {names[0].expected}; values: {value.expected}"
        return f"a mapping of services, in it of sections, in it of options: {value.expected}"
    if is_list(info.annotation):
        return f"a list, each entry {found[0].expected}" if found else "a list of mappings"
    return found[0].expected


def _kinds(annotation: Any) -> Iterator[Kind]:
    """The kinds of value in an annotation, in the order they are written."""
    if isinstance(annotation, Kind):
        yield annotation
    elif get_origin(annotation) is Annotated:
        yield from (kind for kind in annotation.__metadata__ if isinstance(kind, Kind))
    else:
        for argument in get_args(annotation):
            yield from _kinds(argument)
