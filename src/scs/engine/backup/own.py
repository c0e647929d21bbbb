# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What scs itself keeps of a cloud, as an archive: its state folder, and what is beside cloud.yaml.

What opens the state's encrypted files, the identity, is not in it: it opens the backup.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from scs.errors import Problem, ScsError
from scs.private import write_private
from scs.spec import CloudSpec

NOTES = {"restoring.json", "updating.json"}
"""That something is under way."""
LEFT = frozenset({"certify", "inventory", "lock", "nodes", "records", "verify", *NOTES})
"""What is not taken: whole nodes, who runs now, and what can be had again."""
BESIDE = ("components", "config", "hooks", "policy", "systemd", "templates")
"""Folders beside cloud.yaml that count."""
SPEC = "cloud.yaml"
LAST = "secrets.age"
"""Put back after all else: where it is, the whole is."""


def archive(state: Path, file: Path | None, folder: Path, spec: CloudSpec, out: IO[bytes]) -> None:
    """Write it."""
    with tarfile.open(mode="w|", fileobj=out, dereference=True) as tar:
        for path in sorted(_files(path for path in state.iterdir() if path.name not in LEFT)):
            _add(tar, path, f"state/{path.relative_to(state)}")
        if file is not None and file.is_file():
            _add(tar, file, f"beside/{SPEC}")
        for path in sorted(set(_files(_beside(folder, spec)))):
            _add(tar, path, f"beside/{path.relative_to(folder)}")


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    with path.open("rb") as stream:  # the journal may grow while it is read
        entry = tar.gettarinfo(arcname=name, fileobj=stream)
        tar.addfile(entry, stream)


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """All plain files there and below."""
    for path in paths:
        if path.is_dir():
            yield from _files(path.iterdir())
        elif path.is_file() and not path.name.endswith(".pyc"):
            yield path


def _beside(folder: Path, spec: CloudSpec) -> Iterator[Path]:
    for name in BESIDE:
        yield folder / name
    for text in _texts(spec.external.model_dump()):
        # What the operator brings along; what lies elsewhere is theirs to keep.
        if text and not Path(text).is_absolute() and (folder / text).exists():
            yield folder / text


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


def bring_back(source: IO[bytes], state: Path | None, file: Path) -> list[str]:
    """Put back what is missing of what `archive` wrote; answers the names of what was.

    The state comes only with a folder for it. What lies beside cloud.yaml stays when it is there.
    """
    found: list[str] = []
    fresh = None if state is None else state / ".restoring"
    with tarfile.open(mode="r|", fileobj=source) as tar:
        for entry in tar:
            kind, _, rest = entry.name.partition("/")
            parts = Path(rest).parts
            if not entry.isfile() or ".." in parts or Path(rest).is_absolute() or not parts:
                raise ScsError(Problem(f"backup: {entry.name}", "does not belong into it"))
            data = tar.extractfile(entry)
            assert data is not None
            if kind == "state" and fresh is not None:
                write_private(fresh / rest, data.read())
                (fresh / rest).chmod(entry.mode & 0o700)
            elif kind == "beside":
                target = file if rest == SPEC else file.parent / rest
                if not target.exists():
                    _write(target, data.read(), entry.mode)
                    found.append(str(target))
    if fresh is not None:
        assert state is not None
        _settle(fresh, state)
        found.append(str(state))
    return found


def _write(target: Path, data: bytes, mode: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    write_private(target, data)
    target.chmod(mode & 0o755)


def _settle(fresh: Path, state: Path) -> None:
    """Move all files into their places, the last one last; killed in between, it is done again."""
    names = [path.relative_to(fresh) for path in _files([fresh])]
    for name in sorted(names, key=lambda name: (str(name) == LAST, str(name))):
        (state / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.replace(fresh / name, state / name)  # noqa: PTH105 - over what is there
    for path in sorted(fresh.rglob("*"), reverse=True):
        path.rmdir()
    fresh.rmdir()
