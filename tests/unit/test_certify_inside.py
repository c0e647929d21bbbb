# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The program with which a guest looks at its network, run for real beside a small name server.

`ip` and `ping` are stand-ins that answer as iproute2's and iputils' do.
"""

from __future__ import annotations

import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from scs.standards.iaas import guests
from scs.standards.iaas.inside import SILENT, inside, script
from scs.standards.iaas.lan import Lan, Names
from scs.standards.model import CouldNotRun

LAN = Lan(
    ("a", "b"),
    (
        {"cidr": "10.1.0.0/24", "gateway_ip": "10.1.0.1", "dns_nameservers": []},
        {"cidr": "fd5c::/64", "gateway_ip": "fd5c::1", "dns_nameservers": ["fd5c::1"]},
    ),
    names=Names("me.cloud.internal.", "www.me.test.", "z", ("ns1.example.org.",)),
)
MAC = "fa:16:3e:aa:bb:cc"


def nic(*addresses: tuple[str, int], **more: Any) -> dict[str, Any]:
    info = [
        {"family": "inet6", "local": one, "prefixlen": length, "scope": "global", **more}
        for one, length in addresses
    ]
    link = {"family": "inet6", "local": "fe80::1", "prefixlen": 64, "scope": "link"}
    return {"ifname": "ens3", "flags": ["UP"], "address": MAC, "addr_info": [*info, link]}


NETWORKD = {
    "Name": "ens3",
    "DNS": [
        {"Family": 10, "Address": [0xFD, 0x5C, *[0] * 13, 1], "ConfigSource": "DHCPv6"},
        {"Family": 2, "Address": [127, 0, 0, 1], "ConfigSource": "DHCPv4"},
    ],
}
LOOPBACK = {"ifname": "lo", "flags": ["LOOPBACK"], "address": "00:00:00:00:00:00", "addr_info": []}
WHOLE: dict[str, Any] = {
    "address": [LOOPBACK, nic(("10.1.0.5", 24), ("fd5c::5", 128))],
    "-4": [{"dst": "default", "gateway": "10.1.0.1", "dev": "ens3", "flags": []}],
    "-6": [
        {
            "dst": "default",
            "flags": [],
            "nexthops": [{"gateway": "fe80::9", "dev": "ens3", "weight": 1, "flags": []}],
        }
    ],
}


class NameServer:
    """Answers by UDP what it is told to, or nothing at all."""

    def __init__(self, known: Mapping[tuple[str, int], tuple[int, list[str]]]) -> None:
        self.known = known
        self.link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.link.bind(("127.0.0.1", 0))
        self.port = self.link.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                data, peer = self.link.recvfrom(4096)
            except OSError:
                return
            labels, at = [], 12
            while size := data[at]:
                labels.append(data[at + 1 : at + 1 + size].decode())
                at += size + 1
            (kind,) = struct.unpack("!H", data[at + 1 : at + 3])
            if (answer := self.known.get((".".join(labels), kind))) is None:
                continue
            code, addresses = answer
            head = data[:2] + struct.pack("!5H", 0x8180 | code, 1, len(addresses), 0, 0)
            records = b"".join(
                b"\xc0\x0c"
                + struct.pack("!HHIH", kind, 1, 60, len(ip_address(one).packed))
                + ip_address(one).packed
                for one in addresses
            )
            self.link.sendto(head + data[12 : at + 5] + records, peer)


ANSWERS = {
    ("", 2): (0, []),
    ("me.cloud.internal", 1): (0, ["10.1.0.5"]),
    ("me.cloud.internal", 28): (3, []),
    ("ns1.example.org", 1): (0, ["127.0.0.3"]),
}


@pytest.fixture
def name_server() -> Iterator[NameServer]:
    made = NameServer(ANSWERS)
    yield made
    made.link.close()


def _named(subnet: Mapping[str, Any], server: str) -> dict[str, Any]:
    """The subnet with its name server, if it names one, written so."""
    return {**subnet, "dns_nameservers": [server] if subnet.get("dns_nameservers") else []}


def told(folder: Path, lan: Lan, ip: Mapping[str, Any], resolv: str, port: int) -> dict[str, str]:
    """What a guest says that sees this."""
    (folder / "ip.json").write_text(json.dumps(ip))
    programs = {
        "ip": "import json,sys; print(json.dumps(json.load(open(FOLDER+'/ip.json'))[sys.argv[2]]))",
        "networkctl": f"print({json.dumps(json.dumps(NETWORKD))})",
        "ping": "import sys; sys.exit(sys.argv[-1] != '10.1.0.1')",
    }
    for name, text in programs.items():
        file = folder / name
        file.write_text(f"#!{sys.executable}\nFOLDER = {str(folder)!r}\n{text}\n")
        file.chmod(0o755)
    (folder / "resolv.conf").write_text(resolv)
    text = script(guests.MARK, lan)
    for old, new in (
        (">/dev/console 2>/dev/null", ""),
        ("PORT = 53", f"PORT = {port}"),
        ('"/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"', repr([f"{folder}/resolv.conf"])),
        ("'seconds': 30", "'seconds': 0"),
        # Such servers must not be the machine's own; this one has to be.
        (".is_loopback", ".is_unspecified"),
    ):
        assert old in text
        text = text.replace(old, new)
    done = subprocess.run(
        ["sh", "-c", text],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
    )
    assert done.stderr == ""
    return dict(guests.read(done.stdout)[0])


@pytest.mark.parametrize("written", ["fd5c::1", "fd5c:0000::0001"])
def test_a_guest_tells_what_it_has_and_hears(
    tmp_path: Path, name_server: NameServer, written: str
) -> None:
    # In the text of a run's network a part of it may begin with 0, which a guest does not write.
    lan = replace(LAN, subnets=tuple(_named(subnet, written) for subnet in LAN.subnets))
    resolv = "# made\nnameserver 127.0.0.1\nnameserver fd5c::1\nsearch x\n"
    seen = inside(told(tmp_path, lan, WHOLE, resolv, name_server.port), lan)
    assert seen.addresses(MAC) == ["10.1.0.5/24", "fd5c::5/128"]
    assert [str(one) for one in seen.gateways(MAC)] == ["10.1.0.1", "fe80::9"]
    assert [str(one) for one in seen.servers] == ["127.0.0.1", "fd5c::1"]
    assert [str(one) for one in seen.resolvers] == ["127.0.0.1"]
    assert [str(one) for one in seen.by_dhcp6(MAC)] == ["fd5c::1"]
    assert (seen.reached("10.1.0.1"), seen.reached("fd5c::1")) == (True, False)
    replies = [
        (str(one.server), one.name, one.kind, one.code, [str(it) for it in one.addresses])
        for one in seen.replies
    ]
    assert replies == [
        ("127.0.0.1", ".", "NS", "0", []),
        ("127.0.0.1", "me.cloud.internal.", "A", "0", ["10.1.0.5"]),
        ("127.0.0.1", "me.cloud.internal.", "AAAA", "3", []),
        ("127.0.0.1", "ns1.example.org.", "A", "0", ["127.0.0.3"]),
        # Nobody is there, and the one who is there does not answer that.
        ("127.0.0.3", "www.me.test.", "A", SILENT, []),
        ("127.0.0.1", "www.me.test.", "A", SILENT, []),
    ]


def test_what_is_not_there_is_not_told(tmp_path: Path) -> None:
    seen = {"address": [nic(("fd5c::5", 64), tentative=True)], "-4": [], "-6": []}
    lan = replace(LAN, names=Names())
    found = inside(told(tmp_path, lan, seen, "", 9), lan)
    assert (found.addresses(MAC), found.gateways(MAC), found.servers) == ([], [], ())
    assert found.replies == ()


def test_a_guest_that_cannot_tell_is_none_that_has_nothing() -> None:
    with pytest.raises(CouldNotRun, match="no python3 or ip"):
        inside({"kernel": "6.12"}, LAN)
    with pytest.raises(CouldNotRun, match="no networkctl"):
        inside({"network": "told"}, LAN).by_dhcp6(MAC)


def test_the_whole_script_is_one_for_a_shell() -> None:
    text = f"{guests.SCRIPT}{script(guests.MARK, LAN)}say end\n"
    subprocess.run(["sh", "-n"], input=text, text=True, check=True)
    assert len(text) < 16_000  # of the 64 kB that Nova takes
    assert re.search(r"(?m)^PROGRAM\nsay end\n\Z", text)
