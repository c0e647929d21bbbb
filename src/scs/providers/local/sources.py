# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The host's apt configuration, rewritten for the nodes' Debian release.

What reaches Debian from this machine (a mirror, a proxy, a password) reaches it from the nodes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

SUITE = "trixie"

_SUITE = re.compile(
    # The codenames and the names that wander from release to release.
    r"(?:bullseye|bookworm|trixie|forky|duke|sid|oldoldstable|oldstable|stable|testing|unstable)"
    r"(-updates|-security|/updates|-backports\S*|-proposed-updates)?"
)
_POCKETS = {None: SUITE, "-updates": f"{SUITE}-updates", "-security": f"{SUITE}-security"}
_FORWARDED = re.compile(
    r"Acquire::(?:https?::|ftp::|Check-|Retries\b|Max-|Min-|Force|AllowInsecure|AllowWeak)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Source:
    """One place to get packages from, in the terms of deb822."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""
    """A path (or several), fingerprints, or a whole key; as in the file."""
    options: tuple[tuple[str, str], ...] = ()
    """Other fields, such as ("Trusted", "yes")."""


def read(files: Iterable[tuple[str, str]]) -> list[Source]:
    """The binary package sources in the text of apt's files: (file name, text)."""
    found: list[Source] = []
    for name, text in files:
        found += _deb822(text) if name.endswith(".sources") else _one_line(text)
    return found


def read_host(apt: Path = Path("/etc/apt")) -> list[Source]:
    """The sources of this machine."""
    paths = [
        apt / "sources.list",
        *sorted((apt / "sources.list.d").glob("*.list")),
        *sorted((apt / "sources.list.d").glob("*.sources")),
    ]
    return read((path.name, path.read_text(errors="replace")) for path in paths if path.is_file())


def for_nodes(host: Iterable[Source], mirror: str | None = None) -> list[Source]:
    """The host's sources of Debian itself, with the nodes' release in them.

    Other vendors' are left out, whatever they call their suites: those are signed with a key
    of their own or have no "main". With `mirror`, packages come from there, and only security
    updates from where the host has them.
    """
    found: list[Source] = []
    for source in host:
        if "main" not in source.components or not _signed_by_debian(source.signed_by):
            continue
        suites = tuple(dict.fromkeys(filter(None, map(_suite, source.suites))))
        if mirror is not None:
            suites = tuple(suite for suite in suites if suite.endswith("-security"))
        if suites:
            found.append(replace(source, suites=suites, components=("main",)))
    if mirror is not None:
        found.insert(0, Source((mirror,), (SUITE, f"{SUITE}-updates"), ("main",)))
    return list(dict.fromkeys(found))


def _suite(name: str) -> str | None:
    match = _SUITE.fullmatch(name)
    if match is None:
        return None
    pocket = match[1]
    return _POCKETS.get("-security" if pocket == "/updates" else pocket)


def _signed_by_debian(signed_by: str) -> bool:
    # A path can be told by its name; keys and fingerprints can't, and vendors who write theirs
    # into the file don't call their component "main" and their suite like Debian's.
    return not signed_by.startswith("/") or "debian-archive" in signed_by


def deb822(found: Iterable[Source]) -> str:
    """The text of a .sources file."""
    stanzas = []
    for source in found:
        lines = [
            "Types: deb",
            f"URIs: {' '.join(source.uris)}",
            f"Suites: {' '.join(source.suites)}",
            f"Components: {' '.join(source.components)}",
            *(f"{name}: {value}" for name, value in source.options),
        ]
        if source.signed_by:
            lines.append(f"Signed-By: {source.signed_by}")
        stanzas.append("\n".join(lines) + "\n")
    return "\n".join(stanzas)


def forwarded(apt_config: str) -> str:
    """Those lines of `apt-config dump` that say how to reach servers: proxies, retries, checks.

    Programs that apt runs to find a proxy are not on the nodes, so they are left out.
    """
    lines = [
        line
        for line in apt_config.splitlines()
        if _FORWARDED.match(line) and not line.endswith('"";') and "Auto-Detect" not in line
    ]
    return "".join(f"{line}\n" for line in lines)


_KEPT = {"trusted": "Trusted", "check-valid-until": "Check-Valid-Until", "check-date": "Check-Date"}


def _deb822(text: str) -> Iterator[Source]:
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n[ \t]*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1].isspace():
                # A continued field; a key is written that way and must keep its lines.
                fields[name] = f"{fields.get(name, '')}\n{line}"
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if "deb" not in fields.get("types", "").split():
            continue
        if fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        yield Source(
            uris=tuple(fields.get("uris", "").split()),
            suites=tuple(fields.get("suites", "").split()),
            components=tuple(fields.get("components", "").split()),
            signed_by=fields.get("signed-by", ""),
            options=tuple((_KEPT[key], value) for key, value in fields.items() if key in _KEPT),
        )


def _one_line(text: str) -> Iterator[Source]:
    for line in text.splitlines():
        match = re.match(
            r"deb\s+(?:\[(?P<options>[^]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)\s*(?P<rest>[^#]*)",
            line.strip(),
        )
        if match is None:
            continue
        options = {
            key.lower(): value
            for word in (match["options"] or "").split()
            for key, _, value in [word.partition("=")]
        }
        yield Source(
            uris=(match["uri"],),
            suites=(match["suite"],),
            components=tuple(match["rest"].split()),
            signed_by=options.get("signed-by", "").replace(",", " "),
            options=tuple((_KEPT[key], value) for key, value in options.items() if key in _KEPT),
        )
