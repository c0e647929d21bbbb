# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a platform says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from scs.providers.tofu.site import Block, Machine, Site


@dataclass(frozen=True)
class Platform:
    """How machines are made somewhere."""

    name: str
    plugin: str
    """OpenTofu's name of it, without the registry: `NAMESPACE/TYPE`."""
    version: str
    """The plugin's, as the configuration below was written for it."""
    settings: Callable[[Site], Block]
    """What the plugin is told; credentials reach it by its environment."""
    shared: Callable[[Site], Mapping[str, Mapping[str, Block]]]
    """What all machines have in common: kind → name → block."""
    machine: Callable[[Site, Machine], Mapping[str, Mapping[str, Block]]]
    """What one machine is made of, each named by `of_node`."""
    looked_up: Callable[[Site], Mapping[str, Mapping[str, Block]]]
    """What is there already and referred to, as `shared`."""

    @property
    def local_name(self) -> str:
        """The plugin's name within the configuration."""
        return self.plugin.rpartition("/")[2]
