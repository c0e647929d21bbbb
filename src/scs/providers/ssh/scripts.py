# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is done on a machine when it becomes a node, and when it is one no more: shell. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from ipaddress import IPv4Address

from scs.providers.ssh.probe import MARK
from scs.providers.written import BEGIN, END

UNIT = "/etc/systemd/system/scs-addresses.service"
"""Puts the virtual addresses on a machine, where no other could take them over."""
HOME = "/var/lib/scs"
RELEASES = "/opt/scs"

_HEAD = """\
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export DEBIAN_FRONTEND=noninteractive
put() { # put FILE TEXT: whole or not at all; true when it is another text than before
    [ ! -f "$1" ] || [ "$(cat "$1")" != "$2" ] || return 1
    mkdir -p "${1%/*}"
    printf '%s\\n' "$2" >"$1.scs-new"
    chmod 644 "$1.scs-new"
    mv "$1.scs-new" "$1"
}
others() { sed '/^@BEGIN@$/,/^@END@$/d' /etc/hosts; }
""".replace("@BEGIN@", BEGIN).replace("@END@", END)

_JOIN = """\
there=$(cat @MARK@ 2>/dev/null || :)
if [ -n "$there" ] && [ "$there" != @CLOUD@ ]; then
    echo "belongs to the cloud $there by now" >&2
    exit 3
fi
put @MARK@ @CLOUD@ || :
command -v python3 >/dev/null || {
    apt-get -q -o DPkg::Lock::Timeout=120 update >&2
    apt-get -q -y -o DPkg::Lock::Timeout=120 --no-install-recommends install python3 >&2
}
mkdir -p @HOME@/artifacts
# First of all: else Debian's 127.0.1.1 would be what a node finds under its own name.
put /etc/hosts "$(printf '%s\\n' @HOSTS@; others)" || :
"""

_ADDRESSES = """\
if put @UNIT@ @TEXT@; then
    # The manager still knows the old ones, if any: they go.
    systemctl stop scs-addresses.service 2>/dev/null || :
    systemctl daemon-reload
    systemctl --quiet enable scs-addresses.service
fi
systemctl start scs-addresses.service
@BACK@
"""

_NO_ADDRESSES = """\
if [ -e @UNIT@ ]; then
    systemctl --quiet disable --now scs-addresses.service || :
    rm -f @UNIT@
    systemctl daemon-reload
fi
"""

_OURS = """\
[ "$(cat @MARK@ 2>/dev/null || :)" = @CLOUD@ ] || exit 0
"""

_GUESTS = """\
# Guests run on without their hypervisor's daemon: it keeps their process ids.
pids() {
    for file in /run/libvirt/qemu/instance-*.pid; do
        pid=$(cat "$file" 2>/dev/null) || continue
        # It may be another process's by now.
        if grep -qs qemu "/proc/$pid/cmdline"; then echo "$pid"; fi
    done
}
for pid in $(pids); do kill "$pid" 2>/dev/null || :; done
tries=0
while [ -n "$(pids)" ] && [ "$tries" -lt 60 ]; do
    tries=$((tries + 1))
    sleep 0.5
done
for pid in $(pids); do kill -KILL "$pid" 2>/dev/null || :; done
"""

_LEAVE = """\
put /etc/hosts "$(others)" || :
# By name: scs itself may run here as well, with its state in these folders.
rm -rf @HOME@/artifacts @RELEASES@/releases /run/scs/lib /run/scs/progress
rm -f @HOME@/managed.json /run/scs/at-work /run/scs/stop @MARK@
for folder in @HOME@ @RELEASES@ /run/scs /etc/scs; do rmdir "$folder" 2>/dev/null || :; done
"""

_UNIT_TEXT = """\
# Written by scs: the addresses of the cloud's APIs, which no other node could take over.
[Unit]
Description=virtual addresses of a cloud
After=networking.service systemd-networkd-wait-online.service NetworkManager-wait-online.service
Before=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
{lines}

[Install]
WantedBy=network-online.target multi-user.target"""


def _filled(text: str, **values: str) -> str:
    for name, value in {"HOME": HOME, "RELEASES": RELEASES, "MARK": MARK, "UNIT": UNIT}.items():
        text = text.replace(f"@{name}@", value)
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def join(mark: str, hosts: Sequence[str], addresses: Sequence[IPv4Address], interface: str) -> str:
    """Makes a machine one of the cloud's; may be run again at any time.

    `mark` is what stands on the cloud's machines, its name and its id; `hosts` are the lines of
    /etc/hosts that are ours; `addresses` come on `interface`.
    """
    back = [f"ip address replace {address}/32 dev {interface}" for address in addresses]
    lines = [f"ExecStart={command}" for command in back]
    lines += [f"ExecStop=-ip address del {address}/32 dev {interface}" for address in addresses]
    unit = _UNIT_TEXT.format(lines="\n".join(lines))
    text = _HEAD + _JOIN + (_ADDRESSES if addresses else _NO_ADDRESSES)
    return _filled(
        text,
        CLOUD=shlex.quote(mark),
        HOSTS=shlex.join(hosts),
        TEXT=shlex.quote(unit),
        BACK="\n".join(back),  # somebody may have taken them away while the unit is content
    )


def end_guests(mark: str) -> str:
    """Ends the guests of a machine that is the cloud's; their disks stay."""
    return _filled(_HEAD + _OURS + _GUESTS, CLOUD=shlex.quote(mark))


def leave(mark: str, back: str = "") -> str:
    """Takes away what `join` and `receive` have brought to a machine that is the cloud's.

    `back` is an address with its interface, in ip's words, that a bridge of the cloud's had.
    """
    text = _HEAD + _OURS + (f"ip address replace {back}\n" if back else "") + _NO_ADDRESSES + _LEAVE
    return _filled(text, CLOUD=shlex.quote(mark))


def receive(place: str) -> str:
    """One command that makes a folder of what `tar` sends, whole or not at all."""
    script = (
        'set -e; rm -rf "$1.new"; mkdir -p "$1.new"; '
        'tar --extract --numeric-owner --directory "$1.new"; sync --file-system "$1.new"; '
        'rm -rf "$1"; mv -T "$1.new" "$1"'
    )
    return shlex.join(["sh", "-c", script, "sh", place])
