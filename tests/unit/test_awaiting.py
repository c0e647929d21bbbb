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

from scs.plan import templating
from scs.plan.ini import unmarked
from scs.plan.templating import environment

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
        service = {"type": "placement", "name": "placement", "endpoints": [point]}
        token = {
            "expires_at": "2999-01-01T00:00:00Z",
            "issued_at": "2026-01-01T00:00:00Z",
            "methods": ["password"],
            "user": {"id": "u", "name": "nova", "domain": {"id": "default", "name": "Default"}},
            "catalog": [] if apis.tokens <= apis.early else [service],
        }
        self.answer(201, {"token": token})

    def do_GET(self) -> None:
        self.answer(200, {})

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


@pytest.mark.parametrize("apis", [0, 2], indirect=True)
def test_a_token_from_before_the_endpoints_is_not_kept(apis: Apis, tmp_path: Path) -> None:
    service = tmp_path / "nova/cmd/thing.py"
    service.parent.mkdir(parents=True)
    service.write_text("import sys\ndef main():\n    print(sys.argv)\n")
    conf = tmp_path / "nova.conf"
    conf.write_text(CONF.format(address=apis.address))
    template = "{% import 'awaiting.j2' as awaiting %}{{ awaiting.program(conf) }}"
    program = tmp_path / "start"
    text = environment((TEMPLATES,)).from_string(template).render(conf=str(conf))
    program.write_text(unmarked(text))
    done = subprocess.run(
        [sys.executable, str(program), "nova-thing", "--config-file", str(conf)],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"['nova-thing', '--config-file', '{conf}']\n"
    assert apis.tokens == apis.early + 1
