# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The look whether a part of an image is all zero, as Glance's driver for Ceph gets it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import scs.components.glance

TEMPLATE = Path(scs.components.glance.__file__).parent / "api.py.j2"


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The driver's module after Glance's API was loaded; both are stand-ins here."""
    names = ("glance_store", "glance_store._drivers", "glance_store._drivers.rbd")
    made = {name: ModuleType(name) for name in (*names, "glance", "glance.wsgi", "glance.wsgi.api")}
    loaded: Any = made
    loaded["glance_store._drivers"].rbd = made["glance_store._drivers.rbd"]
    loaded["glance.wsgi.api"].application = "the application"
    for name, module in made.items():
        monkeypatch.setitem(sys.modules, name, module)
    text = re.sub(r"\{#.*?#\}\n?", "", TEMPLATE.read_text(), flags=re.DOTALL)
    there: dict[str, Any] = {}
    exec(compile(text, str(TEMPLATE), "exec"), there)
    assert there["application"] == "the application"
    return made["glance_store._drivers.rbd"]


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        (bytes(4096), False),
        (bytes(4095) + b"x", True),
        (b"x" + bytes(4095), True),
        (b"", False),
        (iter([0, 0]), False),
        (["", "x"], True),
    ],
)
def test_it_answers_as_any_does(driver: Any, parts: Any, found: bool) -> None:
    assert driver.any(parts) is found
