# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The proof's server: from power-on to a login, what its guest can do, and off and on again."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

from scs.api.compute import ssh_answers
from scs.icmp import ping
from scs.verify import guest
from scs.verify.ground import Ground
from scs.verify.run import API_SECONDS, Run
from scs.verify.steps import Finding, ProofFailed

FLAVOR = "SCS-1L-1-5"
"""The smallest with a disk."""

BOOT_SECONDS = 180
"""How long a guest may take from power-on to its login; an emulated one on a busy machine does."""
STOP_SECONDS = 60

METADATA = "http://169.254.169.254/openstack/latest/meta_data.json"

_READY = re.compile(
    r"scs-verify: ready (?P<address>\S+) host=(?P<host>\S+) seconds=(?P<seconds>\S+)"
    r" metadata=(?P<metadata>\S+) keys=(?P<keys>\d+) mtu=(?P<mtu>\d+)"
)


class Server:
    """Each value is set by the step that finds it out, before a step that needs it is tried."""

    def __init__(self, run: Run, ground: Ground, known_hosts: Path) -> None:
        self._run = run
        self._ground = ground
        self._known_hosts = known_hosts
        self.id = ""
        self.fixed = ""
        """Its address in its own network."""
        self.address = ""
        """Its address outside."""

    @property
    def shell(self) -> guest.Shell:
        """For commands in the guest."""
        return guest.Shell(self.address, self._ground.key, self._known_hosts)

    # From power-on to login.

    def boot(self) -> Finding:
        """A server from the image, up as far as Nova can tell."""
        compute, ground = self._run.cloud.compute, self._ground
        flavor = compute.find_flavor(FLAVOR, ignore_missing=True)
        if flavor is None:
            raise ProofFailed(f"there is no flavor {FLAVOR}")
        self._run.patience.check()
        start = time.monotonic()
        self.id = compute.create_server(
            **self._run.marks,
            image_id=ground.image_id,
            flavor_id=flavor.id,
            networks=[{"uuid": ground.network_id}],
            security_groups=[{"name": ground.group_id}],
            key_name=self._run.name,
        ).id
        state = self._await_status("server", "ACTIVE", API_SECONDS)
        fixed = [item["addr"] for group in (state.addresses or {}).values() for item in group]
        self.fixed = next((item for item in fixed if ":" not in item), "")
        seconds = time.monotonic() - start
        return Finding(f"{FLAVOR}, ACTIVE after {seconds:.1f} s, {', '.join(fixed)}")

    def _await_status(self, step: str, wanted: str, seconds: float) -> Any:
        say = self._run.saying(step)
        last = [""]

        def probe() -> Any:
            state = self._run.cloud.compute.get_server(self.id)
            last[0] = f"{state.status}, task {state.task_state or 'none'}"
            say(last[0])
            if state.status == "ERROR":
                fault = (state.fault or {}).get("message", "no reason given")
                raise ProofFailed(f"the server went to ERROR: {fault}")
            return state if state.status == wanted and not state.task_state else None

        return self._run.patience.until(
            probe, seconds, lambda: f"the server is not {wanted} but {last[0]}"
        )

    def console_log(self) -> Finding:
        """The API shows what the guest wrote on its console, until it said that it is ready."""

        def probe() -> re.Match[str] | None:
            return _READY.search(self._console())

        ready = self._run.patience.until(
            probe,
            BOOT_SECONDS,
            lambda: f"no line in it says that the guest is ready{self._console_tail()}",
            every=1,
        )
        name = self._run.name
        if ready["host"] != name:
            raise ProofFailed(f"the guest says that it is {ready['host']}, not {name}")
        if ready["metadata"] != "openstack" or ready["keys"] == "0":
            raise ProofFailed(f"the guest got no metadata: {ready[0]}")
        return Finding(f"the guest was ready {ready['seconds']} s after power-on")

    def _console(self) -> str:
        answer = self._run.cloud.compute.get_server_console_output(self.id)
        return str((answer or {}).get("output") or "")

    def _console_tail(self) -> str:
        """The end of the console, for those who wonder why a guest does not answer."""
        try:
            lines = [line for line in self._console().splitlines() if line.strip()]
        except Exception as error:  # it only explains another failure
            return f"; its console cannot be had: {error}"
        if not lines:
            return "; its console is empty"
        return "; the end of its console:\n" + "\n".join(line[-160:] for line in lines[-5:])

    def floating_ip(self) -> Finding:
        """An outside address, given to the server, that answers ping."""
        run, network = self._run, self._run.cloud.network

        def port() -> Any:
            return next(iter(network.ports(device_id=self.id)), None)

        inside = run.patience.until(port, 30, lambda: "the server has no port")
        address = network.create_ip(
            floating_network_id=self._ground.external_id, description=run.mark
        )
        run.patience.check()
        network.update_ip(address, port_id=inside.id)
        self.address = str(address.floating_ip_address)
        run.saying("floating IP")(f"waiting for {self.address} to answer ping")
        try:
            seconds = run.patience.until(
                lambda: ping(self.address),
                BOOT_SECONDS,
                lambda: f"{self.address} does not answer ping{self._console_tail()}",
                every=0.1,
            )
        except PermissionError:
            return Finding(f"{self.address}; no ping: this machine lets only root")
        return Finding(f"{self.address} answers ping, in {seconds * 1000:.1f} ms")

    def ssh(self) -> Finding:
        """A login with the key, from outside."""
        self._await_ssh()
        return Finding(self.shell.run("uname -a").strip())

    def _await_ssh(self) -> None:
        self._run.patience.until(
            lambda: ssh_answers(self.address),
            BOOT_SECONDS,
            lambda: f"no ssh server answers at {self.address}{self._console_tail()}",
        )

    def metadata(self) -> Finding:
        """The guest knows from the metadata service who it is."""
        text = self.shell.run(f"hostname; wget -q -T 10 -O - {METADATA}")
        host, _, document = text.partition("\n")
        compare_metadata(host.strip(), document, self._run.name, self.id)
        return Finding("name, UUID and key in the guest are those that the API knows")

    # What it can do.

    def throughput(self) -> Finding:
        """Bytes in both directions through the floating IP, and packets of full size."""
        say, shell, own = self._run.saying("throughput"), self.shell, self._ground.mtu
        mtu = int(shell.run("cat /sys/class/net/eth0/mtu"))
        if own and mtu != own:
            raise ProofFailed(f"the guest's MTU is {mtu}, its network's {own}")
        full = min(mtu, guest.path_mtu(self.address))
        say(f"packets of {full} bytes")
        try:
            # More than one: the first may only teach a switch on the way.
            if not any(ping(self.address, full) for _ in range(5)):
                raise ProofFailed(f"packets of {full} bytes do not pass, although the MTU is {mtu}")
        except PermissionError:
            say("no ping: this machine lets only root")
        say(f"{guest.AMOUNT // 1_000_000} MB in each direction")
        seen = guest.measure(shell, self._run.patience)
        values = {**seen.values, "mtu": mtu}
        return Finding(
            f"{values['megabits_in']:.0f} Mb/s in, {values['megabits_out']:.0f} Mb/s out,"
            f" {seen.size // 1_000_000} MB each through the floating IP with TCP;"
            f" checksums agree; MTU {mtu}, {seen.segment} bytes per segment",
            values,
        )

    def restart(self) -> Finding:
        """Off and on again: the same server with the same address and host key."""
        compute = self._run.cloud.compute
        begin = time.monotonic()
        compute.stop_server(self.id)
        self._await_status("stop and start", "SHUTOFF", STOP_SECONDS)
        off = time.monotonic()
        compute.start_server(self.id)
        self._await_status("stop and start", "ACTIVE", API_SECONDS)
        on = time.monotonic()
        self._await_ssh()
        answer = self.shell.run("cat /proc/uptime").split()
        end = time.monotonic()
        if float(answer[0]) > end - off:
            raise ProofFailed(f"the guest has been up for {answer[0]} s: it was never off")
        return Finding(
            f"SHUTOFF after {off - begin:.1f} s, ACTIVE after {on - off:.1f} s more,"
            f" ssh after {end - on:.1f} s more"
        )


def compare_metadata(host: str, document: str, name: str, server: str) -> None:
    """Raise ProofFailed unless a guest's name and meta_data.json are those of its server."""
    try:
        data = json.loads(document)
    except ValueError:
        raise ProofFailed(f"meta_data.json is no JSON: {document[:200]!r}") from None
    wrong = [
        f"{what} is {seen!r}, not {wanted!r}"
        for what, seen, wanted in (
            ("its uuid", data.get("uuid"), server),
            ("its name", data.get("name"), name),
            ("the guest's hostname", host, str(data.get("hostname", "")).split(".")[0]),
            ("the guest's hostname", host, name),
            ("its key", list(data.get("public_keys") or {}), [name]),
        )
        if seen != wanted
    ]
    if wrong:
        raise ProofFailed("; ".join(wrong))
