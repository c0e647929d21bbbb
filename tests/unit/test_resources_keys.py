# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Keys: folders of them that services read, and those that the hypervisor keeps."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from commands import replace_command
from scs.resources import ConvergeError, HypervisorSecret, Keys, build, hypervisor, observe

# --- keys


def test_keys_are_readable_from_the_moment_they_appear(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "1").write_text("one")
    (folder / "1").chmod(0o400)
    (folder / "7").write_text("left")
    steps: list[str] = []

    def owned(path: Path, *_: str) -> None:
        assert path.parent == tmp_path, "a service would open it"
        steps.append(path.name)

    monkeypatch.setattr(shutil, "chown", owned)
    item = Keys(name=str(folder), keys=((0, "next"), (1, "one"), (2, "two")), owner="k", group="k")
    assert item.compare(observe([item])[item.id]) == "has no key 0, 2"
    item.converge()
    assert steps == [".keys.2.scs", ".keys.1.scs", ".keys.0.scs"], "the next one last"
    seen = observe([item])[item.id]
    assert item.compare(seen) is None
    assert "two" not in json.dumps(seen) + item.diff({})
    (folder / "2").chmod(0o644)
    assert item.compare(observe([item])[item.id]) == "has another key 2"
    assert item.compare({}) == "is missing"


# --- the hypervisor's keys

UUID = "0e8bfc1c-5b1d-5c8c-9c0e-6f2d3a1b4c5d"
KEYRING = "[client.cinder]\n\tkey = AQBkZXk=\n"
VIRSH = "virsh --quiet --connect qemu:///system"
LIST, VALUE = f"{VIRSH} secret-list", f"{VIRSH} secret-get-value"


def secret(folder: Path, keyring: str | None = KEYRING) -> HypervisorSecret:
    path = folder / "keyring"
    if keyring is not None:
        path.write_text(keyring)
    return HypervisorSecret(name=UUID, usage="client.cinder", keyring=str(path))


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({LIST: f"{UUID}  ceph client.cinder\n", VALUE: "AQBkZXk=\n"}, None),
        ({LIST: ""}, "is missing"),
        ({LIST: f"{UUID}  ceph client.cinder\n", VALUE: "AQother=\n"}, "is not the key in "),
        ({LIST: f"{UUID}  x\n", VALUE: ConvergeError("secret does not have a value")}, "is not"),
        ({LIST: ConvergeError("failed to connect to the hypervisor")}, "can't be seen"),
        ({LIST: ConvergeError("virsh: no such command")}, "is missing"),
    ],
)
def test_a_hypervisors_key_is_the_one_in_the_keyring(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answers: Mapping[str, str | ConvergeError],
    reason: str | None,
) -> None:
    replace_command(monkeypatch, hypervisor, answers)
    want = secret(tmp_path)
    found = want.why(HypervisorSecret.observe([want])[want.id])
    assert found == reason if reason is None else str(found).startswith(reason)


def test_a_key_is_in_no_command_line_and_in_nothing_that_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = replace_command(monkeypatch, hypervisor, {})
    want = secret(tmp_path)
    want.converge()
    defined, given = commands.ran
    assert f"<uuid>{UUID}</uuid>" in defined
    assert given.endswith(" < AQBkZXk=")
    assert "AQBkZXk=" not in given.partition(" < ")[0]
    assert "AQBkZXk=" not in str(want.payload())
    assert build(want.payload()) == want


@pytest.mark.parametrize("keyring", [None, "", "[client.cinder]\n"])
def test_without_a_key_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keyring: str | None
) -> None:
    commands = replace_command(monkeypatch, hypervisor, {})
    with pytest.raises(ConvergeError, match="holds no key"):
        secret(tmp_path, keyring).converge()
    assert commands.ran == []
