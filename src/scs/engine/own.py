# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reading what an operator has put beside cloud.yaml, and all that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from scs.errors import BadInput, Problem
from scs.model.overrides import Overrides, OwnText, SettingsFile
from scs.plan import ini
from scs.plan.words import hint
from scs.spec.document import read as read_yaml

MAX_BYTES = 1 << 20
"""Of one file: no configuration is that long."""
POLICY = "policy.yaml"


def read(folder: Path) -> tuple[Overrides, list[Problem]]:
    """The operator's files in a folder, and what is wrong with them. Changes nothing.

    Names of services, components and units are checked by plan/own.py, against what there is.
    """
    reading = _Reading(folder)
    overrides = Overrides(
        settings=tuple(reading.settings()),
        policies=reading.policies(),
        templates=reading.two_deep("templates", ".j2", lambda name: name),
        drop_ins=reading.two_deep("systemd", ".conf", _unit),
    )
    return overrides, reading.problems


def _unit(folder: str) -> str | None:
    return folder.removesuffix(".d") if folder.endswith(".service.d") else None


class _Reading:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.problems: list[Problem] = []

    def _wrong(self, where: str, what: str, advice: str) -> None:
        self.problems.append(Problem(where, what, advice))

    def _entries(self, name: str) -> Iterator[tuple[str, Path]]:
        """What is in one of our folders, by name, without what editors and people leave there."""
        path = self._folder / name
        if not path.exists():
            return
        try:
            found = sorted(path.iterdir())
        except OSError as error:
            self._wrong(name, f"it can't be read: {error.strerror}", "it should be a folder")
            return
        for entry in found:
            if not entry.name.startswith((".", "README")) and not entry.name.endswith(
                ("~", ".bak")
            ):
                yield f"{name}/{entry.name}", entry

    def _text(self, name: str, path: Path) -> str | None:
        try:
            if not path.is_file():
                self._wrong(name, "expected a file", "put a file here, or take it away")
                return None
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            self._wrong(name, f"it can't be read: {error.strerror}", "run as its owner, or as root")
            return None
        if len(data) > MAX_BYTES:
            self._wrong(name, "is longer than 1 MiB", "no configuration is that long")
            return None
        try:
            text = data.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            self._wrong(f"{name}:{line}", "is no UTF-8", "save it as UTF-8")
            return None
        for number, line_text in enumerate(text.split("\n"), 1):
            bad = [char for char in line_text if ord(char) < 32 and char != "\t"]
            if bad:
                what = f"there is a control character ({bad[0]!r})"
                self._wrong(f"{name}:{number}", what, "take it out")
                return None
        return text

    def settings(self) -> Iterator[SettingsFile]:
        """config/SERVICE.conf, then config/SERVICE/*.conf by name."""
        folders: list[tuple[str, Path]] = []
        for name, path in self._entries("config"):
            if path.is_dir():
                folders.append((name, path))
            elif path.suffix == ".conf":
                yield from self._settings_file(name, path, path.stem)
            else:
                self._wrong(name, "is not read", "expected SERVICE.conf or a folder SERVICE")
        for above, folder in folders:
            for name, path in self._entries(above):
                if path.suffix == ".conf":
                    yield from self._settings_file(name, path, folder.name)
                elif path.name != POLICY:
                    advice = hint(path.name, [POLICY])
                    if "did you" not in advice:
                        advice = f"options are read from *.conf, policies from {POLICY}"
                    self._wrong(name, "is not read", advice)

    def _settings_file(self, name: str, path: Path, service: str) -> Iterator[SettingsFile]:
        text = self._text(name, path)
        if text is None:
            return
        found, problems = ini.parse(text, lambda line: f"{name}:{line}")
        self.problems += problems
        yield SettingsFile(name, service, found)

    def policies(self) -> dict[str, OwnText]:
        found: dict[str, OwnText] = {}
        for above, folder in self._entries("config"):
            path = folder / POLICY
            if not folder.is_dir() or not path.exists():
                continue
            name = f"{above}/{POLICY}"
            if (text := self._text(name, path)) is not None:
                self.problems += policy_problems(name, text)
                found[folder.name] = OwnText(name, text)
        return found

    def two_deep(
        self, top: str, suffix: str, named: Callable[[str], str | None]
    ) -> dict[tuple[str, str], OwnText]:
        """TOP/FOLDER/FILE with that suffix; `named` says what a folder's name means."""
        found: dict[tuple[str, str], OwnText] = {}
        for above, folder in self._entries(top):
            owner = named(folder.name)
            if owner is None or not folder.is_dir():
                self._wrong(above, "is not read", f"expected {top}/{_SHAPES[top]}")
                continue
            for name, path in self._entries(above):
                if path.suffix != suffix:
                    self._wrong(name, "is not read", f"expected {top}/{_SHAPES[top]}")
                elif (text := self._text(name, path)) is not None:
                    found[owner, path.name] = OwnText(name, text)
        return found


_SHAPES = {"templates": "COMPONENT/FILE.j2", "systemd": "UNIT.service.d/NAME.conf"}


def policy_problems(name: str, text: str) -> list[Problem]:
    """What oslo.policy would not take: it wants a mapping of names to rules, both text."""
    try:
        document = read_yaml(text.encode(), name)
    except BadInput as error:
        return list(error.problems)
    problems = [complaint.problem(name) for complaint in document.complaints]
    tree = document.tree
    if tree.entries is None:
        if tree.value is not None or tree.items is not None:
            advice = 'write lines of "rule": "check"'
            problems.append(Problem(f"{name}:{tree.mark.line}", "expected a mapping", advice))
        return problems
    for rule, value in tree.entries.items():
        if not isinstance(value.value, str):
            what = f"{rule}: expected a rule in quotes, got {value.describe()}"
            advice = 'such as "role:admin"; "!" forbids, "" allows'
            problems.append(Problem(f"{name}:{value.mark.line}", what, advice))
    return problems
