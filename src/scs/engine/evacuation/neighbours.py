# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Asking nodes whether they still hear another one: by another way than ours."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from scs.model.needs import Hypervisor
from scs.model.topology import Node, Role
from scs.model.view import View
from scs.providers import Connection
from scs.providers.reach import Said, Talk

SECONDS = 10
"""How long the round trip may take."""
ASKED = 3
"""How many nodes are asked."""

PROGRAM = """\
import json, socket, ssl, sys, threading
asked, heard = json.loads(sys.argv[1]), {}
def greets(address, port):
    with socket.create_connection((address, port), 2) as link:
        return link.recv(4) == b"SSH-"
def shakes_hands(address, port):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((address, port), 2) as link:
        try:
            context.wrap_socket(link).close()
        except ssl.SSLError:
            pass  # it wants a certificate of ours: somebody has answered
    return True
def ask(name, what, address, port):
    try:
        if (greets if what.startswith("ssh") else shakes_hands)(address, port):
            heard[name].append(what)
    except OSError:
        pass
threads = []
for name, doors in asked.items():
    heard[name] = []
    threads += [threading.Thread(target=ask, args=(name, *door)) for door in doors]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(6)
print(json.dumps(heard))
"""
"""What a node runs. A greeting and a TLS handshake are a program's; a kernel alone, whose machine
hangs, would still accept connections and answer pings."""

Door = tuple[str, str, int]
"""What answers there, address, port."""


def doors(view: View, node: Node) -> tuple[Door, ...]:
    """Where a node that lives would answer: sshd in both networks, and its hypervisor."""
    libvirt = [
        part.ports[0].number
        for part in view.components
        if part.ports and any(gives.need is Hypervisor for gives in part.gives)
        if part.roles & node.roles
    ]
    return (
        ("ssh", str(node.address), node.ssh_port),
        ("ssh in the tunnel network", str(node.addresses["tunnel"]), node.ssh_port),
        *(("libvirt", str(node.address), port) for port in libvirt),
    )


def ask(
    view: View,
    links: Mapping[str, Connection],
    suspects: Sequence[str],
    talk: Talk,
) -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Suspect → node that was asked and has answered → what it hears of the suspect.

    Control nodes are asked first: whoever they hear is in the cloud.
    """
    others = [node for node in view.nodes if node.name not in suspects]
    chosen = sorted(others, key=lambda node: Role.CONTROL not in node.roles)[:ASKED]
    asked = {node.name: doors(view, node) for node in view.nodes if node.name in suspects}
    if not chosen or not asked:
        return {name: {} for name in suspects}
    words = f"python3 - '{json.dumps(asked)}'"
    with ThreadPoolExecutor(len(chosen)) as pool:
        said = pool.map(lambda node: talk(links[node.name], words, PROGRAM, SECONDS), chosen)
        heard = {
            node.name: told
            for node, answer in zip(chosen, said, strict=True)
            if (told := _understood(answer)) is not None
        }
    return {name: {node: told[name] for node, told in heard.items()} for name in suspects}


def _understood(said: Said) -> Mapping[str, Sequence[str]] | None:
    """What a node has heard of whom; None when it has not told, or nothing that makes sense."""
    try:
        found: Mapping[str, Sequence[str]] = json.loads(said.output.rstrip().rpartition("\n")[2])
    except ValueError:
        return None
    return None if said.code else found
