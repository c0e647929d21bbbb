# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Compiled templates are kept, and never stand in for a template that has changed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest

from scs.engine import compiled
from scs.plan import ini, templating

TEXT = "[DEFAULT]\nhost = {{ v }}\n"
PATH = "templates/gadget/gadget.j2"
"""Of an operator's own."""


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    for cached in (templating.environment, compiled.folder):
        cached.cache_clear()
    yield
    for cached in (templating.environment, compiled.folder):
        cached.cache_clear()


def filled(tmp_path: Path, *, own: str = "") -> str:
    """As a command does it that has just begun."""
    templating.environment.cache_clear()
    texts = ((PATH, own),) if own else ()
    here = templating.environment((str(tmp_path),), texts, str(tmp_path / "compiled"))
    return here.get_template(PATH if own else "gadget.j2").render(v="a")


@pytest.fixture
def template(tmp_path: Path) -> Path:
    (tmp_path / "compiled").mkdir()
    path = tmp_path / "gadget.j2"
    path.write_text(TEXT)
    return path


def no_compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    def compile_(*_args: object, **_values: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(jinja2.Environment, "compile", compile_)


def test_a_template_is_compiled_once(
    tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = filled(tmp_path)
    assert before == f"[DEFAULT]\n{ini.mark('gadget.j2:2')}host = a\n"
    no_compiling(monkeypatch)
    assert filled(tmp_path) == before
    template.write_text(TEXT + "\n")
    with pytest.raises(AssertionError, match="compiled again"):
        filled(tmp_path)


def test_a_changed_template_counts_at_once(tmp_path: Path, template: Path) -> None:
    assert "host" in filled(tmp_path)
    template.write_text(TEXT.replace("host", "name"))
    assert "name = a" in filled(tmp_path)


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_what_cannot_be_read_is_compiled_again(
    tmp_path: Path, template: Path, damage: bytes | None
) -> None:
    before = filled(tmp_path)
    (kept,) = (tmp_path / "compiled").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert filled(tmp_path) == before
    # The end of what begins well.
    kept.write_bytes(whole[:24])
    assert filled(tmp_path) == before
    assert kept.read_bytes() == whole


def test_a_folder_that_is_gone_stops_nobody(tmp_path: Path, template: Path) -> None:
    (tmp_path / "compiled").rmdir()
    assert "host = a" in filled(tmp_path)


def test_an_operators_own_template_is_not_kept(tmp_path: Path, template: Path) -> None:
    assert "other = a" in filled(tmp_path, own=TEXT.replace("host", "other"))
    assert not list((tmp_path / "compiled").iterdir())


def test_they_lie_in_the_environment_of_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    first = Path(compiled.folder(str(tmp_path)))
    assert first.is_dir()
    assert first.is_relative_to(tmp_path)
    # What marks options is compiled into them.
    other = tmp_path / "templating.py"
    other.write_bytes(Path(str(templating.__file__)).read_bytes() + b"\n")
    monkeypatch.setattr(templating, "__file__", str(other))
    compiled.folder.cache_clear()
    assert Path(compiled.folder(str(tmp_path))) != first


def test_they_are_kept_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "file").touch()
    assert compiled.folder(sys.base_prefix) == ""
    assert compiled.folder(str(tmp_path / "file")) == ""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    compiled.folder.cache_clear()
    assert compiled.folder(str(tmp_path)) == ""
