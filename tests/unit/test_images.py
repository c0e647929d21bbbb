# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Images: their metadata, their store, the bytes of disks, downloads that can be trusted."""

from __future__ import annotations

import hashlib
import http.server
import json
import shutil
import struct
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from functools import partial
from pathlib import Path

import pytest

from scs.archive import acquire_settings, sources_for_trixie
from scs.errors import BadInput, CommandFailed, PreflightFailed
from scs.images import debian, disk, download, fetch, missing_metadata, tiny
from scs.images.image import BuiltImage
from scs.images.store import Draft, Store, recipe_of
from scs.model.content import REPLACE_WITHIN
from scs.shell import quiet

NOW = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)


# --- what SCS-0102 demands ------------------------------------------------------------------

COMPLETE = {
    "architecture": "x86_64",
    "hw_disk_bus": "virtio",
    "os_distro": "debian",
    "os_version": "13",
    "os_purpose": "generic",
    "image_build_date": "2026-11-23 19:00:00",
    "image_original_user": "debian",
    "image_source": "https://deb.debian.org/debian",
    "image_description": "Debian 13",
    "replace_frequency": "monthly",
    "provided_until": "none",
    "uuid_validity": "none",
}


def test_complete_metadata_has_no_faults() -> None:
    assert missing_metadata(COMPLETE) == []


@pytest.mark.parametrize("name", COMPLETE)
def test_each_property_is_demanded(name: str) -> None:
    assert missing_metadata({k: v for k, v in COMPLETE.items() if k != name}) == [
        f"{name} is missing"
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("architecture", "amd64"),
        ("hw_disk_bus", "ide"),
        ("os_distro", "Debian GNU/Linux"),
        ("os_version", " "),
        ("os_purpose", "any"),
        ("image_build_date", "yesterday"),
        ("image_build_date", "2026-02-30"),
        ("image_build_date", "2026-11-23 later"),
        ("image_original_user", ""),
        ("image_source", "ftp://old.example"),
        ("image_description", ""),
        ("replace_frequency", "often"),
        ("provided_until", "someday"),
        ("uuid_validity", "last-0"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    (fault,) = missing_metadata({**COMPLETE, name: value})
    assert fault.startswith(f"{name} is {value!r}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("image_build_date", "2026-11-23"),
        ("image_build_date", "2026-11-23T19:00Z"),
        ("image_source", "private"),
        ("provided_until", "2028-06-30"),
        ("provided_until", "notice"),
        ("uuid_validity", "last-3"),
        ("uuid_validity", "2027-01-01"),
        ("replace_frequency", "critical_bug"),
    ],
)
def test_every_form_that_the_standard_knows_is_accepted(name: str, value: str) -> None:
    assert missing_metadata({**COMPLETE, name: value}) == []


def test_our_own_images_meet_it() -> None:
    for properties in (
        tiny._properties(NOW, "6.12"),
        debian._properties(NOW, "13.2", "6.12"),
        download._properties(NOW, "https://images.example.org/x.qcow2"),
    ):
        assert missing_metadata(properties) == []
        # The image service computes these itself and refuses an image that brings them.
        assert not [name for name in properties if name.startswith("os_hash")]


@pytest.mark.parametrize(
    ("frequency", "days", "stale"),
    [
        ("monthly", 29, False),
        ("monthly", 31, True),
        ("daily", 2, True),
        ("never", 5000, False),
        ("critical_bug", 5000, False),
    ],
)
def test_staleness_is_what_the_image_promises(frequency: str, days: int, stale: bool) -> None:
    image = BuiltImage(
        path=Path("x"),
        name="x",
        sha256="",
        sha512="",
        size=0,
        min_disk=1,
        min_ram=1,
        built=NOW,
        properties={"replace_frequency": frequency},
    )
    assert frequency in REPLACE_WITHIN
    assert image.is_stale(NOW + timedelta(days=days)) is stale


# --- the store ------------------------------------------------------------------------------


def put(store: Store, content: bytes, built: datetime = NOW, recipe: str = "r") -> BuiltImage:
    with store.workspace("img") as work:
        made = work / "made"
        made.write_bytes(content)
        return store.add("img", recipe, made, work, Draft(1, 128, built, {"a": "b"}))


def test_an_image_is_found_by_name_and_recipe(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.find("img", "r") is None
    image = put(store, b"one")
    assert image.sha256 == hashlib.sha256(b"one").hexdigest()
    assert image.sha512 == hashlib.sha512(b"one").hexdigest()
    assert image.path.parent.name == f"img-{image.sha256[:12]}"
    assert image.size == 3
    assert store.find("img", "r") == image
    assert store.find("img", "other") is None
    assert store.find("im", "r") is None


def test_the_newest_wins_and_the_one_before_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number in range(4):
        put(store, b"%d" % number, NOW + timedelta(days=number))
    found = store.find("img", "r")
    assert found is not None
    assert found.path.read_bytes() == b"3"
    left = sorted(path.read_bytes() for path in tmp_path.glob("images/img-*/disk.qcow2"))
    assert left == [b"2", b"3"]


def test_the_same_bytes_again_are_one_image_with_the_newer_date(tmp_path: Path) -> None:
    store = Store(tmp_path)
    put(store, b"same")
    again = put(store, b"same", NOW + timedelta(days=1))
    assert again.built == NOW + timedelta(days=1)
    assert len(list(tmp_path.glob("images/img-*"))) == 1


def test_a_build_that_failed_or_died_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def broken_build() -> None:
        with store.workspace("img") as work:
            (work / "half").write_text("half")
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        broken_build()
    dead = tmp_path / "images/.new-img-dead"
    (dead / "ready").mkdir(parents=True)
    (dead / "ready/metadata.json").write_text("{}")
    assert store.find("img", "r") is None
    with store.workspace("img"):
        assert not dead.exists()
    assert not list(tmp_path.glob("images/.new-*"))


@pytest.mark.parametrize("damage", ["truncate", "garbage", "gone"])
def test_a_damaged_image_is_not_found(tmp_path: Path, damage: str) -> None:
    image = put(Store(tmp_path), b"content")
    if damage == "truncate":
        image.path.write_bytes(b"con")
    elif damage == "garbage":
        (image.path.parent / "metadata.json").write_text("not json")
    else:
        image.path.unlink()
    assert Store(tmp_path).find("img", "r") is None


def test_a_recipe_changes_with_every_part_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "guest"
    folder.mkdir()
    (folder / "a").write_text("1")
    before = recipe_of(folder, "x")
    assert recipe_of(folder, "x") == before
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__/a.pyc").write_text("1")
    assert recipe_of(folder, "x") == before
    assert recipe_of(folder, "y") != before
    (folder / "a").write_text("2")
    assert recipe_of(folder, "x") != before
    assert recipe_of("ab", "c") != recipe_of("a", "bc")


# --- disks ----------------------------------------------------------------------------------


def test_a_partition_table_is_what_firmware_reads() -> None:
    parts = [
        disk.Partition(disk.FAT, disk.MIB, 20 * disk.MIB, active=True),
        disk.Partition(disk.LINUX, 21 * disk.MIB, 100 * disk.MIB),
    ]
    record = disk.partition_table(b"\xeb\x63", parts, 0x5C5F0001)
    assert len(record) == 512
    assert record[:2] == b"\xeb\x63"
    assert record[510:] == b"\x55\xaa"
    assert struct.unpack("<I", record[440:444]) == (0x5C5F0001,)
    status, kind, start, count = struct.unpack("<B3xB3xII", record[446:462])
    assert (status, kind, start, count) == (0x80, disk.FAT, 2048, 20 * 2048)
    status, kind, start, count = struct.unpack("<B3xB3xII", record[462:478])
    assert (status, kind, start, count) == (0, disk.LINUX, 21 * 2048, 100 * 2048)
    assert record[478:510] == bytes(32)


def test_too_much_for_a_boot_record_is_refused() -> None:
    with pytest.raises(ValueError, match="440"):
        disk.partition_table(bytes(441), [], 0)


@pytest.mark.skipif(shutil.which("cpio") is None, reason="needs cpio to read what we write")
def test_an_initial_ram_disk_is_what_cpio_reads(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    (root / "bin/odd").write_bytes(b"12345")
    (root / "bin/odd").chmod(0o755)
    (root / "bin/sh").symlink_to("odd")
    data = disk.cpio(root)
    assert data == disk.cpio(root)
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["cpio", "-id", "--quiet"], input=data, cwd=out, check=True)
    assert (out / "bin/odd").read_bytes() == b"12345"
    assert (out / "bin/odd").stat().st_mode & 0o777 == 0o755
    assert (out / "bin/sh").readlink() == Path("odd")


def test_missing_tools_are_named_by_package() -> None:
    with pytest.raises(PreflightFailed, match=r"apt-get install .*surely-missing"):
        disk.need_tools({"no-such-tool-here": "surely-missing"})


def test_signatures_of_modules_are_cut_off() -> None:
    signature = b"s" * 300
    record = bytes(8) + len(signature).to_bytes(4, "big")
    signed = b"MODULE" + signature + record + b"~Module signature appended~\n"
    assert tiny._unsigned(signed) == b"MODULE"
    assert tiny._unsigned(b"MODULE") == b"MODULE"


def test_modules_load_in_the_order_of_their_needs(tmp_path: Path) -> None:
    def module(name: str, needs: str) -> None:
        (tmp_path / "kernel").mkdir(exist_ok=True)
        (tmp_path / "kernel" / f"{name}.ko").write_bytes(f"\0depends={needs}\0".encode())

    module("virtio_net", "net-failover")
    module("net_failover", "failover")
    module("failover", "")
    (tmp_path / "modules.builtin").write_text("kernel/drivers/virtio/virtio-pci.ko\n")
    modules = tiny.KernelModules(tmp_path)
    assert modules.closure(["virtio_net", "virtio_pci"]) == [
        "failover",
        "net_failover",
        "virtio_net",
    ]
    with pytest.raises(CommandFailed, match="nosuch is neither"):
        modules.closure(["nosuch"])


@pytest.mark.skipif(shutil.which("awk") is None, reason="needs awk")
def test_the_small_guest_reads_metadata(tmp_path: Path) -> None:
    meta = {
        "uuid": "6d3c1f8e",
        "meta": {"hostname": "not this"},
        "hostname": "vm.novalocal",
        "public_keys": {"a": 'ssh-ed25519 AAA/b== me@"x}"\n', "b": "ssh-rsa B"},
        "keys": [{"name": "a", "data": "ssh-no"}],
        "launch_index": 0,
        "project_id": None,
    }
    for indent in (None, 2):
        (tmp_path / "meta.json").write_text(json.dumps(meta, indent=indent))
        program = Path(tiny.__file__).parent / "tiny_guest/metadata.awk"
        subprocess.run(
            ["awk", "-v", f"into={tmp_path}", "-f", program, tmp_path / "meta.json"], check=True
        )
        assert (tmp_path / "uuid").read_text() == "6d3c1f8e\n"
        assert (tmp_path / "hostname").read_text() == "vm.novalocal\n"
        assert (tmp_path / "keys").read_text() == 'ssh-ed25519 AAA/b== me@"x}"\nssh-rsa B\n'


@pytest.mark.parametrize(
    "script", [path for path in tiny._GUEST.iterdir() if path.read_text().startswith("#!")]
)
def test_the_guests_scripts_are_shell(script: Path) -> None:
    subprocess.run(["sh", "-n", script], check=True)


# --- where packages come from ---------------------------------------------------------------


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


# --- downloads ------------------------------------------------------------------------------


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


needs_qemu_img = pytest.mark.skipif(
    shutil.which("qemu-img") is None, reason="needs qemu-img to look into images"
)


@pytest.fixture
def image(tmp_path: Path) -> bytes:
    raw, qcow2 = tmp_path / "raw", tmp_path / "qcow2"
    raw.write_bytes(b"root" * 100_000)
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", raw, qcow2], check=True)
    return qcow2.read_bytes()


def sha512(data: bytes) -> str:
    return hashlib.sha512(data).hexdigest()


@needs_qemu_img
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


@needs_qemu_img
def test_the_checksum_may_come_from_a_list(server: Server, image: bytes, tmp_path: Path) -> None:
    server.files["/x.qcow2"] = image
    server.files["/SUMS"] = f"{'0' * 128}  y.qcow2\n{sha512(image)} *x.qcow2\n".encode()
    fetched = fetch(f"{server.address}/x.qcow2", f"{server.address}/SUMS", tmp_path, quiet)
    assert fetched.sha512 == sha512(image)


@needs_qemu_img
def test_a_raw_image_becomes_qcow2(server: Server, tmp_path: Path) -> None:
    raw = b"root" * 100_000
    server.files["/x.img"] = raw
    fetched = fetch(f"{server.address}/x.img", sha512(raw), tmp_path, quiet)
    assert fetched.path.read_bytes()[:4] == b"QFI\xfb"


@needs_qemu_img
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


@needs_qemu_img
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


@needs_qemu_img
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


@needs_qemu_img
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
