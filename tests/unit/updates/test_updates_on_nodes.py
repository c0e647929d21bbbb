# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a node itself does: sees what would come, and what runs on; goes when it can be spared."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from commands import replace_command
from scs.plan.updates import DISTRIBUTION
from scs.resources import ConvergeError, Reboot, Updates, build, ceph_turn, package, turn
from scs.resources import reboot as restart
from scs.resources import updates as node
from scs.resources.rados import Answer

TOLD = """\
Reading package lists...
The following NEW packages will be installed:
  linux-image-6.12.48+deb13-amd64
The following packages have been kept back:
  other
Inst libc6 [2.41-12] (2.41-12+deb13u1 Debian-Security:13/stable-security [amd64]) []
Inst linux-image-6.12.48+deb13-amd64 (6.12.48-1 Debian-Security:13/stable-security [amd64])
Inst tzdata [2025a-1] (2025b-4+deb13u1 Debian:13.1/stable [all])
Conf libc6 (2.41-12+deb13u1 Debian-Security:13/stable-security [amd64])
"""
MAPS = """\
55d0-55d1 r--p 00000000 fe:01 131 /usr/sbin/daemon
55d1-55d2 r-xp 00001000 fe:01 131 /usr/sbin/daemon{daemon}
7f00-7f01 r-xp 00000000 fe:01 132 /usr/lib/x86_64-linux-gnu/libc.so.6{libc}
7f10-7f11 r-xp 00000000 00:01 133 /memfd:jit (deleted)
7f12-7f13 r-xp 00000000 00:01 134 /usr/local/lib/own.so (deleted)
7f20-7f21 rw-p 00000000 00:00 0 [heap]
7f30-7f31 r-xp 00000000 00:00 0 [vdso]
"""


class Machine:
    """A node's files, of which tests say what they hold."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "info").mkdir()
        (root / "proc").mkdir()
        (root / "boot").mkdir()
        (root / "proc/uptime").write_text("1000.0 2000.0\n")
        (root / "boot_id").write_text("one\n")

    def process(self, number: int, name: str, *, daemon: bool = False, libc: bool = False) -> None:
        """One that runs; with files that were replaced since."""
        gone = {True: " (deleted)", False: ""}
        folder = self.root / "proc" / str(number)
        folder.mkdir()
        (folder / "comm").write_text(f"{name}\n")
        (folder / "maps").write_text(MAPS.format(daemon=gone[daemon], libc=gone[libc]))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(node, "INFO", tmp_path / "info")
    for module in (node, restart):
        monkeypatch.setattr(module, "PROC", tmp_path / "proc")
    monkeypatch.setattr(restart, "BOOT", tmp_path / "boot")
    monkeypatch.setattr(restart, "BOOT_ID", tmp_path / "boot_id")
    monkeypatch.setattr(restart, "REQUIRED", tmp_path / "required")
    monkeypatch.setattr(turn, "HELD", tmp_path / "held")
    return Machine(tmp_path)


def test_what_would_come_and_what_of_it_is_in_use(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = replace_command(monkeypatch, package, {"apt-get": TOLD})
    # As lists had it before /lib became /usr/lib.
    (machine.root / "info/libc6:amd64.list").write_text("/.\n/lib/x86_64-linux-gnu/libc.so.6\n")
    (machine.root / "info/tzdata.list").write_text("/usr/share/zoneinfo/UTC\n")
    machine.process(7, "daemon")
    want = Updates(name=DISTRIBUTION)
    seen = Updates.observe([want])[want.id]
    assert seen["packages"] == {
        "libc6": ["2.41-12", "2.41-12+deb13u1"],
        "linux-image-6.12.48+deb13-amd64": ["", "6.12.48-1"],
        "tzdata": ["2025a-1", "2025b-4+deb13u1"],
    }
    assert seen["used"] == ["libc6", "linux-image-6.12.48+deb13-amd64"]
    assert want.compare(seen) == "3 packages can be upgraded"
    assert "update" in commands.ran[0]
    assert "--simulate" in commands.ran[1]
    assert build(want.payload()) == want


def test_an_archive_that_does_not_answer_is_told(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_command(monkeypatch, package, {"apt-get": ConvergeError("no archive")})
    want = Updates(name=DISTRIBUTION)
    assert "no archive" in (want.why(Updates.observe([want])[want.id]) or "")


def test_an_upgrade_starts_nothing_and_keeps_files_of_ours(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt = replace_command(monkeypatch, package, {})
    dpkg = replace_command(monkeypatch, node, {})
    Updates(name=DISTRIBUTION).converge()
    assert dpkg.ran == ["dpkg --force-confdef --force-confold --configure -a"]
    (line,) = apt.ran
    assert "DPkg::Path=" in line
    assert "scs-stubs-" in line
    assert "--force-confold" in line
    assert line.endswith("--with-new-pkgs upgrade")


def test_what_runs_on_is_seen(machine: Machine) -> None:
    machine.process(7, "daemon")
    assert restart.behind() == []
    machine.process(8, "old", libc=True)
    machine.process(9, "older", daemon=True)
    assert restart.behind() == ["old, older with files that were replaced"]


def test_a_newer_kernel_is_seen_where_the_node_has_its_own(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "release", lambda: "6.12.41")
    (machine.root / "boot/vmlinuz-6.12.48").write_text("")
    assert restart.behind() == [], "a container runs its machine's"
    (machine.root / "boot/vmlinuz-6.12.41").write_text("")
    assert restart.behind() == ["the kernel 6.12.41"]
    (machine.root / "proc/uptime").write_text("-100.0 1.0\n")
    assert restart.behind() == [], "both were there when it started"
    (machine.root / "required").write_text("")
    assert restart.behind() == ["something that asks for a restart"]


class Ceph:
    """Answers what is asked before a node goes."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refuses = ""

    def ask(self, commands: Any, *, account: str = "", strict: bool = True) -> Sequence[Answer]:
        (item,) = commands
        more = item.get("who") or item.get("ids") or ()
        self.asked.append(f"{item['prefix']} {' '.join(more)}")
        if self.refuses and len(item.get("ids", ())) > 1:
            return [Answer(-16, "", self.refuses)]
        return [Answer(0, "{}", "")]


@pytest.fixture
def ceph(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Ceph:
    found = Ceph()
    monkeypatch.setattr(ceph_turn, "ask", found.ask)
    monkeypatch.setattr(ceph_turn, "TOP", machine.root / "osd")
    for number in range(2):
        (machine.root / f"osd/{number}").mkdir(parents=True)
        (machine.root / f"osd/{number}/whoami").write_text(f"{number + 3}\n")
    return found


GOES = Reboot(
    name="node-1",
    was="one",
    turns={
        "a.service": {"type": "disk", "slot": "0", "alone": False},
        "b.service": {"type": "disk", "slot": "1", "alone": False},
        "c.service": {"type": "monitor", "name": "node-1"},
    },
    aside=(("/aside", "glance", "nova"),),
)
TIMER = "systemd-run --quiet --collect --on-active=5 --timer-property=AccuracySec=100ms"


def test_a_node_goes_when_all_its_members_together_can_be_spared(
    ceph: Ceph, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = replace_command(monkeypatch, restart, {})
    sent = build(GOES.payload())
    assert isinstance(sent, Reboot)
    sent.converge()
    assert ceph.asked == [
        "osd set-group osd.3",
        "osd ok-to-stop 3",
        "osd set-group osd.4",
        "osd ok-to-stop 4 3",
        "mon ok-to-stop node-1",
    ]
    assert commands.ran == ["/aside hold glance nova", f"{TIMER} systemctl reboot"]
    assert all(turn.held(unit) for unit in GOES.turns), "their units end it when they are back"


def test_a_node_that_can_not_be_spared_stays(ceph: Ceph, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = replace_command(monkeypatch, restart, {})
    monkeypatch.setattr(ceph_turn, "SPARED_SECONDS", 0.0)
    ceph.refuses = "7 groups would be away"
    with pytest.raises(ConvergeError, match=r"osd\.4, osd\.3 can't be spared: 7 groups"):
        GOES.converge()
    assert commands.ran == []
    assert ceph.asked[-2:] == ["osd unset-group osd.3", "osd unset-group osd.4"]
    assert not any(turn.held(unit) for unit in GOES.turns)


def test_where_nobody_could_take_over_nobody_is_asked(
    ceph: Ceph, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_command(monkeypatch, restart, {})
    alone = {"type": "disk", "slot": "0", "alone": True}
    Reboot(name="node-1", was="one", turns={"a.service": alone}).converge()
    assert ceph.asked == ["osd set-group osd.3"]


def test_one_that_has_gone_already_does_not_go_again(
    machine: Machine, ceph: Ceph, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = replace_command(monkeypatch, restart, {})
    (machine.root / "boot_id").write_text("two\n")
    GOES.converge()
    assert commands.ran == []
    assert ceph.asked == []
    assert GOES.compare(Reboot.observe([GOES])[GOES.id]) is None


def test_requests_come_again_where_it_can_not_go(
    ceph: Ceph, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = replace_command(monkeypatch, restart, {"systemd-run": ConvergeError("no bus")})
    with pytest.raises(ConvergeError, match="no bus"):
        GOES.converge()
    assert commands.ran[-1] == "/aside release glance nova"
