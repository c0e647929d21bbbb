# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The local provider's pure parts: names, firewall, addresses, a node's own files."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from scs.errors import ScsError
from scs.model.topology import Network, Node, Role
from scs.paths import Paths
from scs.providers import guest
from scs.providers.local import firewall, host, names, network, preflight, rootfs
from scs.providers.local.firewall import Chain
from scs.providers.local.probe import probe_kvm
from scs.providers.local.provider import Lent, LocalProvider
from scs.providers.written import dump_node, load_node
from scs.shell import Say, quiet

NETWORKS = {
    "management": Network("management", IPv4Network("10.30.0.0/24")),
    "tunnel": Network("tunnel", IPv4Network("10.30.1.0/24"), mtu=9000),
    "external": Network("external", IPv4Network("10.30.2.0/24"), IPv6Network("fd30::/64")),
}
BRIDGES = list(names.bridges("desk", NETWORKS).values())


def make_node(name: str, last: int) -> Node:
    return Node(
        name=name,
        roles=frozenset({Role.CONTROL, Role.COMPUTE}),
        addresses={
            "management": IPv4Address(f"10.30.0.{last}"),
            "tunnel": IPv4Address(f"10.30.1.{last}"),
        },
        extra_addresses=(IPv4Address("10.30.0.100"),),
    )


# --- names


@pytest.mark.parametrize("cloud", ["a", "desk", "a-very-long-name-of-a-cloud-at-some-university"])
def test_interface_names_fit_the_kernel(cloud: str) -> None:
    found = [names.bridge(cloud, name) for name in NETWORKS]
    found += [names.host_end(cloud, "compute-with-a-long-name-17", name) for name in NETWORKS]
    assert all(len(name) <= 15 for name in found)
    assert len(set(found)) == len(found)


def test_clouds_and_nodes_do_not_share_names() -> None:
    assert names.bridge("a", "tunnel") != names.bridge("b", "tunnel")
    assert names.host_end("a", "b-c", "tunnel") != names.host_end("a-b", "c", "tunnel")


def test_bridge_addresses_are_local_unicast() -> None:
    first = int(names.mac("desk", "external").split(":")[0], 16)
    assert first & 0b11 == 0b10


# --- firewall


def chain(name: str, **more: Any) -> Mapping[str, Any]:
    return {"chain": {"family": "ip", "table": "filter", "name": name, "handle": 1, **more}}


def rule(chain: str, *expressions: Any, handle: int = 9, **more: Any) -> Mapping[str, Any]:
    where = {"family": "ip", "table": "filter", "chain": chain, "handle": handle}
    return {"rule": {**where, "expr": list(expressions), **more}}


FORWARD = {"type": "filter", "hook": "forward", "prio": 0}
DOCKER = [
    chain("FORWARD", **FORWARD, policy="drop"),
    chain("DOCKER-USER"),
    rule("FORWARD", {"jump": {"target": "DOCKER-USER"}}),
]
OPEN = [chain("FORWARD", **FORWARD, policy="accept"), rule("FORWARD", {"accept": None})]
BY_JUMP = [
    chain("FORWARD", **FORWARD, policy="accept"),
    rule("FORWARD", {"jump": {"target": "last"}}),
    chain("last"),
    rule("last", {"counter": {}}, {"reject": {"type": "icmpx"}}),
]
LOOP = [
    chain("FORWARD", **FORWARD, policy="accept"),
    rule("FORWARD", {"goto": {"target": "FORWARD"}}),
]
INPUT_ONLY = [chain("INPUT", type="filter", hook="input", prio=0, policy="drop")]
OTHER_CLOUD = [
    {
        "chain": {
            "family": "inet",
            "table": "scs_other",
            "name": "forward",
            "handle": 1,
            **FORWARD,
            "policy": "drop",
        }
    }
]


@pytest.mark.parametrize(
    ("ruleset", "expected"),
    [
        (DOCKER, [Chain("ip", "filter", "FORWARD")]),
        (BY_JUMP, [Chain("ip", "filter", "FORWARD")]),
        (OPEN, []),
        (LOOP, []),
        (INPUT_ONLY, []),
        (OTHER_CLOUD, []),
        ([], []),
    ],
    ids=["docker", "by-jump", "open", "loop", "input-only", "other-cloud", "empty"],
)
def test_chains_that_drop_are_found(
    ruleset: Sequence[Mapping[str, Any]], expected: list[Chain]
) -> None:
    assert firewall.dropping_chains(ruleset) == expected


def test_every_bridge_is_let_through_in_both_directions() -> None:
    text = firewall.accept_text(DOCKER, "desk", BRIDGES)
    for bridge in BRIDGES:
        for side in ("iifname", "oifname"):
            assert (
                f'insert rule ip filter FORWARD {side} "{bridge}" counter accept'
                ' comment "scs:desk"' in text
            )


def test_rules_that_are_there_are_not_added_again() -> None:
    there = [
        rule("FORWARD", {"accept": None}, handle=at, comment="scs:desk")
        for at in range(2 * len(BRIDGES))
    ]
    assert firewall.accept_text([*DOCKER, *there], "desk", BRIDGES) == ""


def test_rules_that_are_there_in_part_are_replaced() -> None:
    part = rule("FORWARD", {"accept": None}, handle=7, comment="scs:desk")
    lines = firewall.accept_text([*DOCKER, part], "desk", BRIDGES).splitlines()
    assert lines[0] == "delete rule ip filter FORWARD handle 7"
    assert len(lines) == 1 + 2 * len(BRIDGES)


def nat_rule(address: str, length: int, table: str = "scs_desk") -> Mapping[str, Any]:
    """A rule of the cloud's own table, as `nft -j` shows it."""
    match = {"op": "==", "left": {}, "right": {"prefix": {"addr": address, "len": length}}}
    return {
        "rule": {
            "family": "inet",
            "table": table,
            "chain": "postrouting",
            "handle": 9,
            "expr": [{"match": match}, {"masquerade": None}],
        }
    }


OWN_TABLE: list[Mapping[str, Any]] = [
    {"table": {"family": "inet", "name": "scs_desk"}},
    {
        "rule": {
            "family": "inet",
            "table": "scs_desk",
            "chain": "postrouting",
            "handle": 3,
            "expr": [{"match": {"op": "==", "right": {"set": BRIDGES}}}, {"accept": None}],
        }
    },
    nat_rule("10.30.0.0", 24),
    nat_rule("10.30.2.0", 24),
    nat_rule("fd30::", 64),
]


@pytest.mark.parametrize(
    ("ruleset", "expected"),
    [
        (OWN_TABLE, []),
        ([], ["table inet scs_desk is gone"]),
        ([{"table": {"family": "ip", "name": "scs_desk"}}], ["is gone"]),
        (OWN_TABLE[:2], ["10.30.0.0/24", "10.30.2.0/24", "fd30::/64"]),
        ([*OWN_TABLE[:4], nat_rule("fd30::", 64, "other")], ["fd30::/64"]),
        ([OWN_TABLE[0], *OWN_TABLE[2:]], ["masquerades what stays inside"]),
    ],
    ids=["whole", "flushed", "another-family", "emptied", "one-rule", "no-accept"],
)
def test_missing_nat_is_seen(ruleset: list[Mapping[str, Any]], expected: list[str]) -> None:
    found = firewall.missing_nat(ruleset, "desk", NETWORKS)
    assert len(found) == len(expected)
    assert all(words in text for words, text in zip(expected, found, strict=True))


def test_missing_ways_through_the_firewall_are_seen() -> None:
    assert firewall.missing_ways([], "desk", NETWORKS) == []
    (found,) = firewall.missing_ways(DOCKER, "desk", NETWORKS)
    assert found.startswith("chain ip filter FORWARD drops")
    present = [
        *DOCKER,
        *(rule("FORWARD", {"accept": None}, handle=at, comment="scs:desk") for at in range(6)),
    ]
    assert firewall.missing_ways(present, "desk", NETWORKS) == []


def links(**changes: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """All links of a cloud with node n1, as `ip -j address` shows them, but for some."""
    found: dict[str, Mapping[str, Any]] = {}
    for name, bridge in names.bridges("desk", NETWORKS).items():
        gateway = str(NETWORKS[name].gateway)
        held = [] if name == "tunnel" else [{"local": gateway}, {"local": "fe80::1"}]
        found[name] = {"ifname": bridge, "flags": ["UP"], "addr_info": held}
        port = names.host_end("desk", "n1", name)
        found[f"n1_{name}"] = {"ifname": port, "flags": ["UP"], "master": bridge}
    for name, change in changes.items():
        found[name] = {} if change is None else {**found[name], **change}
    return [link for link in found.values() if link]


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        (links(), []),
        (links(management=None), ["(management) is gone"]),
        (links(tunnel={"flags": []}), ["(tunnel) is down"]),
        (links(external={"addr_info": []}), ["(external) has lost 10.30.2.1"]),
        (links(n1_tunnel=None), ["the cable from n1 to network tunnel is gone"]),
        (links(n1_tunnel={"master": None}), ["is not plugged in"]),
        (links(n1_external={"flags": []}), ["is not plugged in"]),
    ],
)
def test_missing_links_are_seen(present: list[Mapping[str, Any]], expected: list[str]) -> None:
    found = network.missing_links("desk", NETWORKS, ["n1"], present)
    assert len(found) == len(expected)
    assert all(words in text for words, text in zip(expected, found, strict=True))


@pytest.mark.parametrize(
    ("held", "ipv6", "expected"),
    [
        ({"net/ipv4/ip_forward": "1", "net/ipv6/conf/all/forwarding": "1"}, True, []),
        ({"net/ipv4/ip_forward": "0"}, False, ["net.ipv4.ip_forward"]),
        ({"net/ipv4/ip_forward": "1"}, True, []),
        (
            {"net/ipv4/ip_forward": "1", "net/ipv6/conf/all/forwarding": "0"},
            True,
            ["net.ipv6.conf.all.forwarding"],
        ),
    ],
    ids=["on", "off", "no-ipv6-in-the-kernel", "ipv6-off"],
)
def test_missing_forwarding_is_seen(
    monkeypatch: pytest.MonkeyPatch, held: Mapping[str, str], ipv6: bool, expected: list[str]
) -> None:
    monkeypatch.setattr(host, "read_sysctl", held.get)
    assert host.missing_forwarding(ipv6) == expected


def test_removal_takes_only_what_is_ours() -> None:
    ruleset = [
        *DOCKER,
        rule("FORWARD", {"accept": None}, handle=7, comment="scs:desk"),
        rule("FORWARD", {"accept": None}, handle=8, comment="scs:desk2"),
        rule("FORWARD", {"accept": None}, handle=9),
        {"table": {"family": "inet", "name": "scs_desk", "handle": 3}},
        {"table": {"family": "inet", "name": "scs_desk2", "handle": 4}},
    ]
    assert firewall.removal_text(ruleset, "desk").splitlines() == [
        "delete rule ip filter FORWARD handle 7",
        "delete table inet scs_desk",
    ]
    assert firewall.removal_text(DOCKER, "desk") == ""


def test_nat_text_suits_the_oldest_nft() -> None:
    text = firewall.table_text("my-cloud", NETWORKS)
    assert "table inet scs_my_cloud {" in text
    assert "ip saddr 10.30.0.0/24 masquerade\n" in text
    assert "ip6 saddr fd30::/64 masquerade\n" in text
    assert "10.30.1.0" not in text  # tunnels have no way out
    assert ";" not in text
    assert text.count("{") == text.count("}")


# --- addresses


def route(dst: str, dev: str = "eth0") -> Mapping[str, Any]:
    return {"dst": dst, "dev": dev}


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ([route("default"), route("192.168.1.0/24")], []),
        ([route("10.30.0.0/24", "eth0")], ["network management"]),
        ([route("10.30.0.7", "wg0")], ["network management"]),
        ([route("10.0.0.0/8", "tun0")], ["network management", "network tunnel"]),
        ([route("0.0.0.0/1", "tun0"), route("128.0.0.0/1", "tun0")], []),
        ([route("10.30.0.0/24", BRIDGES[0])], []),
        ([route("fd30::/64"), route("ff00::/8"), route("fe80::/64")], ["network external"]),
    ],
    ids=["none", "same", "one-address", "vpn", "vpn-default", "own", "ipv6"],
)
def test_ranges_in_use_are_found(routes: Sequence[Mapping[str, Any]], expected: list[str]) -> None:
    problems = network.overlaps(NETWORKS.values(), routes, BRIDGES)
    assert [problem.where for problem in problems][: len(expected)] == expected
    assert bool(problems) == bool(expected)
    assert all(problem.hint for problem in problems)


@pytest.mark.parametrize(
    ("host_text", "resolved", "chosen", "expected"),
    [
        ("nameserver 192.0.2.53\n", None, [], ["192.0.2.53"]),
        ("nameserver 127.0.0.53\n", "nameserver 192.0.2.1\nsearch .\n", [], ["192.0.2.1"]),
        ("nameserver 127.0.0.53\n", None, [], None),
        ("nameserver 127.0.1.1\nnameserver 192.0.2.9\n", None, [], ["192.0.2.9"]),
        ("nameserver fe80::1%eth0\nnameserver 2001:db8::1\n", None, [], None),
        ("", None, [], None),
        ("nameserver 127.0.0.53\n", None, [IPv4Address("9.9.9.9")], ["9.9.9.9"]),
        ("nameserver 192.0.2.53\n", None, [IPv4Address("9.9.9.9")], ["9.9.9.9"]),
    ],
)
def test_resolv_conf_names_what_a_node_can_reach(
    host_text: str, resolved: str | None, chosen: list[IPv4Address], expected: list[str] | None
) -> None:
    text = rootfs.resolv_conf(host_text, resolved, chosen)
    if expected is None:
        assert text is None
        return
    assert text is not None
    servers = [line.split()[1] for line in text.splitlines() if line.startswith("nameserver")]
    assert servers == expected
    assert "search" not in text


def test_resolv_conf_keeps_search_domains() -> None:
    text = rootfs.resolv_conf("search a.example b.example\nnameserver 192.0.2.53\n", None)
    assert text is not None
    assert text.splitlines()[0] == "search a.example b.example"


# --- a node's own files


def test_nodes_survive_being_written_down() -> None:
    node = make_node("node-1", 11)
    assert load_node(dump_node(node)) == node


def test_hosts_are_replaced_in_place() -> None:
    first = rootfs.hosts_text("", [make_node("b", 12)])
    own = first + "10.9.9.9 printer\n"
    second = rootfs.hosts_text(own, [make_node("b", 12), make_node("a", 11)])
    assert second.count("10.30.0.12 b") == 1
    assert "10.9.9.9 printer" in second
    assert second.startswith("127.0.0.1 localhost")
    assert rootfs.hosts_text(second, [make_node("a", 11), make_node("b", 12)]) == second


def test_overlay_options_refuse_what_they_cannot_carry() -> None:
    fine = rootfs.overlay_options([Path("/top"), Path("/low")], Path("/up"), Path("/work"))
    assert "lowerdir=/top:/low,upperdir=/up,workdir=/work" in fine
    for bad in ("/a:b", "/a,b", "/a b"):
        with pytest.raises(ScsError, match="overlayfs"):
            rootfs.overlay_options([Path(bad)], Path("/up"), Path("/work"))


@pytest.mark.parametrize(
    ("words", "there"),
    [
        ("openvswitch", True),
        ("-q vport-geneve", True),
        ("--quiet nf_nat", True),
        ("nf", False),
        ("nf_conntrack option=1", False),
        ("-r openvswitch", False),
        ("--remove openvswitch", False),
    ],
)
def test_a_node_has_the_modules_that_the_machine_has(
    tmp_path: Path, words: str, there: bool
) -> None:
    loaded, real, program = (tmp_path / name for name in ("modules", "real", "modprobe"))
    loaded.write_text("openvswitch 225280 1 vport_geneve, Live 0x0\nvport_geneve 1 0\nnf_nat 1 0\n")
    real.write_text("#!/bin/sh\nexit 7\n")
    real.chmod(0o755)
    text = rootfs.MODPROBE.replace("/proc/modules", str(loaded))
    program.write_text(text.replace("/usr/sbin/modprobe", str(real)))
    done = subprocess.run(["/bin/sh", program, *words.split()], check=False)
    assert done.returncode == (0 if there else 7)


def test_files_take_the_attributes_of_the_layer_below(tmp_path: Path) -> None:
    lower, upper = tmp_path / "lower", tmp_path / "upper"
    (lower / "root").mkdir(parents=True)
    (lower / "root").chmod(0o700)
    upper.mkdir()
    files = rootfs.Files(upper, [lower])
    files.write("root/.ssh/authorized_keys", "key\n", 0o600)
    assert (upper / "root").stat().st_mode & 0o777 == 0o700
    assert (upper / "root/.ssh/authorized_keys").stat().st_mode & 0o777 == 0o600
    assert files.read("root/.ssh/authorized_keys") == "key\n"
    (lower / "etc").mkdir()
    (lower / "etc/hosts").symlink_to("/etc/passwd")
    assert files.read("etc/hosts") is None


def test_known_hosts_name_address_and_node() -> None:
    text = rootfs.known_hosts({"n": (make_node("n", 11), "ssh-ed25519 AAAA comment\n")})
    assert text == "10.30.0.11,n ssh-ed25519 AAAA\n"


def test_a_mounted_tree_is_told_by_its_mount_points() -> None:
    assert Path("/") in rootfs.mount_points()


# --- host, preflight, probe


def test_forwarding_keeps_the_hosts_own_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "net/ipv6/conf/all/forwarding": "0",
        "net/ipv6/conf/eth0/accept_ra": "1",
        "net/ipv6/conf/eth1/accept_ra": "0",
    }
    monkeypatch.setattr(host, "read_sysctl", values.get)
    assert list(host.forward_settings(True, ["eth0", "eth1"]).items()) == [
        ("net/ipv4/ip_forward", "1"),
        ("net/ipv6/conf/eth0/accept_ra", "2"),  # before forwarding, or the address is lost
        ("net/ipv6/conf/all/forwarding", "1"),
    ]
    assert host.forward_settings(False, ["eth0"]) == {"net/ipv4/ip_forward": "1"}
    monkeypatch.setattr(host, "read_sysctl", lambda _name: None)
    assert host.forward_settings(True, ["eth0"]) == {"net/ipv4/ip_forward": "1"}


@pytest.mark.parametrize(
    ("fields", "fine"),
    [
        ({"ID": "debian", "VERSION_ID": "12"}, True),
        ({"ID": "debian", "VERSION_ID": "13"}, True),
        ({"ID": "debian"}, True),
        ({"ID": "debian", "VERSION_ID": "11"}, False),
        ({"ID": "ubuntu", "ID_LIKE": "debian", "VERSION_ID": "24.04"}, True),
        ({"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, True),
        ({"ID": "fedora", "VERSION_ID": "43"}, False),
        ({}, False),
    ],
)
def test_operating_systems(fields: Mapping[str, str], fine: bool) -> None:
    assert (preflight.os_release_problem(fields) is None) == fine


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ("Types: deb\nURIs: http://mirror.example/debian/\n", "http://mirror.example/debian"),
        ("URIs: file:/srv/debian\n\nURIs: https://m.example/d\n", "https://m.example/d"),
        ("URIs: cdrom:[Debian]/\n", None),
        ("", None),
    ],
)
def test_the_archive_to_ask(sources: str, expected: str | None) -> None:
    assert preflight.first_archive(sources) == expected


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("Err:1 x\nE: first\nE: second\n", "E: first"),
        ("error: it failed\n  cause: outer\n  cause: no route\n", "cause: no route"),
        ("", ""),
    ],
)
def test_reasons_of_failed_commands(output: str, expected: str) -> None:
    assert preflight.reason(output) == expected


def test_the_guest_is_a_boot_sector() -> None:
    sector = guest.boot_sector()
    assert len(sector) == 512
    assert sector.endswith(b"\x55\xaa")
    # Its jumps and tables name absolute places: each must still be where they say.
    assert sector[0x99:0x9E] == bytes.fromhex("b810000000")
    assert sector[0x136:0x13A] == bytes.fromhex("b02ae6f4")
    assert sector[0x13C:0x144] == bytes(8)
    assert sector[0x154:0x15A] == bytes.fromhex("17003c7d0000")
    assert guest.PASSED == 85


@pytest.mark.parametrize(
    ("answer", "works"),
    [
        ("ended with 85\n", True),
        ("ended with 0\n", False),
        ("ended with 137\n", False),
        ("", False),
    ],
)
def test_only_the_guests_own_end_proves_kvm(answer: str, works: bool) -> None:
    asked: list[Sequence[str]] = []

    def run_in_node(argv: Sequence[str], stdin: str) -> str:
        assert stdin
        asked.append(argv)
        return answer

    assert probe_kvm(run_in_node) is works
    assert "accel=kvm -cpu host" in asked[0][-1]


def test_the_last_cloud_puts_the_host_back_whatever_else_lies_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, sysctls = tmp_path / "run", tmp_path / "sys"
    monkeypatch.setattr(host, "RUN", run)
    monkeypatch.setattr(host, "_PROC_SYS", sysctls)
    forward = sysctls / "net/ipv4/ip_forward"
    forward.parent.mkdir(parents=True)
    forward.write_text("0")
    (run / "progress").mkdir(parents=True)
    for name in ("one", "two"):
        host.claim(name, tmp_path / name)
        host.change({"net/ipv4/ip_forward": "1"})
    assert host.clouds() == ["one", "two"]
    host.release("one")
    assert forward.read_text() == "1"
    host.release("two")
    assert forward.read_text() == "0"
    assert host.clouds() == []


# --- nodes that were made from another release's layers


class Here:
    """A node that is this process: its root is this machine's, and it runs commands here."""

    def __init__(self, name: str) -> None:
        self.name = name

    def init(self) -> int | None:
        return None if self.name == "off" else os.getpid()

    def exec(self, argv: Sequence[str]) -> str:
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def test_nodes_get_the_environment_that_their_layers_lack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = PurePosixPath(tmp_path / "opt/releases/2026.2-b")
    made: list[str] = []

    def make(_say: Say) -> Path:
        made.append("2026.2-b")
        return tmp_path / "shared/environments/2026.2-b"

    paths = Paths(tmp_path / "state", tmp_path / "cache")
    local = LocalProvider(paths, "desk", NETWORKS, lambda _: [], Lent(place, make))
    monkeypatch.setattr(local, "container", Here)
    assert local._lacking(["on", "off"]) == [f"on has no {place}"]
    local._lend(["on", "off"], quiet)
    assert str(Path(place).readlink()) == "/var/lib/scs/artifacts/environments/2026.2-b"
    assert local._lacking(["on", "off"]) == []
    local._lend(["on", "off"], quiet)
    assert made == ["2026.2-b"]
