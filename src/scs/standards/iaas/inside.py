# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a guest is asked about its network, and its answers.

The questions are a program for the Python that cloud-init brings along: `ip` speaks JSON, and
a name server is asked without the guest's own idea of names (its hosts file, its cache) between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from scs.standards.iaas.lan import RECORD, Address, Lan
from scs.standards.model import CouldNotRun

SILENT = "-"
SECONDS = 30
"""How long the guest waits for its addresses."""
KINDS: Mapping[str, int] = {"A": 1, "NS": 2, "AAAA": 28}

PROGRAM = r"""
import ipaddress, json, re, socket, struct, subprocess, time

def run(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

def ip(*words):
    return json.loads(run("ip", "-j", *words).stdout.decode() or "[]")

def nics():
    found = {}
    for nic in ip("address"):
        if nic.get("address") and "LOOPBACK" not in nic.get("flags", ()):
            found[nic["ifname"]] = nic["address"], [
                "%s/%s" % (one["local"], one["prefixlen"])
                for one in nic.get("addr_info", ())
                if one.get("scope") == "global" and not one.get("tentative")]
    return found

def routes():
    found = []
    for family in "-4", "-6":
        for route in ip(family, "route", "show", "default"):
            for hop in route.get("nexthops") or [route]:
                via = hop.get("gateway") or (hop.get("via") or {}).get("host")
                if via:
                    found.append((hop.get("dev") or route.get("dev"), via))
    return found

def servers():
    found = []
    for path in RESOLVERS:
        try:
            text = open(path).read()
        except OSError:
            continue
        for one in re.findall(r"(?m)^nameserver\s+([^\s%]+)", text):
            if one not in found and not ipaddress.ip_address(one).is_loopback:
                found.append(one)
    return found

def by_dhcp6(nic):
    # Who gave it: the metadata names a subnet's name servers as well. None: nobody knows.
    try:
        told = json.loads(run("networkctl", "--json=short", "status", nic).stdout.decode())
        return [str(ipaddress.ip_address(bytes(one["Address"]))) for one in told.get("DNS", ())
            if one["ConfigSource"] == "DHCPv6"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None

def there():
    have = [ipaddress.ip_interface(one).ip for _, all in nics().values() for one in all]
    return (all(any(one in ipaddress.ip_network(net) for one in have) for net in WANT["nets"])
            and set(WANT["ours"]) <= set(servers()) and len(routes()) >= len(WANT["nets"]))

def name_end(data, at):
    while data[at]:
        if data[at] >= 192:
            return at + 2
        at += data[at] + 1
    return at + 1

def ask(server, name, kind):
    labels = [one.encode() for one in name.split(".") if one]
    text = b"".join(bytes([len(one)]) + one for one in labels) + b"\0"
    query = struct.pack("!6H", 4242, 256, 1, 0, 0, 0) + text + struct.pack("!2H", kind, 1)
    for _ in range(2):
        try:
            family = socket.AF_INET6 if ":" in server else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM) as link:
                link.settimeout(2)
                link.connect((server, PORT))
                link.send(query)
                data = link.recv(4096)
            _, flags, questions, count = struct.unpack("!4H", data[:8])
            at = 12
            for _ in range(questions):
                at = name_end(data, at) + 4
            found = []
            for _ in range(count):
                at = name_end(data, at)
                one, _, _, size = struct.unpack("!HHIH", data[at:at + 10])
                at += 10 + size
                if one == kind and kind != 2:
                    found.append(str(ipaddress.ip_address(data[at - size:at])))
            return [str(flags & 15)] + found
        except (OSError, ValueError, IndexError, struct.error):
            pass
    return ["-"]

said = []

def told(server, name, kind):
    answer = ask(server, name, WANT["kinds"][kind])
    said.append("asked-%d %s %s %s %s" % (len(said), server, name, kind, " ".join(answer)))
    return answer

end = time.time() + WANT["seconds"]
while not there() and time.time() < end:
    time.sleep(1)
seen = nics()
for mac, all in seen.values():
    print(MARK, "nic-" + mac, *all)
for nic, (mac, _) in seen.items():
    print(MARK, "route-" + mac, *[via for dev, via in routes() if dev == nic])
for nic, (mac, _) in seen.items():
    if by_dhcp6(nic) is not None:
        print(MARK, "dhcp6-" + mac, *by_dhcp6(nic))
given = servers()
print(MARK, "servers", *given)
try:
    print(MARK, "reached", *[one for one in WANT["gateways"]
        if run("ping", "-c", "1", "-W", "3", one).returncode == 0
        or run("ping", "-c", "2", "-W", "3", one).returncode == 0])
except OSError:
    pass
given = [one for one in given if one not in WANT["ours"]][:3]
hosts = set()
for server in given:
    told(server, ".", "NS")
    if WANT["own"]:
        told(server, WANT["own"], "A")
        told(server, WANT["own"], "AAAA")
    for host in WANT["hosts"]:
        hosts.update(told(server, host, "A")[1:])
end = time.time() + 15
for server in sorted(hosts - set(given))[:3] + (given if WANT["hosts"] else []):
    while True:
        answer = told(server, WANT["record"], "A")
        if answer == ["-"] or WANT["address"] in answer or server in given or time.time() > end:
            break
        said.pop()
        time.sleep(1)
for line in said:
    print(MARK, line)
print(MARK, "network told")
"""


def script(mark: str, lan: Lan) -> str:
    """Lines of a shell script with which a guest tells of its network on its console."""
    names = lan.names
    want = {
        "seconds": SECONDS,
        "nets": [subnet["cidr"] for subnet in lan.subnets],
        "gateways": [subnet["gateway_ip"] for subnet in lan.subnets if subnet.get("gateway_ip")],
        "ours": sorted(map(str, lan.servers)),
        "own": names.own,
        "record": names.record,
        "address": RECORD,
        "hosts": list(names.servers),
        "kinds": dict(KINDS),
    }
    return "\n".join(
        (
            "timeout 120 python3 - >/dev/console 2>/dev/null <<'PROGRAM'",
            f"MARK = {mark!r}",
            f"WANT = {want!r}",
            "PORT = 53",
            'RESOLVERS = "/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"',
            f"{PROGRAM.strip()}",
            "PROGRAM",
            "",
        )
    )


@dataclass(frozen=True)
class Reply:
    """What one name server said to one question of the guest's."""

    server: Address
    name: str
    kind: str
    code: str
    """The answer's RCODE; SILENT: there was none."""
    addresses: frozenset[Address]


@dataclass(frozen=True)
class Inside:
    """The network as the guest sees it."""

    said: Mapping[str, str]
    ours: frozenset[Address]
    """Name servers that our own subnets name: no resolvers."""

    @property
    def servers(self) -> tuple[Address, ...]:
        """The name servers that it was given."""
        return tuple(ip_address(one) for one in self.said.get("servers", "").split())

    @property
    def resolvers(self) -> tuple[Address, ...]:
        """Those of them that the cloud has chosen."""
        return tuple(one for one in self.servers if one not in self.ours)

    @property
    def replies(self) -> tuple[Reply, ...]:
        """All that it asked, in order."""
        lines = [value.split() for key, value in self.said.items() if key.startswith("asked-")]
        return tuple(
            Reply(ip_address(server), name, kind, code, frozenset(map(ip_address, found)))
            for server, name, kind, code, *found in lines
        )

    def addresses(self, mac: str) -> list[str]:
        """Those of one card, each with its prefix."""
        return self.said.get(f"nic-{mac}", "").split()

    def gateways(self, mac: str) -> list[Address]:
        """Where its default routes lead."""
        return [ip_address(one) for one in self.said.get(f"route-{mac}", "").split()]

    def by_dhcp6(self, mac: str) -> list[Address]:
        """The name servers that DHCPv6 gave to one card; raises CouldNotRun."""
        known = self.said.get(f"dhcp6-{mac}")
        if known is None:
            raise CouldNotRun("the guest cannot tell what DHCPv6 gave: it has no networkctl")
        return [ip_address(one) for one in known.split()]

    def reached(self, address: str) -> bool:
        """Whether it answers the guest's ping; yes, too, where the guest has no ping."""
        known = self.said.get("reached")
        return known is None or address in known.split()


def inside(said: Mapping[str, str], lan: Lan) -> Inside:
    """What a guest has told of its network; raises CouldNotRun when it has not."""
    if said.get("network") != "told":
        raise CouldNotRun("the guest told nothing of its network: its image has no python3 or ip")
    return Inside(said, lan.servers)
