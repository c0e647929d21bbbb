# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The components: one folder each. A folder that is here is a component, without any list."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from pathlib import Path

from scs.errors import BadInput, Problem
from scs.model.component import Component

HERE = Path(__file__).parent


def discover(*more: Path) -> dict[str, tuple[Component, Path]]:
    """All components that lie here and in these further folders; name → component, its folder.

    Raises BadInput for a folder that does not declare one, or declares a known name again.
    """
    found: dict[str, tuple[Component, Path]] = {}
    for folder in (HERE, *more):
        for info in pkgutil.iter_modules([str(folder)]):
            path = folder / info.name
            if folder == HERE:
                module = importlib.import_module(f"{__name__}.{info.name}")
            else:
                spec = importlib.util.spec_from_file_location(
                    f"scs_component_{info.name}", path / "__init__.py"
                )
                if spec is None or spec.loader is None:
                    raise BadInput(Problem(str(path), "is not a component's folder"))
                module = importlib.util.module_from_spec(spec)
                # Where dataclasses (needs of its own, say) look for the names in their types.
                sys.modules[spec.name] = module
                try:
                    spec.loader.exec_module(module)
                except Exception as error:
                    what = f"cannot be loaded: {type(error).__name__}: {error}"
                    raise BadInput(Problem(str(path), what)) from error
            part = getattr(module, "component", None)
            if not isinstance(part, Component):
                raise BadInput(Problem(str(path), "does not declare `component = Component(…)`"))
            if part.name in found:
                raise BadInput(Problem(str(path), f"{part.name} is declared in another folder too"))
            found[part.name] = (part, path)
    return found
