# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Downloads of images that can be trusted: proven, resumed, or thrown away."""

from __future__ import annotations

import hashlib
import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import formatdate
from functools import partial
from pathlib import Path

import pytest

from scs.errors import BadInput, CommandFailed
from scs.images import fetch, missing_metadata
from scs.shell import quiet

NOW = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)


class Files(http.server.BaseHTTPRequestHandler):
    """Serves the server's `files`; breaks off after `break_after` bytes when told to."""

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        server.asked.append((self.path, self.headers.get("Range")))
        if self.path in server.redirects:
            self.send_response(302)
            self.send_header("Location", server.redirects[self.path])
            self.end_headers()
            return
        data = server.files.get(self.path)
        if data is None:
            self.send_error(404)
            return
        start = 0
        if server.resumes and (wanted := self.headers.get("Range")):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(data):
                self.send_error(416)
                return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", server.tag)
        self.send_header("Last-Modified", formatdate(NOW.timestamp(), usegmt=True))
        self.end_headers()
        end = len(data)
        if server.breaks:
            server.breaks -= 1
            end = min(end, start + server.break_after)
        self.wfile.write(data[start:end])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class Server(http.server.ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Files)
        self.files: dict[str, bytes] = {}
        self.redirects: dict[str, str] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.resumes = True
        self.tag = '"one"'
        self.breaks = 0
        self.break_after = 100_000

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server() as server:
        thread = threading.Thread(target=partial(server.serve_forever, 0.05))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def image(tmp_path: Path) -> bytes:
    raw, qcow2 = tmp_path / "raw", tmp_path / "qcow2"
    raw.write_bytes(b"root" * 100_000)
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", raw, qcow2], check=True)
    return qcow2.read_bytes()


def sha512(data: bytes) -> str:
    return hashlib.sha512(data).hexdigest()


def test_an_image_is_fetched_once_and_measured(
    server: Server, image: bytes, tmp_path: Path
) -> None:
    server.files["/d/x.qcow2"] = image
    source = f"{server.address}/d/x.qcow2"
    fetched = fetch(source, sha512(image).upper(), tmp_path, quiet)
    assert fetched.path.read_bytes() == image
    assert fetched.sha512 == sha512(image)
    assert fetched.min_disk == 1
    assert fetched.built == NOW
    assert fetched.properties["image_source"] == source
    assert missing_metadata(fetched.properties) == []
    assert fetch(source, sha512(image), tmp_path, quiet) == fetched
    assert len(server.asked) == 1
    assert not list(tmp_path.glob("images/.partial-*"))


def test_the_checksum_may_come_from_a_list(server: Server, image: bytes, tmp_path: Path) -> None:
    server.files["/x.qcow2"] = image
    server.files["/SUMS"] = f"{'0' * 128}  y.qcow2\n{sha512(image)} *x.qcow2\n".encode()
    fetched = fetch(f"{server.address}/x.qcow2", f"{server.address}/SUMS", tmp_path, quiet)
    assert fetched.sha512 == sha512(image)


def test_a_raw_image_becomes_qcow2(server: Server, tmp_path: Path) -> None:
    raw = b"root" * 100_000
    server.files["/x.img"] = raw
    fetched = fetch(f"{server.address}/x.img", sha512(raw), tmp_path, quiet)
    assert fetched.path.read_bytes()[:4] == b"QFI\xfb"


@pytest.mark.parametrize("resumes", [True, False])
def test_a_broken_download_goes_on(
    server: Server, image: bytes, tmp_path: Path, resumes: bool
) -> None:
    server.files["/x"] = image
    server.breaks, server.resumes = 2, resumes
    fetched = fetch(f"{server.address}/x", sha512(image), tmp_path, quiet)
    assert fetched.path.read_bytes() == image
    assert [wanted for _, wanted in server.asked] == [
        None,
        "bytes=100000-",
        "bytes=200000-" if resumes else "bytes=100000-",
    ]


def test_a_killed_download_is_taken_up_by_the_next_run(
    server: Server, image: bytes, tmp_path: Path
) -> None:
    digest = sha512(image)
    server.files["/x"] = image
    (tmp_path / "images").mkdir()
    begun = tmp_path / f"images/.partial-{digest}"
    begun.write_bytes(image[:5000])
    begun.with_name(begun.name + ".json").write_text(json.dumps(server.tag))
    assert fetch(f"{server.address}/x", digest, tmp_path, quiet).sha512 == digest
    assert server.asked == [("/x", "bytes=5000-")]
    assert [path.name for path in tmp_path.glob("images/.partial*")] == []


def test_a_file_that_changed_meanwhile_is_begun_anew(
    server: Server, image: bytes, tmp_path: Path
) -> None:
    digest = sha512(image)
    server.files["/x"] = image
    (tmp_path / "images").mkdir()
    begun = tmp_path / f"images/.partial-{digest}"
    begun.write_bytes(b"old" * 100)
    begun.with_name(begun.name + ".json").write_text('"\\"other\\""')
    assert fetch(f"{server.address}/x", digest, tmp_path, quiet).sha512 == digest


def test_a_wrong_file_is_thrown_away(server: Server, tmp_path: Path) -> None:
    server.files["/x"] = b"something else"
    with pytest.raises(CommandFailed, match="not what its checksum says"):
        fetch(f"{server.address}/x", sha512(b"wanted"), tmp_path, quiet)
    assert not list(tmp_path.glob("images/fetched-*"))
    assert not list(tmp_path.glob("images/.partial-*"))


def test_an_image_that_names_another_file_is_refused(
    server: Server, image: bytes, tmp_path: Path
) -> None:
    (tmp_path / "base").write_bytes(image)
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-b", "base", "-F", "qcow2", "evil"],
        cwd=tmp_path,
        check=True,
    )
    evil = (tmp_path / "evil").read_bytes()
    server.files["/x"] = evil
    with pytest.raises(CommandFailed, match="another file"):
        fetch(f"{server.address}/x", sha512(evil), tmp_path, quiet)


def test_a_missing_file_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="404"):
        fetch(f"{server.address}/x", sha512(b""), tmp_path, quiet)
    assert len(server.asked) == 1


def test_a_server_that_never_gets_further_is_given_up(server: Server, tmp_path: Path) -> None:
    server.files["/x"] = b"x" * 1000
    server.breaks, server.break_after = 99, 0
    with pytest.raises(CommandFailed, match="goes on where"):
        fetch(f"{server.address}/x", sha512(b""), tmp_path, quiet)
    assert len(server.asked) == 5


@pytest.mark.parametrize(
    ("source", "checksum", "complaint"),
    [
        ("file:///etc/passwd", "0" * 128, "no address"),
        ("images/x.qcow2", "0" * 128, "no address"),
        ("https://me:secret@example.org/x", "0" * 128, "password"),
        ("https://example.org/x", "", "no SHA-512"),
        ("https://example.org/x", "0" * 64, "no SHA-512"),
        ("https://example.org/x", "http://example.org/SUMS", "proves nothing"),
    ],
)
def test_nothing_is_fetched_without_a_proof(
    tmp_path: Path, source: str, checksum: str, complaint: str
) -> None:
    with pytest.raises(BadInput, match=complaint):
        fetch(source, checksum, tmp_path, quiet)


@pytest.mark.parametrize(
    ("text", "complaint"), [("", "does not name x"), ("abc  x\n", "another kind")]
)
def test_a_list_has_to_prove_this_file(
    server: Server, tmp_path: Path, text: str, complaint: str
) -> None:
    server.files["/SUMS"] = text.encode()
    with pytest.raises(BadInput, match=complaint):
        fetch(f"{server.address}/x", f"{server.address}/SUMS", tmp_path, quiet)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_a_redirect_to_another_kind_of_place_is_refused(
    server: Server, tmp_path: Path, target: str
) -> None:
    server.redirects["/x"] = target
    with pytest.raises(CommandFailed, match=r"302.*(not allowed|unsafe)"):
        fetch(f"{server.address}/x", sha512(b""), tmp_path, quiet)
