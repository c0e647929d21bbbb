# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where things live on the machine that scs runs on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """The folders of one cloud. `state` is mode 0700: it holds its secrets and its CA."""

    state: Path
    """Secrets, CA, journal, clouds.yaml, the nodes' own file systems: gone after `down`."""
    cache: Path
    """What can be had again: layers, environments, images; shared by all clouds here."""

    @property
    def identity(self) -> Path:
        """What opens the encrypted files of `state`; elsewhere, so that a copy has no use for it.

        Named after the state folder: two clouds never share one.
        """
        folder = Path(os.environ.get("SCS_IDENTITIES", "/etc/scs/identities"))
        return folder / str(self.state.absolute()).strip("/").replace("/", "-")

    @classmethod
    def of(cls, cloud: str) -> Paths:
        """The folders of the cloud of that name; SCS_STATE and SCS_CACHE move them."""
        state = Path(os.environ.get("SCS_STATE", "/var/lib/scs"))
        cache = Path(os.environ.get("SCS_CACHE", "/var/cache/scs"))
        return cls(state=state / cloud, cache=cache)
