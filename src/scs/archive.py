# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Packages of Debian 13, by the way this machine already reaches Debian.

The machine may be another Debian, behind a mirror, a proxy or a private CA: its own apt
sources are taken with the release's name exchanged, and its apt.conf.d stays in force.
Signatures are always checked; nothing of the machine's own package state is touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from scs.errors import CommandFailed, Problem
from scs.shell import Say, run

SUITE = "trixie"
DEBIAN = "http://deb.debian.org/debian"
"""Debian's own address: what a real Debian has, and what we use when nothing else is known."""
DEBIAN_SECURITY = "http://deb.debian.org/debian-security"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

_RELEASES = ("bookworm", "trixie", "forky", "stable")
_DEBIANS = re.compile(r"/debian(-security)?/?(\s|$)")
"""How addresses of Debian's archive and of its mirrors end."""
_SUITE = re.compile(rf"({'|'.join(_RELEASES)})(-updates|-security)?")


def vendor_sources() -> str:
    """Debian 13's apt sources with Debian's public addresses, as a fresh Debian has them."""
    return (
        f"Types: deb\nURIs: {DEBIAN}\nSuites: {SUITE} {SUITE}-updates\n"
        f"Components: main\nSigned-By: {KEYRING}\n\n"
        f"Types: deb\nURIs: {DEBIAN_SECURITY}\nSuites: {SUITE}-security\n"
        f"Components: main\nSigned-By: {KEYRING}\n"
    )


def sources_for_trixie(etc_apt: Path = Path("/etc/apt"), mirror: str | None = None) -> str:
    """This machine's Debian sources rewritten for Debian 13, as text in deb822 form.

    With `mirror`, that one is taken instead of this machine's. Entries that are not Debian's
    main archive (other vendors' repositories) are left out; when none is left, Debian's public
    addresses are taken.
    """
    if mirror:
        return (
            vendor_sources()
            .replace(DEBIAN_SECURITY, f"{mirror.rstrip('/')}-security")
            .replace(f"{DEBIAN}\n", f"{mirror.rstrip('/')}\n")
        )
    entries: list[tuple[str, tuple[str, ...], str]] = []
    for file in sorted((etc_apt / "sources.list.d").glob("*.sources")):
        entries += _deb822_entries(file.read_text())
    lists = [etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*.list"))]
    for file in lists:
        if file.is_file():
            entries += _one_line_entries(file.read_text())
    stanzas: list[str] = []
    for uris, suites, signed_by in entries:
        wanted = [new for suite in suites if (new := _rewritten(suite)) is not None]
        # Other vendors name their suites after Debian's releases as well.
        if not wanted or not _DEBIANS.search(uris):
            continue
        key = signed_by or (KEYRING if Path(KEYRING).exists() else "")
        stanzas.append(
            f"Types: deb\nURIs: {uris}\nSuites: {' '.join(dict.fromkeys(wanted))}\n"
            f"Components: main\n" + (f"Signed-By: {key}\n" if key else "")
        )
    return "\n".join(dict.fromkeys(stanzas)) or vendor_sources()


def acquire_settings(etc_apt: Path = Path("/etc/apt")) -> list[Path]:
    """The files in which this machine says how apt reaches its archives (proxies, time limits).

    Only those: hooks and other settings of this machine have no business in a new system.
    """
    files = [etc_apt / "apt.conf", *sorted((etc_apt / "apt.conf.d").glob("*"))]
    return [
        file
        for file in files
        if file.is_file() and re.search(r"(?m)^\s*Acquire::", file.read_text(errors="replace"))
    ]


def _rewritten(suite: str) -> str | None:
    match = _SUITE.fullmatch(suite)
    return None if match is None else SUITE + (match[2] or "")


def _deb822_entries(text: str) -> Iterable[tuple[str, tuple[str, ...], str]]:
    for stanza in re.split(r"\n\s*\n", text):
        lines = [line for line in stanza.splitlines() if not line.startswith("#")]
        fields = {
            key.strip().lower(): value.strip()
            for line in lines
            if ":" in line and not line[0].isspace()
            for key, value in [line.split(":", 1)]
        }
        if fields.get("enabled", "yes") == "no" or "deb" not in fields.get("types", "").split():
            continue
        # A key written into the stanza itself belongs to the old release; only a path is kept.
        signed_by = fields.get("signed-by", "")
        yield (
            fields.get("uris", ""),
            tuple(fields.get("suites", "").split()),
            signed_by if signed_by.startswith("/") else "",
        )


def _one_line_entries(text: str) -> Iterable[tuple[str, tuple[str, ...], str]]:
    for line in text.splitlines():
        match = re.match(r"deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)", line.strip())
        if match:
            signed_by = re.search(r"signed-by=(/\S+)", match[1] or "")
            yield match[2], (match[3],), signed_by[1] if signed_by else ""


class Archive:
    """apt for Debian 13 with all its state in one folder of ours."""

    def __init__(self, folder: Path, sources: str | None = None) -> None:
        self._folder = folder.resolve()
        self._sources = sources if sources is not None else sources_for_trixie()

    @property
    def _options(self) -> list[str]:
        at = self._folder
        settings = {
            "Dir::State": at / "state",
            "Dir::State::lists": at / "lists",
            "Dir::State::status": at / "status",
            "Dir::Cache": at / "cache",
            "Dir::Cache::archives": at / "cache/archives",
            "Dir::Etc::sourcelist": at / "debian.sources",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "APT::Architecture": "amd64",
            "APT::Architectures": "amd64",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
            "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled": "false",
            # A broken name service or proxy makes apt hang for minutes otherwise.
            "Acquire::http::Timeout": "20",
            "Acquire::https::Timeout": "20",
            "Acquire::Retries": "2",
        }
        return [f"-o{key}={value}" for key, value in settings.items()]

    def update(self, say: Say) -> None:
        """Read the archive's signed indexes."""
        say("reading Debian's package indexes")
        for sub in ("state", "lists/partial", "cache/archives/partial"):
            (self._folder / sub).mkdir(parents=True, exist_ok=True)
        (self._folder / "status").touch()
        (self._folder / "debian.sources").write_text(self._sources)
        run(
            ["apt-get", *self._options, "--error-on=any", "update"],
            where="Debian's archive",
            hint="look at this machine's apt sources and network, then run the command again",
            timeout=300,
        )

    def depends(self, package: str) -> list[str]:
        """The names in a package's Depends, in order, alternatives and versions dropped."""
        text = run(
            ["apt-cache", *self._options, "show", "--no-all-versions", package],
            where="Debian's archive",
        )
        for line in text.splitlines():
            if line.startswith("Depends:"):
                items = line.removeprefix("Depends:").split(",")
                return [item.split("|")[0].split()[0].split(":")[0] for item in items]
        return []

    def download(self, packages: Sequence[str], into: Path, say: Say) -> list[Path]:
        """Fetch exactly these packages (not what they depend on) and return their files."""
        into.mkdir(parents=True, exist_ok=True)
        say(f"fetching {len(packages)} packages")
        run(
            ["apt-get", *self._options, "-q", "download", *packages],
            where="Debian's archive",
            cwd=into,
            timeout=900,
        )
        files = sorted(into.glob("*.deb"))
        if len(files) < len(packages):
            got = ", ".join(file.name.split("_")[0] for file in files)
            raise CommandFailed(
                Problem("Debian's archive", f"asked for {', '.join(packages)}; got only {got}")
            )
        return files
