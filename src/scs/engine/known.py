# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What options the release's services know: collected once, kept in the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from scs.model.component import Component
from scs.plan import own
from scs.plan.options import Known, from_values
from scs.providers.local import layers
from scs.release import Release
from scs.release.options import load
from scs.shell import Say

PYPI = "pypi:"


class KnownOptions:
    """By service. The components say which packages make up a service."""

    def __init__(self, cache_folder: Path, release: Release, parts: Iterable[Component]) -> None:
        self._cache = cache_folder
        self._release = release
        self._packages: dict[str, set[str]] = {}
        for part, declared in own.configs(parts):
            if declared.service and part.source.startswith(PYPI):
                home = self._packages.setdefault(declared.service, set())
                home.add(part.source.removeprefix(PYPI))
        self.of = cache(self._of)

    @property
    def _wanted(self) -> list[str]:
        return sorted(set().union(*self._packages.values()))

    @property
    def folder(self) -> Path:
        return layers.options_path(self._cache, self._release, self._wanted)

    @property
    def there(self) -> bool:
        return self.folder.is_dir()

    def _of(self, service: str) -> Known | None:
        """What a service knows; None when it was not asked yet."""
        found: dict[str, dict[str, object]] = {}
        for package in self._packages.get(service, ()):
            for section, options in (load(self.folder, package) or {}).items():
                found.setdefault(section, {}).update(options)
        return from_values(found) if found else None  # type: ignore[arg-type]

    def collect(self, base: Callable[[], Path], say: Say) -> None:
        """Ask the services, with the nodes' Python of the base layer; does nothing when done."""
        if not self.there:
            layers.build_options(self._cache, self._release, base(), self._wanted, say)
