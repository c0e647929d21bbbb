# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The entry: TLS ends here for every endpoint that a component declares."""

from __future__ import annotations

from scs.model.component import CONTROL, Component, Config, Folder, Packaged, Text
from scs.model.needs import Certificate

ENTRY = "/run/scs-entry"
ASIDE = "/usr/local/lib/scs/haproxy/aside"
LOOKS = 2
"""Seconds from one look of the load balancers at each other's endpoints to the next."""
HOLD = f"""\
#!/usr/bin/python3
'Written by scs. Has the load balancers of other nodes leave endpoints of this node alone.'
# aside hold ENDPOINT…, aside release ENDPOINT… What nobody releases is forgotten by itself.
import socket, sys, time

def say(line):
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(5)
        link.connect("/run/haproxy/admin.sock")
        link.sendall(line.encode() + b"\\n")
        while link.recv(4096):
            pass

verb, *names = sys.argv[1:]
for name in names:
    if verb == "hold":
        say(f"set table aside key {{name}} data.gpt0 1")
    else:
        say(f"clear table aside key {{name}}")
if verb == "hold":
    time.sleep({LOOKS} + 0.5)
"""

component = Component(
    name="haproxy",
    summary="load balancer and TLS of all endpoints",
    roles=CONTROL,
    source="debian:haproxy",
    license="GPL-2.0-or-later",
    packages=("haproxy",),
    fronts=True,
    aside=ASIDE,
    needs=(Certificate("haproxy"),),
    folders=(Folder(ASIDE.rpartition("/")[0]),),
    files=(
        Config("haproxy.cfg.j2", "/etc/haproxy/haproxy.cfg", mode=0o644),
        Text(ASIDE, lambda view: HOLD if len(view.controls) > 1 else None, mode=0o755),
    ),
    units=(
        Packaged(
            "haproxy",
            # Whoever holds the virtual addresses learns at once where there is no entry any more.
            settings={
                "RestartSec": "100ms",
                "ExecStartPost": f"/bin/sh -c 'echo 0 > {ENTRY}'",
                "ExecStopPost": f"/bin/sh -c 'echo 1 > {ENTRY}'",
            },
            reload=True,
            ready=lambda _: {"type": "unix", "path": "/run/haproxy/admin.sock"},
        ),
    ),
)
