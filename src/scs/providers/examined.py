# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Asking many things at once, none of which can spoil the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from scs.errors import ScsError
from scs.model.finding import Finding, Level


def examined(asked: Sequence[tuple[str, Callable[[], Iterable[Finding]]]]) -> list[Finding]:
    """Ask all at once; one that fails is a finding like others."""

    def answer(subject: str, ask: Callable[[], Iterable[Finding]]) -> list[Finding]:
        try:
            return list(ask())
        except ScsError as error:
            return [Finding(subject, Level.BAD, str(item), item.hint) for item in error.problems]
        except Exception as error:  # whatever it is, the others are still to be told
            what = f"could not be examined: {type(error).__name__}: {error}"
            return [Finding(subject, Level.BAD, what, "scs -v doctor")]

    with ThreadPoolExecutor(len(asked)) as pool:
        found = pool.map(lambda pair: answer(*pair), asked)
    return [finding for findings in found for finding in findings]
