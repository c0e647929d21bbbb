# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where reports are kept, and for how long: a folder per run, an index that one can publish."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from scs.certify.certificate import moment, read
from scs.certify.page import history_page, report_page
from scs.certify.report import FORMAT, as_junit, as_yaml, canonical
from scs.certify.signing import Refused, Signer, check
from scs.private import write_private

KEPT = timedelta(days=548)
"""18 months: so long SCS-0004 wants results to be seen."""
REPORT, SIGNATURE, KEY = "report.json", "report.sig", "signer.pem"


@dataclass(frozen=True)
class Kept:
    """One report of the history."""

    folder: Path
    told: Mapping[str, Any]
    genuine: bool
    """Its signature fits the key."""


def keep(root: Path, told: Mapping[str, Any], signer: Signer) -> Path:
    """Write a report in all its forms into a folder of its own, and the index anew."""
    data = canonical(told)
    stamp = told["checked_at"].replace(":", "").replace("-", "")
    folder = first = root / f"{stamp}-{told['scope']['name']}"
    number = 1
    while folder.exists():  # of another run in the same second
        number += 1
        folder = first.with_name(f"{first.name}-{number}")
    files = {
        REPORT: data,
        SIGNATURE: signer.sign(data),
        KEY: signer.public,
        "report.yaml": as_yaml(told).encode(),
        "junit.xml": as_junit(told).encode(),
        "index.html": report_page(told).encode(),
    }
    for name, content in files.items():
        write_private(folder / name, content)
    return folder


def prune(root: Path, now: datetime) -> None:
    """Remove what is older than it has to be kept."""
    for kept in listed(root, b""):
        if now - moment(kept.told["checked_at"]) > KEPT:
            shutil.rmtree(kept.folder)


def listed(root: Path, public: bytes) -> Sequence[Kept]:
    """All reports, the newest first; without a key none is called genuine."""
    found = []
    for folder in sorted(root.glob("*Z-*"), reverse=True):
        try:
            data = (folder / REPORT).read_bytes()
            told = read(data, FORMAT, str(folder))
        except (FileNotFoundError, Refused):
            continue  # of a run that was killed while it wrote
        found.append(Kept(folder, told, _genuine(folder, data, public)))
    return found


def _genuine(folder: Path, data: bytes, public: bytes) -> bool:
    if not public:
        return False
    try:
        check(public, data, (folder / SIGNATURE).read_bytes(), str(folder))
    except (FileNotFoundError, Refused):
        return False
    return True


def write_index(root: Path, public: bytes) -> Path:
    """A page with all reports of the last 18 months: may be served as it is."""
    kept = listed(root, public)
    path = root / "index.html"
    write_private(path, history_page([(one.folder.name, one.told, one.genuine) for one in kept]))
    return path
