# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The ssh provider on machines of paper: what is refused, why, and what is done otherwise."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from paper.there import NETWORKS, TREE, UP, VIRTUAL, Machine, Machines, node
from scs.errors import Problem, ScsError
from scs.model.finding import Level
from scs.model.topology import Role
from scs.paths import Paths
from scs.providers import Connection
from scs.providers.reach import by_root, ssh_argv
from scs.providers.ssh import Claims, Login, SshProvider, scripts
from scs.providers.ssh.kvm import PROGRAM
from scs.providers.ssh.probe import Ask, script
from scs.providers.written import hosts_block


class Site(Machines):
    """Machines of paper, and the provider on them."""

    def __init__(self, folder: Path, *machines: Machine, cloud: str = "mine") -> None:
        super().__init__(*machines)
        self.folder = folder
        key = folder / "key"
        if not key.exists():
            argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
            subprocess.run(argv, check=True)
            (folder / "known_hosts").write_text("")
        self.nodes = tuple(node(item.number) for item in machines)
        self.provider = SshProvider(
            Paths(folder / "state" / cloud, folder / "cache"),
            cloud,
            self.nodes,
            NETWORKS,
            Login("root", key, folder / "known_hosts"),
            lambda: {TREE: lambda _say: folder},
            lambda _node: Claims(("/var/lib/mysql",), frozenset({3306})),
            virtual=(VIRTUAL,),
            talk=self.talk,
        )

    def only(self) -> Problem:
        """The one thing that is wrong."""
        problems = self.provider.preflight()
        assert len(problems) == 1, "\n".join(map(str, problems))
        with pytest.raises(ScsError):
            self.provider.create(self.nodes)
        assert not any(item.scripts for item in self.machines.values()), "something was touched"
        return problems[0]


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)


def change(**lines: str | list[str]) -> Callable[[Machine], None]:
    return lambda machine: machine.lines.update(lines)


def link(line: str) -> Callable[[Machine], None]:
    """Another line for an interface."""

    def apply(machine: Machine) -> None:
        name = line.split()[0]
        old = machine.lines["link"]
        machine.lines["link"] = [item for item in old if item.split()[0] != name]
        if " " in line:
            machine.lines["link"] = [*machine.lines["link"], line]

    return apply


def silent(words: str) -> Callable[[Machine], None]:
    return lambda machine: setattr(machine, "silent", words)


def clock(seconds: float) -> Callable[[Machine], None]:
    return lambda machine: setattr(machine, "ahead", seconds)


OWN = ["lo 127.0.0.1/8", "eno1 10.9.0.12/24", "eno2 10.9.1.12/24"]
REFUSED: list[tuple[str, Callable[[Machine], None], str, str]] = [
    (
        "Debian 12",
        change(VERSION_ID="12", PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"),
        "runs Debian GNU/Linux 12 (bookworm), and a node is Debian 13",
        "install Debian 13 there",
    ),
    ("Ubuntu", change(ID="ubuntu", PRETTY_NAME="Ubuntu 26.04"), "runs Ubuntu 26.04", "Debian 13"),
    ("no systemd", change(init="runit"), "is run by runit", "whole machine"),
    ("another processor", change(processor="riscv64"), "has riscv64 processors", "same kind"),
    ("no ping", change(tool=["python3", "ip", "ss"]), "lacks the command ping", "iputils-ping"),
    ("another name", change(name="db7"), "calls itself db7", "hostnamectl set-hostname node-2"),
    ("another cloud", change(mark="other 77"), "belongs to the cloud other", "another machine"),
    ("a lost cloud", change(mark="mine 77"), "whose state was lost", "SCS_STATE"),
    ("foreign data", change(holds="/var/lib/mysql"), "holds data that are not", "save and remove"),
    ("foreign services", change(listens=["22", "3306"]), "already at port 3306", "another machine"),
    ("no interface", link("eno3"), "has no interface eno3 for networks.external", "eno1, eno2"),
    ("a pulled cable", link(f"eno2 9000 {UP} down"), "eno2 (networks.tunnel) has no car", "cable"),
    ("an interface that is down", link("eno3 1500 0x1002 down"), "is down", "cable"),
    ("a small MTU", link(f"eno2 1500 {UP} up"), "MTU of 1500 bytes, and networks.tunnel", "9000"),
    (
        "an external interface with an address",
        change(address=[*OWN, "eno3 198.51.100.7/24"]),
        "has 198.51.100.7/24, which would be cut off",
        "take the address away",
    ),
    (
        "an external interface in a bridge",
        link(f"eno3 1500 {UP} up br0"),
        "is part of br0",
        "name br0 itself",
    ),
    (
        "an address on the wrong interface",
        change(address=["eno1 10.9.0.12/24", "eno1 10.9.1.12/24"]),
        "eno2 does not have 10.9.1.12/24 in networks.tunnel (it is on eno1)",
        "stays after a restart",
    ),
    (
        "another prefix",
        change(address=["eno1 10.9.0.12/16", "eno2 10.9.1.12/24"]),
        "eno1 has 10.9.0.12/16, and networks.management is 10.9.0.0/24",
        "same length",
    ),
    ("no openvswitch", change(datapath=""), "kernel has no openvswitch", "linux-image-amd64"),
    ("a clock ahead", clock(60), "its clock is 60 s ahead of this machine's", "timedatectl"),
    ("a clock behind", clock(-60), "its clock is 60 s behind this machine's", "timedatectl"),
    ("itself again", change(boot="boot-1"), "is the same machine as node-1", "address"),
    ("a copy", change(machine="machine-1"), "the same /etc/machine-id as node-1", "setup"),
    (
        "an address of another one",
        change(address=[*OWN, "eno1 10.9.0.11/24"]),
        "has the address 10.9.0.11, which node-1 has as well",
        "own",
    ),
    (
        "a way that is too narrow",
        change(fails="10.9.1.11/1530 message too long, mtu=1500"),
        "packets of 1558 bytes do not get to node-1 (10.9.1.11) in networks.tunnel (message too",
        "switches",
    ),
    (
        "silence",
        silent("ssh: connect to host 10.9.0.12 port 22: No route to host"),
        "no route to it; what goes on without it: compute (on node-1, node-3)",
        "cable",
    ),
    (
        "an unknown host key",
        silent("No ED25519 host key is known for 10.9.0.12 and you have requested strict"),
        "has a host key that is not in",
        "ssh-keyscan",
    ),
    ("a locked door", silent("Permission denied (publickey)."), "does not let root in", "authori"),
    ("no sudo", silent("sudo: a password is required"), "may not do all there", "NOPASSWD"),
]


@pytest.mark.parametrize(
    ("what", "spoil", "told", "hint"), REFUSED, ids=[item[0] for item in REFUSED]
)
def test_what_is_wrong_is_told_and_nothing_is_touched(
    tmp_path: Path, what: str, spoil: Callable[[Machine], None], told: str, hint: str
) -> None:
    spoiled = Machine(2)
    spoil(spoiled)
    problem = Site(tmp_path, Machine(1), spoiled, Machine(3)).only()
    assert problem.where == "node node-2", what
    assert told in problem.what
    assert hint in problem.hint
    assert problem.hint


def test_a_virtual_address_that_somebody_has(tmp_path: Path) -> None:
    problem = Site(tmp_path, Machine(1, {"reaches": f"{VIRTUAL}/36"}), Machine(2)).only()
    assert f"{VIRTUAL} is to be the address of the APIs, and somebody answers" in problem.what


def test_this_machine_has_the_wrong_time(tmp_path: Path) -> None:
    problem = Site(tmp_path, Machine(1, ahead=60), Machine(2, ahead=60.5)).only()
    assert problem.where == "this machine"
    assert "s behind those of all nodes" in problem.what


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda folder: (folder / "key").unlink(), "there is no file"),
        (lambda folder: (folder / "key").chmod(0o644), "others may read"),
        (lambda folder: (folder / "key").write_text("hello\n"), "is no private key"),
        (lambda folder: (folder / "key.pub").unlink(), "which the first project's user gets"),
        (lambda folder: (folder / "known_hosts").unlink(), "there is no file"),
    ],
)
def test_files_here(tmp_path: Path, spoil: Callable[[Path], None], told: str) -> None:
    site = Site(tmp_path, Machine(1))
    spoil(tmp_path)
    assert told in site.only().what


def test_only_root_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert "by root only" in Site(tmp_path, Machine(1)).only().what


def test_machines_become_nodes_and_leave(tmp_path: Path) -> None:
    site = Site(tmp_path, Machine(1), Machine(2))
    provider = site.provider
    assert provider.preflight() == []
    assert provider.observe() == {}, "what is not ours does not exist"
    provider.create(site.nodes)
    assert {name for name, state in provider.observe().items() if state.running} == {
        "node-1",
        "node-2",
    }
    assert provider.lacks() == []
    assert provider.known() == {item.name: item for item in site.nodes}
    assert [host for host, _ in site.sent] == ["10.9.0.11", "10.9.0.12"]
    provider.create(site.nodes)
    assert len(site.sent) == 2, "what is there is not sent again"
    facts = provider.facts()
    assert (facts.container, facts.ovs_datapath, facts.virt_type) == (False, "system", "kvm")
    assert facts.memory == 65537
    provider.remove_node("node-2")
    assert list(provider.known()) == ["node-1"]
    provider.remove()
    assert provider.known() == {}
    assert provider.observe() == {}


def test_guests_are_emulated_when_one_machine_has_no_kvm(tmp_path: Path) -> None:
    site = Site(tmp_path, Machine(1), Machine(2, {"kvm": ""}))
    site.provider.create(site.nodes)
    facts = site.provider.facts()
    assert facts.virt_type == "qemu"
    assert "node-2" in facts.notes[0]


def test_what_a_node_has_lost_is_told(tmp_path: Path) -> None:
    site = Site(tmp_path, Machine(1), Machine(2))
    site.provider.create(site.nodes)
    first, second = site.machines.values()
    first.lines["address"] = ["eno1 10.9.0.11/24", "eno2 10.9.1.11/24"]
    second.lines["tree"] = []
    second.lines["host"] = []
    site.provider.observe()
    assert {lack.name: lack.reason for lack in site.provider.lacks()} == {
        "hosts": "/etc/hosts does not name all nodes on node-2",
        "environments": f"node-2 has no {TREE}",
        "addresses": f"node-1 has lost {VIRTUAL}",
    }
    levels = {item.subject: item.level for item in site.provider.examine()}
    assert levels == {"node node-1": Level.OK, "node node-2": Level.OK, "nodes": Level.WARN}
    site.provider.create(site.nodes)
    site.provider.observe()
    assert site.provider.lacks() == []


def test_a_node_that_falls_silent_is_a_node_still(tmp_path: Path) -> None:
    site = Site(tmp_path, Machine(1), Machine(2), Machine(3))
    site.provider.create(site.nodes)
    site.provider.observe()
    list(site.machines.values())[1].silent = "connect: No route to host"
    state = site.provider.observe()["node-2"]
    assert (state.exists, state.running) == (True, False)
    assert "it last did on 20" in state.detail
    (problem,) = site.provider.preflight()
    assert "what goes on without it: compute (on node-1, node-3), control" in problem.what
    with pytest.raises(ScsError, match="forget it: rm -r"):
        site.provider.remove()
    assert list(site.provider.known()) == ["node-2"], "the others have left"


def test_a_node_that_was_installed_anew_is_told(tmp_path: Path) -> None:
    site = Site(tmp_path, Machine(1))
    site.provider.create(site.nodes)
    next(iter(site.machines.values())).lines["mark"] = ""
    state = site.provider.observe()["node-1"]
    assert not state.running
    assert "was installed anew" in state.detail


def test_other_users_use_sudo() -> None:
    root = Connection("10.9.0.11", "root", Path("key"), Path("known"))
    other = Connection("10.9.0.11", "debian", Path("key"), Path("known"), port=2222)
    assert by_root(root, "sh -s") == "sh -s"
    assert by_root(other, "sh -s") == "sudo -n -- sh -s"
    assert "StrictHostKeyChecking=yes" in ssh_argv(other)
    assert ssh_argv(other)[-1] == "debian@10.9.0.11"


@pytest.mark.parametrize(
    "text",
    [
        script(Ask(("/var/lib/mysql",), (TREE,), ((VIRTUAL, 1500),))),
        scripts.join("a b", hosts_block([node(1, Role.CONTROL)]), (VIRTUAL,), "eno1"),
        scripts.join("a b", hosts_block([]), (), "eno1"),
        scripts.end_guests("a b"),
        scripts.leave("a b"),
        scripts.leave("a b", "10.9.1.11/24 dev eno2"),
    ],
)
def test_scripts_are_shell(text: str) -> None:
    done = subprocess.run(["sh", "-n"], input=text, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "@" not in text.replace("$@", "")


def test_packets_may_be_switched_by_a_process(tmp_path: Path) -> None:
    machine = Machine(1, {"datapath": ""})
    site = Site(tmp_path, machine)
    site.provider.datapath = "userspace"
    assert site.provider.preflight() == []
    site.provider.create(site.nodes)
    # The switch takes the address over, and gives it back in the end.
    machine.lines["address"] = [
        "lo 127.0.0.1/8",
        "eno1 10.9.0.11/24",
        f"eno1 {VIRTUAL}/32",
        "br-phy 10.9.1.11/24",
    ]
    assert site.provider.preflight() == []
    assert site.provider.facts().ovs_datapath == "netdev"
    site.provider.remove()
    assert "ip address replace 10.9.1.11/24 dev eno2\n" in machine.scripts[-1]


def test_the_program_that_tries_kvm_is_whole() -> None:
    compile(PROGRAM, "kvm", "exec")
    assert "@" not in PROGRAM
