# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every file of every cloud on paper can be read by what it is for.

What needs the real programs (haproxy, nft, systemd, visudo) is in tests/layers.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from oslo_config import cfg

from clouds import CLOUDS, expanded, expander_of
from scs import components
from scs.errors import BadInput
from scs.model.component import Config
from scs.plan import ini
from scs.plan.units import HARDENED
from scs.resources import File, Unit

INI_WITHOUT_SERVICE = {"/etc/neutron/rootwrap.conf"}
REPEATABLE = {"Environment", "ExecStart", "ExecStartPre", "ExecStartPost", "ExecStop", "ExecReload"}


@cache
def files(cloud: str) -> dict[tuple[str, str], File]:
    """(node, path) → the file."""
    spec, facts = CLOUDS[cloud]
    return {
        (node, item.name): item
        for node, items in expanded(expander_of(spec, **facts)).items()
        for item in items
        if isinstance(item, File)
    }


def every(matching: str) -> list[tuple[str, str, str]]:
    """(cloud, node, path) of every file whose path matches."""
    return [
        (cloud, node, path)
        for cloud in CLOUDS
        for node, path in files(cloud)
        if re.search(matching, path)
    ]


def services() -> dict[str, str]:
    """INI file → the service whose options it takes."""
    return {
        item.path: item.service
        for part, _ in components.discover().values()
        for item in part.files
        if isinstance(item, Config) and item.service
    }


INI = re.compile("|".join(re.escape(path) for path in {*services(), *INI_WITHOUT_SERVICE})).pattern
UNIT = r"^/etc/systemd/system/[^/]+\.service$"
DROP_IN = r"^/etc/systemd/system/[^/]+\.d/"


def pairs(text: str) -> list[tuple[str, str, str]]:
    """(section, key, value) of a file in systemd's or uwsgi's form; each line is one of these."""
    found = []
    section = ""
    for line in text.splitlines():
        if match := re.fullmatch(r"\[([\w-]+)\]", line):
            section = match[1]
        elif line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            assert section, f"{line!r} stands in no section"
            assert equals, f"{line!r} is no setting"
            assert re.fullmatch(r"[\w-]+", key), line
            found.append((section, key, value))
    return found


@pytest.mark.parametrize("cloud", CLOUDS)
def test_nothing_is_left_of_the_templates(cloud: str) -> None:
    for (node, path), item in files(cloud).items():
        found = [word for word in ("{%", "{#", "{{", "Undefined") if word in item.content]
        assert not found, (node, path)


# --- oslo.config


@pytest.mark.parametrize(("cloud", "node", "path"), every(f"^({INI})$"))
def test_oslo_reads_services_files(cloud: str, node: str, path: str, tmp_path: Path) -> None:
    text = files(cloud)[node, path].content
    (tmp_path / "conf").write_text(text)
    sections: dict[str, dict[str, list[str]]] = {}
    cfg.ConfigParser(str(tmp_path / "conf"), sections).parse()
    heads = Counter(re.findall(r"(?m)^\[(.+)\]$", text))
    assert heads == Counter(sections.keys()), "each section once"
    for section, options in sections.items():
        for option, values in options.items():
            assert len(values) == 1, f"[{section}] {option} is there twice"
            assert "None" not in values[0], f"[{section}] {option}"
            assert "\n" not in values[0], f"[{section}] {option}"
    assert sum(map(len, sections.values())) > 2


def test_all_services_files_were_looked_at() -> None:
    seen = {path for _, _, path in every(f"^({INI})$")}
    assert seen == {*services(), *INI_WITHOUT_SERVICE}


# --- systemd, uwsgi


@pytest.mark.parametrize(("cloud", "node", "path"), every(UNIT))
def test_units_of_ours(cloud: str, node: str, path: str) -> None:
    found = pairs(files(cloud)[node, path].content)
    assert {section for section, _, _ in found} == {"Unit", "Service", "Install"}
    for (section, key), count in Counter((section, key) for section, key, _ in found).items():
        assert count == 1 or key in REPEATABLE, f"[{section}] {key} is there twice"
    service = {key: value for section, key, value in found if section == "Service"}
    assert service["ExecStart"].startswith("/")
    assert service["User"] == service["Group"]
    if service["User"] == "root":
        assert "StateDirectory" not in service or service["StateDirectory"] != "root"
    if "CapabilityBoundingSet" in service:
        assert service.items() >= (HARDENED.items() - {("RestrictNamespaces", "yes")})
    for section, key, value in found:
        if key == "Environment":
            assert re.fullmatch(r'"[A-Za-z_]+=[^"\n]*"', value), (section, value)
    assert ("Install", "WantedBy", "multi-user.target") in found


@pytest.mark.parametrize(("cloud", "node", "path"), every(DROP_IN))
def test_drop_ins(cloud: str, node: str, path: str) -> None:
    found = pairs(files(cloud)[node, path].content)
    assert {section for section, _, _ in found} <= {"Unit", "Service", "Socket"}
    for (_, key), count in Counter((section, key) for section, key, _ in found).items():
        assert count == (2 if key.startswith("Exec") else 1), key
    for _, key, value in found:
        if key.startswith("Exec"):
            assert value == "" or value.startswith(("/", "+/"))


@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_unit_has_its_file(cloud: str) -> None:
    spec, facts = CLOUDS[cloud]
    for node, items in expanded(expander_of(spec, **facts)).items():
        for unit in items:
            if isinstance(unit, Unit):
                name = re.sub(r"@.+\.service", "@.service", unit.name)
                own = {f"/etc/systemd/system/{name}", f"/etc/systemd/system/{name}.d/scs.conf"}
                assert len(own & {path for at, path in files(cloud) if at == node}) == 1, unit.name


@pytest.mark.parametrize(("cloud", "node", "path"), every(r"^/etc/scs/uwsgi/"))
def test_uwsgi(cloud: str, node: str, path: str) -> None:
    found = pairs(files(cloud)[node, path].content)
    assert {section for section, _, _ in found} == {"uwsgi"}
    options = {key: value for _, key, value in found}
    assert len(options) == len(found)
    assert re.fullmatch(r"127\.0\.0\.1:\d+", options["http-socket"])
    assert re.fullmatch(r"[\w.]+:\w+", options["module"])
    assert int(options["processes"]) >= 1
    assert all(options.values())


def test_no_two_applications_of_a_node_share_a_port() -> None:
    for cloud in CLOUDS:
        ports = Counter(
            (node, line)
            for (node, path), item in files(cloud).items()
            if path.startswith("/etc/scs/uwsgi/")
            for line in item.content.splitlines()
            if line.startswith("http-socket=")
        )
        assert ports
        assert set(ports.values()) == {1}


# --- programs

PYTHON = "#!/usr/bin/python3"


def scripts(first_line: str) -> list[tuple[str, str, str]]:
    return [
        at for at in every("^/usr/local/") if files(at[0])[at[1:]].content.startswith(first_line)
    ]


@pytest.mark.parametrize(("cloud", "node", "path"), scripts('"""') + scripts(PYTHON))
def test_python_programs(cloud: str, node: str, path: str) -> None:
    item = files(cloud)[node, path]
    assert ast.get_docstring(ast.parse(item.content))
    assert item.mode & 0o111 or not item.content.startswith(PYTHON)


@pytest.mark.parametrize(("cloud", "node", "path"), scripts("#!/bin/sh"))
def test_shell_programs(cloud: str, node: str, path: str) -> None:
    item = files(cloud)[node, path]
    done = subprocess.run(
        ["sh", "-n"], input=item.content, text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "\nset -eu\n" in item.content
    assert item.mode & 0o111


def test_all_programs_were_looked_at() -> None:
    looked_at = scripts('"""') + scripts(PYTHON) + scripts("#!/bin/sh")
    assert sorted(looked_at) == sorted(every("^/usr/local/"))


# --- an operator's options


@pytest.mark.parametrize(
    ("base", "options", "expected"),
    [
        ("[a]\nx = 1\n", {}, "[a]\nx = 1\n"),
        ("[a]\nx = 1\ny = 2\n", {"a": {"x": 3}}, "[a]\nx = 3\ny = 2\n"),
        ("[a]\nx = 1\n\n[b]\n", {"a": {"z": 3}}, "[a]\nx = 1\nz = 3\n\n[b]\n"),
        ("[a]\nx = 1\n", {"c": {"z": "v"}}, "[a]\nx = 1\n\n[c]\nz = v\n"),
        ("[a]\n# x = 0\nx=1\n", {"a": {"x": True}}, "[a]\n# x = 0\nx = true\n"),
        ("[a]\nx = y = z\n", {"a": {"x": ["p", "q"]}}, "[a]\nx = p,q\n"),
        ("[a]\nx = 1\n[b]\nx = 1\n", {"b": {"x": 0.5}}, "[a]\nx = 1\n\n[b]\nx = 0.5\n"),
        ("", {"a": {"x": False}}, "[a]\nx = false\n"),
        ("[a]\nx = 1\n", {"a": {}, "b": {}}, "[a]\nx = 1\n"),
    ],
)
def test_options_are_merged_in(
    base: str, options: dict[str, dict[str, object]], expected: str
) -> None:
    merged = ini.merge(base, options)
    assert merged == expected
    assert ini.merge(merged, options) == merged


def test_a_template_that_asks_for_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "__init__.py").write_text(
        "from scs.model.component import CONTROL, Component, Config\n"
        "component = Component(name='x', summary='', roles=CONTROL,"
        " files=(Config('x.j2', '/etc/x'),))\n"
    )
    (tmp_path / "x" / "x.j2").write_text("line\n{{ v.no_such_thing }}\n")
    with pytest.raises(BadInput, match=r"component x: x.j2(?s:.)*no_such_thing"):
        expanded(expander_of(available=components.discover(tmp_path)))
