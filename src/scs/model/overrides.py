# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an operator has put beside cloud.yaml, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Setting:
    """One option of an INI file with the value that one place gives it."""

    section: str
    option: str
    values: tuple[str, ...]
    """Several for an option that is there several times: each is a line of its own."""
    where: str
    """As a person finds it: a file with its line."""
    source: str = "config"
    """What kind of place: `release`, `component`, `template`, `policy`, `cloud.yaml`, `config`."""

    @property
    def key(self) -> tuple[str, str]:
        return self.section, self.option


@dataclass(frozen=True)
class SettingsFile:
    """One of the operator's INI files."""

    path: str
    """Relative to the folder of cloud.yaml."""
    service: str
    settings: tuple[Setting, ...]


@dataclass(frozen=True)
class OwnText:
    """A file of the operator's that is taken as it is."""

    path: str
    """Relative to the folder of cloud.yaml."""
    text: str


@dataclass(frozen=True)
class Overrides:
    """All that lies beside cloud.yaml and counts; nothing by default."""

    settings: tuple[SettingsFile, ...] = ()
    """Those that count for all files of a service first, in the order in which they are read."""
    policies: Mapping[str, OwnText] = field(default_factory=dict)
    """By service."""
    templates: Mapping[tuple[str, str], OwnText] = field(default_factory=dict)
    """By component and name of the template."""
    drop_ins: Mapping[tuple[str, str], OwnText] = field(default_factory=dict)
    """By unit (with .service) and name of the drop-in."""
    lines: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    """Service, section and option → line of cloud.yaml; only where somebody wants to know."""
