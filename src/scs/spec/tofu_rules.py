# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""What cloud.yaml must say, and must not, of machines that OpenTofu makes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, get_args

from scs.model.topology import Role
from scs.spec.finding import Finding
from scs.spec.tofu import Platform, Tofu
from scs.spec.wording import Loc, dotted

if TYPE_CHECKING:
    from scs.spec.model import CloudSpec

PROVIDER: Loc = ("provider",)
PLATFORM: Loc = ("tofu", "platform")
COUNTED = re.compile(r"[1-9][0-9]{0,2}x[1-9][0-9]{0,3}")
"""A size in processors and GiB."""

_EXAMPLES = {"key": "ssh/id_ed25519", "image": "Debian 13", "size": "SCS-8V-32"}
_NEEDED: dict[str, tuple[str, ...]] = {
    "openstack": (),
    "libvirt": (),
    "aws": ("region",),
    "vmware": ("server", "datacenter", "cluster", "datastore"),
}
"""What a platform's section has to say."""


def made_machines(spec: CloudSpec) -> Iterator[Finding]:
    """Machines that are made: from what, how large, and where; it is said only for such."""
    if spec.provider != "tofu":
        given: list[Loc] = [("tofu",)] if spec.tofu != Tofu() else []
        given += [("nodes", at, "size") for at, e in enumerate(spec.node_entries) if e.size]
        for loc in given:
            yield Finding(
                (PROVIDER, loc),
                f"{dotted(loc)}: is for `provider: tofu`, and it is `{spec.provider}`",
                "write `provider: tofu`, or take it out",
            )
        return
    yield from _said(spec)
    yield from _sizes(spec)
    yield from _of_platform(spec)


def _said(spec: CloudSpec) -> Iterator[Finding]:
    for name in ("key", "image"):
        if not getattr(spec.tofu, name):
            loc: Loc = ("tofu", name)
            yield Finding(
                (PROVIDER, ("tofu",), loc),
                f"{dotted(loc)}: `provider: tofu` needs it",
                f"for example `{name}: {_EXAMPLES[name]}`",
            )
    if not spec.dns:
        yield Finding(
            (PROVIDER, ("dns",)),
            "dns: machines that are made need name servers, and those of this machine may be out "
            "of their reach",
            "for example `dns: [9.9.9.9]`",
        )


def _sizes(spec: CloudSpec) -> Iterator[Finding]:
    counted = spec.tofu.platform in ("libvirt", "vmware")
    for index, entry in enumerate(spec.node_entries):
        at: Loc = ("nodes", index, "size") if entry.size else ("tofu", "size")
        size = entry.size or spec.tofu.size
        if not size:
            yield Finding(
                (PROVIDER, ("tofu",), at),
                f"{dotted(at)}: nothing says how large `{entry.name}` is",
                f"for example `size: {'8x32' if counted else _EXAMPLES['size']}`",
            )
        elif counted and COUNTED.fullmatch(size) is None:
            yield Finding(
                (PLATFORM, at),
                f"{dotted(at)}: expected processors and GiB of memory, got `{size}`",
                "for example `8x32`",
            )
        else:
            continue
        if at[0] == "tofu":
            return  # it is the same for all others


def _of_platform(spec: CloudSpec) -> Iterator[Finding]:
    chosen = spec.tofu.platform
    for name in get_args(Platform):
        if name != chosen and getattr(spec.tofu, name) != getattr(Tofu(), name):
            yield Finding(
                (PLATFORM, ("tofu", name)),
                f"tofu.{name}: is for `platform: {name}`, and it is `{chosen}`",
                f"write `platform: {name}`, or take it out",
            )
    for name in _NEEDED[chosen]:
        if not getattr(getattr(spec.tofu, chosen), name):
            yield Finding(
                (PLATFORM, ("tofu", chosen), ("tofu", chosen, name)),
                f"tofu.{chosen}.{name}: `platform: {chosen}` needs it",
                f"see docs/cloud-yaml.md, tofu.{chosen}",
            )
    if chosen == "openstack":
        yield from _ways_out(spec)
        return
    controls = [at for at, e in enumerate(spec.node_entries) if Role.CONTROL in e.roles]
    if chosen == "aws" and len(controls) > 1:
        yield Finding(
            (PLATFORM, ("nodes", controls[1], "roles")),
            f"nodes[{controls[1]}].roles: on AWS the addresses of the APIs can't move from one "
            "machine to another",
            "have one control node",
        )
    for name in ("management", "tunnel", "external"):
        loc: Loc = ("tofu", "networks", name)
        if not getattr(spec.tofu.networks, name):
            yield Finding(
                (PLATFORM, ("tofu",), loc),
                f"{dotted(loc)}: networks are made on OpenStack only, so `platform: {chosen}` "
                "needs it",
                f"write what networks.{name} is there",
            )


def _ways_out(spec: CloudSpec) -> Iterator[Finding]:
    at: Loc = ("tofu", "openstack")
    said = spec.tofu.openstack
    if bool(said.external_network) == bool(said.router):
        yield Finding(
            (PLATFORM, at, (*at, "external_network"), (*at, "router")),
            "tofu.openstack: expected either external_network or router",
            "say where a router that is made leads to, or which one is there",
        )
