# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a component says of its data: how a backup gets them, and how they come back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scs.model.needs import Need

if TYPE_CHECKING:
    from scs.model.view import View

Argv = tuple[str, ...]
"""A command on a node, run as root. It is in process lists, so no secret is."""


def shell(*lines: str) -> Argv:
    """These lines in a shell that ends at the first one that fails, and leaves nobody a file."""
    return ("sh", "-euc", "\n".join(("umask 077", *lines)))


SCRATCH = ("scratch=$(mktemp -d)", "trap 'rm -rf \"$scratch\"' EXIT", "trap 'exit 1' HUP INT TERM")
"""Lines for `shell`: a folder that is gone when it ends."""
LISTED = shell('echo "$(tar --list | wc -l) files"')
"""Proves an archive."""


@dataclass(frozen=True)
class Saved:
    """A stream that holds some of a component's data, as they are at one moment."""

    name: str
    """What it is of, in a word: its file in the backup is named after it."""
    save: Argv
    """Writes it to standard output; ends well only when it is whole."""
    load: Argv = ()
    """Takes it from standard input in place of what is there, as often as it likes: one that was
    killed is done again. Empty: nothing loads it, a person may need it."""
    proves: Argv = ()
    """Takes it from standard input to a place where nobody else is, ends well when it could be
    loaded, and says in a line what it holds. Leaves nothing."""
    ends: str = ""
    """The last words of a whole one."""
    each: bool = False
    """Every node has its own; else what the first of its nodes has holds for all."""
    bulk: bool = False
    """Large, and not needed to have the cloud again: only in a backup that is to have it."""
    shuts_out: tuple[type[Need], ...] = ()
    """Components with such a need write to it, so they are stopped while it is loaded."""
    outdates: tuple[type[Need], ...] = ()
    """Who gives one of these has remembered what it said before, so it is started anew, empty."""
    of: tuple[str, ...] = ()
    """Those of the paths in `keeps` that it is from."""
    when: Callable[[View], bool] = lambda _: True
