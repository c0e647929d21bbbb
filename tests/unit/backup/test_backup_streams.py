# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the bytes of a backup go through."""

from __future__ import annotations

import gzip
import io
import os
from typing import Any

import pytest

from scs.engine.backup import streams
from scs.errors import ScsError


@pytest.mark.parametrize("size", [0, 1, streams.BLOCK, streams.BLOCK + 1, 3_000_001])
def test_streams_come_back_as_they_were(size: int) -> None:
    data = os.urandom(size // 2) + bytes(size - size // 2)
    there, back, out = streams.Measure("key"), streams.Measure("key"), io.BytesIO()
    packing = streams.Packing(io.BytesIO(data), there)
    unpacking = streams.Unpacking(out.write, back)
    while block := packing.read(8192):
        assert len(block) <= 8192
        unpacking.write(block)
    unpacking.close()
    assert out.getvalue() == data
    assert (there.size, there.sum) == (back.size, back.sum) == (size, there.sum)


def test_no_more_than_a_block_is_in_memory() -> None:
    most = 0

    def give(data: bytes) -> None:
        nonlocal most
        most = max(most, len(data))

    unpacking = streams.Unpacking(give, streams.Measure(""))
    unpacking.write(gzip.compress(bytes(20_000_000)))
    unpacking.close()
    assert most <= streams.BLOCK


@pytest.mark.parametrize("cut", [1, 8, 100])
def test_a_stream_that_ends_too_early_is_found(cut: int) -> None:
    unpacking = streams.Unpacking(lambda _: None, streams.Measure(""))
    unpacking.write(gzip.compress(os.urandom(1000))[:-cut])
    with pytest.raises(ValueError, match="too early"):
        unpacking.close()


def test_errors_beside_a_pipe_are_told() -> None:
    def fails(_: Any) -> None:
        raise ScsError

    with pytest.raises(ScsError), streams.pipe(fails, writes=True) as stream:
        stream.read()
    with pytest.raises(ScsError), streams.pipe(fails, writes=False) as stream:
        stream.write(b"x")
