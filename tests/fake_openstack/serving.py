# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The cloud at an address of this machine, and a clouds.yaml that leads there."""

from __future__ import annotations

import json
import ssl
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

from fake_openstack.cloud import PASSWORDS, PROJECT, FakeOpenStack
from fake_openstack.things import Json


class Handler(BaseHTTPRequestHandler):
    """One request."""

    cloud: FakeOpenStack
    protocol_version = "HTTP/1.1"
    # An answer in one piece: its parts would wait for each other's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def _do(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(size)
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        kind = self.headers.get("Content-Type", "")
        body: Any = json.loads(raw) if raw and "json" in kind else None
        cloud = self.cloud
        with cloud.lock:
            cloud.seen.append(f"{self.command} {parts.path}")
            if parts.path.endswith("/auth/tokens"):
                given = cloud.token(body)
                if given:
                    self._send(201, given[1], {"X-Subject-Token": given[0]})
                else:
                    self._send(401, {"error": {"code": 401, "message": "wrong password"}})
                return
            token = self.headers.get("X-Auth-Token", "")
            caller = cloud.tokens.get(token, {}).get("name", "")
            cloud.project = cloud.projects.get(token, PROJECT)
            status, told = cloud.answer(self.command, unquote(parts.path), query, caller, body, raw)
            if parts.path == "/" and "Date" not in self.headers:
                told = "<Error><Code>AccessDenied</Code></Error>"
            if parts.path.endswith("/payload") and "json" in self.headers.get("Accept", ""):
                status, told = 406, {"description": "Wrong payload content-type."}
        self._send(status, told)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _do  # noqa: N815

    def _send(self, status: int, told: Any, headers: Mapping[str, str] | None = None) -> None:
        if isinstance(told, bytes):
            content = told
        elif isinstance(told, str):
            content = told.encode()
        else:
            content = b"" if told is None else json.dumps(told).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if isinstance(told, dict):
            self.send_header("Content-Type", "application/json")
        self.send_header("x-openstack-request-id", f"req-{uuid.uuid4()}")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients that look at TLS hang up in the middle


@contextmanager
def serving(cloud: FakeOpenStack, tls: ssl.SSLContext) -> Iterator[type[Handler]]:
    """The cloud at an address of this machine, `cloud.base`; what is given holds the cloud."""
    handler = type("Bound", (Handler,), {"cloud": cloud})
    server = Server(("127.0.0.1", 0), handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    cloud.base = f"https://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield handler
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def clouds_yaml(cloud: FakeOpenStack, folder: Path, ca: Path) -> Path:
    def entry(user: str) -> Json:
        auth = {
            "auth_url": f"{cloud.base}/identity/v3",
            "username": user,
            "password": PASSWORDS[user],
            "project_name": user,
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        }
        return {"auth": auth, "region_name": "RegionOne", "cacert": str(ca)}

    path = folder / "clouds.yaml"
    path.write_text(
        yaml.safe_dump({"clouds": {"fake": entry("demo"), "fake-admin": entry("admin")}})
    )
    return path
