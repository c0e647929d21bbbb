# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The program that starts services of Nova when those that they ask first answer, for real.

Keystone and Placement are a server of a few lines; the service is one that only says its name.
"""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from clouds import expanded, expander_of
from scs.plan import templating
from scs.plan.ini import unmarked
from scs.plan.templating import environment
from scs.resources import File

TEMPLATES = str(Path(templating.__file__).parent / "templates")
CONF = """\
[placement]
auth_type = v3password
auth_url = {address}/v3
username = nova
password = x
project_name = service
user_domain_id = default
project_domain_id = default
region_name = RegionOne
"""


class Apis(http.server.ThreadingHTTPServer):
    """Keystone, whose `early` first tokens are older than the catalog, and Placement."""

    def __init__(self, early: int) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.early = early
        self.tokens = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answer(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        apis = self.server
        assert isinstance(apis, Apis)
        apis.tokens += 1
        point = {"interface": "internal", "region": "RegionOne", "url": f"{apis.address}/p"}
        services = [
            {"type": kind, "name": kind, "endpoints": [point]} for kind in ("placement", "compute")
        ]
        token = {
            "expires_at": "2999-01-01T00:00:00Z",
            "issued_at": "2026-01-01T00:00:00Z",
            "methods": ["password"],
            "user": {"id": "u", "name": "nova", "domain": {"id": "default", "name": "Default"}},
            "catalog": [] if apis.tokens <= apis.early else services,
        }
        self.answer(201, {"token": token})

    def do_GET(self) -> None:
        self.answer(200, {"services": [{"state": "up"}]})

    def answer(self, code: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(code)
        self.send_header("X-Subject-Token", "t")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def apis(request: pytest.FixtureRequest) -> Iterator[Apis]:
    with Apis(request.param) as server:
        thread = threading.Thread(target=partial(server.serve_forever, 0.05))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def started(tmp_path: Path, text: str, name: str, conf: Path) -> str:
    """What a service of that name puts out that this program starts; it lies below `tmp_path`."""
    program = tmp_path / "start"
    program.write_text(unmarked(text))
    done = subprocess.run(
        [sys.executable, str(program), name, "--config-file", str(conf)],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def module(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def conf(apis: Apis, tmp_path: Path) -> Path:
    path = tmp_path / "nova.conf"
    path.write_text(CONF.format(address=apis.address))
    return path


@pytest.mark.parametrize("apis", [0, 2], indirect=True)
def test_a_token_from_before_the_endpoints_is_not_kept(
    apis: Apis, conf: Path, tmp_path: Path
) -> None:
    module(tmp_path / "nova/cmd/thing.py", "import sys\ndef main():\n    print(sys.argv)\n")
    template = "{% import 'awaiting.j2' as awaiting %}{{ awaiting.program(conf) }}"
    text = environment((TEMPLATES,)).from_string(template).render(conf=str(conf))
    said = started(tmp_path, text, "nova-thing", conf)
    assert said == f"['nova-thing', '--config-file', '{conf}']\n"
    assert apis.tokens == apis.early + 1


COMPUTE = """\
from vif_plug_ovs import ovs

def main():
    plugin = ovs.OvsPlugin()
    for device in ("lo", "tap-of-nobody"):
        plugin._create_vif_port("the VIF", device, "the guest", bridge="br-int")
"""
SWITCH = """\
class Answer:
    def __init__(self, value):
        self.value = value

    def execute(self):
        print("it is asked")
        return self.value

class Switch:
    ovsdb = property(lambda self: self)

    def __init__(self):
        self.answers = [[], -1, 7]

    def db_get(self, table, record, column):
        assert (table, record, column) == ("Interface", "lo", "ofport")
        return Answer(self.answers.pop(0))

class OvsPlugin:
    def __init__(self):
        self.ovsdb = Switch()

    def _create_vif_port(self, vif, vif_name, instance_info, *, bridge):
        print("plugged", vif, vif_name, instance_info, bridge)
"""
ON = """\
def set_interface_state(name, state):
    print(name, state)
"""
PLUGGED = "plugged the VIF {} the guest br-int\n"


@pytest.mark.parametrize("apis", [0], indirect=True)
@pytest.mark.parametrize(
    ("datapath", "then"), [("netdev", "it is asked\n" * 3 + "lo up\n"), ("system", "")]
)
def test_in_userspace_a_device_is_switched_on_when_the_switch_has_taken_it_in(
    conf: Path, tmp_path: Path, datapath: str, then: str
) -> None:
    module(tmp_path / "nova/cmd/compute.py", COMPUTE)
    module(tmp_path / "vif_plug_ovs/ovs.py", SWITCH)
    module(tmp_path / "vif_plug_ovs/linux_net.py", ON)
    (items,) = expanded(expander_of(datapath=datapath)).values()
    (file,) = (item for item in items if item.id == "file:/usr/local/lib/scs/nova-compute-start")
    assert isinstance(file, File)
    text = file.content.replace("/etc/nova/nova-compute.conf", str(conf))
    said = started(tmp_path, text, "nova-compute", conf)
    assert said == PLUGGED.format("lo") + then + PLUGGED.format("tap-of-nobody")
