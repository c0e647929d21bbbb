# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Merging an operator's options into a service's INI file, option by option."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def text(value: Any) -> str:
    """An option's value as oslo.config reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(text(item) for item in value)
    return str(value)


def merge(base: str, options: Mapping[str, Mapping[str, Any]]) -> str:
    """The INI text with these options (section → option → value) set.

    An option that is there already is replaced where it stands; others are added at the end
    of their section, and missing sections at the end of the file.
    """
    left = {section: dict(values) for section, values in options.items() if values}
    out: list[str] = []
    section = ""

    def flush() -> None:
        for option, value in left.pop(section, {}).items():
            out.append(f"{option} = {text(value)}")

    for line in base.splitlines():
        if line.startswith("[") and line.rstrip().endswith("]"):
            while out and not out[-1]:
                out.pop()
            flush()
            if out:
                out.append("")
            section = line.strip()[1:-1]
            out.append(line)
            continue
        name = line.split("=", 1)[0].strip()
        mine = left.get(section, {})
        if "=" in line and name in mine:
            out.append(f"{name} = {text(mine.pop(name))}")
        else:
            out.append(line)
    flush()
    for section in list(left):
        out += ["", f"[{section}]"]
        flush()
    return "\n".join(out).strip("\n") + "\n"
