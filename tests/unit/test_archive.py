# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where Debian's packages come from: this machine's mirrors, with another release."""

from __future__ import annotations

from pathlib import Path

import pytest

from scs.archive import acquire_settings, sources_for_trixie


@pytest.fixture
def etc_apt(tmp_path: Path) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "apt.conf.d").mkdir()
    return tmp_path


def test_a_mirror_is_kept_and_the_release_exchanged(etc_apt: Path) -> None:
    (etc_apt / "sources.list.d/debian.sources").write_text(
        "# a comment\nTypes: deb\nURIs: http://mirror.example/debian\n"
        "Suites: bookworm bookworm-updates\nComponents: main contrib\nSigned-By: /k.gpg\n\n"
        "Types: deb\nEnabled: no\nURIs: http://off.example/debian\nSuites: bookworm\n\n"
        "Types: deb\nURIs: https://vendor.example/repo\nSuites: nodistro\nComponents: main\n\n"
        "Types: deb\nURIs: https://vendor.example/linux\nSuites: bookworm\nComponents: main\n"
    )
    (etc_apt / "sources.list").write_text(
        "deb [arch=amd64 signed-by=/s.gpg] http://mirror.example/debian-security"
        " bookworm-security main\n"
        "deb-src http://mirror.example/src bookworm main\n# deb http://no.example bookworm main\n"
    )
    assert sources_for_trixie(etc_apt) == (
        "Types: deb\nURIs: http://mirror.example/debian\nSuites: trixie trixie-updates\n"
        "Components: main\nSigned-By: /k.gpg\n\n"
        "Types: deb\nURIs: http://mirror.example/debian-security\nSuites: trixie-security\n"
        "Components: main\nSigned-By: /s.gpg\n"
    )


def test_without_a_mirror_debians_own_address_is_taken(etc_apt: Path) -> None:
    assert "http://deb.debian.org/debian\nSuites: trixie" in sources_for_trixie(etc_apt)


def test_only_settings_about_the_way_to_archives_are_taken(etc_apt: Path) -> None:
    (etc_apt / "apt.conf.d/01proxy").write_text('Acquire::http::Proxy "http://p.example";\n')
    (etc_apt / "apt.conf.d/02hooks").write_text('DPkg::Post-Invoke { "rm -rf /x"; };\n')
    assert acquire_settings(etc_apt) == [etc_apt / "apt.conf.d/01proxy"]
