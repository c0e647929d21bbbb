# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The commands: their words, their exit codes, and that what only looks writes nothing."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import NamedTuple

import click
import jsonschema
import pytest

from scs import __version__, components, release
from scs.cli import main as cli
from scs.engine.known import KnownOptions
from scs.errors import Exit
from scs.providers.local import LocalProvider


class Result(NamedTuple):
    code: int
    out: str
    err: str


class Scs:
    """Runs commands in an empty folder, with state and cache beside it."""

    def __init__(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = tmp_path / "folder"
        self.folder.mkdir()
        self.file = self.folder / "cloud.yaml"
        self._top = tmp_path
        self._patch = monkeypatch
        self._capture = capfd
        monkeypatch.chdir(self.folder)
        monkeypatch.setenv("SCS_STATE", str(tmp_path / "state"))
        monkeypatch.setenv("SCS_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("SCS_IDENTITIES", str(tmp_path / "identities"))
        monkeypatch.setenv("SCS_PROG", "/somewhere/scs")

    def __call__(self, *words: str) -> Result:
        self._patch.setattr(sys, "argv", ["scs", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = self._capture.readouterr()
        assert "Traceback" not in err
        return Result(int(ended.value.code or 0), out, err)

    @property
    def files(self) -> set[str]:
        """Everything there is, besides the folder itself."""
        found = {str(path.relative_to(self._top)) for path in self._top.rglob("*")}
        return found - {"folder"}


@pytest.fixture
def scs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Scs:
    return Scs(tmp_path, monkeypatch, capfd)


SPEC = "name: unit-test\n"
COMMANDS = sorted(cli.scs.commands)


# --- what it says about itself


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "openstack"])
def test_help_of_every_command(scs: Scs, name: str) -> None:
    result = scs(name, "--help")
    assert result.code == Exit.OK
    assert result.out.startswith(f"Usage: scs {name} ")
    assert result.err == ""
    assert scs.files == set()


def test_help_names_every_command_with_what_it_does(scs: Scs) -> None:
    text = scs("--help").out
    for name, command in cli.scs.commands.items():
        assert re.search(rf"(?m)^  {name} +\S", text), name
        assert command.help, name
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{name} {parameter.name}"


def test_help_and_code_agree_on_the_exit_codes(scs: Scs) -> None:
    text = scs("-h").out.partition("Exit codes:")[2]
    assert {int(code) for code in re.findall(r"(?m)^ +(\d+)  \S", text)} == {*map(int, Exit)}


def test_version(scs: Scs) -> None:
    values = json.loads(scs("--json", "version").out)
    assert values["scs"] == __version__
    assert values["releases"].keys() == set(release.names())
    assert all("nova" in packages for packages in values["releases"].values())
    shown = scs("version")
    assert shown.code == Exit.OK
    for name in release.names():
        assert values["releases"][name]["nova"] in shown.out


# --- the first file


def test_init_writes_a_file_that_can_be_read_and_never_replaces_one(scs: Scs) -> None:
    assert scs("init", "--name", "mine").code == Exit.OK
    text = scs.file.read_text()
    assert "\nname: mine" in f"\n{text}"
    again = scs("init")
    assert again.code == Exit.BAD_INPUT
    assert "cloud.yaml: is there already" in again.err
    assert scs.file.read_text() == text
    unknown = scs("logs", "nothing")
    assert "no component nothing" in unknown.err
    assert scs.files == {"folder/cloud.yaml"}


def test_init_with_a_name_that_no_cloud_can_have(scs: Scs) -> None:
    assert scs("init", "--name", "A Cloud!").code == Exit.BAD_INPUT
    assert scs.files == set()


# --- bad input: nothing is touched


@pytest.mark.parametrize(
    ("text", "words", "message"),
    [
        (None, ("plan",), "cloud.yaml: expected a file, there is none"),
        (None, ("status",), "there is none"),
        (None, ("down", "--yes"), "there is none"),
        (None, ("-f", "other.yaml", "up"), "other.yaml: expected a file, there is none"),
        ("nodes: [", ("plan",), "cloud.yaml"),
        ("nodse: []\n", ("plan",), "nodes"),
        ("nodse: []\n", ("up",), "nodes"),
        (f"{SPEC}release: '2031.1'\n", ("plan",), "cloud.yaml:2:10: release: expected `2026.1`"),
        (
            f"{SPEC}config: {{nova-api: {{DEFAULT: {{a: 1}}}}}}\n",
            ("plan",),
            "cloud.yaml:2:10: config: unknown service `nova-api`",
        ),
        (SPEC, ("logs", "keyston"), "did you mean keystone?"),
        (SPEC, ("logs", "nothing-like-it"), "no component nothing-like-it"),
        (SPEC, ("ssh", "node-9"), "no node node-9"),
        (SPEC, ("ssh",), "is not up"),
        (SPEC, ("plan", "--no-such-option"), "--no-such-option"),
        (SPEC, ("no-such-command",), "no-such-command"),
        (SPEC, ("logs",), "COMPONENT"),
        (SPEC, ("logs", "nova", "--lines", "many"), "many"),
    ],
)
def test_bad_input(scs: Scs, text: str | None, words: tuple[str, ...], message: str) -> None:
    before = set()
    if text is not None:
        scs.file.write_text(text)
        before = {"folder/cloud.yaml"}
    result = scs(*words)
    assert result.code == Exit.BAD_INPUT
    assert message in result.err
    assert result.out == ""
    assert scs.files == before


def test_an_operators_component_that_is_broken_is_named(scs: Scs) -> None:
    scs.file.write_text(SPEC)
    own = scs.folder / "components" / "mine"
    own.mkdir(parents=True)
    (own / "__init__.py").write_text("component = None\n")
    result = scs("logs", "nova")
    assert result.code == Exit.BAD_INPUT
    assert f"{own}: does not declare" in result.err


# --- a cloud that is not there


def test_plan_of_a_cloud_that_is_not_there(scs: Scs) -> None:
    scs.file.write_text(SPEC)
    shown = scs("plan")
    assert shown.code == Exit.CHANGES
    assert "node:node-1 does not exist" in shown.out
    assert shown.out.endswith("\nTo make them: scs up\n")
    result = scs("--json", "plan")
    assert result.code == Exit.CHANGES
    values = json.loads(result.out)
    assert values["cloud"] == "unit-test"
    assert values["changes"][0]["step"] == "node:node-1"
    planned = {change["component"] for change in values["changes"]}
    # All that every cloud has.
    assert planned >= {
        name
        for name, (part, _) in components.discover().items()
        if part.when is None and not part.service
    }
    assert scs.files == {"folder/cloud.yaml"}, "a plan leaves no trace"


def test_a_plan_shows_no_key(scs: Scs) -> None:
    scs.file.write_text(SPEC)
    for change in json.loads(scs("--json", "plan").out)["changes"]:
        assert "PRIVATE KEY" not in change["diff"]
        assert not re.search(r"(?i)(password|pass|secret) = [A-Za-z0-9]{32}", change["diff"])
        assert not re.search(r"://[a-z]+:[A-Za-z0-9]{32}@", change["diff"])


def test_status_of_a_cloud_that_is_not_there(scs: Scs) -> None:
    scs.file.write_text(SPEC)
    shown = scs("status")
    assert shown.code == Exit.UNHEALTHY
    assert "not there" in shown.out
    values = json.loads(scs("--json", "status").out)
    assert values["healthy"] is False
    assert [(node["node"], node["running"]) for node in values["nodes"]] == [("node-1", False)]
    assert scs.files == {"folder/cloud.yaml"}


def test_the_official_client_needs_a_cloud(scs: Scs) -> None:
    scs.file.write_text(SPEC)
    result = scs("openstack", "server", "list")
    assert result.code == Exit.FAILED
    assert "has never been up" in result.err
    assert scs.files == {"folder/cloud.yaml"}


def test_nothing_to_remove(scs: Scs) -> None:
    scs.file.write_text(SPEC)
    result = scs("down", "--yes")
    assert result.code == Exit.OK
    assert "nothing to remove" in result.out
    assert scs.files == {"folder/cloud.yaml"}


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        (True, "Stays: databases and their accounts on db.example.org: "),
        (False, "Stays: what it has made elsewhere, if anything: external.database.password_file"),
    ],
)
def test_what_stays_elsewhere_is_told(
    scs: Scs, monkeypatch: pytest.MonkeyPatch, secret: bool, told: str
) -> None:
    monkeypatch.setattr(LocalProvider, "remove", lambda self, say: None)
    brought = "external: {database: {host: db.example.org, password_file: secret}}\n"
    scs.file.write_text(SPEC + brought)
    if secret:
        (scs.folder / "secret").write_text("x")
        (scs.folder / "secret").chmod(0o600)
    (scs.folder.parent / "state/unit-test").mkdir(parents=True)
    result = scs("down", "--keep-cache", "--yes")
    assert result.code == Exit.OK
    assert told in result.out


# --- what is told of a cloud without asking any node


def test_why(scs: Scs) -> None:
    scs.file.write_text(SPEC)
    shown = scs("why", "nova-api")
    assert shown.code == Exit.OK
    assert "/etc/nova/nova.conf  (nova; files: nova.conf.j2)" in shown.out
    values = json.loads(scs("--json", "why", "rabbitmq-server.service").out)
    assert {"nova", "neutron"} <= {item["component"] for item in values["impact"]["components"]}
    unknown = scs("why", "nova-ap")
    assert unknown.code == Exit.BAD_INPUT
    assert "did you mean nova-api?" in unknown.err
    assert "no node node-7" in scs("why", "nova-api", "--node", "node-7").err
    assert scs.files == {"folder/cloud.yaml"}


def test_the_journal_of_a_cloud_that_is_not_there(scs: Scs) -> None:
    scs.file.write_text(SPEC)
    assert json.loads(scs("--json", "journal").out) == {"runs": []}
    assert "Nothing was done yet" in scs("journal").out
    assert scs("journal", "show", "last").code == Exit.BAD_INPUT
    assert scs.files == {"folder/cloud.yaml"}


def test_drift_of_a_cloud_that_is_not_there(scs: Scs) -> None:
    scs.file.write_text(SPEC)
    result = scs("drift")
    assert result.code == Exit.BAD_INPUT
    assert "nothing to compare with" in result.err
    assert scs.files == {"folder/cloud.yaml"}


@pytest.mark.parametrize("name", ["cloud", "plan"])
def test_schemas(scs: Scs, name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(scs("schema", name).out))


def test_a_plan_in_a_file(scs: Scs) -> None:
    scs.file.write_text(SPEC)
    kept = scs.folder / "kept.plan"
    result = scs("--json", "plan", "--out", str(kept))
    assert result.code == Exit.CHANGES
    schema = json.loads(scs("schema", "plan").out)
    jsonschema.validate(json.loads(result.out), schema)
    assert kept.stat().st_mode & 0o777 == 0o600
    assert scs.files == {"folder/cloud.yaml", "folder/kept.plan"}
    steps = json.loads(kept.read_text())["steps"]
    again = scs.folder / "again.plan"
    scs("plan", "--out", str(again))
    assert json.loads(again.read_text())["steps"] == steps, "the same plan has the same marks"


# --- an operator's own files


def options_known(folder: Path) -> None:
    """As if nova had been asked for its options."""
    about = {"default": ["4.0"], "help": "How many.", "type": "", "going": "", "old": []}
    options = {
        "DEFAULT": {
            "initial_cpu_allocation_ratio": {**about, "secret": False},
            "transport_url": {**about, "secret": True},
        }
    }
    parts = [part for part, _ in components.discover().values()]
    where = KnownOptions(folder, release.load(release.names()[-1]), parts).folder
    where.mkdir(parents=True)
    (where / "nova.json").write_text(json.dumps(options))


def test_unknown_options_are_a_warning_and_change_no_exit_code(scs: Scs, tmp_path: Path) -> None:
    scs.file.write_text(f"{SPEC}config:\n  nova:\n    DEFAULT:\n      initial_cpu_ratio: 2\n")
    before = scs("--json", "plan")
    assert json.loads(before.out)["warnings"] == []
    options_known(tmp_path / "cache")
    for command in ("plan", "status"):
        result = scs("--json", command)
        assert json.loads(result.out)["warnings"] == [
            {
                "where": "cloud.yaml:5",
                "what": "nova knows no option [DEFAULT] initial_cpu_ratio",
                "hint": "did you mean initial_cpu_allocation_ratio?",
            }
        ]
        assert "warning: cloud.yaml:5: nova knows no option" in scs(command).err
    assert scs("plan").code == before.code == Exit.CHANGES


def test_explain(scs: Scs, tmp_path: Path) -> None:
    scs.file.write_text(SPEC)
    (scs.folder / "config").mkdir()
    own = scs.folder / "config/nova.conf"
    own.write_text("[DEFAULT]\ninitial_cpu_allocation_ratio = 2\n[x]\npassword = hush-hush\n")
    result = scs("explain", "nova.conf", "initial_cpu_allocation_ratio")
    assert (result.code, "not known here yet" in result.err) == (0, True)
    options_known(tmp_path / "cache")
    result = scs("--json", "explain", "nova.conf", "[DEFAULT]initial_cpu_allocation_ratio")
    values = json.loads(result.out)
    (option,) = values["options"]
    assert option["value"] == ["2"]
    assert [(item["source"], item["wins"]) for item in option["candidates"]] == [
        ("release", False),
        ("config", True),
    ]
    assert "nova-scheduler.service" in values["places"][0]["restarted"]
    assert "nova-api.service" in values["places"][0]["reloaded"]
    text = scs("explain", "nova.conf", "DEFAULT.initial_cpu_allocation_ratio").out
    assert "→ your file" in text
    assert "config/nova.conf:2" in text
    assert "How many." in text
    assert "transport_url = ••••••" in scs("explain", "nova.conf").out
    for words in (("explain", "nova.conf"), ("plan",), ("--json", "plan")):
        result = scs(*words)
        assert "hush-hush" not in result.out + result.err
    key = scs("explain", "/etc/scs/tls/mariadb.key").out
    assert "••••••" in key
    assert "=" not in key


def test_a_broken_file_beside_cloud_yaml_stops_everything_that_changes(scs: Scs) -> None:
    scs.file.write_text(SPEC)
    (scs.folder / "config").mkdir()
    (scs.folder / "config/nova.conf").write_text("nonsense\n")
    (scs.folder / "config/nva.conf").write_text("[a]\nx = 1\n")
    before = scs.files
    for command in (("up",), ("plan",), ("status",), ("explain", "nova.conf")):
        result = scs(*command)
        assert result.code == Exit.BAD_INPUT
        assert "config/nova.conf:1: expected `option = value`" in result.err
        assert "did you mean nova?" in result.err
    # `up` takes its lock before it looks, and what it did is on record.
    left = {path.rpartition("/")[2] for path in scs.files - before}
    assert left <= {"state", "unit-test", "lock", "journal.jsonl"}
