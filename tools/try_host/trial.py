# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is tried in the machine, step by step, and what was seen."""

from __future__ import annotations

import shlex
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from host.fresh import copy_worktree
from host.machine import Machine
from scs.errors import CommandFailed
from scs.shell import Say, run

CHECKOUT = "/srv/scs"
"""Where the checkout lies in the machine."""

# What a cloud could leave behind; counters and what changes by itself left out.
_TRACES = r"""
ip -o link show | sed 's/^[0-9]*: //; s/ qlen .*//'
ip netns list
ip -o address show | awk '{ print "address", $2, $4 }'
# iproute2 keeps /run/netns mounted for whoever comes next.
findmnt -rno TARGET,FSTYPE | grep -v -e ^/proc/sys/fs/binfmt_misc -e ^/run/netns
# The machine has nft only since scs has brought it: what others have made can't be compared.
nft list ruleset 2>/dev/null | grep scs | sed 's/counter packets [0-9]* bytes [0-9]*/counter/'
tools="iptables-save ip6tables-save"
[ ! -s /proc/net/ip_tables_names ] || tools="$tools iptables-legacy-save ip6tables-legacy-save"
for tool in $tools; do
    command -v $tool >/dev/null && $tool 2>/dev/null | grep -e ^- -e ^: | sed 's/ \[.*//'
done
firewall-cmd --zone=trusted --list-interfaces 2>/dev/null
systemctl list-units --all --plain --no-legend 'scs-*' | awk '{ print "unit", $1 }'
ls -d /sys/fs/cgroup/scs /sys/fs/cgroup/system.slice/scs-* /var/lib/scs /run/scs
sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding fs.aio-max-nr vm.max_map_count
ps -eo args --no-headers | grep -E '[n]spawn|/var/lib/[s]cs|[o]vs-|[q]emu' || :
"""


@dataclass(frozen=True)
class Step:
    """One command in the machine and how it ended."""

    what: str
    seconds: float
    code: int
    seen: str = ""


@dataclass
class Trial:
    """Runs the steps and remembers them."""

    machine: Machine
    say: Say
    environment: Sequence[str] = ()
    """Words NAME=VALUE for ./scs."""
    steps: list[Step] = field(default_factory=list)

    def step(self, what: str, command: str, good: Sequence[int] = (0,)) -> tuple[bool, str]:
        """Run a shell command, tell its output as it comes; whether it ended well, and what
        it printed.
        """
        self.say(f"── {what}")
        began = time.monotonic()
        try:
            output = run(
                self.machine.ssh_command(f"{{ {command}\n}}; echo code=$?"),
                say=self.say,
            )
        except CommandFailed as error:
            output = str(error)
        lines = output.rstrip().splitlines()
        last = lines.pop() if lines and lines[-1].startswith("code=") else "code=255"
        code = int(last.removeprefix("code="))
        self.steps.append(Step(what, time.monotonic() - began, code))
        return code in good, "\n".join(lines)

    def scs(self, *words: str, good: Sequence[int] = (0,)) -> bool:
        """Run ./scs as a user of the machine does."""
        shown = shlex.join(["./scs", *words])
        return self.step(
            shown, f"cd {CHECKOUT} && env {shlex.join(self.environment)} {shown}", good
        )[0]

    def bring(self, checkout: Path) -> None:
        """Copy the checkout, without git, as it is now, over what the machine has of it."""
        with tempfile.TemporaryDirectory() as folder:
            copy_worktree(checkout, Path(folder))
            unpack = self.machine.ssh_command(f"mkdir -p {CHECKOUT} && tar -xC {CHECKOUT}")
            run(["sh", "-c", f'tar -cC {folder} . | "$@"', "sh", *unpack], where="the checkout")

    def traces(self) -> set[str]:
        """Lines that say what is in the machine that a cloud could have brought."""
        done = self.machine.ssh(_TRACES, None)
        return set(done.stdout.splitlines())


def everything(trial: Trial, before_up: Sequence[tuple[str, str]], tries: int) -> bool:
    """The whole: facts, preparation, up, status, plan, down, nothing left. True: all well.

    `up` is run again after a failure, `tries` times in all, as its message asks one to:
    packages' own units have limits of time that an emulated machine can exceed.
    """
    trial.step(
        "the machine",
        "grep PRETTY /etc/os-release; uname -r; cat /etc/resolv.conf | grep -v ^#;"
        " systemctl is-system-running; stat -fc %T /sys/fs/cgroup; free -m; df -h /",
    )
    well = True
    for what, command in before_up:
        well &= trial.step(what, command)[0]
    before = trial.traces()
    up = any(trial.scs("up", "--yes", "--timings") for _ in range(tries))
    if up:
        # Exit codes say it: status 0 is all healthy, plan 0 is nothing to do.
        well &= trial.scs("status")
        well &= trial.scs("plan")
        trial.step(
            "what runs on what",
            "lsmod | grep -E '^(openvswitch|geneve|overlay|vport)' ;"
            " systemctl list-units 'scs-*' --no-legend;"
            f" cd {CHECKOUT}; ./scs ssh node-1 ovs-vsctl get bridge br-int datapath_type;"
            " ./scs ssh node-1 systemctl --failed --no-legend",
        )
    else:
        trial.step(
            "what failed",
            "nft list ruleset | head -n 150; ip -br address; "
            "tail -n 40 /var/lib/scs/*/nodes/*/console.log;"
            f"cd {CHECKOUT}; ./scs status",
        )
    down = trial.scs("down", "--yes")
    left = sorted(trial.traces() - before)
    gone = sorted(before - trial.traces())
    trial.steps.append(
        Step("nothing is left", 0, int(bool(left or gone)), "; ".join([*left, *gone])[:2000])
    )
    return well and up and down and not left and not gone


def table(steps: Sequence[Step]) -> str:
    """What was seen, a line per step."""
    width = max(len(step.what) for step in steps)
    return "\n".join(
        f"{step.what:{width}}  {step.seconds:8.0f} s  "
        + ("well" if step.code == 0 else f"ended with {step.code}")
        + (f"  {step.seen}" if step.seen else "")
        for step in steps
    )
