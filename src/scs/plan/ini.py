# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Services' INI files: reading them, and merging settings into them option by option.

They are read as oslo.config reads them: `=` or `:` after the name, comments with `#` or `;`,
lines that begin with a blank continue the value above, an option that comes again has several
values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scs.errors import Problem
from scs.model.overrides import Setting

_MARK = re.compile("\x00([^\x00\n]*)\x00")


class Repeated(tuple[str, ...]):
    """The values of an option that comes several times; each gets a line."""

    __slots__ = ()


@dataclass(frozen=True)
class Composed:
    """A file's text, and who wanted what in it."""

    text: str
    candidates: tuple[Setting, ...]
    """Weakest first: of those for the same option the last one holds."""


def text(value: Any) -> str:
    """An option's value as oslo.config reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(text(item) for item in value)
    return str(value)


def same(name: str) -> str:
    """One spelling for `log-dir` and `log_dir`: oslo.config looks for the latter first."""
    return name.replace("-", "_")


def mark(where: str) -> str:
    """A mark to be put before an option, which tells `compose` where it was written."""
    return f"\x00{where}\x00"


def unmarked(base: str) -> str:
    return _MARK.sub("", base)


def compose(base: str, layers: Iterable[Setting], source: str = "component") -> Composed:
    """The INI text `base`, which may hold marks, with the layers merged in, weakest first."""
    layers = tuple(layers)
    plain = unmarked(base)
    marks = {
        number: found[1]
        for number, line in enumerate(base.split("\n"), 1)
        if (found := _MARK.match(line))
    }
    settings, _ = parse(plain, lambda line: marks.get(line, ""), source)
    return Composed(layered(plain, layers), (*settings, *layers))


def layered(base: str, layers: Iterable[Setting]) -> str:
    """The text alone, as `compose` gives it, at a fraction of the cost."""
    wanted: dict[str, dict[str, Any]] = {}
    for item in layers:
        wanted.setdefault(item.section, {})[item.option] = Repeated(item.values)
    return merge(unmarked(base), wanted)


def parse(
    base: str, where: Callable[[int], str], source: str = "config"
) -> tuple[tuple[Setting, ...], list[Problem]]:
    """The settings of an INI text, and what is wrong with it; `where` names a line."""
    problems: list[Problem] = []
    found: dict[tuple[str, str], tuple[str, list[str]]] = {}
    section = ""
    current: list[str] | None = None
    for number, line in enumerate(base.replace("\r\n", "\n").split("\n"), 1):
        stripped = line.strip()
        if not stripped:
            current = None
        elif stripped[0] in "#;":
            continue
        elif line[0] in " \t":
            if current is None:
                hint = "take the blanks at its start away"
                problems.append(Problem(where(number), "continues no option", hint))
            else:
                current[-1] += f"\n{stripped}"
        elif stripped.startswith("["):
            current = None
            match = re.fullmatch(r"\[\s*([^\[\]]*[^\[\]\s])\s*\]", stripped)
            if match is None:
                what = f"expected a section such as [DEFAULT], got {stripped[:40]!r}"
                problems.append(Problem(where(number), what, "close the bracket: [NAME]"))
                section = "?"
                continue
            section = match[1]
        elif match := re.match(r"([^=:\s]+)\s*[=:]\s*(.*)", stripped):
            name, value = match[1], match[2]
            if not section:
                what = f"{name} stands in no section"
                problems.append(Problem(where(number), what, "write [DEFAULT] above it"))
            current = found.setdefault((section, name), (where(number), []))[1]
            current.append(value)
        else:
            current = None
            what = f"expected `option = value`, got {stripped[:40]!r}"
            problems.append(Problem(where(number), what, "comments start with #"))
    settings = tuple(
        Setting(part, name, tuple(values), place, source)
        for (part, name), (place, values) in found.items()
        if part != "?"
    )
    return settings, problems


def _lines(name: str, value: Any) -> list[str]:
    values = value if isinstance(value, Repeated) else (text(value),)
    return [
        line
        for item in values
        for line in f"{name} = {item}".rstrip().replace("\n", "\n    ").split("\n")
    ]


def merge(base: str, options: Mapping[str, Mapping[str, Any]]) -> str:
    """The INI text with these options (section → option → value) set.

    An option that is there already is replaced where it stands, with all its values; others
    are added at the end of their section, and missing sections at the end of the file.
    """
    wanted = {section: dict(values) for section, values in options.items() if values}
    left = {section: dict(values) for section, values in wanted.items()}
    out: list[str] = []
    section = ""
    here = wanted.get(section, {})
    replaced = False

    def flush() -> None:
        for option, value in left.pop(section, {}).items():
            out.extend(_lines(option, value))

    for line in base.splitlines():
        if line.startswith("[") and line.rstrip().endswith("]"):
            while out and not out[-1]:
                out.pop()
            flush()
            if out:
                out.append("")
            section = line.strip()[1:-1].strip()
            here = wanted.get(section, {})
            out.append(f"[{section}]")
            replaced = False
            continue
        if replaced and line[:1] in (" ", "\t") and line.strip():
            continue  # the rest of a value that is gone
        name = line.split("=", 1)[0].strip() if here and "=" in line else None
        replaced = name in here and line[:1] not in ("#", ";")
        if not replaced:
            out.append(line)
        elif name is not None and name in left.get(section, {}):
            out.extend(_lines(name, left[section].pop(name)))
    flush()
    while out and not out[-1]:
        out.pop()
    for section in list(left):
        out += ["", f"[{section}]"]
        flush()
    return "\n".join(out).strip("\n") + "\n"
