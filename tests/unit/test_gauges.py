# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What `status` tells in numbers: metrics are read, added up and put into words."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from scs.components.ceph_mgr import told, urges
from scs.model.component import Gauge
from scs.verify.gauges import added_up, readings

METRICS = """\
# HELP ceph_health_status Cluster health status
# TYPE ceph_health_status untyped
ceph_health_status 0.0
ceph_cluster_total_bytes 32212254720.0
ceph_cluster_total_used_raw_bytes 2254857830.0
ceph_osd_up{ceph_daemon="osd.0"} 1.0
ceph_osd_up{ceph_daemon="osd.1"} 1.0
ceph_osd_in{ceph_daemon="osd.0"} 1.0
ceph_osd_in{ceph_daemon="osd.1"} 1.0
ceph_pg_total{pool_id="1",name="a } b"} 4.0 1764100000000
ceph_pg_total{pool_id="2"} 12.0
ceph_pg_clean{pool_id="1"} 4.0
ceph_pg_clean{pool_id="2"} 12.0
ceph_num_objects_degraded 0.0
ceph_num_objects_misplaced 0.0
ceph_num_objects_unfound 0.0
what is no sample
"""


def test_values_are_added_up_over_labels() -> None:
    found = added_up(METRICS)
    assert (found["ceph_pg_total"], found["ceph_osd_up"]) == (16.0, 2.0)
    assert "#" not in "".join(found)
    assert "what" not in found


def test_a_ceph_that_is_well() -> None:
    assert told(added_up(METRICS)) == "Ceph is well, 2.1 of 30 GiB used, 2 of 2 disks up"


def test_a_ceph_that_recovers() -> None:
    metrics = added_up(METRICS) | {
        "ceph_health_status": 1.0,
        "ceph_osd_up": 1.0,
        "ceph_pg_clean": 9.0,
        "ceph_num_objects_degraded": 77.0,
    }
    assert told(metrics) == (
        "Ceph warns, 2.1 of 30 GiB used, 1 of 2 disks up, 7 of 16 groups recover,"
        " 77 objects degraded"
    )


FULLNESS = """\
ceph_health_detail{{name="OSDMAP_FLAGS",severity="HEALTH_WARN"}} 1.0
ceph_health_detail{{name="OSD_NEARFULL",severity="HEALTH_WARN"}} {near}
ceph_health_detail{{name="OSD_FULL",severity="HEALTH_ERR"}} {full}
"""


@pytest.mark.parametrize(
    ("near", "full", "words"),
    [
        ("0.0", "0.0", ""),
        ("1.0", "0.0", "Ceph is nearly full: reading and writing work"),
        ("1.0", "1.0", "Ceph is full: nobody can write"),
    ],
)
def test_what_space_means_for_users(near: str, full: str, words: str) -> None:
    said = urges(added_up(METRICS + FULLNESS.format(near=near, full=full)))
    assert said.startswith(words)
    assert bool(said) is bool(words)
    assert not words or said.endswith(". Add disks, or delete what is not needed")


@contextmanager
def exporter(text: str) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/metrics"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def view_of(port: int, *addresses: str) -> Any:
    part = SimpleNamespace(gauges=(Gauge("storage", port, told, urges),))
    nodes = [SimpleNamespace(address=address) for address in addresses]
    return SimpleNamespace(components=(part,), nodes_of=lambda _part: nodes)


def test_the_first_node_that_has_something_to_tell_is_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1/")
    with exporter(METRICS) as port:
        # Nobody listens at the second address of the loopback network.
        assert readings(view_of(port, "127.0.0.2", "127.0.0.1")) == {
            "storage": ("Ceph is well, 2.1 of 30 GiB used, 2 of 2 disks up", "")
        }


def test_who_tells_nothing_is_not_told_of() -> None:
    # A manager that stands by answers with an empty page.
    with exporter("") as port:
        assert readings(view_of(port, "127.0.0.1")) == {}
    assert readings(view_of(port, "127.0.0.1")) == {}
