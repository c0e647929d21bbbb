# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The command: what may be asked for, and the way from a disk to a table."""

from __future__ import annotations

import shlex
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import click

from host.machine import Machine
from scs.errors import ScsError
from scs.images import disk
from scs.providers.local.rootfs import delete_tree
from scs.shell import Say
from try_host import disk_image, trial

SUITES: Mapping[str, str] = {"12": "bookworm", "13": "trixie"}
ROOT = Path(__file__).resolve().parents[2]
GIGABYTES = 24
TOOLS: Mapping[str, str] = {
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "qemu-img": "qemu-utils",
    "qemu-system-x86_64": "qemu-system-x86",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
}
"""Program → Debian's package."""
PATIENT = 7200
"""Seconds for the machine to start, or to stop: it may be paused meanwhile."""
PROCESSOR = "Westmere,vendor=AuthenticAMD,+svm,+npt,+rdrand"
"""What emulates fast and has what wheels and KVM need; AMD's virtualisation is what QEMU knows."""


@dataclass(frozen=True)
class Addition:
    """Something that users have on their machines and that gets in the way of packets."""

    packages: tuple[str, ...]
    before_up: tuple[tuple[str, str], ...]
    """What → the shell command that proves it is at work, or puts it to work."""


ADDITIONS: Mapping[str, Addition] = {
    "docker": Addition(
        ("docker.io", "iptables"),
        (
            (
                "Docker is at work",
                "systemctl start docker && dockerd --version &&"
                " iptables -S FORWARD | grep -e '-P FORWARD DROP'",
            ),
        ),
    ),
    "firewalld": Addition(
        ("firewalld",),
        (("firewalld is at work", "systemctl start firewalld && firewall-cmd --state"),),
    ),
    "iptables-legacy": Addition(
        ("iptables",),
        (
            (
                "the old iptables drops forwarded packets",
                "iptables-legacy -P FORWARD DROP && ip6tables-legacy -P FORWARD DROP &&"
                " iptables-legacy -S FORWARD",
            ),
        ),
    ),
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debian", type=click.Choice(list(SUITES)), default="13", show_default=True)
@click.option(
    "--with",
    "additions",
    multiple=True,
    type=click.Choice(list(ADDITIONS)),
    help="What the machine has beside a plain Debian; can be given several times.",
)
@click.option(
    "--disk",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the machine is made (5 GB and more); what --keep has left there is taken again."
    " Default: a new folder in /var/tmp.",
)
@click.option("--keep", is_flag=True, help="Leave the machine running, and its folder there.")
@click.option(
    "--seed",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A cache of scs that the machine gets (/var/cache/scs): skips an hour of building."
    " It has to be on the same disk as the machine.",
)
@click.option("--memory", default=8, show_default=True, help="GiB of the machine.")
@click.option("--patience", default=15, show_default=True, help="SCS_PATIENCE in the machine.")
@click.option(
    "--tries",
    default=3,
    show_default=True,
    help="How often `up` is run at most, until it ends well: each goes on where one has failed.",
)
@click.option("--pid-file", type=click.Path(path_type=Path), help="Gets QEMU's process id.")
def main(
    debian: str,
    additions: tuple[str, ...],
    folder: Path | None,
    keep: bool,
    seed: Path | None,
    memory: int,
    patience: int,
    tries: int,
    pid_file: Path | None,
) -> None:
    r"""Try scs on a machine as users have it, and print what was seen.

    Makes the disk of a stock Debian (its own kernel, systemd as first process, systemd-resolved),
    boots it under QEMU without KVM, and runs in it: ./scs up, status, plan, down. It then
    looks whether anything is left. The machine gets this checkout as it lies here, this
    machine's apt sources, certificates and pip configuration.

    Emulation is 10 to 20 times slower than the machine, so this takes one to several hours. It
    runs with the lowest priority and may be paused (SIGSTOP to QEMU) for some minutes.

    \b
    tools/try-host                           Debian 13, nothing else
    tools/try-host --with docker             with Docker's rules for packets
    tools/try-host --debian 12 --with firewalld --seed /var/cache/scs

    Exit code: 0 all well; 1 something was not as it should be; 4 this machine lacks something.
    """

    def say(line: str) -> None:
        click.echo(f"{time.monotonic() - began:6.0f}  {line}")
        sys.stdout.flush()

    began = time.monotonic()
    work = folder or Path(tempfile.mkdtemp(prefix="scs-try-host-", dir="/var/tmp"))
    work.mkdir(parents=True, exist_ok=True)
    try:
        good = _try(debian, additions, work, seed, memory, patience, tries, pid_file, keep, say)
    except ScsError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code.value)
    finally:
        if not keep:
            delete_tree(work)
    sys.exit(0 if good else 1)


def _try(
    debian: str,
    additions: Sequence[str],
    work: Path,
    seed: Path | None,
    memory: int,
    patience: int,
    tries: int,
    pid_file: Path | None,
    keep: bool,
    say: Say,
) -> bool:
    disk.need_tools(TOOLS)
    chosen = [ADDITIONS[name] for name in additions]
    if not (work / "key").exists():
        Machine.make_key(work / "key")
    wish = disk_image.Wish(
        suite=SUITES[debian],
        packages=[package for addition in chosen for package in addition.packages],
        key=work / "key",
        gigabytes=GIGABYTES,
        seed=seed,
    )
    say(f"making the disk of a Debian {debian} in {work}")
    image = disk_image.make(wish, work, say)
    machine = Machine(
        image.raw,
        work,
        user="root",
        memory=memory * 1024,
        gigabytes=GIGABYTES,
        processors=2,
        image_format="raw",
        accelerator="tcg,thread=multi,tb-size=1024",
        network="ipv6=off",
        extra=[
            *("-cpu", PROCESSOR, "-kernel", str(image.kernel), "-initrd", str(image.initrd)),
            *("-append", image.options),
        ],
        prefix=["nice", "-n", "19"],
    )
    machine.connect_seconds = PATIENT
    with ExitStack() as stack:
        stack.enter_context(machine)
        if pid_file is not None:
            pid_file.write_text(f"{machine.process.pid}\n")
        say(f"QEMU is process {machine.process.pid}; the console is in {machine.log}")
        machine.wait_for_console(" login:", PATIENT)
        seconds = machine.wait_for_ssh(PATIENT)
        say(f"up after {seconds:.0f} s: {shlex.join(machine.ssh_command(''))}")
        run = trial.Trial(machine, say, [f"SCS_PATIENCE={patience}"])
        run.bring(ROOT)
        try:
            return trial.everything(run, [pair for one in chosen for pair in one.before_up], tries)
        finally:
            click.echo(f"\nDebian {debian}" + "".join(f", {name}" for name in additions))
            click.echo(trial.table(run.steps))
            if keep:
                stack.pop_all()
                click.echo(f"It is still there: {shlex.join(machine.ssh_command(''))}")
            else:
                machine.press_power_button(PATIENT)


if __name__ == "__main__":
    main()
