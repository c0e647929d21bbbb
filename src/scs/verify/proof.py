# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The proof that a cloud works: what a user does with one, from a token to a VM and back.

All of it as the first project's user, through the public API and the outside address. What it
makes is marked (see `traces`) and removed again, whatever happens in between.
"""

from __future__ import annotations

import fcntl
import json
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from scs.api.clients import Clients, checked
from scs.api.compute import ssh_answers
from scs.engine.events import Events
from scs.engine.session import UNKNOWN
from scs.errors import Busy, Problem, ScsError
from scs.model.content import VERIFY as IMAGE
from scs.model.view import View
from scs.shell import Say
from scs.verify import guest, names, stack, traces
from scs.verify.steps import Evidence, Finding, Patience, ProofFailed, Step, attempt, carry_out

if TYPE_CHECKING:
    from openstack.connection import Connection

    from scs.engine.session import Session

__all__ = ["Context", "Evidence", "prove"]

FLAVOR = "SCS-1L-1-5"
"""The smallest with a disk."""
IMAGE_PROPERTIES = (
    # What the SCS standard on image metadata asks for, and what this guest needs to be fast.
    "architecture",
    "hw_disk_bus",
    "hw_rng_model",
    "image_build_date",
    "image_description",
    "image_original_user",
    "image_source",
    "os_distro",
    "os_version",
    "provided_until",
    "replace_frequency",
    "uuid_validity",
)
RANGES = ("10.250.0.0/24", "172.29.250.0/24", "192.168.250.0/24")
"""The first that meets none of the cloud's own networks is the guest's."""

BALANCED = (5003, 5004)
"""Where the guest answers for the two members of the load balancer's pool."""
UDP = 5005
"""Where datagrams go in the guest; nobody listens, its kernel counts them."""
FRONT = 5002
"""The port of the load balancer, for TCP and for UDP."""
CALLS = 10
"""How many connections, and how many datagrams, must reach the guest."""
BALANCER_SECONDS = 60

VOLUME_MIB = 16
"""How much is written to a volume."""
ENCRYPTED = "encrypted"
"""The type of volumes that the hypervisor encrypts, where there is a key manager."""
ENCRYPTED_MIB = 4
"""How much is written to such a one: without KVM the guest's disk is slow."""

API_SECONDS = 120
"""How long a server may take to change its state."""
BOOT_SECONDS = 180
"""How long a guest may take from power-on to its login; an emulated one on a busy machine does."""
STOP_SECONDS = 60

METADATA = "http://169.254.169.254/openstack/latest/meta_data.json"
CLEAN_UP = "clean-up"

_READY = re.compile(
    r"scs-verify: ready (?P<address>\S+) host=(?P<host>\S+) seconds=(?P<seconds>\S+)"
    r" metadata=(?P<metadata>\S+) keys=(?P<keys>\d+) mtu=(?P<mtu>\d+)"
)


@dataclass(frozen=True)
class Context:
    """What a proof needs of the cloud and of this machine."""

    clients: Clients
    view: View
    events: Events
    folder: Path
    """For the proof alone: its lock and, while it runs, its ephemeral key."""

    @classmethod
    def of(cls, session: Session) -> Context:
        """What a session knows; raises ScsError when its cloud has never been up."""
        state = session.paths.state
        ca = state / "ca.pem"
        if not ca.exists():
            raise ScsError(Problem(f"cloud {session.spec.name}", "has never been up", "scs up"))
        view = session.view(UNKNOWN)
        return cls(Clients(view, ca), view, session.events, state / "verify")


def prove(context: Context) -> list[Evidence]:
    """Do all steps and clean up, also when something ends this early; raises Busy."""
    context.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(context), TemporaryDirectory(dir=context.folder, prefix="run-") as folder:
        proof = Proof(context, Path(folder), secrets.token_hex(4))
        evidence: list[Evidence] = []
        try:
            evidence = carry_out(proof.steps(), context.events, proof.where, proof.stop)
        finally:
            if proof.began:
                last = Step(CLEAN_UP, proof.clean_up)
                evidence = [*evidence, attempt(last, context.events, proof.where)]
        return evidence


@contextmanager
def _alone(context: Context) -> Iterator[None]:
    """One proof at a time, so that what another run left is nobody's any more."""
    with (context.folder / "lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            where, what = f"cloud {context.view.cloud}", "another `scs verify` is under way"
            raise Busy(Problem(where, what, "wait for it, or end it")) from None
        for old in context.folder.glob("run-*"):  # of a run that was killed
            shutil.rmtree(old)
        yield


class Proof:
    """One run: what its steps do, and what they know from each other."""

    def __init__(self, context: Context, folder: Path, run: str) -> None:
        self.view = context.view
        self.events = context.events
        self.clients = context.clients
        self.run = run
        self.name = traces.name_of(run)
        self.marks = {"name": self.name, "description": traces.mark_of(run)}
        self.where = context.view.cloud
        self.stop = threading.Event()
        self.began = False
        """Whether there was a token, without which there is nothing to clean up."""
        self._patience = Patience(self.stop)
        self._key = folder / "key"
        self._known_hosts = folder / "known_hosts"
        # Each is set by the step that finds it out, before a step that needs it is tried.
        self._image = ""
        self._network = ""
        self._subnet = ""
        self._mtu = 0
        self._external = ""
        self._group = ""
        self._server = ""
        self._address = ""
        self._volume = ""
        self._fixed = ""
        self._balancer: Mapping[str, Any] = {}
        self._zone = ""

    def steps(self) -> Sequence[Step]:
        """In the order in which they are told; `needs` and `after` say what may be parallel."""
        volumes = self.view.serves("block-storage")
        balanced = self.view.serves("load-balancer")
        keys = self.view.serves("key-manager")
        more = [
            *(self._volume_steps() if volumes else ()),
            *([self._encryption_step()] if volumes and keys else ()),
            *(self._key_steps() if keys else ()),
            *(self._stack_steps() if self.view.serves("orchestration") else ()),
            *(self._balancer_steps() if balanced else ()),
            *(self._name_steps() if self.view.serves("dns") else ()),
        ]
        # What has nothing to do with the guest, and what only has to be done with it at last.
        aside = [step.name for step in more if "throughput" not in step.after]
        last = [step.name for step in more if "throughput" in step.after]
        alone = ("console log", "leftovers", "metadata", *aside)
        return (
            Step("token", self.token),
            Step("image", self.image, needs=("token",)),
            Step("network", self.network, needs=("token",)),
            Step("access", self.access, needs=("token",)),
            Step("server", self.server, needs=("image", "network", "access")),
            # While the guest boots there is time for these.
            Step("router", self.router, needs=("network",), after=("access",)),
            Step("leftovers", self.leftovers, needs=("token",), after=("router", "server")),
            Step("console log", self.console_log, needs=("server",)),
            Step("floating IP", self.floating_ip, needs=("router", "server")),
            Step("ssh", self.ssh, needs=("floating IP",)),
            Step("metadata", self.metadata, needs=("ssh",)),
            # Alone with the guest, or something else would be measured as well.
            Step("throughput", self.throughput, needs=("ssh",), after=alone),
            *more,
            Step("stop and start", self.restart, needs=("ssh",), after=("throughput", *last)),
        )

    def _volume_steps(self) -> Sequence[Step]:
        """In a cloud with volumes."""
        return (
            Step("volume", self.volume, needs=("token",), after=("router",)),
            Step("attachment", self.attachment, needs=("volume", "ssh"), after=("throughput",)),
        )

    def _balancer_steps(self) -> Sequence[Step]:
        """In a cloud with load balancers."""
        made = ("router", "server")
        return (
            Step("load balancer", self.load_balancer, needs=made, after=("leftovers",)),
            Step(
                "balancing", self.balancing, needs=("load balancer", "ssh"), after=("throughput",)
            ),
        )

    def _name_steps(self) -> Sequence[Step]:
        """In a cloud with a name server."""
        return (
            Step("zone", self.zone, needs=("token",), after=("leftovers",)),
            Step("name", self.floating_name, needs=("zone", "router")),
        )

    def _key_steps(self) -> Sequence[Step]:
        """In a cloud with a key manager."""
        return (Step("secret", self.secret, needs=("token",), after=("leftovers",)),)

    def _stack_steps(self) -> Sequence[Step]:
        """In a cloud with orchestration."""
        return (Step("stack", self.stack, needs=("token",), after=("leftovers",)),)

    def _encryption_step(self) -> Step:
        """In a cloud with volumes and a key manager; one disk at a time comes to the guest."""
        return Step(
            "encryption",
            self.encryption,
            needs=("volume", "ssh"),
            after=("throughput", "attachment"),
        )

    @cached_property
    def _cloud(self) -> Connection:
        return self.clients.tenant

    def _say(self, step: str) -> Say:
        return self.events.saying(step, self.where)

    # Who, and with what.

    def token(self) -> Finding:
        """A token as the project's user, who is a member and no administrator."""
        cloud = self._cloud
        access: Any = cloud.session.auth.get_access(cloud.session)  # type: ignore[union-attr]
        self.began = True
        tenant = self.view.tenant
        roles = sorted(access.role_names)
        if access.project_name != tenant.project or access.username != tenant.user:
            raise ProofFailed(f"the token is {access.username}'s in {access.project_name}")
        if "member" not in roles or "admin" in roles:
            raise ProofFailed(f"the roles of {tenant.user} are {', '.join(roles)}, not member")
        services = sorted({entry["type"] for entry in access.service_catalog.catalog})
        return Finding(
            f"{tenant.user} in project {tenant.project}, roles {', '.join(roles)};"
            f" catalog: {', '.join(services)}"
        )

    def leftovers(self) -> Finding:
        """Remove what an earlier run, killed, could not."""
        found = [trace for trace in traces.find(self._cloud) if trace.run != self.run]
        if not found:
            return Finding("none of an earlier run")
        problems = traces.remove(self._cloud, found, self._say("leftovers"))
        if problems:
            raise ProofFailed("\n".join(problems))
        return Finding(f"of an earlier run, removed: {traces.told(found)}")

    def image(self) -> Finding:
        """The image for checks: there, active, the project's own, with its properties."""
        answer = checked(self._cloud.image.get(f"/images?name={IMAGE}"), "images")
        found = answer["images"]
        if not found:
            raise ProofFailed(f"there is no image {IMAGE}")
        image = next((item for item in found if item["status"] == "active"), found[0])
        if image["status"] != "active":
            raise ProofFailed(f"image {IMAGE} is {image['status']}")
        if image["visibility"] == "public":
            raise ProofFailed(f"image {IMAGE} is public, although it is for checks only")
        missing = [name for name in IMAGE_PROPERTIES if not image.get(name)]
        if missing:
            raise ProofFailed(f"image {IMAGE} lacks properties: {', '.join(missing)}")
        self._image = image["id"]
        return Finding(
            f"{IMAGE} is active, {image['visibility']}, {image['size'] / 1e6:.1f} MB,"
            f" built {image['image_build_date'][:10]}"
        )

    # What a server needs around it.

    def network(self) -> Finding:
        """An own network with an address range."""
        network = self._cloud.network
        own = network.create_network(**self.marks)
        self._network, self._mtu = own.id, own.mtu
        cidr = free_range(item.ipv4 for item in self.view.networks.values())
        self._say("network")(cidr)
        self._patience.check()
        self._subnet = network.create_subnet(
            **self.marks,
            network_id=own.id,
            cidr=cidr,
            ip_version=4,
            dns_nameservers=[str(item) for item in self.view.dns if item.version == 4],
        ).id
        return Finding(f"{cidr}, MTU {self._mtu}")

    def router(self) -> Finding:
        """An own router that joins the network to the outside."""
        network = self._cloud.network
        external = self._external_network()
        gateway = {"network_id": external.id}
        self._patience.check()
        router = network.create_router(**self.marks, external_gateway_info=gateway)
        self._patience.check()
        network.add_interface_to_router(router, self._subnet)
        self._external = external.id
        fixed = (router.external_gateway_info or {}).get("external_fixed_ips") or []
        outside = ", ".join(item["ip_address"] for item in fixed) or "no address"
        return Finding(f"to {external.name}, there {outside}")

    def _external_network(self) -> Any:
        found = list(self._cloud.network.networks(is_router_external=True))
        if not found:
            raise ProofFailed("no external network can be seen")
        return next((item for item in found if item.is_default), found[0])

    def access(self) -> Finding:
        """An own key and own rules: ssh, ping and the port for the throughput."""
        public = guest.make_key(self._key, traces.mark_of(self.run))
        self._cloud.compute.create_keypair(name=self.name, public_key=public)
        self._patience.check()
        network = self._cloud.network
        self._group = network.create_security_group(**self.marks).id
        wanted: list[tuple[str, int | None]] = [("tcp", 22), ("tcp", guest.PORT), ("icmp", None)]
        if self.view.serves("load-balancer"):
            wanted += [("tcp", port) for port in BALANCED] + [("udp", UDP)]
        for protocol, port in wanted:
            self._patience.check()
            network.create_security_group_rule(
                security_group_id=self._group,
                direction="ingress",
                ethertype="IPv4",
                protocol=protocol,
                port_range_min=port,
                port_range_max=port,
            )
        told = [f"{kind.upper()} {port}" for kind, port in wanted[1:] if port]
        return Finding(f"an own key; rules for ssh, {', '.join(told)} and ICMP")

    # The server, from power-on to login.

    def server(self) -> Finding:
        """A server from the image, up as far as Nova can tell."""
        compute = self._cloud.compute
        flavor = compute.find_flavor(FLAVOR, ignore_missing=True)
        if flavor is None:
            raise ProofFailed(f"there is no flavor {FLAVOR}")
        self._patience.check()
        start = time.monotonic()
        self._server = compute.create_server(
            **self.marks,
            image_id=self._image,
            flavor_id=flavor.id,
            networks=[{"uuid": self._network}],
            security_groups=[{"name": self._group}],
            key_name=self.name,
        ).id
        state = self._await_status("server", "ACTIVE", API_SECONDS)
        fixed = [item["addr"] for group in (state.addresses or {}).values() for item in group]
        self._fixed = next((item for item in fixed if ":" not in item), "")
        seconds = time.monotonic() - start
        return Finding(f"{FLAVOR}, ACTIVE after {seconds:.1f} s, {', '.join(fixed)}")

    def _await_status(self, step: str, wanted: str, seconds: float) -> Any:
        say = self._say(step)
        last = [""]

        def probe() -> Any:
            state = self._cloud.compute.get_server(self._server)
            last[0] = f"{state.status}, task {state.task_state or 'none'}"
            say(last[0])
            if state.status == "ERROR":
                fault = (state.fault or {}).get("message", "no reason given")
                raise ProofFailed(f"the server went to ERROR: {fault}")
            return state if state.status == wanted and not state.task_state else None

        return self._patience.until(
            probe, seconds, lambda: f"the server is not {wanted} but {last[0]}"
        )

    def _console(self) -> str:
        answer = self._cloud.compute.get_server_console_output(self._server)
        return str((answer or {}).get("output") or "")

    def console_log(self) -> Finding:
        """The API shows what the guest wrote on its console, until it said that it is ready."""

        def probe() -> re.Match[str] | None:
            return _READY.search(self._console())

        ready = self._patience.until(
            probe,
            BOOT_SECONDS,
            lambda: f"no line in it says that the guest is ready{self._console_tail()}",
            every=1,
        )
        if ready["host"] != self.name:
            raise ProofFailed(f"the guest says that it is {ready['host']}, not {self.name}")
        if ready["metadata"] != "openstack" or ready["keys"] == "0":
            raise ProofFailed(f"the guest got no metadata: {ready[0]}")
        return Finding(f"the guest was ready {ready['seconds']} s after power-on")

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
        network = self._cloud.network

        def port() -> Any:
            return next(iter(network.ports(device_id=self._server)), None)

        inside = self._patience.until(port, 30, lambda: "the server has no port")
        address = network.create_ip(
            floating_network_id=self._external, description=self.marks["description"]
        )
        self._patience.check()
        network.update_ip(address, port_id=inside.id)
        self._address = str(address.floating_ip_address)
        self._say("floating IP")(f"waiting for {self._address} to answer ping")
        try:
            seconds = self._patience.until(
                lambda: guest.ping(self._address),
                BOOT_SECONDS,
                lambda: f"{self._address} does not answer ping{self._console_tail()}",
                every=0.1,
            )
        except PermissionError:
            return Finding(f"{self._address}; no ping: this machine lets only root")
        return Finding(f"{self._address} answers ping, in {seconds * 1000:.1f} ms")

    @property
    def _shell(self) -> guest.Shell:
        return guest.Shell(self._address, self._key, self._known_hosts)

    def _await_ssh(self) -> None:
        self._patience.until(
            lambda: ssh_answers(self._address),
            BOOT_SECONDS,
            lambda: f"no ssh server answers at {self._address}{self._console_tail()}",
        )

    def ssh(self) -> Finding:
        """A login with the key, from outside."""
        self._await_ssh()
        return Finding(self._shell.run("uname -a").strip())

    def metadata(self) -> Finding:
        """The guest knows from the metadata service who it is."""
        text = self._shell.run(f"hostname; wget -q -T 10 -O - {METADATA}")
        host, _, document = text.partition("\n")
        compare_metadata(host.strip(), document, self.name, self._server)
        return Finding("name, UUID and key in the guest are those that the API knows")

    # What it can do.

    def throughput(self) -> Finding:
        """Bytes in both directions through the floating IP, and packets of full size."""
        mtu = int(self._shell.run("cat /sys/class/net/eth0/mtu"))
        if self._mtu and mtu != self._mtu:
            raise ProofFailed(f"the guest's MTU is {mtu}, its network's {self._mtu}")
        full = min(mtu, guest.path_mtu(self._address))
        self._say("throughput")(f"packets of {full} bytes")
        try:
            # More than one: the first may only teach a switch on the way.
            if not any(guest.ping(self._address, full) for _ in range(5)):
                raise ProofFailed(f"packets of {full} bytes do not pass, although the MTU is {mtu}")
        except PermissionError:
            self._say("throughput")("no ping: this machine lets only root")
        self._say("throughput")(f"{guest.AMOUNT // 1_000_000} MB in each direction")
        seen = guest.measure(self._shell, self._patience)
        values = {**seen.values, "mtu": mtu}
        return Finding(
            f"{values['megabits_in']:.0f} Mb/s in, {values['megabits_out']:.0f} Mb/s out,"
            f" {seen.size // 1_000_000} MB each through the floating IP with TCP;"
            f" checksums agree; MTU {mtu}, {seen.segment} bytes per segment",
            values,
        )

    def volume(self) -> Finding:
        """An empty volume of the default type."""
        start = time.monotonic()
        made = self._make_volume({"size": 1})
        self._volume = made["id"]
        kind = made["volume_type"]
        return Finding(f"1 GiB of type {kind}, available after {time.monotonic() - start:.1f} s")

    def attachment(self) -> Finding:
        """Bytes that the guest has written to the volume are in a copy of its snapshot."""
        start = time.monotonic()
        device = self._attach(self._volume)
        size = VOLUME_MIB * 2**20
        written = self._written(device, VOLUME_MIB)
        self._detach(self._volume)
        self._say("attachment")("taking a snapshot")
        body = {"snapshot": {**self.marks, "volume_id": self._volume}}
        snapshot = self._asked("post", "snapshots", body)["snapshot"]["id"]
        self._await_storage("snapshots", snapshot, "available")
        copy = self._make_volume({"size": 1, "snapshot_id": snapshot})["id"]
        read = self._checksum(self._attach(copy), VOLUME_MIB)
        if read != written:
            raise ProofFailed(f"the copy's first {size} bytes are {read}, written were {written}")
        self._detach(copy)
        return Finding(
            f"{VOLUME_MIB} MiB that the guest wrote are the same in a copy of the snapshot,"
            f" all in {time.monotonic() - start:.1f} s"
        )

    # What balances loads, and what knows names.

    def load_balancer(self) -> Finding:
        """One for TCP with two members and a monitor, and for UDP with one member."""
        start = time.monotonic()
        pools = [
            {
                "name": f"{self.name}-{protocol}",
                "protocol": protocol,
                "lb_algorithm": "SOURCE_IP_PORT",
                "members": [
                    {"address": self._fixed, "protocol_port": port, "subnet_id": self._subnet}
                    for port in ports
                ],
            }
            for protocol, ports in (("TCP", BALANCED), ("UDP", (UDP,)))
        ]
        listeners = [
            {
                "name": pool["name"],
                "protocol": pool["protocol"],
                "protocol_port": FRONT,
                "default_pool": pool,
            }
            for pool in pools
        ]
        values = {**self.marks, "vip_subnet_id": self._subnet, "listeners": listeners}
        self._patience.check()
        made = self._balancers("post", "loadbalancers", {"loadbalancer": values})["loadbalancer"]
        self._balancer = made
        self._await_balancer()
        seconds = time.monotonic() - start
        found = self._balancers("get", f"pools?loadbalancer_id={made['id']}")["pools"]
        pool = next(item for item in found if item["protocol"] == "TCP")
        monitor = {
            "type": "TCP",
            "pool_id": pool["id"],
            "name": self.name,
            "delay": 2,
            "timeout": 1,
            "max_retries": 1,
            "max_retries_down": 1,
        }
        self._balancers("post", "healthmonitors", {"healthmonitor": monitor})
        self._balancer = {**made, "pool": pool["id"]}
        self._await_balancer()
        return Finding(
            f"{made['provider']}, {made['vip_address']}, TCP and UDP {FRONT}, ACTIVE after"
            f" {seconds:.1f} s, with a monitor after {time.monotonic() - start:.1f} s"
        )

    def _balancers(self, method: str, path: str, body: object = None) -> Any:
        """The answer of the load balancing to one request."""
        answer = getattr(self._cloud.load_balancer, method)(f"/lbaas/{path}", json=body)
        return checked(answer, f"load balancer: {path.partition('?')[0]}")

    def _await_balancer(self) -> None:
        """Until it is ACTIVE, and so are its listeners, pools and members: each comes later."""
        last: set[str] = set()

        def probe() -> bool:
            path = f"loadbalancers/{self._balancer['id']}/status"
            tree = self._balancers("get", path)["statuses"]
            last.clear()
            last.update(provisioning(tree))
            if "ERROR" in last:
                raise ProofFailed("the load balancer, or something of it, went to ERROR")
            return last == {"ACTIVE"}

        self._patience.until(
            probe, BALANCER_SECONDS, lambda: f"the load balancer is {', '.join(sorted(last))}"
        )

    def balancing(self) -> Finding:
        """Both members are used from outside, and only the living one when the other has died."""
        say = self._say("balancing")
        pids = {
            port: self._shell.run(
                f"nc -ll -p {port} -e echo {port} < /dev/null > /dev/null 2>&1 & echo $!"
            ).strip()
            for port in BALANCED
        }
        outside = self._cloud.network.create_ip(
            floating_network_id=self._external,
            port_id=self._balancer["vip_port_id"],
            description=self.marks["description"],
        ).floating_ip_address
        say(f"both members through {outside}")
        self._await_members(dict.fromkeys(BALANCED, "ONLINE"))
        seen: set[str] = set()
        both = {str(port) for port in BALANCED}

        def answered() -> bool:
            seen.add(guest.called(outside, FRONT))
            return seen >= both

        self._patience.until(
            answered,
            BALANCER_SECONDS,
            lambda: f"of both members, {', '.join(sorted(seen - {''})) or 'none'} answered",
            every=0.1,
        )
        dead, alive = BALANCED
        say(f"without {dead}")
        self._shell.run(f"kill {pids[dead]}")
        start = time.monotonic()
        self._await_members({dead: "ERROR", alive: "ONLINE"})
        seconds = time.monotonic() - start
        answers = [guest.called(outside, FRONT) for _ in range(CALLS)]
        good = answers.count(str(alive))
        if good != CALLS:
            raise ProofFailed(f"of {CALLS} connections {good} reached the living member: {answers}")
        before = self._datagrams()
        guest.send_datagrams(outside, FRONT, CALLS)
        self._patience.until(
            lambda: self._datagrams() - before >= CALLS,
            10,
            lambda: f"of {CALLS} datagrams {self._datagrams() - before} reached the guest",
        )
        return Finding(
            f"both members answered at {outside}; a dead one was ERROR after {seconds:.1f} s,"
            f" then {good} of {CALLS} connections and all datagrams reached the guest",
            {"seconds_until_error": round(seconds, 1)},
        )

    def _await_members(self, wanted: Mapping[int, str]) -> None:
        last: dict[int, str] = {}

        def probe() -> bool:
            found = self._balancers("get", f"pools/{self._balancer['pool']}/members")["members"]
            last.update({item["protocol_port"]: item["operating_status"] for item in found})
            return last == wanted

        told = ", ".join(f"{port} {status}" for port, status in wanted.items())
        self._patience.until(
            probe, BALANCER_SECONDS, lambda: f"the members are {last} instead of {told}"
        )

    def _datagrams(self) -> int:
        """How many the guest has got where nobody listens."""
        lines = self._shell.run("grep ^Udp: /proc/net/snmp").splitlines()
        counts = dict(zip(lines[0].split()[1:], map(int, lines[1].split()[1:]), strict=True))
        return counts["NoPorts"]

    def zone(self) -> Finding:
        """An own zone with two addresses in it, as the world sees them."""
        start = time.monotonic()
        name = f"{self.name}.test."
        values = {
            "name": name,
            "email": "hostmaster@example.org",
            "description": self.marks["description"],
        }
        self._patience.check()
        self._zone = self._names("post", "zones", values)["id"]
        self._await_name(f"zones/{self._zone}")
        active = time.monotonic() - start
        addresses = {"A": "192.0.2.1", "AAAA": "2001:db8::1"}
        for kind, address in addresses.items():
            record = {"name": f"www.{name}", "type": kind, "records": [address]}
            made = self._names("post", f"zones/{self._zone}/recordsets", record)
            self._say("zone")(f"{kind} www.{name}")
            if kind == "AAAA":
                self._await_name(f"zones/{self._zone}/recordsets/{made['id']}")
        for kind, address in addresses.items():
            self._await_answer(f"www.{name}", kind, address)
        return Finding(
            f"{name} ACTIVE after {active:.1f} s; {self.view.external_address} answers"
            f" {' and '.join(addresses)} after {time.monotonic() - start:.1f} s"
        )

    def floating_name(self) -> Finding:
        """A floating IP that is made with a name is found by it."""
        start = time.monotonic()
        domain = f"{self.name}.test."
        made = self._cloud.network.create_ip(
            floating_network_id=self._external,
            description=self.marks["description"],
            dns_domain=domain,
            dns_name="outside",
        )
        address = str(made.floating_ip_address)
        self._await_answer(f"outside.{domain}", "A", address)
        return Finding(
            f"outside.{domain} is {address}, seen after {time.monotonic() - start:.1f} s"
        )

    def _names(self, method: str, path: str, body: object = None) -> Any:
        """The answer of Designate to one request."""
        answer = getattr(self._cloud.dns, method)(f"/{path}", json=body)
        return checked(answer, path.partition("/")[0])

    def _await_name(self, path: str) -> None:
        last = [""]

        def probe() -> bool:
            last[0] = self._names("get", path)["status"]
            if last[0] == "ERROR":
                raise ProofFailed(f"{path} went to ERROR")
            return last[0] == "ACTIVE"

        self._patience.until(probe, API_SECONDS, lambda: f"{path} is not ACTIVE but {last[0]}")

    def _await_answer(self, name: str, kind: str, address: str) -> None:
        """The name server says that a name has this address, asked from here."""
        server = str(self.view.external_address)
        last: list[str] = []

        def probe() -> bool:
            last[:] = [str(item) for item in names.look_up(server, name, kind)]
            return last == [address]

        self._patience.until(
            probe,
            BALANCER_SECONDS,
            lambda: f"{server} says that {name} {kind} is {last or 'nothing'}, not {address}",
            every=0.5,
        )

    def encryption(self) -> Finding:
        """Bytes on an encrypted volume are there again when it comes back to the guest."""
        start = time.monotonic()
        made = self._make_volume({"size": 1, "volume_type": ENCRYPTED})
        if not made["encrypted"]:
            raise ProofFailed(f"a volume of type {ENCRYPTED} is not encrypted")
        written = self._written(self._attach(made["id"], "encryption"), ENCRYPTED_MIB)
        self._detach(made["id"], "encryption")
        read = self._checksum(self._attach(made["id"], "encryption"), ENCRYPTED_MIB)
        self._detach(made["id"], "encryption")
        if read != written:
            raise ProofFailed(f"its first bytes are {read}, written were {written}")
        return Finding(
            f"{ENCRYPTED_MIB} MiB on a volume of type {ENCRYPTED} are the same after it was away,"
            f" all in {time.monotonic() - start:.1f} s"
        )

    def secret(self) -> Finding:
        """A secret that the key manager keeps is what was stored."""
        keys = self._cloud.key_manager
        text = secrets.token_hex(32)
        made = keys.create_secret(
            name=self.marks["description"], payload=text, payload_content_type="text/plain"
        )
        self._patience.check()
        if keys.get_secret(made.secret_id).payload != text:
            raise ProofFailed("it is not what was stored")
        return Finding("stored and read again")

    def stack(self) -> Finding:
        """A stack of resources, from its template to nothing."""
        return stack.prove(self._cloud, self.marks, self._patience, self._say("stack"))

    def _make_volume(self, values: Mapping[str, Any]) -> dict[str, Any]:
        self._patience.check()
        made = self._asked("post", "volumes", {"volume": {**self.marks, **values}})["volume"]
        return self._await_storage("volumes", made["id"], "available")

    def _asked(self, method: str, path: str, body: object = None) -> Any:
        """The answer of the block storage to one request."""
        answer = getattr(self._cloud.block_storage, method)(f"/{path}", json=body)
        return checked(answer, path.partition("/")[0])

    def _await_storage(self, kind: str, known: str, wanted: str) -> dict[str, Any]:
        """A volume or snapshot once its status is this one."""
        last = [""]

        def probe() -> dict[str, Any] | None:
            seen: dict[str, Any] = self._asked("get", f"{kind}/{known}")[kind[:-1]]
            last[0] = seen["status"]
            if "error" in seen["status"]:
                raise ProofFailed(f"{kind[:-1]} {known} is {seen['status']}")
            return seen if seen["status"] == wanted else None

        what = f"{kind[:-1]} {known} is not {wanted}"
        return self._patience.until(probe, API_SECONDS, lambda: f"{what} but {last[0]}")

    def _disks(self) -> set[str]:
        return set(self._shell.run("ls /sys/block").split())

    def _attach(self, volume: str, step: str = "attachment") -> str:
        """Give the guest a volume; the name of its device there."""
        before = self._disks()
        self._say(step)(f"attaching {volume}")
        self._cloud.compute.create_volume_attachment(self._server, volume_id=volume)
        self._await_storage("volumes", volume, "in-use")
        found = self._patience.until(
            lambda: self._disks() - before, API_SECONDS, lambda: "the guest sees no new disk"
        )
        return found.pop()

    def _detach(self, volume: str, step: str = "attachment") -> None:
        self._say(step)(f"detaching {volume}")
        before = self._disks()
        self._cloud.compute.delete_volume_attachment(self._server, volume)
        self._await_storage("volumes", volume, "available")
        self._patience.until(
            lambda: before - self._disks(), API_SECONDS, lambda: "the guest still sees the disk"
        )

    def _written(self, device: str, mib: int) -> str:
        """Write random bytes to a disk; their checksum as read back from it."""
        self._shell.run(f"dd if=/dev/urandom of=/dev/{device} bs=1M count={mib} && sync")
        return self._checksum(device, mib)

    def _checksum(self, device: str, mib: int) -> str:
        """Of so many MiB, read from the disk itself."""
        drop = "echo 3 > /proc/sys/vm/drop_caches"
        told = self._shell.run(
            f"{drop}; dd if=/dev/{device} bs=1M count={mib} 2>/dev/null | sha256sum"
        )
        return told.split()[0]

    def restart(self) -> Finding:
        """Off and on again: the same server with the same address and host key."""
        compute = self._cloud.compute
        begin = time.monotonic()
        compute.stop_server(self._server)
        self._await_status("stop and start", "SHUTOFF", STOP_SECONDS)
        off = time.monotonic()
        compute.start_server(self._server)
        self._await_status("stop and start", "ACTIVE", API_SECONDS)
        on = time.monotonic()
        self._await_ssh()
        answer = self._shell.run("cat /proc/uptime").split()
        end = time.monotonic()
        if float(answer[0]) > end - off:
            raise ProofFailed(f"the guest has been up for {answer[0]} s: it was never off")
        return Finding(
            f"SHUTOFF after {off - begin:.1f} s, ACTIVE after {on - off:.1f} s more,"
            f" ssh after {end - on:.1f} s more"
        )

    # The end.

    def clean_up(self) -> Finding:
        """Remove all that this run made; a listing proves that nothing is left."""
        start = traces.find(self._cloud)
        mine = [trace for trace in start if trace.run == self.run]
        problems = traces.remove(self._cloud, mine, self._say(CLEAN_UP))
        left = traces.find(self._cloud)
        if left:
            known = ", ".join(f"{trace.kind} {trace.id}" for trace in left)
            problems.append(f"left in the cloud: {known}")
        if problems:
            raise ProofFailed("\n".join([*problems, "the next `scs verify` tries again"]))
        return Finding(f"removed: {traces.told(mine) or 'nothing was made'}; nothing is left")


def provisioning(tree: Any) -> Iterator[str]:
    """How far each part of a load balancer is made, from Octavia's tree of states."""
    if isinstance(tree, list):
        for item in tree:
            yield from provisioning(item)
    elif isinstance(tree, dict):
        if status := tree.get("provisioning_status"):
            yield status
        yield from provisioning(list(tree.values()))


def free_range(taken: Iterable[IPv4Network]) -> str:
    """An address range that none of these overlaps."""
    known = list(taken)
    for cidr in RANGES:
        if not any(IPv4Network(cidr).overlaps(other) for other in known):
            return cidr
    raise ProofFailed(f"the cloud's own networks overlap all of {', '.join(RANGES)}")


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
