# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Real nodes on this machine: made, used, killed, brought back, removed without a trace.

The nodes of `cloud` run on the machine as it is. To see the other kind of host as well (one
that systemd runs, with a firewall that drops), one of these nodes becomes the host of a cloud
of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from pathlib import Path

import pytest

import left
from scs.errors import ScsError
from scs.icmp import ping
from scs.model.topology import Network, Node, Role
from scs.paths import Paths
from scs.providers.local import LocalProvider, cgroups, host, names, rootfs
from scs.providers.local.probe import probe_kvm
from scs.shell import quiet, run

CLOUD = "scs-test"
NAMES = ("n1", "n2", "n3")
IN_NODE = "/var/lib/scs/artifacts"


def networks(second: int) -> dict[str, Network]:
    return {
        "management": Network("management", IPv4Network(f"10.{second}.0.0/24")),
        "tunnel": Network("tunnel", IPv4Network(f"10.{second}.1.0/24"), mtu=9000),
        "external": Network(
            "external", IPv4Network(f"10.{second}.2.0/24"), IPv6Network(f"fd{second}::/64")
        ),
    }


def nodes(second: int) -> list[Node]:
    return [
        Node(
            name,
            frozenset({Role.COMPUTE}),
            {
                "management": IPv4Address(f"10.{second}.0.{at}"),
                "tunnel": IPv4Address(f"10.{second}.1.{at}"),
            },
            (IPv4Address(f"10.{second}.0.100"),) if name == "n1" else (),
        )
        for at, name in enumerate(NAMES, start=11)
    ]


N1, N2, N3 = nodes(77)
OTHER = "scs-test-other"
M1 = nodes(78)[0]


class Ssh:
    """The way in that everybody takes: the cloud's key, and no host key taken on trust."""

    def __init__(self, provider: LocalProvider) -> None:
        self.provider = provider

    def __call__(self, node: Node, command: str, check: bool = True) -> str:
        to = self.provider.connection(node)
        return run(
            [
                *("ssh", "-F", "none", "-i", to.key, "-o", "IdentitiesOnly=yes"),
                *("-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={to.known_hosts}"),
                *("-o", "BatchMode=yes", "-o", "ConnectTimeout=5"),
                *("-p", str(to.port), f"{to.user}@{to.host}", command),
            ],
            check=check,
            timeout=60,
        ).strip()


@pytest.fixture(scope="module")
def provider(scratch: Path, base: Path) -> Iterator[LocalProvider]:
    left.remove_cloud(CLOUD, networks(77))
    paths = Paths(scratch / "state" / CLOUD, scratch / "cache")
    found = LocalProvider(paths, CLOUD, networks(77), lambda _say: [base])
    yield found
    found.remove(quiet)


@pytest.fixture
def cloud(provider: LocalProvider) -> LocalProvider:
    """The provider with its three nodes up."""
    provider.create([N1, N2, N3], quiet)
    return provider


@pytest.fixture
def ssh(provider: LocalProvider) -> Ssh:
    return Ssh(provider)


def wait_until(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def traces(provider: LocalProvider) -> list[str]:
    """All that can be seen of the cloud on this machine."""
    seen = [
        *run(["ip", "netns", "list"]).splitlines(),
        *run(["ip", "-j", "link", "show"]).split('"ifalias":'),
        *run(["nft", "list", "ruleset"]).splitlines(),
        *map(str, rootfs.mount_points()),
        *(str(path) for root in cgroups.all_roots() for path in (root / "scs").glob("*")),
        *(str(path) for path in host.RUN.glob("*")),
        *(str(path) for path in provider.paths.state.glob("*")),
    ]
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            seen.append(status.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    marks = (
        names.alias(CLOUD),
        names.machine(CLOUD, ""),
        names.table(CLOUD),
        f"/scs/{CLOUD}",
        f"{provider.paths.state}/",
    )
    return [line for line in seen if any(mark in line for mark in marks)]


def test_three_nodes_answer(cloud: LocalProvider, ssh: Ssh) -> None:
    for node in (N1, N2, N3):
        assert ssh(node, "hostname") == node.name
        assert ssh(node, "systemctl is-system-running --wait") == "running"
    assert ssh(N1, "getent hosts n3").split()[0] == str(N3.address)
    assert "10.77.0.100/32" in ssh(N1, "ip -o -4 addr show mgmt0")
    assert {state.running for state in cloud.observe().values()} == {True}
    assert len({ssh(node, "cat /etc/machine-id") for node in (N1, N2, N3)}) == 3


def test_their_networks(cloud: LocalProvider, ssh: Ssh) -> None:
    ssh(N1, "ping -c 1 -W 2 -M do -s 8900 10.77.1.12")
    # The nodes' own name server is outside: the answer came by the host's NAT.
    ssh(N1, "getent ahosts $(awk '/^URIs:/ {print $2}' /etc/apt/sources.list.d/* | cut -d/ -f3)")
    assert ssh(N1, "ip -br link show ext0").split()[1] == "UP"


def test_what_a_node_may_and_may_not(cloud: LocalProvider, ssh: Ssh) -> None:
    ssh(N1, "echo 1 > /proc/sys/net/ipv4/ip_forward")
    assert "not permitted" in ssh(N1, "LC_ALL=C date -s @0 2>&1", check=False)
    assert "Read-only" in ssh(N1, "LC_ALL=C sh -c 'echo 1 > /proc/sys/kernel/panic' 2>&1", False)
    ssh(N1, "test -c /dev/net/tun && test -c /dev/fuse && test -d /var/lib/scs/artifacts")
    assert cloud.exec("n1", ["stat", "-c", "%a", "/"]).strip() == "755"


def test_nobody_else_can_log_in(cloud: LocalProvider, ssh: Ssh) -> None:
    settings = ssh(N1, "sshd -T").lower().splitlines()
    assert "passwordauthentication no" in settings
    assert "permitrootlogin without-password" in settings
    assert cloud.paths.state.stat().st_mode & 0o777 == 0o700
    assert cloud.key.stat().st_mode & 0o777 == 0o600


def test_a_second_create_changes_nothing(cloud: LocalProvider) -> None:
    before = [cloud.container(name).init() for name in NAMES]
    cloud.create([N1, N2, N3], quiet)
    assert [cloud.container(name).init() for name in NAMES] == before


def reboot(provider: LocalProvider, ssh: Ssh) -> None:
    before = provider.container("n1").init()
    ssh(N1, "echo kept > /root/mark; sync; systemctl reboot", check=False)
    wait_until(lambda: provider.container("n1").init() not in (None, before))
    provider.container("n1").ready(str(N1.address))
    assert ssh(N1, "cat /root/mark") == "kept"


def _flush(cloud: LocalProvider) -> None:
    # What `nft flush ruleset` does to this cloud, without doing it to others on this machine.
    run(["nft", "delete", "table", "inet", names.table(cloud.cloud)])


def _unplug(cloud: LocalProvider) -> None:
    run(["ip", "link", "del", names.host_end(cloud.cloud, "n1", "management")])


def _unbridge(cloud: LocalProvider) -> None:
    run(["ip", "link", "del", names.bridge(cloud.cloud, "management")])


def _down(cloud: LocalProvider) -> None:
    run(["ip", "link", "set", names.bridge(cloud.cloud, "external"), "down"])


@pytest.mark.parametrize(
    ("harm", "name", "cuts_off"),
    [
        (_flush, "nat", False),
        (_unplug, "links", True),
        (_unbridge, "links", True),
        (_down, "links", True),
    ],
)
def test_what_others_take_away_is_seen_and_put_back(
    cloud: LocalProvider,
    ssh: Ssh,
    harm: Callable[[LocalProvider], None],
    name: str,
    cuts_off: bool,
) -> None:
    assert cloud.lacks() == []
    before = [cloud.container(node.name).init() for node in (N1, N2, N3)]
    harm(cloud)
    (lack,) = cloud.lacks()
    assert (lack.name, lack.cuts_off) == (name, cuts_off)
    assert lack.reason
    cloud.create([N1, N2, N3], quiet)
    assert cloud.lacks() == []
    assert [cloud.container(node.name).init() for node in (N1, N2, N3)] == before
    assert [ssh(node, "hostname") for node in (N1, N2, N3)] == list(NAMES)
    gateway = str(cloud.networks["management"].gateway)
    assert "1 received" in ssh(N1, f"ping -c 1 -W 2 {gateway}")


def test_a_node_reboots(cloud: LocalProvider, ssh: Ssh) -> None:
    reboot(cloud, ssh)


def test_a_node_outlives_its_watcher_and_gets_another(cloud: LocalProvider, ssh: Ssh) -> None:
    group = cloud.container("n1")._group()
    if group is None or not cgroups.populated(group / "watch"):
        pytest.skip("systemd runs this host and watches the nodes itself")
    before = cloud.container("n1").init()
    cgroups.kill(group / "watch")
    assert cloud.container("n1").init() == before
    cloud.create([N1], quiet)
    assert cloud.container("n1").init() == before
    assert cgroups.populated(group / "watch")
    reboot(cloud, ssh)


def test_a_killed_node_comes_back(cloud: LocalProvider, ssh: Ssh) -> None:
    ssh(N2, "echo kept > /root/mark; sync")
    init = cloud.container("n2").init()
    assert init is not None
    nspawn = int(Path(f"/proc/{init}/stat").read_text().rsplit(")", 1)[1].split()[1])
    for pid in (nspawn, init):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue  # systemd was faster
    wait_until(lambda: not cloud.container("n2").running())
    assert cloud.observe()["n2"].exists
    cloud.create([N1, N2, N3], quiet)
    assert ssh(N2, "cat /root/mark") == "kept"


def test_stop_and_start(cloud: LocalProvider, ssh: Ssh) -> None:
    ssh(N3, "echo kept > /root/mark")
    cloud.stop("n3")
    assert not cloud.observe()["n3"].running
    with pytest.raises(ScsError, match="not running"):
        cloud.exec("n3", ["true"])
    cloud.start("n3")
    assert ssh(N3, "cat /root/mark") == "kept"
    with pytest.raises(ScsError, match="n1, n2, n3"):
        cloud.start("n9")


def test_a_fenced_node_is_off_and_silent_and_comes_back(cloud: LocalProvider, ssh: Ssh) -> None:
    ssh(N2, "systemd-run --quiet sleep 1000")

    def heard() -> bool:
        return ping(str(N2.address)) is not None

    assert heard()
    assert cloud.off(N2.name) is False
    cloud.fence(N2.name)
    assert cloud.off(N2.name) is True
    assert not cloud.observe()[N2.name].running
    assert not heard(), "its kernel would answer for the cloud's virtual addresses as well"
    cloud.fence(N2.name)
    cloud.create([N1, N2, N3], quiet)
    assert ssh(N2, "hostname") == N2.name
    assert not cloud.lacks()


def test_after_the_machine_restarted(cloud: LocalProvider, ssh: Ssh) -> None:
    ssh(N1, "echo kept > /root/mark; sync")
    for name in NAMES:
        cloud.container(name).stop()
        run(["ip", "netns", "del", names.machine(CLOUD, name)])
    for bridge in names.bridges(CLOUD, cloud.networks).values():
        run(["ip", "link", "del", bridge])
    run(["nft", "delete", "table", "inet", names.table(CLOUD)])
    shutil.rmtree(host.RUN / CLOUD)
    cloud.create([N1, N2, N3], quiet)
    assert ssh(N1, "cat /root/mark; ping -c 1 -W 2 10.77.1.12 >/dev/null && echo there") == (
        "kept\nthere"
    )


def test_another_state_folder_can_not_take_the_name(cloud: LocalProvider, scratch: Path) -> None:
    other = LocalProvider(
        Paths(scratch / "other" / CLOUD, scratch / "cache"), CLOUD, networks(77), cloud.layers
    )
    with pytest.raises(ScsError, match="runs here already"):
        other.create([N1], quiet)
    with pytest.raises(ScsError, match="runs here already"):
        other.remove(quiet)
    assert any("runs here already" in problem.what for problem in other.preflight(online=False))
    assert cloud.container("n1").running()


def test_preflight_of_a_healthy_machine(cloud: LocalProvider) -> None:
    # Memory and disk are this machine's own affair.
    problems = [problem for problem in cloud.preflight() if "GiB" not in problem.what]
    assert problems == []


def test_the_probe_of_kvm_knows_a_working_guest() -> None:
    """By emulation, where the guest must run."""

    def here(argv: Sequence[str], stdin: str) -> str:
        return run(argv, stdin=stdin, check=False, timeout=30)

    assert probe_kvm(here, "tcg")


INNER = """
import json, subprocess, sys
sys.path[:0] = [{source!r}]
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from scs.model.topology import Network, Node, Role
from scs.paths import Paths
from scs.providers.local import LocalProvider

here = Path({here!r})
networks = {{
    "management": Network("management", IPv4Network("10.78.0.0/24")),
    "tunnel": Network("tunnel", IPv4Network("10.78.1.0/24")),
    "external": Network("external", IPv4Network("10.78.2.0/24")),
}}
node = Node("inner", frozenset({{Role.COMPUTE}}), {{"management": IPv4Address("10.78.0.11")}})
provider = LocalProvider(
    Paths(here / "state/in", here / "cache"), "in", networks, lambda _say: [here / "base"]
)

def rules():
    return subprocess.run(["iptables", "-S", "FORWARD"], capture_output=True, text=True).stdout

def has(unit):
    return subprocess.run(["systemctl", "is-active", unit], capture_output=True, text=True).stdout

subprocess.run(["iptables", "-P", "FORWARD", "DROP"], check=True)
found = {{"before": rules()}}
provider.create([node], print)
found["unit"] = has("scs-in-inner").strip()
found["during"] = rules()
found["lacks"] = [lack.name for lack in provider.lacks()]
subprocess.run(["nft", "flush", "ruleset"], check=True)
subprocess.run(["iptables", "-P", "FORWARD", "DROP"], check=True)
Path("/proc/sys/net/ipv4/ip_forward").write_text("0")
found["flushed"] = [lack.name for lack in provider.lacks()]
provider.create([node], print)
found["mended"] = [lack.name for lack in provider.lacks()]
found["outside"] = provider.exec("inner", ["ping", "-c", "1", "-W", "2", {outside!r}])
first = provider.container("inner").init()
provider.exec("inner", ["systemctl", "reboot"])
import time
deadline = time.monotonic() + 20
while provider.container("inner").init() in (None, first) and time.monotonic() < deadline:
    time.sleep(0.05)
provider.container("inner").ready(str(node.address))
found["rebooted"] = provider.container("inner").init() != first
provider.remove(print)
found["after"] = rules()
found["left"] = has("scs-in-inner").strip()
links = subprocess.run(["ip", "-j", "link"], capture_output=True, text=True).stdout
found["links"] = [link["ifname"] for link in json.loads(links)]
print("\\n" + json.dumps(found))
"""


def test_under_systemd_and_behind_a_firewall(cloud: LocalProvider, base: Path) -> None:
    # Overlays don't stack, so the inner nodes live where the outer node has a real folder.
    shared = cloud.paths.cache / "artifacts" / "inner"
    shared.mkdir(parents=True)
    run(["cp", "-al", base, shared / "base"])
    source = Path(str(sys.modules["scs"].__file__)).parent
    shutil.copytree(source, shared / "src" / "scs", ignore=shutil.ignore_patterns("__pycache__"))
    here = f"{IN_NODE}/inner"
    outside = str(cloud.networks["management"].gateway)
    script = INNER.format(source=f"{here}/src", here=here, outside=outside)
    output = cloud.exec("n1", ["python3", "-"], stdin=script, timeout=120)
    found = json.loads(output.splitlines()[-1])
    assert found["unit"] == "active"
    assert found["during"].count("scs:in") == 6
    assert found["lacks"] == []
    assert found["flushed"] == ["forwarding", "nat", "firewall"]
    assert found["mended"] == []
    assert "1 received" in found["outside"]
    assert found["rebooted"]
    assert found["after"] == found["before"]
    assert found["left"] != "active"
    assert found["links"] == ["lo", "mgmt0", "tun0", "ext0"]


KILLED = """
import sys
from test_local_nodes import *
paths = Paths(Path(sys.argv[1]), Path(sys.argv[2]))
provider = LocalProvider(paths, CLOUD, networks(77), lambda _say: [Path(sys.argv[3])])
getattr(provider, sys.argv[4])(*([[N1, N2, N3]] if sys.argv[4] == "create" else []), quiet)
"""


RUN = """
import sys, tempfile, time
import left
from test_local_nodes import *
folder = Path(tempfile.mkdtemp(prefix=left.PREFIX, dir=left.PARENT))
paths = Paths(folder / "state" / OTHER, folder / "cache")
with left.in_use(folder):
    LocalProvider(paths, OTHER, networks(78), lambda _say: [Path(sys.argv[1])]).create([M1], quiet)
    print(folder, flush=True)
    time.sleep(600)
"""


def test_what_a_killed_run_of_the_tests_left_is_no_obstacle(base: Path) -> None:
    search = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    with subprocess.Popen(
        [sys.executable, "-c", RUN, str(base)],
        env={**os.environ, "PYTHONPATH": search},
        stdout=subprocess.PIPE,
        text=True,
    ) as living:
        assert living.stdout
        folder = Path(living.stdout.readline().strip())
        try:
            left.remove_cloud(OTHER, networks(78))
            left.remove_folders()
            assert host.state_of(OTHER) == folder / "state" / OTHER
        finally:
            living.kill()
    left.remove_folders()
    assert folder.is_dir(), "what its nodes need to be taken down is gone"
    left.remove_cloud(OTHER, networks(78))
    assert not folder.exists()
    assert OTHER not in host.clouds()
    assert names.machine(OTHER, "n1") not in run(["ip", "netns", "list"])


@pytest.mark.parametrize("verb", ["create", "remove"])
def test_killed_at_any_time_the_next_run_converges(
    provider: LocalProvider, base: Path, ssh: Ssh, verb: str
) -> None:
    if verb == "create":
        provider.remove(quiet)
    else:
        provider.create([N1, N2, N3], quiet)
    arguments = [str(provider.paths.state), str(provider.paths.cache), str(base), verb]
    search = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    for seconds in (0.3, 0.4, 0.5, 0.6, 0.8, 1.1):
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, *arguments], env={**os.environ, "PYTHONPATH": search}
        ) as process:
            time.sleep(seconds)
            process.kill()
    if verb == "create":
        provider.create([N1, N2, N3], quiet)
        assert [ssh(node, "hostname") for node in (N1, N2, N3)] == list(NAMES)
    provider.remove(quiet)
    assert traces(provider) == []


def test_nothing_is_left(cloud: LocalProvider) -> None:
    assert traces(cloud)
    cloud.remove(quiet)
    assert traces(cloud) == []
    assert cloud.observe() == {}
    cloud.remove(quiet)  # what is gone can be removed again
