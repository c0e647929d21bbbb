# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Put uv into a fresh virtual environment, before there is anything but Debian's python3.

get_uv.py settings        prints what pip is told on this machine as shell assignments for uv
get_uv.py install LOCK V  installs the uv that LOCK pins by hash into the environment V

pip could do the same; it takes six seconds where this takes one. Standard library only.
Says within 8 seconds, DNS included, when the index does not answer.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import html
import io
import netrc
import os
import platform
import re
import shlex
import ssl
import stat
import sys
import threading
import urllib.error
import urllib.request
import zipfile
from configparser import Error as ConfigError
from configparser import RawConfigParser
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

PUBLIC_INDEX = "https://pypi.org/simple"
FIRST_ANSWER = 8
"""Seconds until the index must have answered something."""
TRIES = 3


class Failed(Exception):
    """What went wrong, for a person."""


def pip_setting(name: str) -> str | None:
    """What pip would use for `name`: its variable, its files from general to particular."""
    if value := os.environ.get("PIP_" + name.upper().replace("-", "_")):
        return value
    config = RawConfigParser()
    home = Path.home()
    user = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    files: list[str | Path] = [
        "/etc/xdg/pip/pip.conf",
        "/etc/pip.conf",
        home / ".pip/pip.conf",
        user / "pip/pip.conf",
    ]
    special = os.environ.get("PIP_CONFIG_FILE")
    try:
        config.read([] if special == os.devnull else [*files, *([special] if special else [])])
    except ConfigError as error:
        raise Failed(f"pip's configuration: {error}") from error
    for section in ("install", "global"):
        if value := config.get(section, name, fallback=None):
            return value
    return None


def settings() -> dict[str, str]:
    """The variables of uv for this machine; those that are set already win."""
    wanted = {
        "UV_DEFAULT_INDEX": pip_setting("index-url") or PUBLIC_INDEX,
        "SSL_CERT_FILE": pip_setting("cert") or "/etc/ssl/certs/ca-certificates.crt",
        "UV_SYSTEM_CERTS": "true",
        "UV_CACHE_DIR": str(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "uv")),
    }
    return {name: os.environ.get(name) or value for name, value in wanted.items()}


def fetch(url: str, timeout: float) -> tuple[bytes, str]:
    """What is at a URL, and where it finally was; with its user's or netrc's password."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
    request = urllib.request.Request(bare, headers={"Accept": "text/html"})
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not user:
        with suppress(OSError, netrc.NetrcParseError):  # none, or none that we can read
            user, _, password = netrc.netrc().authenticators(host) or ("", "", "")
    if user:
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {token}")
    try:
        context = ssl.create_default_context(cafile=settings()["SSL_CERT_FILE"])
        with urllib.request.urlopen(request, timeout=timeout, context=context) as answer:
            return answer.read(), answer.url
    except urllib.error.HTTPError as error:
        raise Failed(f"{host}: {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise Failed(f"{host}: {error.reason}") from error
    except (OSError, ValueError) as error:
        raise Failed(f"{host}: {error}") from error


def fetch_in_time(url: str) -> tuple[bytes, str]:
    """The same for the first question; looking up a name knows no limit but this."""
    answers: list[tuple[bytes, str] | Failed] = []

    def ask() -> None:
        try:
            answers.append(fetch(url, FIRST_ANSWER))
        except Failed as error:
            answers.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(FIRST_ANSWER)
    answer = answers[0] if answers else Failed("")
    if isinstance(answer, Failed):
        why = str(answer) or f"{urlsplit(url).hostname}: no answer within {FIRST_ANSWER} s"
        raise Failed(why)
    return answer


def pinned(lock: str) -> tuple[str, set[str]]:
    """The version and the hashes of uv in a lock."""
    entry = re.search(r"^uv==(\S+)((?:.*\\\n)*.*)", lock, re.MULTILINE)
    if not entry:
        raise Failed("the lock has no uv")
    return entry[1], set(re.findall(r"sha256:([0-9a-f]{64})", entry[2]))


def fits(name: str, version: str) -> bool:
    """Whether a wheel of that name is the version's, for this machine and this glibc."""
    machine = re.escape(platform.machine())
    if not re.fullmatch(rf"uv-{re.escape(version)}-py3-none-manylinux\S*_{machine}\.whl", name):
        return False
    ours = [int(part) for part in platform.libc_ver()[1].split(".")]
    needed = re.findall(rf"manylinux_(\d+)_(\d+)_{machine}", name)
    return any([int(major), int(minor)] <= ours for major, minor in needed) or not needed


def get_wheel(index: str, version: str, hashes: set[str]) -> bytes:
    """The wheel, checked."""
    page, base = fetch_in_time(f"{index.rstrip('/')}/uv/")
    links = [html.unescape(link) for link in re.findall(r'href="([^"]+)"', page.decode())]
    urls = [urljoin(base, link) for link in links]
    url = next(
        (url for url in urls if fits(unquote(urlsplit(url).path.split("/")[-1]), version)), ""
    )
    if not url:
        raise Failed(f"{urlsplit(index).hostname}: has no uv {version} for {platform.machine()}")
    for tried in range(1, TRIES + 1):
        try:
            wheel, _ = fetch(urldefrag(url).url, timeout=30)
        except Failed:
            if tried == TRIES:
                raise
        else:
            if hashlib.sha256(wheel).hexdigest() in hashes:
                return wheel
            raise Failed(f"{urlsplit(url).hostname}: uv {version} does not have the locked hash")
    raise AssertionError


def install(wheel: bytes, environment: Path) -> None:
    """Unpack a wheel with its programs and write its RECORD, so that uv can replace itself."""
    (site,) = environment.glob("lib/python3*/site-packages")
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        record_name = next(name for name in archive.namelist() if name.endswith("-info/RECORD"))
        for name in archive.namelist():
            if not name.endswith("/"):
                target = site / place(name)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.unlink(missing_ok=True)
                target.write_bytes(archive.read(name))
                if ".data/scripts/" in name:
                    target.chmod(target.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        rows = list(csv.reader(io.TextIOWrapper(archive.open(record_name))))
    with (site / record_name).open("w", newline="") as record:
        csv.writer(record, lineterminator="\n").writerows(
            [place(name), *rest] for name, *rest in rows
        )


def place(name: str) -> str:
    """Where a wheel's file goes, as seen from site-packages."""
    _, found, program = name.partition(".data/scripts/")
    return f"../../../bin/{program}" if found else name


def main() -> None:
    """See the top of this file."""
    try:
        match sys.argv[1:]:
            case ["settings"]:
                for name, value in settings().items():
                    print(f"export {name}={shlex.quote(value)}")
            case ["install", lock, environment]:
                version, hashes = pinned(Path(lock).read_text())
                wheel = get_wheel(settings()["UV_DEFAULT_INDEX"], version, hashes)
                install(wheel, Path(environment))
            case _:
                sys.exit(__doc__)
    except Failed as error:
        print(error, file=sys.stderr, flush=True)
        os._exit(1)  # a name that is still looked up would hold us


if __name__ == "__main__":
    main()
