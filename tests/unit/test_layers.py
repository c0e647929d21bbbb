# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Layers and releases: names that stand for their content, heads, settled environments."""

from __future__ import annotations

import base64
import errno
import fcntl
import hashlib
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from scs import components, release
from scs.archive import SUITE
from scs.engine.events import Events
from scs.engine.stock import Stock
from scs.engine.workshop import Workshop
from scs.errors import BadInput, CommandFailed, ScsError
from scs.paths import Paths
from scs.providers.local import layers
from scs.release import environment, heads
from scs.shell import quiet
from scs.spec import CloudSpec

CACHE = Path("/cache")
FILES = {"etc/a": b"1", "etc/b": b"2"}


# The names of layers.


def test_the_order_of_packages_does_not_matter() -> None:
    one = layers.base_name(CACHE, ["nginx", "redis", "nginx"], FILES)
    other = layers.base_name(CACHE, ["redis", "nginx", "systemd"], dict(reversed(FILES.items())))
    assert one == other
    assert re.fullmatch(r"base-[0-9a-f]{12}", one.name)
    assert one.parent == CACHE / "layers"


@pytest.mark.parametrize(
    ("packages", "files"),
    [
        (["nginx", "redis"], FILES),
        (["nginx"], FILES | {"etc/a": b"3"}),
        (["nginx"], FILES | {"etc/c": b""}),
        (["nginx"], {"etc/a": b"12", "etc/b": b""}),
    ],
)
def test_other_content_is_another_layer(packages: list[str], files: dict[str, bytes]) -> None:
    assert layers.base_name(CACHE, packages, files) != layers.base_name(CACHE, ["nginx"], FILES)


@pytest.mark.parametrize("constant", ["SETUP", "FINISH", "MASKED", "SUITE"])
def test_another_recipe_is_another_layer(monkeypatch: pytest.MonkeyPatch, constant: str) -> None:
    before = layers.base_name(CACHE, [], FILES)
    old = getattr(layers, constant)
    monkeypatch.setattr(
        layers, constant, (*old, "x.service") if constant == "MASKED" else old + " "
    )
    assert layers.base_name(CACHE, [], FILES) != before


# What nodes take over from this machine.


def test_only_the_way_to_servers_is_taken_from_apt() -> None:
    dump = (
        'APT::Architecture "amd64";\n'
        'Acquire "";\n'
        'Acquire::http "";\n'
        'Acquire::http::Proxy "http://proxy.example:3128";\n'
        'Acquire::https::Verify-Peer "true";\n'
        'Acquire::http::Proxy-Auto-Detect "/usr/local/bin/find-proxy";\n'
        'Acquire::Check-Valid-Until "false";\n'
        'Acquire::Languages:: "de";\n'
        'Acquire::IndexTargets::deb::DEP-11::MetaKey "x";\n'
        'DPkg::Post-Invoke:: "rm -f /x";\n'
    )
    assert layers.forwarded(dump) == (
        'Acquire::http::Proxy "http://proxy.example:3128";\n'
        'Acquire::https::Verify-Peer "true";\n'
        'Acquire::Check-Valid-Until "false";\n'
    )


def test_the_key_of_a_mirror_comes_along() -> None:
    text = (
        "Types: deb\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n"
        "Types: deb\nSigned-By: /etc/apt/keyrings/mirror.asc\n"
    )
    assert layers.keyrings(text) == ["/etc/apt/keyrings/mirror.asc"]


def test_passwords_are_for_root_only_and_units_masked(tmp_path: Path) -> None:
    files = {"etc/apt/auth.conf.d/m.conf": b"secret", "usr/local/sbin/x": b"#!", "etc/y": b""}
    old = os.umask(0o077)
    try:
        layers.write_skeleton(tmp_path / "root", files)
    finally:
        os.umask(old)
    modes = {name: (tmp_path / "root" / name).stat().st_mode & 0o777 for name in (*files, "etc")}
    assert list(modes.values()) == [0o600, 0o755, 0o644, 0o755]
    masked = tmp_path / "root/etc/systemd/system" / layers.MASKED[0]
    assert masked.readlink() == Path("/dev/null")


def test_everything_is_installed_where_nothing_can_stay_mounted() -> None:
    words = [*map(str, layers.debootstrap_command(["nginx"], Path("/r"), Path("/s.sources")))]
    assert words.index("--kill-child") < words.index("mmdebstrap")
    assert "--propagation=private" in words
    (include,) = (word for word in words if word.startswith("--include="))
    assert {"nginx", *layers.BASE} == set(include.removeprefix("--include=").split(","))
    assert words[-3:] == [SUITE, "/r", "/s.sources"]


# A layer is there wholly or not at all.


def _environment_layer(cache: Path) -> Path:
    return layers.environment_path(cache, release.load("2026.2"))


def test_a_layer_that_is_there_is_taken(tmp_path: Path) -> None:
    path = _environment_layer(tmp_path)
    path.mkdir(parents=True)
    assert layers.build_environment(tmp_path, release.load("2026.2"), None, quiet) == path


def test_a_build_that_fails_leaves_nothing_and_the_next_one_starts_afresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_release: object, tree: Path, *_rest: object) -> None:
        tree.mkdir(parents=True)
        (tree / "half").touch()
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(environment, "install", fail)
    for _ in range(2):
        with pytest.raises(OSError, match="full"):
            layers.build_environment(tmp_path, release.load("2026.2"), None, quiet)
    assert not _environment_layer(tmp_path).exists()
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} == {".lock"}


def test_an_environment_is_installed_compiled_and_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Sequence[str]] = []

    def install(_release: object, tree: Path, *_rest: object) -> None:
        (tree / "opt").mkdir(parents=True)

    def compile_bytecode(_release: object, python: Sequence[object], *_rest: object) -> None:
        seen.append([str(word) for word in python])

    monkeypatch.setattr(environment, "install", install)
    monkeypatch.setattr(environment, "compile_bytecode", compile_bytecode)
    made = layers.build_environment(
        tmp_path, release.load("2026.2"), tmp_path / "base", quiet, jobs=1
    )
    assert made == _environment_layer(tmp_path)
    assert (made / "opt").is_dir()
    assert seen[0][-4:][0] == str(tmp_path / "base")
    assert not list((tmp_path / "prepared").glob("[!.]*"))


def test_leftovers_go_but_not_what_is_being_made(tmp_path: Path) -> None:
    for name in (".base-dead.new", ".base-busy.new", "base-done"):
        (tmp_path / name).mkdir()
    with (tmp_path / ".base-busy.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        layers.remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {
        ".base-busy.new",
        "base-done",
    }


def test_unused_layers_go(tmp_path: Path) -> None:
    kept, gone = tmp_path / "layers/base-1", tmp_path / "layers/env-2026.2-2"
    for path in (kept, gone, tmp_path / "prepared/2026.2-2"):
        (path / "opt").mkdir(parents=True)
    (tmp_path / "layers/.base-1.lock").touch()
    assert set(layers.sizes(tmp_path)) == {kept.name, gone.name}
    layers.remove_unused(tmp_path, {kept})
    assert set(layers.sizes(tmp_path)) == {kept.name}
    assert not (tmp_path / "prepared/2026.2-2").exists()


# Releases.


@pytest.fixture
def copy(tmp_path: Path) -> release.Release:
    original = release.load("2026.2")
    for path in (original.lock, original.build_lock, original.migrations):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return release.Release("2026.2", tmp_path)


def test_a_release_has_what_its_input_names() -> None:
    for name in release.names():
        one = release.load(name)
        assert len(one.demanded) > 5
        assert one.demanded <= one.all_versions().keys(), "run python -m scs.release lock"
        assert str(one.environment_path) == f"/opt/scs/releases/{one.environment_id}"


def test_environments_of_a_release_agree() -> None:
    for name in release.names():
        one = release.load(name)
        for part in one.parts:
            both = one.versions().keys() & one.beside(part).versions().keys()
            assert both
            assert {one.versions()[key] for key in both} == {
                one.beside(part).versions()[key] for key in both
            }
        for tool in one.tools:
            locked = release.locked(one.tool_lock(tool))
            both = locked.keys() & one.versions().keys()
            assert {key: locked[key] for key in both} == {key: one.versions()[key] for key in both}


def test_an_environment_beside_that_of_the_services(copy: release.Release, tmp_path: Path) -> None:
    (tmp_path / "extra.in").write_text("zzz\n")
    (tmp_path / "extra.lock").write_text("zzz==1 --hash=sha256:00\n")
    assert copy.parts == ("openstack", "extra")
    extra = copy.beside("extra")
    before = extra.environment_id
    assert re.fullmatch(r"2026\.2-extra-[0-9a-f]{12}", before)
    assert copy.environment_id == release.load("2026.2").environment_id
    # On nodes it is in the folder that they share; the machine has it in its cache.
    assert str(extra.environment_path) == f"/var/lib/scs/artifacts/environments/{before}"
    shared = layers.shared(tmp_path / "cache")
    assert layers.environment_path(tmp_path / "cache", extra) == shared / f"environments/{before}"
    (tmp_path / "extra.finish").write_text("print('done')\n")
    assert copy.beside("extra").environment_id != before


def test_locks_have_hashes_and_name_no_server() -> None:
    one = release.load("2026.2")
    for lock in (*(one.beside(part).lock for part in one.parts), one.build_lock):
        text = lock.read_text()
        assert "://" not in text
        entries = re.split(r"(?m)^(?=[a-z])", text)[1:]
        assert entries
        assert all("--hash=sha256:" in entry for entry in entries)


def test_the_build_tools_are_those_that_are_installed() -> None:
    one = release.load("2026.2")
    built = re.findall(r"(?m)^([\w.-]+)==(\S+)", one.build_lock.read_text())
    assert built
    assert set(built) <= set(one.versions().items())


def test_an_environment_is_named_after_what_is_in_it(copy: release.Release) -> None:
    before = release.load("2026.2").environment_id
    assert copy.environment_id == before
    copy.lock.write_text("# another comment\n" + copy.lock.read_text())
    assert release.Release("2026.2", copy.folder).environment_id == before
    copy.lock.write_text(copy.lock.read_text() + "zzz==1 --hash=sha256:00\n")
    assert release.Release("2026.2", copy.folder).environment_id != before


def test_an_unknown_release_is_bad_input() -> None:
    with pytest.raises(BadInput, match=r"known: .*2026\.2"):
        release.load("1999.1")


def test_an_environment_is_lent_under_second_names(tmp_path: Path) -> None:
    """Nodes that were made from another layer see it in the folder that all share."""
    one = release.load("2026.2")
    layer = layers.environment_path(tmp_path, one) / one.environment_path.relative_to("/")
    (layer / "bin").mkdir(parents=True)
    (layer / "bin/python").symlink_to("/usr/bin/python3")
    (layer / "heads.json").write_text("{}")
    lent = layers.lend_environment(tmp_path, one, quiet)
    assert lent == layers.shared(tmp_path) / "environments" / one.environment_id
    assert (lent / "heads.json").samefile(layer / "heads.json")
    assert (lent / "bin/python").readlink() == Path("/usr/bin/python3")
    assert layers.lend_environment(tmp_path, one, quiet) == lent


# Migration heads.


def _tree(path: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = path / "versions" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return path


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {
                "a.py": "revision = 'a'\ndown_revision = None",
                "b.py": "revision='b'\ndown_revision='a'",
            },
            ["b"],
        ),
        (  # keystone: two branches in folders of their own, both stay
            {
                "a.py": "revision: str = 'a'\ndown_revision: str | None = None",
                "x/expand/e.py": "revision = 'e'\ndown_revision = 'a'\nbranch_labels = ('expand',)",
                "x/contract/c.py": "revision = 'c'\ndown_revision = 'a'\nbranch_labels = LABELS",
                "__init__.py": "",
            },
            ["c", "e"],
        ),
        (  # glance: the end of one branch depends on the end of the other
            {
                "a.py": "revision = 'a'\ndown_revision = None",
                "e.py": "revision = 'e'\ndown_revision = 'a'",
                "c.py": "revision = 'c'\ndown_revision = 'a'\ndepends_on = ('e',)",
            },
            ["c"],
        ),
        (  # a dependency may be named by its branch
            {
                "e.py": "revision = 'e'\ndown_revision = None\nbranch_labels = 'expand'",
                "c.py": "revision = 'c'\ndown_revision = None\ndepends_on = 'expand'",
            },
            ["c"],
        ),
        (  # a merge
            {
                "a.py": "revision = 'a'\ndown_revision = None",
                "b.py": "revision = 'b'\ndown_revision = None",
                "m.py": "revision = 'm'\ndown_revision = ('a', 'b')\n\ndef upgrade(): pass",
            },
            ["m"],
        ),
    ],
)
def test_heads(tmp_path: Path, files: dict[str, str], expected: list[str]) -> None:
    assert heads.described(_tree(tmp_path, files))["heads"] == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"expand/e.py": "e", "contract/c.py": "c"}, ["e"]),
        ({"x_expand01.py": "e", "x_contract01_empty.py": "c"}, ["e"]),
        ({"e.py": "e", "constraints_contracted.py": "c"}, ["c", "e"]),
    ],
    ids=["folders", "names", "nothing is taken away"],
)
def test_what_older_code_bears_is_told_by_the_place(
    tmp_path: Path, files: dict[str, str], expected: list[str]
) -> None:
    texts = {name: f"revision = '{rev}'\ndown_revision = 'a'" for name, rev in files.items()}
    texts["a.py"] = "revision = 'a'\ndown_revision = None"
    found = heads.described(_tree(tmp_path, texts))
    assert found["expanded"] == expected
    assert found["follows"] == {"a": [], "c": ["a"], "e": ["a"]}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no alembic migrations"),
        ({"b.py": "revision = 'b'\ndown_revision = 'gone'"}, "b follows gone"),
        ({"b.py": "revision = 'b'\ndown_revision = find()"}, "down_revision is not a constant"),
    ],
)
def test_a_tree_that_is_not_understood_is_an_error(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    with pytest.raises(ScsError, match=message):
        heads.described(_tree(tmp_path, files))


# What an installation is settled into.


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (b"#!/home/x/bin/python3.11\nimport sys\n", b"#!/opt/e/bin/python\nimport sys\n"),
        (
            b"#!/bin/sh\n'''exec' '/long/python' \"$0\" \"$@\"\n' '''\nrest\n",
            b"#!/opt/e/bin/python\nrest\n",
        ),
        (b"#!/bin/sh\necho\n", b"#!/bin/sh\necho\n"),
        (b"\x7fELF python\n", b"\x7fELF python\n"),
    ],
)
def test_programs_get_the_nodes_python(program: bytes, expected: bytes) -> None:
    assert environment.with_interpreter(program, "/opt/e/bin/python") == expected


def test_the_record_tells_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "m.py").touch()
    text = "bin/m,sha256=a,1\netc/m/m.conf,sha256=b,2\nm.py,sha256=c,0\nm/tests/t.py,sha256=d,4\n"
    assert environment.settled_record(text, tmp_path) == (
        "../../../bin/m,,\n../../../etc/m/m.conf,sha256=b,2\nm.py,sha256=c,0\n"
    )


def test_tests_and_what_leads_to_them_are_left_out(tmp_path: Path) -> None:
    whole = "heat_integrationtests/common/config.py"
    for name in ("nova/tests/unit/tests/t.py", "nova/test.py", "jinja2/tests.py", whole):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    points = tmp_path / "nova-1.dist-info/entry_points.txt"
    points.parent.mkdir()
    fakes = "fake = nova.tests.unit.fake:Fake\nwhole = heat_integrationtests.common.config:opts\n"
    points.write_text(f"[a]\nreal = nova.drivers:Real\n{fakes}")
    cached = tmp_path / "in-the-cache-of-uv"
    cached.hardlink_to(points)
    environment.drop_tests(tmp_path)
    found = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.py")}
    assert found == {"nova/test.py", "jinja2/tests.py"}
    assert points.read_text() == "[a]\nreal = nova.drivers:Real\n"
    assert "fake" in cached.read_text(), "uv's cache must not change"


STEVEDORE = f"""import importlib.metadata


def build():
    found = importlib.metadata.distributions()
    every = [item for one in found for item in one.entry_points]
    entry_points = importlib.metadata.EntryPoints(every)
    groups = {{}}
{environment._SLOW}            if ep not in existing:
                existing.add(ep)
                groups[group].append(ep)
    return groups
"""


def test_entry_points_are_sorted_once_into_the_same_groups(tmp_path: Path) -> None:
    module = tmp_path / "stevedore/_cache.py"
    record = tmp_path / "stevedore-1.dist-info/RECORD"
    for path in (module, record):
        path.parent.mkdir()
    module.write_text(STEVEDORE)
    record.write_text("stevedore/__init__.py,sha256=x,1\nstevedore/_cache.py,sha256=y,2\n")
    environment.sort_entry_points_once(tmp_path)
    found = []
    for text in (STEVEDORE, module.read_text()):
        names: dict[str, Any] = {}
        exec(text, names)
        found.append(names["build"]())
    assert found[0]
    assert found[0] == found[1]
    assert ".select(" not in module.read_text()
    digest = base64.urlsafe_b64encode(hashlib.sha256(module.read_bytes()).digest()).decode()
    mine = f"stevedore/_cache.py,sha256={digest.rstrip('=')},{module.stat().st_size}"
    assert record.read_text().splitlines() == ["stevedore/__init__.py,sha256=x,1", mine]


def test_another_way_to_read_entry_points_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "stevedore").mkdir()
    (tmp_path / "stevedore/_cache.py").write_text("def build(): pass\n")
    with pytest.raises(ScsError, match="does not read entry points as it did"):
        environment.sort_entry_points_once(tmp_path)


def test_uv_follows_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "UV_DEFAULT_INDEX",
        "UV_INDEX",
        "SSL_CERT_FILE",
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "pip.conf"
    config.write_text(
        "[global]\nindex-url = https://i.example/simple\n"
        "extra-index-url =\n  https://a.example\n  https://b.example\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.setenv("PIP_CERT", "/ca.pem")
    monkeypatch.setenv("UV_SYSTEM_CERTS", "false")
    assert environment.uv_settings() == {
        "UV_DEFAULT_INDEX": "https://i.example/simple",
        "UV_INDEX": "https://a.example https://b.example",
        "SSL_CERT_FILE": "/ca.pem",
    }
    config.write_text("index-url")
    with pytest.raises(BadInput, match=r"pip's configuration"):
        environment.uv_settings()


def test_components_find_their_heads_by_these_names(copy: release.Release) -> None:
    # The one place where a name could go unnoticed: components ask for it by this name.
    text = copy.migrations.read_text()
    asked = {
        tree
        for part, _ in components.discover().values()
        for migration in part.migrations
        for tree in migration.proofs.values()
    }
    assert asked
    assert asked <= set(re.findall(r"(?m)^(\w+) = ", text))


@pytest.mark.parametrize(
    ("lines", "given_up"), [("Ign Ign Ign Err", True), ("Ign Ign Get Ign Err", False)]
)
def test_an_archive_that_hangs_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str, given_up: bool
) -> None:
    told = "".join(f"echo {word}:4 http://mirror/debian trixie/main;" for word in lines.split())
    end = "sleep 300" if given_up else "true"
    monkeypatch.setattr(layers, "debootstrap_command", lambda *_: ["sh", "-c", f"{told} {end}"])
    files = {"etc/apt/sources.list.d/scs.sources": b"Types: deb\n"}
    said: list[str] = []
    began = time.monotonic()
    if given_up:
        with pytest.raises(CommandFailed, match="4 times in a row") as caught:
            layers._debootstrap(tmp_path, tmp_path, (), files, said.append)
        assert "apt sources" in caught.value.problems[0].hint
    else:
        layers._debootstrap(tmp_path, tmp_path, (), files, said.append)
    assert time.monotonic() - began < 200
    assert len(said) == 4


def test_an_environment_that_is_there_needs_no_layer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = release.load("2026.2")
    there = layers.environment_path(tmp_path, newest.beside("dashboard"))
    there.mkdir(parents=True)
    monkeypatch.setattr(layers, "build_base", lambda *_: pytest.fail("a layer was made"))
    workshop = Workshop(Events())
    paths = Paths(tmp_path / "state", tmp_path)
    stock = Stock(CloudSpec(), paths, newest, workshop, lambda: ("bind9",))
    (made,) = stock.start_beside(["dashboard"])
    assert made.result() == there
    workshop.close()
