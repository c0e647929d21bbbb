# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A vendor's image from the network, instead of one that is built here.

Nothing is taken without a checksum that the user has given: the place an image comes from
may be a mirror, a proxy or a typing error, and its content becomes every machine's root.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import urljoin, urlsplit

from scs.errors import BadInput, CommandFailed, Problem
from scs.images import disk
from scs.images.debian import USER
from scs.images.image import BuiltImage, build_stamp
from scs.images.store import Draft, Store, recipe_of
from scs.model.content import DEBIAN
from scs.shell import Say, run

MAX_BYTES: Final = 8 << 30
"""Larger than any vendor's cloud image; a limit so that a wrong address can't fill the disk."""
MAX_LIST_BYTES: Final = 1 << 20
"""The same for a list of checksums."""
TIMEOUT: Final = 30.0
"""Seconds without a single byte."""
ATTEMPTS: Final = 5
"""How often a broken connection is taken up again where it broke."""

_SHA512 = re.compile(r"[0-9a-f]{128}")
_WHERE = "image download"


def fetch(source: str, sha512: str, cache: Path, say: Say) -> BuiltImage:
    """Download an image and return it as if it had been built here.

    `source` is an https (or http) address of a disk image in qcow2 or raw form. `sha512` is
    its SHA-512 in hex, or the address of a list in sha512sum's form that names the file; a
    list proves no more than the connection it came by, so it has to be https, or lie on this
    machine. Proxies are taken from the environment. An interrupted download goes on
    where it was. Raises BadInput for a wrong address or checksum, CommandFailed when the
    download fails or is not what the checksum says.
    """
    _check_address(source)
    digest = _digest(source, sha512.strip())
    slug = f"fetched-{digest[:12]}"
    recipe = recipe_of(source, digest, Path(__file__))
    store = Store(cache)
    if (image := store.find(slug, recipe)) is not None:
        return replace(image, digest=digest)
    disk.need_tools({"qemu-img": "qemu-utils"})
    with store.workspace(slug) as work:
        if (image := store.find(slug, recipe)) is not None:
            # Another run fetched it while this one waited for the lock.
            return replace(image, digest=digest)
        # Outside the workspace, which a next run empties: this is what it takes up again.
        partial = store.folder / f".partial-{digest}"
        modified = _download(source, partial, say)
        say("checking the image")
        if _sha512(partial) != digest:
            partial.unlink()
            raise CommandFailed(
                Problem(
                    _WHERE,
                    f"{source} is not what its checksum says (expected sha512 {digest[:16]}…)",
                    "compare the address and the checksum with the vendor's page",
                )
            )
        info = _inspect(partial)
        qcow2 = work / "disk.qcow2"
        if info["format"] == "qcow2":
            shutil.copyfile(partial, qcow2)
        else:
            disk.to_qcow2(partial, qcow2, "zstd")
        gigabytes = -(-int(str(info["virtual-size"])) // (1 << 30))
        draft = Draft(
            min_disk=max(1, gigabytes),
            min_ram=512,
            built=modified,
            properties=_properties(modified, source),
        )
        image = store.add(slug, recipe, qcow2, work, draft)
        partial.unlink()
        partial.with_name(f"{partial.name}.json").unlink(missing_ok=True)
        return replace(image, digest=digest)


def _properties(built: datetime, source: str) -> dict[str, str]:
    return {
        "architecture": "x86_64",
        "hw_disk_bus": "virtio",
        "hw_rng_model": "virtio",
        "os_type": "linux",
        "os_distro": "debian",
        "os_version": "13",
        "os_purpose": "generic",
        "image_build_date": build_stamp(built),
        "image_original_user": USER,
        "image_source": source,
        "image_description": f"{DEBIAN} as its vendor publishes it: {source}",
        # The address and the checksum are the user's; so is the time of replacing them.
        "replace_frequency": "never",
        "provided_until": "none",
        "uuid_validity": "none",
    }


def _check_address(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput(
            Problem(_WHERE, f"{address!r} is no address of an image", "https://… is wanted")
        )
    if parts.username or parts.password:
        # It would end up in image_source, for every user of the cloud to read.
        raise BadInput(
            Problem(
                _WHERE,
                "an image's address must not hold a password: the image shows where it is from",
                "serve the image where this machine needs none",
            )
        )


def _digest(source: str, sha512: str) -> str:
    """The checksum itself, looked up when it is given as the address of a list."""
    if _SHA512.fullmatch(sha512.lower()):
        return sha512.lower()
    parts = urlsplit(sha512)
    if parts.scheme not in ("http", "https"):
        raise BadInput(
            Problem(
                _WHERE,
                f"{sha512!r} is no SHA-512 (128 hex digits) and no address of a list of them",
                "the vendor publishes it beside the image, as SHA512SUMS",
            )
        )
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise BadInput(
            Problem(_WHERE, f"{sha512}: a list of checksums over plain http proves nothing")
        )
    with _opened(sha512) as answer:
        text = answer.read(MAX_LIST_BYTES + 1)
    if len(text) > MAX_LIST_BYTES:
        raise CommandFailed(Problem(_WHERE, f"{sha512} is too long for a list of checksums"))
    name = PurePosixPath(urlsplit(source).path).name
    for line in text.decode(errors="replace").splitlines():
        digest, _, file = line.strip().partition(" ")
        if file.strip().removeprefix("*").removeprefix("./") == name:
            if _SHA512.fullmatch(digest.lower()):
                return digest.lower()
            raise BadInput(Problem(_WHERE, f"{sha512} has no SHA-512 for {name}, but another kind"))
    raise BadInput(
        Problem(_WHERE, f"{sha512} does not name {name}", "give the image's SHA-512 itself")
    )


@contextmanager
def _opened(address: str, start: int = 0) -> Iterator[http.client.HTTPResponse]:
    """An answer's body from byte `start`, redirects followed, never from https to http."""
    headers = {"User-Agent": "scs", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(address, headers=headers)
    opener = urllib.request.build_opener(_SameSafety)
    with opener.open(request, timeout=TIMEOUT) as answer:
        yield answer


class _SameSafety(urllib.request.HTTPRedirectHandler):
    """Follows redirects as far as they keep what the user's address promised."""

    def redirect_request(  # type: ignore[no-untyped-def]
        self, req, fp, code, msg, headers, newurl
    ):
        target = urljoin(req.full_url, newurl)
        wanted = ("https",) if urlsplit(req.full_url).scheme == "https" else ("http", "https")
        if urlsplit(target).scheme not in wanted:
            raise urllib.error.HTTPError(target, code, "redirected to an unsafe place", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(source: str, partial: Path, say: Say) -> datetime:
    """Bring the file to `partial`, going on from what is there; the server's Last-Modified."""
    failures = 0
    while True:
        before = partial.stat().st_size if partial.exists() else 0
        try:
            return _download_once(source, partial, say)
        except urllib.error.HTTPError as error:
            if error.code < 500:
                raise CommandFailed(
                    Problem(_WHERE, f"{source}: {error.code} {error.reason}")
                ) from error
            reason = f"{error.code} {error.reason}"
        except (OSError, http.client.HTTPException) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        # A connection that brought something was worth it: only those without gain count.
        gained = partial.exists() and partial.stat().st_size > before
        failures = 1 if gained else failures + 1
        if failures >= ATTEMPTS:
            raise CommandFailed(
                Problem(
                    _WHERE,
                    f"{source}: {reason}",
                    "run the command again: it goes on where this one stopped",
                )
            )
        say(f"the connection broke ({reason}); going on")
        time.sleep(min(2**failures, 10) / 10)


def _download_once(source: str, partial: Path, say: Say) -> datetime:
    seen = partial.with_name(partial.name + ".json")
    start = partial.stat().st_size if partial.exists() else 0
    try:
        with _opened(source, start) as answer:
            tag = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
            known = json.loads(seen.read_text()) if seen.exists() else None
            # Another file than the one begun, or a server that does not go on: from the start.
            if start and (answer.status != http.HTTPStatus.PARTIAL_CONTENT or known != tag):
                partial.unlink()
                if answer.status == http.HTTPStatus.PARTIAL_CONTENT:
                    raise ConnectionResetError("the file has changed meanwhile")
                start = 0
            seen.write_text(json.dumps(tag))
            length = answer.headers.get("Content-Length")
            total = start + int(length) if length else None
            if total is not None and total > MAX_BYTES:
                raise CommandFailed(Problem(_WHERE, f"{source} has {total} bytes: no image has"))
            _append(source, answer, partial, start, total, say)
            modified = answer.headers.get("Last-Modified")
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and start:
            # Nothing lies behind what we have: it is complete, or of another file, and the
            # checksum will tell.
            return datetime.now(UTC)
        raise
    seen.unlink(missing_ok=True)
    return parsedate_to_datetime(modified) if modified else datetime.now(UTC)


def _append(
    source: str,
    answer: http.client.HTTPResponse,
    partial: Path,
    start: int,
    total: int | None,
    say: Say,
) -> None:
    done, told = start, time.monotonic()
    with partial.open("ab") as file:
        while block := answer.read(1 << 18):
            done += len(block)
            if done > MAX_BYTES:
                raise CommandFailed(Problem(_WHERE, f"{source} does not end"))
            file.write(block)
            if time.monotonic() - told > 1:
                told = time.monotonic()
                of = f" of {total >> 20}" if total else ""
                say(f"downloaded {done >> 20}{of} MB")
    if total is not None and done < total:
        raise ConnectionResetError(f"ended after {done} of {total} bytes")


def _sha512(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha512").hexdigest()


def _inspect(path: Path) -> dict[str, object]:
    """What qemu-img says of a file that nobody here made; refuses files that name others."""
    text = run(["qemu-img", "info", "--output=json", path], where=_WHERE)
    info: dict[str, object] = json.loads(text)
    if info.get("format") not in ("qcow2", "raw"):
        raise CommandFailed(Problem(_WHERE, f"the file is {info.get('format')}, not a disk image"))
    details = info.get("format-specific")
    data = details.get("data", {}) if isinstance(details, dict) else {}
    if "backing-filename" in info or "data-file" in data:
        # Its content would be a file of this machine, for every user of the cloud to read.
        raise CommandFailed(Problem(_WHERE, "the image refers to another file; it is refused"))
    return info
