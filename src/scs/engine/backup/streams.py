# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the bytes of a backup go through, a block at a time: gzip, then age.

Whoever encrypts asks `Packing` for bytes, whoever decrypts gives them to `Unpacking`; both measure
what goes through in clear. pyrage turns what is raised in between into texts, so each remembers.
"""

from __future__ import annotations

import errno
import hmac
import os
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO

from scs.engine.vault import Reads

BLOCK = 1 << 16
GZIP = 31
"""zlib's word for a whole gzip file with its sum at the end."""
TAIL = 256
"""How many of the last bytes are looked at."""


class Measure:
    """Size, keyed sum and end of what goes through."""

    def __init__(self, key: str) -> None:
        self.size = 0
        self.tail = b""
        self._sum = hmac.new(key.encode(), digestmod=sha256)

    def add(self, data: bytes) -> None:
        self.size += len(data)
        self.tail = (self.tail + data)[-TAIL:]
        self._sum.update(data)

    @property
    def sum(self) -> str:
        """Tells equal contents apart from others, to those who know the key."""
        return self._sum.hexdigest()

    def ends(self, words: str) -> bool:
        """Whether the last words are these."""
        return self.tail.rstrip().endswith(words.encode())


class Packing:
    """Reads a stream and gives it compressed."""

    def __init__(self, source: Reads, measure: Measure) -> None:
        self._source = source
        self._measure = measure
        self._gzip = zlib.compressobj(6, zlib.DEFLATED, GZIP)
        self._ready = bytearray()
        self._ended = False
        self.error: Exception | None = None

    def read(self, size: int = BLOCK) -> bytes:
        try:
            while not self._ready and not self._ended:
                data = self._source.read(BLOCK)
                self._measure.add(data)
                self._ended = not data
                self._ready += self._gzip.compress(data) if data else self._gzip.flush()
        except Exception as error:
            self.error = error
            raise
        found = bytes(self._ready[:size])
        del self._ready[:size]
        return found


class Written:
    """A new file for its owner alone, with its size and SHA-256; the disk has it when it closes."""

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = os.open(path, flags, 0o600)
        self._sum = sha256()
        self.size = 0
        self.error: Exception | None = None

    def write(self, data: bytes) -> int:
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError as error:
            self.error = error
            raise
        self._sum.update(data)
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing to do before the end."""

    @property
    def sum(self) -> str:
        return self._sum.hexdigest()

    def close(self) -> None:
        try:
            os.fsync(self._file)
        finally:
            os.close(self._file)


class Unpacking:
    """Takes a compressed stream and gives what was in it on."""

    def __init__(self, give: Callable[[bytes], object], measure: Measure) -> None:
        self._give = give
        self._measure = measure
        self._gzip = zlib.decompressobj(GZIP)
        self.error: Exception | None = None

    def write(self, data: bytes) -> int:
        try:
            left = bytes(data)
            while left:
                self._pass(self._gzip.decompress(left, BLOCK))
                left = self._gzip.unconsumed_tail
        except zlib.error as error:
            self.error = ValueError(f"it is no gzip: {error}")
            raise self.error from error
        except Exception as error:
            self.error = error
            raise
        return len(data)

    def flush(self) -> None:
        """Nothing to do before the end."""

    def close(self) -> None:
        """Raises ValueError when the stream was not whole."""
        self._pass(self._gzip.flush())
        if not self._gzip.eof:
            raise ValueError("it ends too early")

    def _pass(self, data: bytes) -> None:
        if data:
            self._measure.add(data)
            self._give(data)


@contextmanager
def pipe(work: Callable[[IO[bytes]], None], *, writes: bool) -> Iterator[IO[bytes]]:
    """One end of a pipe whose other end is written (or read) by `work` beside this.

    What `work` raises is raised at the end.
    """
    reading, writing = os.pipe()
    mine, others = (reading, writing) if writes else (writing, reading)
    errors: list[BaseException] = []

    def run() -> None:
        try:
            with os.fdopen(others, "wb" if writes else "rb") as stream:
                work(stream)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    stream = os.fdopen(mine, "rb" if writes else "wb")
    thread.start()
    try:
        yield stream
    finally:
        # A reader that is not there any more ends the other side.
        try:
            stream.close()
        except OSError as error:
            if error.errno != errno.EPIPE:
                errors.append(error)
        thread.join()
    if errors:
        raise errors[0]


def sha256_of(path: Path) -> str:
    """The sum of a file, a block at a time."""
    found = sha256()
    with path.open("rb") as stream:
        while data := stream.read(1 << 20):
            found.update(data)
    return found.hexdigest()
