# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Defects on the nodes that serve the API: TLS, policies, options."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from fake_openstack.tls import Authority
from real_defects.services import endpoint
from real_defects.site import MARK, Site, Unfit
from real_defects.trial import Make, Real

SAME = "nothing was changed"
HAPROXY, RELOAD = "/etc/haproxy/haproxy.cfg", "systemctl reload haproxy"
TLS = f"/etc/scs/tls/{MARK}.pem"
SETTLE = 40.0
"""Seconds in which a unit is there again and a policy has been read."""


def changed(site: Site, node: str, path: str, edit: str, then: str, stdin: bytes = b"") -> None:
    """Change a file on a node by a shell command, then run another; undoing runs that as well.

    What was there is kept beside it and moved back. Raises Unfit when the command has changed
    nothing.
    """
    file, kept = shlex.quote(path), shlex.quote(f"{path}.{MARK}")
    there = site.on(node, f"if test -e {file}; then echo yes; fi").strip()
    back = f"if test -e {kept}; then mv -f {kept} {file}; fi" if there else f"rm -f {file}"
    site.before({"do": "on", "node": node, "script": f"set -e; {back}; rm -f {kept}.new; {then}"})
    # In two steps: what is kept is whole, or not there.
    save = f"cp -a {file} {kept}.new; mv {kept}.new {kept}" if there else ":"
    look = f"if cmp -s {file} {kept}; then echo '{SAME}'; exit 0; fi"
    if SAME in site.on(node, f"set -e; {save}; {edit}; {look}; {then}", stdin):
        raise Unfit(f"{path} on {node} has nothing to change there")


def _everywhere(path: str, edit: str, then: str) -> Make:
    def make(site: Site) -> None:
        for node in site.control:
            changed(site, node, path, edit, then)

    return make


def _policy(service: str, unit: str, rule: str) -> Make:
    """One rule more in a service's policy.yaml, at whose end the last one counts."""
    path = f"/etc/{service}/policy.yaml"
    name = shlex.quote(path)
    edit = f"umask 022; printf '%s\\n' {shlex.quote(rule)} >>{name}"
    return _everywhere(path, edit, f"systemctl restart {unit}")


def _shown(make: Callable[[Authority, str], Path]) -> Make:
    """Placement's public endpoint shows another certificate."""

    def spoil(site: Site) -> None:
        parts = urlsplit(endpoint(site, "placement", "public")["url"])
        address = parts.hostname or ""
        with tempfile.TemporaryDirectory() as folder:
            both = make(Authority(Path(folder)), address).read_bytes()
        bind = f"bind {address}:{parts.port} ssl crt ".replace(".", r"\.")
        for node in site.control:
            changed(site, node, TLS, f"umask 077; cat >{TLS}", ":", both)
            edit = f"sed -i 's#^\\( *{bind}\\)[^ ]*#\\1{TLS}#' {HAPROXY}"
            changed(site, node, HAPROXY, edit, RELOAD)

    return spoil


def defects() -> Iterator[Real]:
    strange = _shown(lambda authority, address: authority.server(300, address))
    soon = _shown(lambda authority, address: authority.server(5, address))
    old = (
        "sed -i -e 's/ssl-min-ver TLSv1.2/ssl-min-ver TLSv1.0/'"
        f" -e 's/\\(ssl-default-bind-ciphers\\) .*/\\1 ALL:@SECLEVEL=0/' {HAPROXY}"
    )
    weak = f"sed -i 's/ssl-default-bind-ciphers .*/&:ECDHE-ECDSA-AES128-SHA/' {HAPROXY}"
    yield Real("certificate-of-a-stranger", "scs-0125-trust", strange, settle=SETTLE)
    yield Real("certificate-ends-soon", "scs-0125-lifetime", soon, settle=SETTLE)
    yield Real(
        "tls-too-old",
        "scs-0125-protocols",
        _everywhere(HAPROXY, old, RELOAD),
        settle=SETTLE,
    )
    yield Real(
        "tls-with-a-weak-cipher",
        "scs-0125-ciphers",
        _everywhere(HAPROXY, weak, RELOAD),
        settle=SETTLE,
    )
    yield Real(
        "manager-grants-admin",
        "scs-0302-attacks",
        _policy("keystone", "keystone", '"identity:create_grant": "role:admin or role:manager"'),
        settle=SETTLE,
    )
    yield Real(
        "manager-makes-no-users",
        "scs-0302-duties",
        _policy("keystone", "keystone", '"identity:create_user": "role:admin"'),
        settle=SETTLE,
    )
    yield Real(
        "secrets-forbidden",
        "scs-0116-permissions",
        _policy("barbican", "barbican-api", '"secrets:post": "!"'),
        "a new secret: expected 201; seen 403",
        settle=SETTLE,
    )
    yield Real(
        "backup-forbidden",
        "scs-0117-test-backup",
        _policy("cinder", "cinder-api", '"backup:create": "!"'),
        "a backup: expected accepted; seen 403",
    )
    option = f"sed -i 's/^default_volume_type *=.*/default_volume_type = {MARK}/'"
    yield Real(
        "default-volume-type-gone",
        "scs-0117-test-backup",
        _everywhere(
            "/etc/cinder/cinder.conf",
            f"{option} /etc/cinder/cinder.conf",
            "systemctl restart cinder-api",
        ),
        "the volume: expected accepted; seen ",
    )
    conf = "/etc/cinder/cinder-volume.conf"
    zone = (
        "sed -i -e '/^storage_availability_zone/d'"
        f" -e 's/^\\[DEFAULT\\]$/&\\nstorage_availability_zone = {MARK}/' {conf}"
    )
    yield Real(
        "zone-of-volumes-alone",
        "scs-0121-zones-alike",
        _everywhere(conf, zone, "systemctl restart cinder-volume"),
        f"zone {MARK} of volumes",
        settle=120,
    )
