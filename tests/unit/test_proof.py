# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The proof's own logic: what depends on what, what is ours, what was measured."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from ipaddress import IPv4Network
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from openstack.exceptions import BadRequestException, ConflictException, NotFoundException

from clouds import CLOUDS, view_of
from scs import components
from scs.api.clients import Clients
from scs.engine.events import Event, Events
from scs.verify import guest, names, traces
from scs.verify.balancer import provisioning
from scs.verify.ground import RANGES, free_range
from scs.verify.proof import Proof
from scs.verify.run import Run
from scs.verify.server import compare_metadata
from scs.verify.steps import Finding, Patience, ProofFailed, Step, carry_out

RUN = "0123abcd"


def well(text: str = "seen") -> Callable[[], Finding]:
    return lambda: Finding(text)


def badly(error: Exception) -> Callable[[], Finding]:
    def action() -> Finding:
        raise error

    return action


def done(*steps: Step) -> dict[str, tuple[bool, bool, str]]:
    evidence = carry_out(steps, Events(), "cloud", threading.Event())
    assert [item.step for item in evidence] == [step.name for step in steps]
    return {item.step: (item.ok, item.tried, item.detail) for item in evidence}


# Steps.


def test_what_depends_on_a_failure_is_not_tried() -> None:
    seen = done(
        Step("token", well()),
        Step("image", badly(ProofFailed("image is queued")), needs=("token",)),
        Step("network", well("a network"), needs=("token",)),
        Step("server", well(), needs=("image", "network")),
        Step("ssh", well(), needs=("server",)),
    )
    assert seen == {
        "token": (True, True, "seen"),
        "image": (False, True, "image is queued"),
        "network": (True, True, "a network"),
        "server": (False, False, "not tried: needs image"),
        "ssh": (False, False, "not tried: needs server"),
    }


def test_what_only_comes_after_a_failure_is_tried() -> None:
    seen = done(
        Step("metadata", badly(ProofFailed("none"))),
        Step("throughput", well(), after=("metadata",)),
        Step("stop", well(), after=("throughput",)),
    )
    assert [ok for ok, _, _ in seen.values()] == [False, True, True]


def test_order_is_kept_and_the_rest_is_parallel() -> None:
    meeting = threading.Barrier(2, timeout=5)
    order: list[str] = []

    def meet() -> Finding:
        meeting.wait()
        order.append("met")
        return Finding("")

    def last() -> Finding:
        order.append("last")
        return Finding("")

    seen = done(Step("a", meet), Step("b", meet), Step("c", last, after=("a", "b")))
    assert all(ok for ok, _, _ in seen.values())
    assert order == ["met", "met", "last"]


def proof(cloud: str, tmp_path: Path) -> Proof:
    spec, facts = CLOUDS[cloud]
    view = view_of(spec, components.discover(), **facts)
    return Proof(Run(Clients(view, tmp_path), Events(), RUN), tmp_path)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_steps_wait_only_for_such_as_come(cloud: str, tmp_path: Path) -> None:
    names = [step.name for step in proof(cloud, tmp_path).steps()]
    assert len(names) == len(set(names))
    for place, step in enumerate(proof(cloud, tmp_path).steps()):
        assert {*step.needs, *step.after} <= set(names), step.name
        assert set(step.needs) <= set(names[:place]), f"{step.name} is told before its ground"


def test_what_a_cloud_does_not_serve_is_not_proven(tmp_path: Path) -> None:
    plain = {step.name for step in proof("one container", tmp_path).steps()}
    full = {step.name: step for step in proof("one container with everything", tmp_path).steps()}
    assert set(full) - plain == {
        *("volume", "attachment", "encryption", "secret", "stack"),
        *("load balancer", "balancing"),
        *("zone", "name"),
    }
    # Nothing else is done with the guest while bytes are counted.
    assert {"load balancer", "zone", "name", "volume"} <= set(full["throughput"].after)
    assert {"balancing", "attachment"} <= set(full["stop and start"].after)


def test_errors_of_libraries_are_told_with_their_kind() -> None:
    seen = done(Step("image", badly(ConnectionResetError("104: reset by peer"))))
    assert seen["image"] == (False, True, "ConnectionResetError: 104: reset by peer")


def test_steps_are_told_as_events() -> None:
    events = Events()
    told: list[Event] = []
    events.listen(told.append)
    steps = [Step("good", well()), Step("bad", badly(ProofFailed("no")), after=("good",))]
    carry_out(steps, events, "cloud", threading.Event())
    assert [(item.kind, item.where, item.step, item.ok) for item in told] == [
        ("start", "cloud", "good", True),
        ("end", "cloud", "good", True),
        ("start", "cloud", "bad", True),
        ("end", "cloud", "bad", False),
    ]


def test_an_interrupt_ends_those_who_wait() -> None:
    stop = threading.Event()
    patience = Patience(stop)
    ended = threading.Event()

    def wait() -> Finding:
        try:
            patience.until(lambda: None, 60, lambda: "never")
        finally:
            ended.set()
        return Finding("")

    events = Events()

    def interrupt(event: Event) -> None:
        if event.kind == "end" and event.step == "quick":
            raise KeyboardInterrupt

    events.listen(interrupt)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        carry_out([Step("long", wait), Step("quick", well())], events, "cloud", stop)
    assert ended.is_set()
    assert time.monotonic() - start < 50  # it would wait for 60


def test_waiting_ends_with_what_was_seen_last() -> None:
    tries: list[int] = []

    def probe() -> None:
        tries.append(1)

    with pytest.raises(ProofFailed, match=r"still BUILD after 0 s"):
        Patience(threading.Event()).until(probe, 0.05, lambda: "still BUILD", every=0.01)
    assert len(tries) > 2


# What is ours.


@pytest.mark.parametrize(
    ("name", "description", "run"),
    [
        (f"scs-verify-{RUN}", f"made by scs verify in run {RUN}", RUN),
        (None, f"made by scs verify in run {RUN}", RUN),  # floating IPs have no names
        ("scs-verify", f"made by scs verify in run {RUN}", None),
        (f"scs-verify-{RUN}", "", None),
        (f"scs-verify-{RUN}", None, None),
        ("scs-verify-ffffffff", f"made by scs verify in run {RUN}", None),
        (f"scs-verify-{RUN}-mine", f"made by scs verify in run {RUN}", None),
        (f"scs-verify-{RUN}", f"not made by scs verify in run {RUN}", None),
        (f"scs-verify-{RUN}\n", f"made by scs verify in run {RUN}", None),
        ("scs-verify-mine", "made by scs verify in run mine", None),
        (None, "made by somebody", None),
        (None, None, None),
    ],
)
def test_only_what_has_all_marks_is_ours(
    name: str | None, description: str | None, run: str | None
) -> None:
    assert traces.run_of(name, description) == run


class Cloud:
    """A project with things in it; removing follows the rules that Neutron and Nova have."""

    current_project_id = "mine"

    def __init__(self) -> None:
        self.things: dict[str, list[Any]] = {
            kind: []
            for kind in (
                *("servers", "ips", "routers", "networks", "security_groups", "keypairs"),
                *("volumes", "load_balancers", "zones", "secrets", "stacks"),
            )
        }
        self.compute = self.network = self.block_storage = self.load_balancer = self.dns = self
        self.key_manager = self.orchestration = self
        self.services = {
            *("compute", "network", "block-storage", "load-balancer", "dns"),
            *("key-manager", "orchestration"),
        }
        self.busy = 2
        self.gone: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("delete_"):
            return self._delete
        things = self.things[name]
        return lambda: list(things)

    def _delete(self, known: str) -> None:
        if known == "network" and self.busy:
            self.busy -= 1
            raise ConflictException("in use")
        for things in self.things.values():
            for thing in things:
                if known == thing.id:
                    things.remove(thing)
                    self.gone.append(known)
                    return
        raise NotFoundException(known)

    def has_service(self, name: str) -> bool:
        return name in self.services

    def delete_volume(self, known: str, cascade: bool) -> None:
        assert cascade
        if known == "volume" and "copy" not in self.gone:
            raise BadRequestException("has dependent volumes")
        self._delete(known)

    def get_volume(self, known: str) -> Any:
        for thing in self.things["volumes"]:
            if thing.id == known:
                return thing
        raise NotFoundException(known)

    def delete_load_balancer(self, known: str, cascade: bool) -> None:
        assert cascade
        self._delete(known)

    def get_load_balancer(self, known: str) -> None:
        assert known in self.gone
        raise NotFoundException(known)

    def get_zone(self, known: str) -> None:
        assert "floating" in self.gone
        raise NotFoundException(known)

    def get_stack(self, known: str) -> None:
        assert known in self.gone
        raise NotFoundException(known)

    def get_server(self, known: str) -> None:
        assert known in self.gone
        raise NotFoundException(known)

    def ports(self, **_: str) -> list[Any]:
        return [SimpleNamespace(id="port")]

    def remove_interface_from_router(self, router: str, subnet: None, port: str) -> None:
        assert "floating" in self.gone
        assert port == "port"

    def add(self, kind: str, known: str, project: str = "mine", **other: Any) -> None:
        values = {
            "name": traces.name_of(RUN),
            "description": traces.mark_of(RUN),
            "public_key": "",
            **other,
        }
        self.things[kind].append(SimpleNamespace(id=known, project_id=project, **values))


def full_cloud() -> Cloud:
    cloud = Cloud()
    cloud.add("servers", "server")
    cloud.add("servers", "hello", name="hello", description="hello")
    cloud.add("ips", "floating", name="10.21.2.101")
    cloud.add("ips", "hello-floating", name="10.21.2.102", description="")
    cloud.add("routers", "router")
    cloud.add("networks", "network")
    cloud.add("networks", "shared", project="others")
    cloud.add("security_groups", "group")
    cloud.add("security_groups", "default", name="default", description="Default security group")
    own = traces.name_of(RUN)
    cloud.add("keypairs", own, project="", public_key=f"ssh-ed25519 AAAA {traces.mark_of(RUN)}")
    cloud.add("volumes", "volume", snapshot_id=None, status="available")
    cloud.add("volumes", "copy", snapshot_id="snapshot", status="available")
    cloud.add("volumes", "data", snapshot_id=None, status="available", name="data")
    cloud.add("load_balancers", "balancer")
    cloud.add("load_balancers", "web", name="web")
    cloud.add("zones", "zone", name=f"{own}.test.")
    cloud.add("zones", "example", name="example.org.", description=None)
    mark: dict[str, Any] = {"project": "", "description": "", "tags": [traces.mark_of(RUN)]}
    cloud.add("stacks", "stack", **mark, status="CREATE_COMPLETE")
    cloud.add("stacks", "gone", **mark, status="DELETE_COMPLETE")
    cloud.add("stacks", "theirs", name="theirs", **mark, status="CREATE_COMPLETE")
    cloud.add("secrets", "secret", secret_id="secret", name=traces.mark_of(RUN))
    cloud.add("secrets", "password", secret_id="password", name="password")
    cloud.add("keypairs", "scs", project="", name="scs", public_key="ssh-ed25519 AAAA me@here")
    return cloud


def test_leftovers_are_found_by_listing() -> None:
    found = traces.find(full_cloud())  # type: ignore[arg-type]
    assert {trace.run for trace in found} == {RUN}
    assert [trace.id for trace in found] == [
        "server",
        "floating",
        "router",
        "network",
        "group",
        traces.name_of(RUN),
        "volume",
        "copy",
        "balancer",
        "zone",
        "stack",
        "secret",
    ]
    assert traces.told([*found, found[0]]).startswith("2 servers, 1 floating IP, 1 router")


def test_leftovers_are_removed_and_nothing_else() -> None:
    cloud: Any = full_cloud()
    cloud.things["keypairs"][0].id = traces.name_of(RUN)
    problems = traces.remove(cloud, traces.find(cloud), lambda _: None)
    assert problems == []
    assert traces.find(cloud) == []
    left = [thing.id for things in cloud.things.values() for thing in things]
    assert left == [
        *("hello", "hello-floating", "shared", "default", "scs", "data"),
        *("web", "example", "password", "gone", "theirs"),
    ]
    assert cloud.gone.index("copy") < cloud.gone.index("volume")
    # A router's interface stays while a load balancer's address is behind it.
    assert cloud.gone.index("balancer") < cloud.gone.index("router")


@pytest.mark.parametrize(
    ("service", "things", "kind"),
    [
        ("block-storage", "volumes", "volume"),
        ("load-balancer", "load_balancers", "load balancer"),
        ("dns", "zones", "zone"),
        ("key-manager", "secrets", "secret"),
        ("orchestration", "stacks", "stack"),
    ],
)
def test_a_cloud_is_not_asked_for_what_it_does_not_have(
    service: str, things: str, kind: str
) -> None:
    cloud: Any = full_cloud()
    assert kind in {trace.kind for trace in traces.find(cloud)}
    cloud.services.remove(service)
    del cloud.things[things]
    assert kind not in {trace.kind for trace in traces.find(cloud)}


def test_removing_goes_on_past_a_failure() -> None:
    cloud: Any = full_cloud()
    cloud._delete_was = cloud._delete

    def refuse(known: str) -> None:
        if known == "floating":
            raise RuntimeError("500: try later")
        cloud.gone.append("floating")
        cloud._delete_was(known)

    cloud._delete = refuse
    problems = traces.remove(cloud, traces.find(cloud), lambda _: None)
    assert problems == ["floating IP floating: RuntimeError: 500: try later"]
    assert [trace.id for trace in traces.find(cloud)] == ["floating"]


# What was measured, and how.


def test_throughput_is_in_megabits() -> None:
    seen = guest.Throughput(50_000_000, to_guest=2.0, from_guest=4.0, segment=1448)
    assert seen.values == {"megabits_in": 200.0, "megabits_out": 100.0}
    assert guest.megabits(1, 0.0) > 0


DIGEST = "d41d8cd98f00b204e9800998ecf8427e"


def test_the_guests_answer_is_compared() -> None:
    guest.compare_answer(f"1000\n{DIGEST}  -\n", 1000, DIGEST)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ("", "said ''"),
        ("sh: cat: not found\n", "sh: cat: not found"),
        (f"999\n{DIGEST}  -\n", "of 1000 bytes 999 reached the guest"),
        (f"1000\n{DIGEST.replace('d', 'e')}  -\n", "are not those that were sent"),
    ],
)
def test_the_guests_wrong_answer_is_told(answer: str, complaint: str) -> None:
    with pytest.raises(ProofFailed, match=complaint):
        guest.compare_answer(answer, 1000, DIGEST)


def test_checksum_is_that_of_rfc_1071() -> None:
    data = bytes.fromhex("0001f203f4f5f6f7")
    assert guest.checksum(data) == ~0xDDF2 & 0xFFFF
    assert guest.checksum(data + guest.checksum(data).to_bytes(2, "big")) == 0
    assert guest.checksum(b"\x01") == ~0x0100 & 0xFFFF


def test_replies_are_known_by_their_cookie() -> None:
    cookie = b"12345678"
    request = guest.echo_request(cookie, 56)
    assert len(request) == 64
    assert guest.checksum(request) == 0
    reply = b"\0" + request[1:]
    header = b"\x45" + bytes(19)
    assert guest.is_reply(reply, cookie)
    assert guest.is_reply(header + reply, cookie)
    assert not guest.is_reply(header + request, cookie)
    assert not guest.is_reply(reply, b"87654321")
    assert not guest.is_reply(b"", cookie)


def test_a_key_is_private_and_its_comment_is_the_mark(tmp_path: Path) -> None:
    path = tmp_path / "key"
    public = guest.make_key(path, traces.mark_of(RUN))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    kind, _, comment = public.split(" ", 2)
    assert kind == "ssh-ed25519"
    assert traces.run_of(traces.name_of(RUN), comment) == RUN


def test_a_range_is_taken_that_the_cloud_does_not_use() -> None:
    assert free_range([IPv4Network("10.21.0.0/24")]) == RANGES[0]
    assert free_range([IPv4Network("10.0.0.0/8")]) == RANGES[1]
    with pytest.raises(ProofFailed, match="overlap"):
        free_range([IPv4Network("0.0.0.0/0")])


def test_a_load_balancer_is_made_when_all_its_parts_are() -> None:
    member = {"id": "m", "provisioning_status": "PENDING_CREATE", "operating_status": "ONLINE"}
    pool = {"id": "p", "provisioning_status": "ACTIVE", "members": [member], "health_monitor": {}}
    tree = {"loadbalancer": {"provisioning_status": "ACTIVE", "listeners": [], "pools": [pool]}}
    assert list(provisioning(tree)) == ["ACTIVE", "ACTIVE", "PENDING_CREATE"]
    assert list(provisioning({"loadbalancer": {}})) == []


def metadata(**other: Any) -> str:
    values = {
        "uuid": "1-2-3",
        "name": "vm",
        "hostname": "vm.novalocal",
        "public_keys": {"vm": "ssh-ed25519 AAAA"},
    }
    return json.dumps({**values, **other})


def test_metadata_is_compared() -> None:
    compare_metadata("vm", metadata(), "vm", "1-2-3")


@pytest.mark.parametrize(
    ("host", "document", "complaint"),
    [
        ("vm", "<html>404</html>", "is no JSON"),
        ("vm", metadata(uuid="4"), "its uuid is '4', not '1-2-3'"),
        ("scs-verify", metadata(), "hostname is 'scs-verify', not 'vm'"),
        ("vm", metadata(public_keys={}), r"its key is \[\]"),
    ],
)
def test_wrong_metadata_is_told(host: str, document: str, complaint: str) -> None:
    with pytest.raises(ProofFailed, match=complaint):
        compare_metadata(host, document, "vm", "1-2-3")


# Names.


def message(number: int, flags: int, name: str, *records: tuple[int, bytes]) -> bytes:
    """An answer with one question, whose records point back at its name."""
    asked = names.question(number, name, "A")[12:]
    head = struct.pack("!HHHHHH", number, flags, 1, len(records), 0, 0)
    told = (
        b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data for kind, data in records
    )
    return head + asked + b"".join(told)


AUTHORITY = 0x8400
WWW, MAIL = (1, bytes([192, 0, 2, 1])), (1, bytes([192, 0, 2, 9]))


def test_a_question_is_that_of_rfc_1035() -> None:
    asked = names.question(0x1234, "www.example.org.", "AAAA")
    assert asked == (b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x03www\x07example\x03org\0\0\x1c\0\x01")


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        (
            message(7, AUTHORITY, "a.test", (1, bytes([192, 0, 2, 9])), WWW),
            ["192.0.2.1", "192.0.2.9"],
        ),
        (message(7, AUTHORITY, "a.test", (5, b"\x01b\xc0\x0e"), WWW), ["192.0.2.1"]),
        (message(7, AUTHORITY, "a.test"), []),
        (message(8, AUTHORITY, "a.test", WWW), []),  # to another question
        (message(7, 0x8000, "a.test", WWW), []),  # of somebody who only heard of it
        (message(7, AUTHORITY | 3, "a.test"), []),  # no such name
        (names.question(7, "a.test", "A"), []),
    ],
)
def test_only_an_authoritative_answer_counts(told: bytes, seen: list[str]) -> None:
    assert [str(item) for item in names.answers(told, 7, "A")] == seen


@pytest.mark.parametrize("cut", [0, 11, 20, 33])
def test_a_name_server_is_asked_by_udp(cut: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)

        def serve() -> None:
            asked, who = server.recvfrom(512)
            number = int.from_bytes(asked[:2], "big")
            answer = message(number, AUTHORITY, "www.example.org", WWW)
            server.sendto(answer[:cut] if cut else answer, who)

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        seen = names.look_up("127.0.0.1", "www.example.org.", "A", port, timeout=5)
        thread.join()
    assert [str(item) for item in seen] == ([] if cut else ["192.0.2.1"])


def test_nobody_who_answers_is_no_address() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        assert names.look_up("127.0.0.1", "a.test.", "A", port, timeout=0.05) == []


# Calls.


def test_what_a_port_says_is_heard_and_silence_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            link, _ = server.accept()
            with link:
                link.sendall(b"5003\n")

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        assert guest.called("127.0.0.1", port) == "5003"
        thread.join()
    assert guest.called("127.0.0.1", port) == ""


def test_each_datagram_comes_from_another_port() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        guest.send_datagrams("127.0.0.1", server.getsockname()[1], 3)
        assert len({server.recvfrom(16)[1] for _ in range(3)}) > 1
