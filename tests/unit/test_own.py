# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an operator puts beside cloud.yaml: read, merged, laid out, explained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from oslo_config import cfg

from clouds import ROOT, THREE, THREE_FULL, expander_of
from scs import components
from scs.engine import own as beside
from scs.errors import BadInput
from scs.model.component import Component, Config, Packaged
from scs.model.overrides import Overrides, Setting
from scs.plan import explain, ini, options, own
from scs.plan.expand import Expander
from scs.plan.options import Known, Option, from_values, unknown
from scs.plan.plan import node_steps
from scs.resources import File, Leftovers, Resource, Unit
from scs.spec import CloudSpec

PARTS = [part for part, _ in components.discover().values()]
INI = [(part, item) for part, item in own.configs(PARTS) if item.service]
SYSTEMD = "/etc/systemd/system"


def written(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def read(folder: Path, files: Mapping[str, str | bytes]) -> Overrides:
    found, problems = beside.read(written(folder, files))
    assert not [*problems, *own.problems(found, PARTS)]
    return found


def with_own(
    overrides: Overrides, spec: CloudSpec = THREE, **config: dict[str, dict[str, object]]
) -> Expander:
    expander = expander_of(spec.model_copy(update={"config": config}))
    expander.view = replace(expander.view, overrides=overrides)
    return expander


def items(expander: Expander, node: str) -> dict[str, Resource]:
    where = next(item for item in expander.view.nodes if item.name == node)
    return {item.id: item for item in expander.node(where)}


def content(found: Mapping[str, Resource], path: str) -> str:
    item = found[f"file:{path}"]
    assert isinstance(item, File)
    return item.content


# --- what is wrong


@pytest.mark.parametrize(
    ("name", "text", "where", "what", "hint"),
    [
        ("config/nva.conf", "[a]\nx=1\n", "config/nva.conf", "no service nva", "mean nova?"),
        ("config/nva/x.conf", "[a]\nx=1\n", "config/nva/x.conf", "no service nva", "mean nova?"),
        ("config/nova.txt", "", "config/nova.txt", "is not read", "SERVICE.conf"),
        ("config/nova/x.cfg", "", "config/nova/x.cfg", "is not read", "*.conf"),
        ("config/nova/policy.yml", "", "config/nova/policy.yml", "is not read", "policy.yaml?"),
        ("config/nova.conf", "x = 1\n", "config/nova.conf:1", "stands in no section", "[DEFAULT]"),
        ("config/nova.conf", "[a\nx=1", "config/nova.conf:1", "expected a section", "[NAME]"),
        ("config/nova.conf", "[a]\nx\n", "config/nova.conf:2", "`option = value`", "#"),
        ("config/nova.conf", "[a]\n  x\n", "config/nova.conf:2", "continues no option", "blanks"),
        ("config/nova.conf", b"[a]\nx = \xff\n", "config/nova.conf:2", "is no UTF-8", "UTF-8"),
        ("config/nova.conf", b"[a]\nx = \0\n", "config/nova.conf:2", "control character", "out"),
        ("config/nova.conf", b"#" * (1 << 20) + b"\n", "config/nova.conf", "longer", "long"),
        ("config/nova.conf/x", "", "config/nova.conf/x", "is not read", "*.conf"),
        ("config/nova/policy.yaml", "a: [", "config/nova/policy.yaml:", "", ""),
        ("config/nova/policy.yaml", "a: 1\n", "config/nova/policy.yaml:1", "in quotes", "role:"),
        ("config/nova/policy.yaml", '"a":\n', "config/nova/policy.yaml:1", "nothing", "role:"),
        ("config/nova/policy.yaml", "- a\n", "config/nova/policy.yaml:1", "mapping", "lines"),
        ("config/nova/policy.yaml", 'a: ""\na: "!"\n', "config/nova/policy.yaml:2", "twice", "one"),
        ("config/nva/policy.yaml", 'a: ""\n', "config/nva/policy.yaml", "no service", "nova?"),
        ("templates/nvoa/nova.conf.j2", "", "templates/nvoa/", "no component nvoa", "mean nova?"),
        ("templates/nova/nov.conf.j2", "", "templates/nova/", "no template", "nova.conf.j2?"),
        ("templates/nova/nova.conf", "", "templates/nova/nova.conf", "is not read", ".j2"),
        ("templates/nova/nova.conf.j2", "\n{% if %}", "conf.j2:2", "is no template", "Jinja2"),
        ("systemd/nova-ap.service.d/x.conf", "", "x.conf", "no unit nova-ap", "nova-api.service?"),
        ("systemd/nova-api/x.conf", "", "systemd/nova-api", "is not read", "UNIT.service.d"),
        ("systemd/nova-api.service.d/x", "", "service.d/x", "is not read", "NAME.conf"),
        ("systemd/nova-api.service.d/x.conf", "A=1\n", "x.conf:1", "no section", "[Service]"),
        ("systemd/nova-api.service.d/x.conf", "[Servic]\n", "x.conf:1", "sections", "Service?"),
        ("systemd/nova-api.service.d/x.conf", "[Unit]\nx\n", "x.conf:2", "Setting=value", ""),
    ],
)
def test_bad_files(
    tmp_path: Path, name: str, text: str | bytes, where: str, what: str, hint: str
) -> None:
    found, problems = beside.read(written(tmp_path, {name: text}))
    problems += own.problems(found, PARTS)
    assert len(problems) == 1
    assert where in problems[0].where
    assert what in problems[0].what
    assert hint in problems[0].hint


def test_what_editors_leave_is_not_read(tmp_path: Path) -> None:
    names = ("config/.x.conf.swp", "config/nova/x.conf~", "config/README", "config/nova/.git/a")
    assert read(tmp_path, dict.fromkeys(names, "?")) == Overrides()


# --- the form of INI files


@pytest.mark.parametrize(
    "text",
    [
        "[a]\nx = 1\n",
        "[a]\nx=1\nx = 2\n[b]\nx : 3\n",
        "; no\n[ a ]\n# x = 0\nx = y = z\n",
        "[a]\nx = 1\n  2\n\t3\ny =\n",
        "[a]\nx = 1\n\n[b]\ny = 2\n[a]\nz = 3\n",
    ],
)
def test_files_are_read_as_oslo_does(text: str, tmp_path: Path) -> None:
    (tmp_path / "conf").write_text(text)
    sections: dict[str, dict[str, list[str]]] = {}
    cfg.ConfigParser(str(tmp_path / "conf"), sections).parse()
    found, problems = ini.parse(text, str)
    assert not problems
    mine: dict[str, dict[str, list[str]]] = {}
    for item in found:
        mine.setdefault(item.section, {})[item.option] = list(item.values)
    assert mine == {name.strip(): values for name, values in sections.items()}


def setting(option: str, *values: str, section: str = "a") -> Setting:
    return Setting(section, option, values, "x.conf:1")


@pytest.mark.parametrize(
    ("base", "layers", "text"),
    [
        ("[a]\nx = 1\n", [setting("x", "2")], "[a]\nx = 2\n"),
        ("[a]\nx = 1\nx = 2\ny = 3\n", [setting("y", "4")], "[a]\nx = 1\nx = 2\ny = 4\n"),
        ("[a]\nx = 1\nx = 2\n", [setting("x", "3")], "[a]\nx = 3\n"),
        ("[a]\nx = 1\ny = 0\n", [setting("x", "2", "3")], "[a]\nx = 2\nx = 3\ny = 0\n"),
        ("[a]\n", [setting("x", "1", "2"), setting("x", "3")], "[a]\nx = 3\n"),
        ("[a]\nx = 1\n  2\ny = 0\n", [setting("x", "3")], "[a]\nx = 3\ny = 0\n"),
        ("[ a ]\nx = 1\n", [setting("x", "2")], "[a]\nx = 2\n"),
        ("[a]\n", [setting("x", "1\n2")], "[a]\nx = 1\n    2\n"),
    ],
)
def test_values_are_merged(base: str, layers: list[Setting], text: str) -> None:
    composed = ini.compose(base, layers)
    assert composed.text == text
    assert ini.compose(text, layers).text == text
    winners = {item.key: item.values for item in composed.candidates}
    parsed, _ = ini.parse(text, str)
    assert winners == {item.key: item.values for item in parsed}, "what is told is what is there"


# --- which file counts where


@pytest.mark.parametrize(
    ("files", "nova", "compute"),
    [
        ({}, "c", "c"),
        ({"nova.conf": "1"}, "1", "1"),
        ({"nova/x.conf": "2"}, "2", "2"),
        ({"nova/nova-compute.conf": "3"}, "c", "3"),
        ({"nova/nova.conf": "4"}, "4", "c"),
        ({"nova.conf": "1", "nova/x.conf": "2"}, "2", "2"),
        ({"nova/b.conf": "1", "nova/a.conf": "2"}, "1", "1"),
        ({"nova/nova-compute.conf": "3", "nova/x.conf": "2"}, "2", "3"),
    ],
)
def test_the_strongest_setting_holds(
    tmp_path: Path, files: dict[str, str], nova: str, compute: str
) -> None:
    texts = {f"config/{name}": f"[DEFAULT]\nx = {value}\n" for name, value in files.items()}
    expander = with_own(read(tmp_path, texts), nova={"DEFAULT": {"x": "c"}})
    assert f"\nx = {nova}\n" in content(items(expander, "control-1"), "/etc/nova/nova.conf")
    here = content(items(expander, "compute-1"), "/etc/nova/nova-compute.conf")
    assert f"\nx = {compute}\n" in here


def restarted(before: Mapping[str, Resource], after: Mapping[str, Resource]) -> set[str]:
    """The units that a node's change restarts, and whether anything else was added to it."""
    seen = {}
    for item in before.values():
        if isinstance(item, File):
            owner = {"owner": item.owner, "group": item.group, "mode": item.mode}
            seen[item.id] = {"sha256": item.sha256, **owner}
        elif isinstance(item, Unit):
            seen[item.id] = {"active": "active", "enabled": "enabled", "late": [], "wrong": ""}
    wanted = [item for item in after.values() if isinstance(item, File | Unit)]
    steps = [step for step, _ in node_steps("n", wanted, seen)]
    return {step.id for step in steps if step.effect}


NOVA = {f"unit:nova-{name}.service" for name in ("api", "metadata", "conductor", "scheduler")}
NOVA |= {"unit:nova-novncproxy.service"}


@pytest.mark.parametrize(
    ("name", "text", "control", "compute"),
    [
        ("config/nova/x.conf", "[a]\nx = 1\n", NOVA, {"unit:nova-compute.service"}),
        ("config/nova/nova-compute.conf", "[a]\nx = 1\n", set(), {"unit:nova-compute.service"}),
        ("systemd/nova-api.service.d/x.conf", "[Unit]\n", {"unit:nova-api.service"}, set()),
        ("config/nova/policy.yaml", '"a": "!"\n', NOVA, set()),
        ("templates/memcached/memcached.conf.j2", "-m 1\n", {"unit:memcached.service"}, set()),
    ],
)
def test_only_readers_restart(
    tmp_path: Path, name: str, text: str, control: set[str], compute: set[str]
) -> None:
    before, after = with_own(Overrides()), with_own(read(tmp_path, {name: text}))
    assert restarted(items(before, "control-1"), items(after, "control-1")) == control
    assert restarted(items(before, "compute-1"), items(after, "compute-1")) == compute


@pytest.mark.parametrize(("part", "declared"), [pair for pair in INI if pair[1].policy])
def test_a_policy_is_laid_beside_its_service(
    tmp_path: Path, part: object, declared: Config
) -> None:
    texts = [
        items(
            with_own(read(tmp_path, {f"config/{declared.service}/policy.yaml": rule}), THREE_FULL),
            "control-1",
        )
        for rule in ('"a": "!"\n', '"a": ""\n')
    ]
    path = f"/etc/{declared.service}/policy.yaml"
    assert content(texts[0], path) == '"a": "!"\n'
    assert f"[oslo_policy]\npolicy_file = {path}\n" in content(texts[0], declared.path)
    # oslo.policy looks again by itself.
    assert restarted(*texts) == set()
    none = items(with_own(Overrides(), THREE_FULL), "control-1")
    left = none[f"leftovers:/etc/{declared.service}"]
    assert isinstance(left, Leftovers)
    assert (left.pattern, left.keep) == ("policy.yaml", ())
    assert f"file:{path}" not in none


def test_drop_ins_are_on_the_unit_s_nodes_and_leave_none_behind(tmp_path: Path) -> None:
    parts = with_own(Overrides()).view.components
    packaged = next(u for part in parts for u in part.units if isinstance(u, Packaged))
    for unit in ("nova-compute", packaged.name):
        name = f"systemd/{unit}.service.d/x.conf"
        expander = with_own(read(tmp_path, {name: "[Service]\nNice=5\n"}))
        there = 0
        for node in expander.view.nodes:
            found = items(expander, node.name)
            path = f"{SYSTEMD}/{unit}.service.d/zz-x.conf"
            assert (f"file:{path}" in found) == (f"unit:{unit}.service" in found)
            if f"file:{path}" in found:
                there += 1
                reader = found[f"unit:{unit}.service"]
                assert isinstance(reader, Unit)
                assert {path, f"{SYSTEMD}/{unit}.service.d"} <= set(reader.reads)
                left = found[f"leftovers:{SYSTEMD}/{unit}.service.d"]
                assert isinstance(left, Leftovers)
                assert left.keep == ("zz-x.conf",)
        assert there


def test_leftovers_go_and_nothing_else(tmp_path: Path) -> None:
    for name in ("zz-a.conf", "zz-b.conf", "scs.conf", "override.conf"):
        (tmp_path / name).touch()
    want = Leftovers(name=str(tmp_path), pattern="zz-*", keep=("zz-b.conf",))
    seen = want.observe([want])[want.id]
    assert want.compare(seen) == "holds zz-a.conf, which is no longer wanted"
    assert want.diff(seen) == f"-{tmp_path}/zz-a.conf\n"
    want.converge()
    assert want.compare(want.observe([want])[want.id]) is None
    assert {path.name for path in tmp_path.iterdir()} == {"zz-b.conf", "scs.conf", "override.conf"}
    gone = replace(want, name=str(tmp_path / "gone"))
    assert gone.compare(gone.observe([gone])[gone.id]) is None


def test_a_removed_drop_in_restarts_its_unit() -> None:
    found = items(with_own(Overrides()), "control-1")
    left, unit = (
        found[f"leftovers:{SYSTEMD}/nova-api.service.d"],
        found["unit:nova-api.service"],
    )
    seen: dict[str, dict[str, object]] = {
        left.id: {"left": ["zz-x.conf"]},
        unit.id: {"active": "active", "enabled": "enabled", "late": [], "wrong": ""},
    }
    assert [step.id for step, _ in node_steps("n", [left, unit], seen)] == [left.id, unit.id]


def test_an_own_template_that_can_t_be_filled_in_is_named_with_its_line(tmp_path: Path) -> None:
    text = "[DEFAULT]\nx = 1\ny = {{ v.nothing }}\n"
    with pytest.raises(BadInput, match=r"templates/nova/nova.conf.j2:3: .*nothing"):
        items(with_own(read(tmp_path, {"templates/nova/nova.conf.j2": text})), "control-1")


def test_an_own_template_that_makes_no_options_is_refused(tmp_path: Path) -> None:
    text = "[DEFAULT]\nx = 1\n{{ v.cloud }}\n"
    with pytest.raises(BadInput, match=r"nova.conf.j2, filled in, line 3: expected `option = "):
        items(with_own(read(tmp_path, {"templates/nova/nova.conf.j2": text})), "control-1")


# --- options that a service does not know


def about(going: str = "", old: list[list[str | None]] | None = None) -> dict[str, object]:
    empty = {"default": [], "help": "", "type": "", "secret": False}
    return {**empty, "going": going, "old": old or []}


KNOWN: Known = from_values(
    {
        "DEFAULT": {
            "ratio": about(),
            "gone": about(going="x"),
            "log-dir": about(old=[["DEFAULT", "logdir"], [None, "dir"]]),
        },
        "auth": {"auth_type": about(), "auth-url": about()},
        "token": {"auth_type": about(), "cache": about()},
    }
)


@pytest.mark.parametrize(
    ("section", "option", "what", "hint"),
    [
        ("DEFAULT", "ratio", None, ""),
        ("DEFAULT", "log-dir", None, ""),
        ("DEFAULT", "log_dir", None, ""),
        ("token", "auth_url", None, ""),
        ("fast", "ratio", None, ""),
        ("DEFAULT", "ratoi", "knows no option [DEFAULT] ratoi", "did you mean ratio?"),
        ("DEFAULT", "cache", "knows no option", "it belongs in [token]"),
        ("DEFAULT", "logdir", "is an old name", "write [DEFAULT] log_dir"),
        ("DEFAULT", "dir", "is an old name", "write [DEFAULT] log_dir"),
        ("DEFAULT", "gone", "will go away", "x"),
        ("tokn", "cache", "knows no section [tokn]", "did you mean [token]?"),
        ("other", "ratio", "knows no section [other]", "it belongs in [DEFAULT]"),
    ],
)
def test_unknown_options(section: str, option: str, what: str | None, hint: str) -> None:
    mine = Setting(section, option, ("1",), "x.conf:7")
    backends = Setting("DEFAULT", "ratio", ("fast:rbd, slow:file",), "x.conf:1")
    found = list(unknown([backends, mine], KNOWN, "nova"))
    assert [item.where for item in found] == (["x.conf:7"] if what else [])
    if what:
        assert what in found[0].what
        assert hint in found[0].hint


def test_nothing_is_said_of_a_service_whose_options_are_not_known(tmp_path: Path) -> None:
    expander = with_own(read(tmp_path, {"config/nova.conf": "[x]\ny = 1\n"}))
    assert list(options.warnings(expander, lambda _: None)) == []
    assert len(list(options.warnings(expander, lambda _: KNOWN))) == 1


def test_sections_of_plugins_that_scs_writes_are_right(tmp_path: Path) -> None:
    """privsep has a section for each user of it, and tells oslo.config of none."""
    expander = with_own(read(tmp_path, {"config/nova.conf": "[nova_sys_admin]\nratio = 1\n"}))
    assert list(options.warnings(expander, lambda _: KNOWN)) == []


# --- where it comes from


@pytest.mark.parametrize(("part", "declared"), INI)
def test_the_line_that_is_named_is_the_line_that_says_it(part: Component, declared: Config) -> None:
    there = {item.name for item in expander_of(THREE).view.components}
    expander = with_own(Overrides(), THREE if part.name in there else THREE_FULL)
    file = explain.managed(expander, declared.path)
    found = explain.options(file, "", lambda _: None, "1")
    assert len(found) > 4
    folders = (ROOT / "src/scs/components", ROOT / "src/scs/plan/templates")
    for item in found:
        name, _, line = item.candidates[-1].where.partition(":")
        (template,) = (path for folder in folders for path in folder.rglob(name))
        text = template.read_text().splitlines()[int(line) - 1]
        assert text.split("=")[0].strip() == item.option
        assert item.candidates[-1].source == "component"


def test_all_candidates_are_told_weakest_first(tmp_path: Path) -> None:
    overrides = read(
        tmp_path,
        {
            "config/nova.conf": "[DEFAULT]\n\ncpu_allocation_ratio = 3\n",
            "config/nova/nova-compute.conf": "[DEFAULT]\ncpu-allocation-ratio = 4\n",
            "config/nova/nova.conf": "[DEFAULT]\ncpu_allocation_ratio = 5\n",
        },
    )
    lines = {("nova", "DEFAULT", "cpu_allocation_ratio"): 9}
    expander = with_own(
        replace(overrides, lines=lines), nova={"DEFAULT": {"cpu_allocation_ratio": 2.0}}
    )
    known: Known = {"DEFAULT": {"cpu_allocation_ratio": Option(("1.0",), help="ratio")}}
    for words in ("[DEFAULT]cpu_allocation_ratio", "DEFAULT.cpu-allocation-ratio"):
        file = explain.managed(expander, "nova-compute.conf")
        (found,) = explain.options(file, words, lambda _: known, "2026.2")
        assert [(item.source, item.values[0]) for item in found.candidates] == [
            ("release", "1.0"),
            ("component", "4.0"),
            ("cloud.yaml", "2.0"),
            ("config", "3"),
            ("config", "4"),
        ]
        where = [item.where for item in found.candidates]
        assert where[1].startswith("nova-compute.conf.j2:")
        assert where[2:] == [
            "cloud.yaml:9",
            "config/nova.conf:3",
            "config/nova/nova-compute.conf:2",
        ]
        assert found.place.nodes == ("compute-1", "compute-2")
        assert found.place.readers == ("nova-compute.service",)


def test_own_templates_are_told(tmp_path: Path) -> None:
    text = "{# mine #}\n[DEFAULT]\nx = 1\n"
    expander = with_own(read(tmp_path, {"templates/nova/nova.conf.j2": text}))
    file = explain.managed(expander, "/etc/nova/nova.conf")
    (found,) = explain.options(file, "x", lambda _: None, "1")
    assert file.origin == "templates/nova/nova.conf.j2"
    assert found.candidates == (
        Setting("DEFAULT", "x", ("1",), "templates/nova/nova.conf.j2:3", "template"),
    )


@pytest.mark.parametrize(
    ("file", "option", "what", "hint"),
    [
        ("nova.con", "", "no managed file nova.con", "nova.conf?"),
        ("/etc/nova/nva.conf", "", "no managed file", "/etc/nova/nova.conf?"),
        ("scs.conf", "", "called scs.conf", "/etc/systemd/system/"),
        ("nova.conf", "cpu_alocation_ratio", "no option", "cpu_allocation_ratio?"),
        ("nova.conf", "[DEFALT]host", "no section [DEFALT]", "DEFAULT?"),
        ("nova.conf", "[scheduler]host", "no option [scheduler]host", "stands in [DEFAULT]"),
        ("nova.conf", "max_retries", "stands in [api_database], [database]", "'[api_database]max"),
        ("haproxy.cfg", "binnd", "no line with binnd", "bind?"),
    ],
)
def test_typos_get_the_nearest_name(file: str, option: str, what: str, hint: str) -> None:
    expander = with_own(Overrides())

    def ask() -> None:
        found = explain.managed(expander, file)
        if found.service:
            explain.options(found, option, lambda _: None, "1")
        else:
            explain.lines(found, option)

    with pytest.raises(BadInput) as caught:
        ask()
    (problem,) = caught.value.problems
    assert what in problem.what
    assert hint in problem.hint


def test_files_without_options_show_their_lines() -> None:
    file = explain.managed(with_own(Overrides()), "haproxy.cfg")
    assert (file.component, file.origin, file.service) == ("haproxy", "haproxy.cfg.j2", "")
    ((place, hits),) = explain.lines(file, ":5000")
    assert place.reloaded == ("haproxy.service",)
    text = place.text.splitlines()
    assert len(hits) > 1
    assert all(":5000" in line and text[number - 1] == line for number, line in hits)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("[a]b", ("a", "b")),
        ("[a] b", ("a", "b")),
        ("[a.b]c", ("a.b", "c")),
        ("a.b", ("a", "b")),
        ("b", ("", "b")),
        ("[a]", ("a", "")),
        ("", ("", "")),
    ],
)
def test_ways_to_name_an_option(words: str, expected: tuple[str, str]) -> None:
    assert explain.split(words) == expected


# --- secrets


@pytest.mark.parametrize(
    ("option", "secret"),
    [
        ("password", True),
        ("memcache_secret_key", True),
        ("metadata_proxy_shared_secret", True),
        ("transport_url", True),
        ("slave_connection", True),
        ("max_overflow", False),
    ],
)
def test_what_sounds_secret(option: str, secret: bool, tmp_path: Path) -> None:
    text = f"[a]\n{option} = hidden-value\n"
    found = set(options.secret_values(read(tmp_path, {"config/nova.conf": text})))
    assert found == ({"hidden-value"} if secret else set())
