# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The program itself refuses what is no cloud.yaml, and touches nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from scs.spec.malformed import Case, cases

ROOT = Path(__file__).parents[2]
ALL = tuple(cases())
SAMPLE = 25


def sample() -> list[Case]:
    """Some of every kind, spread over all that there are."""
    kinds = list(dict.fromkeys(case.kind for case in ALL))
    by_kind = {kind: [case for case in ALL if case.kind == kind] for kind in kinds}
    return [by_kind[kind][-1] for kind in kinds] + list(
        ALL[:: len(ALL) // (SAMPLE - len(kinds)) + 1]
    )


@pytest.mark.parametrize("command", ["up", "plan"])
def test_the_program_itself_refuses_them(tmp_path: Path, command: str) -> None:
    """A sample by the real launcher's way in: exit code 3, no traceback, nothing made."""
    chosen = sample()[command == "plan" :: 2]
    assert len(chosen) > SAMPLE // 2 - 2
    folder, state, cache = (tmp_path / name for name in ("folder", "state", "cache"))
    folder.mkdir()
    for case in chosen:
        (folder / "cloud.yaml").write_bytes(case.raw)
        done = subprocess.run(
            [ROOT / "scs", command],
            cwd=folder,
            env={**os.environ, "SCS_STATE": str(state), "SCS_CACHE": str(cache)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        said = done.stderr.decode()
        assert done.returncode == 3, f"{case.kind}: {case.name}\n{said}"
        assert "Traceback" not in said
        assert "cloud.yaml:" in said
        assert not done.stdout
        assert not state.exists()
        assert not cache.exists()
        assert [path.name for path in folder.iterdir()] == ["cloud.yaml"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("config:\n  novva: {}\n", "cloud.yaml:2:3: config: unknown service `novva`"),
        ('name: a\nrelease: "2031.1"\n', "cloud.yaml:2:10: release: expected"),
    ],
)
def test_names_that_only_the_program_knows_have_a_line(
    tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "cloud.yaml").write_text(text)
    done = subprocess.run(
        [ROOT / "scs", "plan"],
        cwd=tmp_path,
        env={**os.environ, "SCS_STATE": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3
    assert words in done.stderr
