# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Looking at a machine: one round trip, in the words of any POSIX shell, nothing changed."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Interface

from scs.providers import Connection
from scs.providers.reach import Said, Talk
from scs.providers.written import BEGIN, END

SECONDS = 8
"""How long a look may take: all machines are asked at once, and the answer is due in ten."""
PARALLEL = 64
MARK = "/etc/scs/cloud"
"""The name and the id of the cloud that the machine belongs to."""

_SCRIPT = """\
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
say() { printf '%s\\t%s\\n' "$1" "$2"; }
say clock "$(date +%s.%N)"
say user "$(id -u)"
say name "$(uname -n)"
say processor "$(uname -m)"
say machine "$(cat /etc/machine-id 2>/dev/null)"
say boot "$(cat /proc/sys/kernel/random/boot_id)"
say memory "$(sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo)"
say init "$(cat /proc/1/comm)"
for key in ID VERSION_ID PRETTY_NAME; do
    say "$key" "$(. /etc/os-release; eval "printf %s \\"\\${$key-}\\"")"
done
for tool in python3 ping ip ss; do command -v "$tool" >/dev/null && say tool "$tool"; done
say mark "$(cat @MARK@ 2>/dev/null | tr '\\n' ' ')"
modprobe -q -n openvswitch 2>/dev/null && modprobe -q -n geneve 2>/dev/null && say datapath system
[ -c /dev/kvm ] && say kvm yes
for link in /sys/class/net/*; do
    [ -e "$link/mtu" ] || continue
    over=$(basename "$(readlink "$link/master" 2>/dev/null)" 2>/dev/null)
    say link "${link##*/} $(cat "$link/mtu") $(cat "$link/flags") $(cat "$link/operstate") $over"
done
ip -o -4 address show 2>/dev/null | while read -r _ name _ address _; do
    say address "$name $address"
done
sed -n '/^@BEGIN@/,/^@END@/p' /etc/hosts 2>/dev/null | while read -r line; do say host "$line"; done
ss -Hltn 2>/dev/null | while read -r _ _ _ local _; do say listens "${local##*:}"; done
for path in @DATA@; do
    [ -z "$(find "$path" -type f 2>/dev/null | head -n 1)" ] || say holds "$path"
done
for path in @TREES@; do [ -d "$path" ] && say tree "$path"; done
for pair in @PINGS@; do
    (
        told=$(ping -n -q -c 2 -i 0.3 -W 2 -M do -s "${pair#*/}" "${pair%/*}" 2>&1) \\
            && say reaches "$pair" \\
            || say fails "$pair $(printf %s "$told" | grep -i -m 1 'too long\\|unreachable')"
    ) &
done
wait
say complete yes
"""


@dataclass(frozen=True)
class Ask:
    """What is asked of one machine beside what is asked of all."""

    data: tuple[str, ...] = ()
    """Paths where the cloud will keep data: files there already are somebody's."""
    trees: tuple[str, ...] = ()
    """Folders that `create` brings."""
    pings: tuple[tuple[IPv4Address, int], ...] = ()
    """Addresses that packets of so many bytes (with their headers) must reach unbroken."""


@dataclass(frozen=True)
class Link:
    """A network interface."""

    mtu: int
    up: bool
    state: str
    over: str
    """What it is part of: a bridge, a bond, the switch."""


@dataclass(frozen=True)
class Found:
    """What a machine is like."""

    values: Mapping[str, str]
    """What there is one of, by its word in the script."""
    lists: Mapping[str, tuple[str, ...]]
    skew: float = 0.0
    """Seconds that its clock is at least ahead of this machine's; 0: they may be the same."""

    def __getitem__(self, key: str) -> str:
        return self.values.get(key, "")

    def all(self, key: str) -> tuple[str, ...]:
        return self.lists.get(key, ())

    @property
    def links(self) -> Mapping[str, Link]:
        found = {}
        for line in self.all("link"):
            name, mtu, flags, state, *over = line.split()
            found[name] = Link(int(mtu), bool(int(flags, 16) & 1), state, "".join(over))
        return found

    @property
    def addresses(self) -> tuple[tuple[str, IPv4Interface], ...]:
        """Interface and address with the length of its prefix."""
        pairs = (line.split() for line in self.all("address"))
        return tuple((name, IPv4Interface(text)) for name, text in pairs)

    @property
    def mark(self) -> tuple[str, str] | None:
        """Name and id of the cloud that it belongs to."""
        words = self["mark"].split()
        return None if not words else (words[0], words[1] if len(words) > 1 else "")


@dataclass(frozen=True)
class Silent:
    """A machine that could not be looked at."""

    why: str
    hint: str = ""


Answer = Found | Silent


def script(ask: Ask) -> str:
    """What a machine is to run; its answer is for `read`."""
    # Headers of IP (20 bytes) and ICMP (8) are not in ping's own number.
    pings = [f"{address}/{size - 28}" for address, size in ask.pings]
    return (
        _SCRIPT.replace("@MARK@", MARK)
        .replace("@BEGIN@", BEGIN)
        .replace("@END@", END)
        .replace("@DATA@", shlex.join(ask.data))
        .replace("@TREES@", shlex.join(ask.trees))
        .replace("@PINGS@", " ".join(pings))
    )


def read(output: str) -> Found | None:
    """What the script has told; None where it did not come to its end."""
    values: dict[str, str] = {}
    lists: dict[str, tuple[str, ...]] = {}
    for line in output.splitlines():
        key, tab, value = line.partition("\t")
        if tab:
            values[key] = value.strip()
            lists[key] = (*lists.get(key, ()), value.strip())
    return Found(values, lists) if "complete" in values else None


def look(link: Connection, ask: Ask, talk: Talk) -> Answer:
    """Look at one machine; never raises."""
    began = time.time()
    said = talk(link, "sh -s", script(ask), SECONDS)
    ended = time.time()
    found = read(said.output)
    if found is None:
        return silent(link, said)
    # It was read at some moment between these two.
    clock = float(found["clock"] or 0)
    return replace(found, skew=clock - min(max(clock, began), ended))


def look_at_all(
    links: Mapping[str, Connection], asks: Mapping[str, Ask], talk: Talk
) -> dict[str, Answer]:
    """Look at all machines at once; takes as long as the slowest, at most `SECONDS`."""
    with ThreadPoolExecutor(min(PARALLEL, max(1, len(links)))) as pool:
        tasks = {
            name: pool.submit(look, link, asks.get(name, Ask()), talk)
            for name, link in links.items()
        }
        return {name: task.result() for name, task in tasks.items()}


_REASONS: Sequence[tuple[str, str, str]] = (
    (
        "No route to host",
        "can't be reached at {host}: no route to it",
        "see that it is on and its cable plugged in, and that this machine reaches networks."
        "management",
    ),
    (
        "Connection refused",
        "refuses connections to {host}, port {port}",
        "start sshd there, or correct `ssh.port`",
    ),
    (
        "host key is known",
        "has a host key that is not in {known_hosts}",
        "add it, after comparing it with the machine's own (on its console: ssh-keygen -lf "
        "/etc/ssh/ssh_host_ed25519_key.pub): ssh-keyscan -p {port} {host} >> {known_hosts}",
    ),
    (
        "IDENTIFICATION HAS CHANGED",
        "has another host key than the one in {known_hosts}",
        "find out why: it is another machine, was installed anew, or somebody is in between; "
        "then: ssh-keygen -R {host} -f {known_hosts}, and add the right one",
    ),
    (
        "Permission denied",
        "does not let {user} in with {key}",
        "add {key}.pub to the account's ~/.ssh/authorized_keys there",
    ),
    (
        "sudo: ",
        "{user} may not do all there by sudo without a password",
        "as root there: echo '{user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/{user}; or log in "
        "as root",
    ),
)
"""Words of ssh or sudo, what they mean, and what to do."""


def silent(link: Connection, said: Said) -> Silent:
    """Why a machine could not be looked at."""
    told = {
        "host": link.host,
        "port": link.port,
        "user": link.user,
        "key": link.key,
        "known_hosts": link.known_hosts,
    }
    for words, what, hint in _REASONS:
        if words in said.errors:
            return Silent(what.format(**told), hint.format(**told))
    last = (said.errors.splitlines() or [f"the look ended with {said.code}"])[-1]
    hint = "see that it is on and can be reached, then run the same command again"
    return Silent(f"can't be looked at by ssh to {link.host}: {last}", hint)
