# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What components render, read by the real programs: haproxy, named, nft, systemd, visudo.

haproxy and named are rarely on the machine itself; then it is the one of a cached layer, in a
chroot of its own with nothing but that layer and the files.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from clouds import CLOUDS, expanded, expander_of
from scs.engine.pki import Authority
from scs.engine.vault import Vault
from scs.resources import File

LAYERS = Path("/var/cache/scs/layers")
CLOUD = pytest.mark.parametrize("cloud", CLOUDS)
HAPROXY, NFTABLES = "/etc/haproxy/haproxy.cfg", "/etc/nftables.conf"
HOLD = "/usr/local/lib/scs/haproxy/aside"


@cache
def files(cloud: str) -> tuple[tuple[str, File], ...]:
    """(node, file) of the whole cloud."""
    spec, facts = CLOUDS[cloud]
    return tuple(
        (node, item)
        for node, items in expanded(expander_of(spec, **facts)).items()
        for item in items
        if isinstance(item, File)
    )


def texts(cloud: str, path: str) -> list[str]:
    """The texts of the file on all nodes that have it; at least one has."""
    found = [item.content for _, item in files(cloud) if item.name == path]
    assert found
    return found


def run(*argv: str | Path, text: str | None = None) -> tuple[int, str]:
    done = subprocess.run(
        argv,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


def layer(program: str) -> Path:
    """The newest cached root file system that has the program; skips where there is none."""
    found = sorted(LAYERS.glob(f"base-*{program}"), key=lambda path: path.stat().st_mtime)
    if not found:
        pytest.skip(f"no {program}, here or in a cached layer: scs has not been up here")
    return Path(str(found[-1]).removesuffix(program))


class Root:
    """A program with its own view of the files in /etc/haproxy and /etc/scs."""

    def __init__(self, program: str, folder: Path, base: Path | None = None) -> None:
        self._program = program
        self._folder = folder
        self._base = base or (None if Path(program).exists() else layer(program))

    def __call__(self, *arguments: str) -> tuple[int, str]:
        # In a mount namespace of its own: nothing is mounted for anybody else, nothing stays.
        root = self._base or Path("/")
        work = self._folder / "work"
        work.mkdir(exist_ok=True)
        script = (
            'mount -t tmpfs none "$1" && mkdir "$1/upper" "$1/work" "$1/root"'
            ' && mount -t overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work"'
            ' overlay "$1/root" && cp -a "$3/." "$1/root/" && root=$1/root && shift 3'
            ' && exec chroot "$root" "$@"'
        )
        words = ["unshare", "--mount", "--net", "sh", "-ec", script, "sh"]
        tree = self._folder / "tree"
        return run(*words, work, root, tree, self._program, *arguments)


@pytest.fixture
def haproxy(tmp_path: Path) -> Root:
    """haproxy with a certificate that lives for this test."""
    authority = Authority(tmp_path / "pki.age", "test", Vault(tmp_path / "identity", own=True))
    crt, key = authority.issue("haproxy", ("127.0.0.1",))
    certificates = {"tls/haproxy.crt": crt, "tls/haproxy.key": key, "ca.pem": authority.certificate}
    for path, text in certificates.items():
        file = tmp_path / "tree/etc/scs" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "tree/etc/haproxy").mkdir()
    return Root("/usr/sbin/haproxy", tmp_path)


@CLOUD
def test_haproxy(cloud: str, haproxy: Root, tmp_path: Path) -> None:
    for text in texts(cloud, HAPROXY):
        (tmp_path / f"tree{HAPROXY}").write_text(text)
        code, output = haproxy("-c", "-f", HAPROXY)
        assert code == 0, output
        assert "[ALERT]" not in output
        assert "[WARNING]" not in output


def test_haproxy_would_find_a_mistake(haproxy: Root, tmp_path: Path) -> None:
    text = texts("one container", HAPROXY)[0].replace("option httpchk", "option httpcheck", 1)
    (tmp_path / f"tree{HAPROXY}").write_text(text)
    code, output = haproxy("-c", "-f", HAPROXY)
    assert code != 0
    assert "httpcheck" in output


# Runs as the only one of its cloud's control nodes, with a service that answers 200.
NODE = """\
import csv, http.server, os, socket, subprocess, threading, time
cloud, addresses, port, aside = {values!r}
for address in addresses:
    subprocess.run(["ip", "address", "add", address, "dev", "lo"], check=True)
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
class Service(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Service)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.makedirs("/run/haproxy", exist_ok=True)
command = ["/usr/sbin/haproxy", "-f", "/etc/haproxy/haproxy.cfg"]
balancer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
def state():
    with socket.socket(socket.AF_UNIX) as link:
        link.connect("/run/haproxy/admin.sock")
        link.sendall(b"show stat\\n")
        text = b"".join(iter(lambda: link.recv(65536), b"")).decode()
    for row in csv.DictReader(text.removeprefix("# ").splitlines()):
        if (row["pxname"], row["svname"]) == (cloud, "node-1"):
            return row["status"]
def until(*wanted):
    end = time.monotonic() + 30
    while (seen := state()) not in wanted and time.monotonic() < end:
        time.sleep(0.1)
    return seen
for _ in range(100):
    if os.path.exists("/run/haproxy/admin.sock"):
        break
    time.sleep(0.1)
time.sleep(3)
print(until("UP"))
subprocess.run([aside, "hold", "another", cloud], check=True)
print(state())
subprocess.run([aside, "release", "another", cloud], check=True)
print(until("UP"))
balancer.kill()
"""


def test_haproxy_leaves_alone_what_is_held(tmp_path: Path) -> None:
    cloud = "three equal containers"
    spec, facts = CLOUDS[cloud]
    view = expander_of(spec, **facts).view
    here = next(item.address for item in view.controls if item.name == "node-1")
    authority = Authority(tmp_path / "pki.age", "test", Vault(tmp_path / "identity", own=True))
    crt, key = authority.issue("haproxy", (str(here),))
    point = next(point for _, point in view.endpoints if point.type == "identity")
    values = (point.name, [str(here)], point.served, HOLD)
    for path, text in {
        "etc/scs/tls/haproxy.crt": crt,
        "etc/scs/tls/haproxy.key": key,
        "etc/scs/ca.pem": authority.certificate,
        HAPROXY: texts(cloud, HAPROXY)[0],
        HOLD: texts(cloud, HOLD)[0],
        "node.py": NODE.format(values=values),
    }.items():
        file = tmp_path / "tree" / path.removeprefix("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "tree" / HOLD.removeprefix("/")).chmod(0o755)
    node = Root("/usr/bin/python3", tmp_path, layer("/usr/sbin/haproxy"))
    assert node("/node.py") == (0, "UP\nNOLB\nUP\n")


# --- named

NAMED, NAMED_KEY = "/etc/bind/named.conf", "/etc/bind/rndc.key"
NAMED_ZONE = "/etc/bind/name-server.zone"
NAMED_CLOUDS = pytest.mark.parametrize(
    "cloud", [name for name, (spec, _) in CLOUDS.items() if "designate" in spec.services]
)


@pytest.fixture
def named_checkconf(tmp_path: Path) -> Root:
    for folder in ("etc/bind", "dev"):
        (tmp_path / "tree" / folder).mkdir(parents=True)
    # It must be there, whatever it is.
    (tmp_path / "tree/dev/null").touch()
    return Root("/usr/bin/named-checkconf", tmp_path)


@NAMED_CLOUDS
def test_named(cloud: str, named_checkconf: Root, tmp_path: Path) -> None:
    (tmp_path / f"tree{NAMED_KEY}").write_text(texts(cloud, NAMED_KEY)[0])
    for text in texts(cloud, NAMED):
        (tmp_path / f"tree{NAMED}").write_text(text)
        assert named_checkconf(NAMED) == (0, "")
        # And nobody is asked on behalf of others, unless they are guests.
        _, said = named_checkconf("-px", NAMED)
        if CLOUDS[cloud][0].dns:
            assert "recursion yes;" in said
            assert re.search(r"allow-recursion {\s*\"?guests\"?;\s*}", said)
        else:
            assert "recursion no;" in said
        assert "allow-transfer" in said


@NAMED_CLOUDS
def test_the_zone_of_the_name_server(cloud: str, named_checkconf: Root, tmp_path: Path) -> None:
    check = Root("/usr/bin/named-checkzone", tmp_path)
    name = expander_of(CLOUDS[cloud][0]).view.name_server.rstrip(".")
    for text in texts(cloud, NAMED_ZONE):
        (tmp_path / f"tree{NAMED_ZONE}").write_text(text)
        code, output = check(name, NAMED_ZONE)
        assert code == 0, output


def test_named_would_find_a_mistake(named_checkconf: Root, tmp_path: Path) -> None:
    cloud = "one container with everything"
    (tmp_path / f"tree{NAMED_KEY}").write_text(texts(cloud, NAMED_KEY)[0])
    text = texts(cloud, NAMED)[0].replace("allow-new-zones", "allow-new-zone", 1)
    (tmp_path / f"tree{NAMED}").write_text(text)
    code, output = named_checkconf(NAMED)
    assert code != 0
    assert "allow-new-zone" in output


# Runs as the second of three control nodes, whose own Designate is not there yet. The first one's
# is another BIND here: it hands out a catalog and a zone.
FOLLOWS = """\
import os, shutil, signal, socket, struct, subprocess, time
first, here, virtual, name = {values!r}
def address(item):
    subprocess.run(["ip", "address", "add", item + "/32", "dev", "lo"], check=True)
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
address(first)
address(here)
outside = "198.51.100.7"
address(outside)
serial = 0
def catalog(*zones):
    global serial
    serial += 1
    with open("/first/catalog", "w") as file:
        file.write(f"@ 60 IN SOA a. b. {{serial}} 60 60 86400 60\\n@ 60 IN NS invalid.\\n")
        file.write('version 60 IN TXT "2"\\n')
        for zone in zones:
            file.write(f"{{zone.replace('.', '-')}}.zones 60 IN PTR {{zone}}.\\n")
def question(server, name, kind, operation=0, source=""):
    labels = b"".join(bytes([len(one)]) + one.encode() for one in name.split("."))
    head = struct.pack("!HHHHHH", 7, operation << 11 | 0x400, 1, 0, 0, 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(1)
        link.bind((source, 0))
        link.sendto(head + labels + b"\\0" + struct.pack("!HH", kind, 1), (server, 53))
        return link.recv(4096)
def asked(server, name, source=""):
    try:
        answer = question(server, name, 1, source=source)
    except OSError:
        return "silence"
    code, count = answer[3] & 15, answer[7]
    return socket.inet_ntoa(answer[-4:]) if count else f"code {{code}}"
def until(wanted, server, name):
    end = time.monotonic() + 20
    while (found := asked(server, name)) != wanted and time.monotonic() < end:
        time.sleep(0.2)
    return found
def start(config):
    with open("/log", "a") as log:
        return subprocess.Popen(["/usr/sbin/named", "-g", "-c", config], stdout=log, stderr=log)
for folder in ("/run/named", "/var/cache/bind"):
    os.makedirs(folder, exist_ok=True)
catalog("example.org")
designate = start("/first/named.conf")
named = start("/etc/bind/named.conf")
print(until("192.0.2.1", here, "www.example.org"))
print(asked(here, name), asked(here, "www.example.com"), asked(here, "catalog.invalid", outside))
address(virtual)
print(until("192.0.2.1", virtual, "www.example.org"))
catalog()
designate.send_signal(signal.SIGHUP)
time.sleep(1)
question("127.0.0.1", "catalog.invalid", 6, operation=4)
print(until("code 5", here, "www.example.org"))
catalog("example.org")
designate.send_signal(signal.SIGHUP)
named.terminate()
named.wait()
shutil.rmtree("/var/cache/bind")
os.makedirs("/var/cache/bind")
named = start("/etc/bind/named.conf")
print(until("192.0.2.1", here, "www.example.org"))
named.kill()
designate.kill()
"""
FIRST = """\
options {{
    directory "/first"; pid-file none; session-keyfile none;
    listen-on port 5354 {{ {address}; }}; listen-on-v6 {{ none; }};
    recursion no; notify no; allow-transfer {{ any; }}; dnssec-validation no;
}};
controls {{ }};
zone "catalog.invalid" {{ type primary; file "catalog"; }};
zone "example.org" {{ type primary; file "example"; }};
"""


def test_named_has_the_zones_of_the_catalog_wherever_it_comes_from(tmp_path: Path) -> None:
    cloud = "three equal machines with everything"
    view = expander_of(CLOUDS[cloud][0]).view
    first, here = view.controls[:2]
    values = (
        *(str(first.address), str(here.address)),
        *(str(view.external_address), view.name_server.rstrip(".")),
    )
    own = {item.name: item.content for node, item in files(cloud) if node == here.name}
    example = "@ 60 IN SOA a. b. 1 60 60 86400 60\n@ 60 IN NS a.\nwww 60 IN A 192.0.2.1\n"
    for path, text in {
        NAMED: own[NAMED],
        NAMED_KEY: own[NAMED_KEY],
        NAMED_ZONE: own[NAMED_ZONE],
        "/first/named.conf": FIRST.format(address=first.address),
        "/first/example": example,
        "/dev/null": "",
        "/node.py": FOLLOWS.format(values=values),
    }.items():
        file = tmp_path / f"tree{path}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    node = Root("/usr/bin/python3", tmp_path, layer("/usr/sbin/named"))
    there, gone = "192.0.2.1", "code 5"
    asked = f"{view.external_address} {gone} {gone}"
    assert node("/node.py") == (0, f"{there}\n{asked}\n{there}\n{gone}\n{there}\n")


# --- nftables

NFT = ("unshare", "--net", "nft", "--check", "--file", "-")


@CLOUD
def test_nftables(cloud: str) -> None:
    for text in texts(cloud, NFTABLES):
        assert run(*NFT, text=text) == (0, "")


def test_nftables_would_find_a_mistake() -> None:
    text = texts("one container", NFTABLES)[0].replace("tcp dport 22", "tcp dprot 22", 1)
    assert run(*NFT, text=text)[0] != 0


def test_nftables_twice_leaves_one_table_and_no_other_rule_gone() -> None:
    text = texts("one container", NFTABLES)[0]
    other = "table inet other { chain mine { accept; }; }"
    script = 'nft "$2" && nft -f - <<E\n$1\nE\nnft -f - <<E\n$1\nE\nnft list tables'
    code, output = run("unshare", "--net", "sh", "-ec", script, "sh", text, other)
    assert (code, output.split("\n")) == (0, ["table inet other", "table inet scs", ""])


# --- systemd

SPEAKS_OF_THE_FILE = re.compile(r"\.(?:service|conf):\d+:|Unknown|Failed to parse|Invalid|ignoring")


def complaints(folder: Path, units: dict[str, str]) -> list[str]:
    """What systemd says about the text of these units, not about what is missing here."""
    for name, text in units.items():
        (folder / name).write_text(text)
    _, output = run("systemd-analyze", "--man=no", "verify", *[folder / name for name in units])
    return [
        line
        for line in output.splitlines()
        if str(folder) in line
        and SPEAKS_OF_THE_FILE.search(line)
        and "is not executable" not in line
    ]


def need_systemd() -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here")


@CLOUD
def test_systemd_knows_every_setting(cloud: str, tmp_path: Path) -> None:
    need_systemd()
    for node in {node for node, _ in files(cloud)}:
        units = {
            Path(item.name).name: item.content
            for at, item in files(cloud)
            if at == node and re.fullmatch(r"/etc/systemd/system/[^/]+\.service", item.name)
        }
        units |= {
            # A drop-in for a unit of Debian's, as a unit by itself.
            f"drop-in-{Path(item.name).parent.stem}": item.content + "ExecStart=/bin/true\n"
            for at, item in files(cloud)
            if at == node and item.name.endswith(".service.d/scs.conf")
        }
        assert len(units) > 2  # where there are disks only
        assert complaints(tmp_path, units) == []


def test_systemd_would_find_a_mistake(tmp_path: Path) -> None:
    need_systemd()
    text = "[Service]\nExecStart=/bin/true\nProtectSytem=strict\n"
    assert complaints(tmp_path, {"a.service": text})


# --- sudo


@CLOUD
def test_sudoers(cloud: str, tmp_path: Path) -> None:
    wanted = [item for _, item in files(cloud) if item.name.startswith("/etc/sudoers.d/")]
    assert {item.name for item in wanted} == {
        "/etc/sudoers.d/scs-nova",
        "/etc/sudoers.d/scs-neutron",
    }
    (tmp_path / "tree").mkdir()
    visudo = Root("/usr/sbin/visudo", tmp_path)
    for item in wanted:
        assert item.mode == 0o440
        (tmp_path / "tree/sudoers").write_text(item.content)
        code, output = visudo("--check", "--strict", "--file", "/sudoers")
        assert code == 0, output
    (tmp_path / "tree/sudoers").write_text("nova ALL=(root NOPASSWD: /bin/true\n")
    assert visudo("--check", "--strict", "--file", "/sudoers")[0] != 0
