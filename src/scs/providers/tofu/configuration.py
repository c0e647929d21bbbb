# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The configuration that OpenTofu gets, and how two of them differ. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from scs.providers.tofu.cloud_init import HOST_KEYS
from scs.providers.tofu.platforms import Platform
from scs.providers.tofu.site import Block, Site, owner

Configuration = dict[str, Any]


def configuration(platform: Platform, site: Site) -> Configuration:
    """What makes the machines of a cloud, without any secret."""
    resources: dict[str, dict[str, Block]] = {}
    for part in (platform.shared(site), *(platform.machine(site, one) for one in site.machines)):
        for kind, blocks in part.items():
            resources.setdefault(kind, {}).update(blocks)
    made: Configuration = {
        "terraform": {
            "required_providers": {
                platform.local_name: {
                    "source": platform.plugin,
                    "version": platform.version,
                }
            }
        },
        "provider": {platform.local_name: platform.settings(site)},
        "variable": {HOST_KEYS: {"type": "map(string)", "sensitive": True}},
        "resource": resources,
    }
    if there := platform.looked_up(site):
        made["data"] = there
    return made


def text_of(made: Configuration) -> str:
    """As the file main.tf.json has it."""
    return json.dumps(made, indent=1) + "\n"


def with_kept(new: Configuration, old: Configuration, names: Collection[str]) -> Configuration:
    """The new one, with machines of the old one that stay as they were."""
    resources = {kind: dict(blocks) for kind, blocks in new["resource"].items()}
    for kind, name, block in _blocks(old):
        if owner(name) in names:
            resources.setdefault(kind, {}).setdefault(name, block)
    data = {kind: dict(blocks) for kind, blocks in new.get("data", {}).items()}
    for kind, blocks in old.get("data", {}).items() if names else ():
        data[kind] = {**blocks, **data.get(kind, {})}  # they may refer to it
    return {**new, "resource": resources, **({"data": data} if data else {})}


def without(old: Configuration, machine: str) -> Configuration:
    """The old one, with a machine less."""
    resources: dict[str, dict[str, Block]] = {}
    for kind, name, block in _blocks(old):
        if owner(name) != machine:
            resources.setdefault(kind, {})[name] = block
    return {**old, "resource": resources}


def addresses(made: Configuration, names: Collection[str]) -> frozenset[str]:
    """What these machines are made of, as OpenTofu calls it."""
    return frozenset(f"{kind}.{name}" for kind, name, _ in _blocks(made) if owner(name) in names)


def different(new: Configuration, old: Configuration) -> tuple[set[str], bool]:
    """The machines that are written otherwise, and whether anything else is."""
    left, right = (
        {(kind, name): _kept_up(block) for kind, name, block in _blocks(made)}
        for made in (new, old)
    )
    changed = {key for key in {*left, *right} if left.get(key) != right.get(key)}
    machines = {found for _, name in changed if (found := owner(name))}
    rest = any(not owner(name) for _, name in changed)
    heads = [{key: made.get(key) for key in ("terraform", "provider")} for made in (new, old)]
    return machines, rest or heads[0] != heads[1]


def _kept_up(block: Block) -> Block:
    """What of a block is still looked at once it was made."""
    stays = block.get("lifecycle", {}).get("ignore_changes", ())
    return {key: value for key, value in block.items() if key not in (*stays, "lifecycle")}


def _blocks(made: Mapping[str, Any]) -> Iterator[tuple[str, str, Block]]:
    for kind, blocks in made.get("resource", {}).items():
        for name, block in blocks.items():
            yield kind, name, block
