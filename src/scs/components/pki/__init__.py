# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Certificates: the cloud's CA on every node, and one certificate per need."""

from __future__ import annotations

from collections.abc import Iterable

from scs.model.component import EVERYWHERE, Component, Folder, Gives, Text
from scs.model.needs import Certificate, Need
from scs.model.topology import Role
from scs.model.view import CA, View
from scs.resources import File, Resource

FOLDER = "/etc/scs/tls"


def certificates(view: View, _needs: tuple[Need, ...]) -> Iterable[tuple[Need, Resource]]:
    """The certificates of the components on this node, each for its own user."""
    addresses = [str(view.address), view.here.name]
    if Role.CONTROL in view.here.roles:
        addresses += [str(view.internal_address), str(view.external_address)]
        if len(view.controls) > 1:
            addresses.append("127.0.0.1")
    for part, need in view.needs_here(Certificate):
        others = [str(node.address) for node in view.controls if need.shared and node != view.here]
        names = (*addresses, *others, "localhost")
        crt, key = view.certificate(f"{view.here.name}/{need.name}", names)
        after = (f"directory:{FOLDER}", f"packages:{part.name}", f"account:{need.owner}")
        for suffix, text in ((".crt", crt), (".key", key)):
            path = f"{FOLDER}/{need.name}{suffix}"
            secret = suffix == ".key"
            yield (
                need,
                File(
                    name=path,
                    content=text,
                    owner=need.owner,
                    mode=0o400 if secret else 0o444,
                    secret=secret,
                    after=after,
                ),
            )


component = Component(
    name="pki",
    summary="certificates of the cloud's own CA",
    roles=EVERYWHERE,
    folders=(
        Folder("/etc/scs"),
        Folder(FOLDER),
        Folder("/etc/scs/uwsgi"),
        Folder("/usr/local/lib/scs"),
    ),
    files=(Text(CA, lambda view: view.ca),),
    gives=(Gives(Certificate, resources=certificates),),
)
