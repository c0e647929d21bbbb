# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""Files that are no good cloud.yaml, made from the model: a new key is covered by itself.

`python -m scs.spec.malformed` prints how many there are of each kind; `… FOLDER` writes them all
there. What is made is always the same. Each file has one thing wrong, on a line that is known.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from scs.spec import rules
from scs.spec.document import MAX_BYTES, MAX_DEPTH, MAX_VALUES
from scs.spec.document import read as read_tree
from scs.spec.loading import is_list, models_of, places_of
from scs.spec.model import CloudSpec
from scs.spec.security_rules import default_rules
from scs.spec.tofu_rules import made_machines
from scs.spec.wording import Loc, dotted


@dataclass(frozen=True)
class Case:
    """One file, and where the mistake is in it."""

    kind: str
    name: str
    raw: bytes
    line: int | None = None
    """The line that must be named; None where several would do."""


@dataclass(frozen=True)
class Place:
    """A key that the file may have."""

    loc: Loc
    """Entries of lists are at position 0."""
    info: FieldInfo
    model: type[BaseModel]
    """The mapping that the key is in."""
    inner: tuple[type[BaseModel], ...]
    """The mappings that may be its value."""

    @property
    def is_list(self) -> bool:
        return is_list(self.info.annotation)


def places(model: type[BaseModel] = CloudSpec, above: Loc = ()) -> Iterator[Place]:
    """Every key of the file."""
    for name, info in model.model_fields.items():
        loc = (*above, info.alias or name)
        found = Place(loc, info, model, tuple(models_of(info.annotation)))
        yield found
        for inner in found.inner:
            yield from places(inner, (*loc, 0) if found.is_list else loc)


def _text(loc: Loc, written: str) -> tuple[str, int]:
    """A file with this at that place and nothing else that is wrong, and the line of it."""
    lines = ["# made from the model of cloud.yaml"]
    depth = 0
    start = ""
    for part in loc[:-1]:
        if part == 0:
            start = "- "
            continue
        lines.append("  " * depth + start + f"{part}:")
        depth += 1 + (len(start) // 2)
        start = ""
    pad = "  " * depth
    for key, value in _siblings(loc):
        lines.append(pad + start + f"{key}: {value}")
        start, pad = "", pad + "  " * (len(start) // 2)
    lines.append(pad + start + f"{loc[-1]}: {written}")
    return "\n".join(lines) + "\n", len(lines)


def _siblings(loc: Loc) -> Iterator[tuple[str, str]]:
    """What must stand beside the key for its mapping to be whole."""
    for place in places():
        if place.loc[:-1] == loc[:-1] and place.loc != loc and place.info.is_required():
            yield str(place.loc[-1]), _right(place.info)


def _right(info: FieldInfo) -> str:
    """Something right for a key without default: an example, or what fits its pattern."""
    adapter = _adapter(info)
    for example in (*(info.examples or ()), "0" * 128):
        if _fits(adapter, example):
            return f'"{example}"'
        if _fits(adapter, yaml.safe_load(str(example))):
            return str(example)
    raise LookupError("give the key an example that is right")


def _adapter(info: FieldInfo) -> TypeAdapter[Any]:
    annotation: Any = info.annotation
    if info.metadata:
        annotation = Annotated[(annotation, *info.metadata)]
    return TypeAdapter(annotation)


def _fits(adapter: TypeAdapter[Any], value: object) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True


TYPES: Mapping[str, str] = {
    "a truth value": "true",
    "a whole number": "12345",
    "a negative number": "-1",
    "a fraction": "3.5",
    "an empty list": "[]",
    "a list of numbers": "[1, 2]",
    "a list in a list": "[[a]]",
    "a mapping": "{surely: wrong}",
    "an empty mapping": "{}",
    "an empty text": '""',
}
RANGES: Mapping[str, str] = {
    "an address that is none": "10.21.0.256",
    "half an address": "10.21.0",
    "an address with a prefix": "10.21.0.11/24",
    "an IPv6 address with a zone": '"fe80::1%eth0"',
    "a prefix that is too long": "10.21.0.0/33",
    "a prefix that is too short": "10.0.0.0/4",
    "a network with host bits": "10.21.0.5/24",
    "an IPv6 network that is too large": '"fd00::/8"',
    "a multicast network": "224.0.0.0/24",
    "a loopback network": "127.0.0.0/24",
    "a range the wrong way round": "10.21.2.20-10.21.2.10",
    "a range without end": "10.21.2.20-",
    "a URL of another kind": "ftp://example.org/x",
    "a URL with a password": "https://user:password@example.org/",
    "a URL without a host": "https:///x",
    "a port that is none": "https://example.org:99999999/",
    "a sum that is too short": "abcdef",
    "a date": "2026-11-25",
}
NAMES: Mapping[str, str] = {
    "a name with a space": "not a name",
    "a name with a slash": "../../etc/passwd",
    "a name with a shell's word": "$(reboot)",
    "a name with a template": '"{{ 7 * 7 }}"',
    "a name that is too long": "x" * 300,
    "a name of 20 KiB": "y" * 20_000,
    "a name in other letters": "wölkchen-ж-雲",
    "a name with an emoji": '"☁️"',
    "a name with a line break": '"a\\nb"',
    "a name with a null byte": '"a\\0b"',
    "a name that turns the text around": '"\\u202Ename"',
    "a name that starts with a dash": "-x",
    "a reserved word": "localhost",
    "another reserved word": "admin",
}
TRAPS: Mapping[str, str] = {
    "an anchor": "&here x",
    "a reference to nothing": "*there",
    "a tag": "!!str x",
    "a tag that makes objects": "!!python/object/apply:os.system [reboot]",
    "an octal number": "0123",
    "a number with underscores": "1_000",
    "a number to the base of sixty": "10:30",
    "a binary number": "0b101",
    "not a number": ".nan",
    "infinity": "-.inf",
    "a number that is too large": "9" * 400,
    "a quote that is not closed": '"x',
    "a bracket that is not closed": "[x",
    "a brace that is not closed": "{x: y",
    "a colon in plain text": "x: y: z",
    "a percent sign first": "%x",
    "a backtick first": "`x`",
    "an unknown escape": '"\\q"',
    "a tab as indentation": "\n\t\tx",
    "a block that is indented wrongly": "\n   x\n  y",
    "a merge key": "{<<: {a: b}}",
    "a key twice in one line": "{a: 1, a: 2}",
    "a list as key": "{[a]: b}",
}


def values() -> Iterator[Case]:
    """Every key, with each thing that it can't be."""
    for place in places():
        adapter = _adapter(place.info)
        for kind, table in (("type", TYPES), ("range", RANGES), ("name", NAMES)):
            for what, written in table.items():
                meant = read_tree(f"x: {written}\n".encode(), "x").tree.data()["x"]
                if _fits(adapter, meant):
                    continue
                text, line = _text(place.loc, written)
                yield Case(kind, f"{dotted(place.loc)}: {what}", text.encode(), line)


def traps() -> Iterator[Case]:
    """Every key, with what YAML reads otherwise than people do."""
    for place in places():
        for what, written in TRAPS.items():
            text, line = _text(place.loc, written)
            # Below a key, where the mistake is seen depends on what stands around.
            below = written.startswith("\n")
            yield Case(
                "YAML", f"{dotted(place.loc)}: {what}", text.encode(), None if below else line
            )


def keys() -> Iterator[Case]:
    """Keys that are unknown, misspelled, in the wrong place, there twice or missing."""
    known = set(places_of(CloudSpec))
    by_loc = {place.loc: place for place in places()}
    for loc, place in by_loc.items():
        key = str(loc[-1])
        for what, other in (
            ("misspelled", key[:-1] + "qq"),
            ("in capitals", key.upper()),
            ("with a space", f"{key} x"),
            ("in other letters", f"{key}ж"),
        ):
            text, line = _text((*loc[:-1], other), "x")
            yield Case("key", f"{dotted(loc)}: {what}", text.encode(), line)
        if len(loc) > 1 and (key,) not in known:
            text, line = _text((key,), "x")
            yield Case("key", f"{dotted(loc)}: on the left edge", text.encode(), line)
        text, line = _text(loc, "x")
        again = text.splitlines()[line - 1].replace("- ", "  ")
        yield Case("key", f"{dotted(loc)}: twice", f"{text}{again}\n".encode(), line + 1)
        if place.info.is_required():
            text, line = _text((*loc[:-1], "unknown-key"), "x")
            kept = [part for part in text.splitlines() if not part.strip(" -").startswith(key)]
            raw = "\n".join(kept).replace("unknown-key", "  unknown-key") if line else ""
            yield Case("key", f"{dotted(loc)}: missing", raw.encode())
    for what, written in (
        ("a number", "1"),
        ("a truth value", "true"),
        ("nothing", ""),
        ("a list", "[a]"),
        ("a text of 20 KiB", "z" * 20_000),
        ("a null byte", '"\\0"'),
    ):
        yield Case("key", f"{what} as key", f"name: scs\n? {written}\n: x\n".encode(), 2)


_RULE = "content:\n  default_security_group_rules:\n"
_IN = "  - {direction: ingress, used_in_default_sg: true, ethertype: "
_NODES = "nodes:\n- {name: a, roles: [control, network, compute]"
_AT = f"{_NODES}, address: 10.21.0.11"
_SSH, _KEY, _KNOWN = "provider: ssh\nssh: {", "key: id", "known_hosts: known"
_MADE = "provider: tofu\ndns: [9.9.9.9]\ntofu:\n  key: id\n  image: Debian 13\n"
_SIZE, _OUT = "  size: SCS-8V-32\n", "  openstack: {external_network: public}\n"
_STORE = "external: {volume_backups: {endpoint: 'https://s3.example.org'"
_WHERE = "secret_key_file: s3"
_PLUGS = "interfaces: {management: eno1, tunnel: eno2, external: eno3}"
_REFERENCES: Mapping[Callable[..., Any], Mapping[str, str]] = {
    rules.roles: {
        "no node controls": "nodes:\n- {name: a, roles: [network, compute]}\n",
        "no node connects": "nodes:\n- {name: a, roles: [control, compute]}\n",
        "no node computes": "nodes:\n- {name: a, roles: [control, network]}\n",
        "no node at all": "nodes: []\n",
        "no node stores": f"storage: ceph\n{_NODES}}}\n",
        "two nodes control": f"{_NODES}}}\n- {{name: b, roles: [control]}}\n",
        "four nodes control": "nodes:\n"
        + "".join(f"- {{name: {name}, roles: [control, network, compute]}}\n" for name in "abcd"),
        "a node without a role": f"{_NODES}}}\n- {{name: b, roles: []}}\n",
        "a role twice": f"{_NODES}}}\n- {{name: b, roles: [compute, compute]}}\n",
    },
    rules.several: {
        "images on one of three nodes": "storage: files\nnodes:\n"
        + "".join(f"- {{name: {name}, roles: [control, network, compute]}}\n" for name in "abc"),
    },
    rules.names: {
        "two nodes of one name": f"{_NODES}}}\n- {{name: a, roles: [compute]}}\n",
    },
    rules.management: {
        "a node outside of its network": f"{_NODES}, address: 10.99.0.1}}\n",
        "a node at the gateway": f"{_NODES}, address: 10.21.0.1}}\n",
        "a node at the broadcast address": f"{_NODES}, address: 10.21.0.255}}\n",
        "a node at the network's address": f"{_NODES}, address: 10.21.0.0}}\n",
        "a node at an endpoint": f"{_NODES}, address: 10.21.0.3}}\n",
        "two nodes at one address": f"{_NODES}, address: 10.21.0.20}}\n"
        "- {name: b, roles: [compute], address: 10.21.0.20}\n",
        "two endpoints at one address": "endpoints: {internal: 10.21.0.9, external: 10.21.0.9}\n",
        "an endpoint outside": "endpoints: {external: 192.0.2.1}\n",
        "a network without room": "networks: {management: {ipv4: 10.21.0.0/29}}\n",
    },
    rules.tunnel: {
        "a tunnel network without room": "networks: {tunnel: {ipv4: 10.21.1.0/29}}\n",
    },
    rules.overlaps: {
        "two networks overlap": "networks: {tunnel: {ipv4: 10.21.0.0/24}}\n",
        "one network in another": "networks: {external: {ipv4: 10.0.0.0/8}}\n",
        "the project's network overlaps": "tenant: {network: 10.21.0.0/24}\n",
        "two IPv6 networks are one": 'tenant: {ipv6: "fd5c:5c5c:2::/64"}\n',
    },
    rules.floating: {
        "floating addresses outside": "networks: {external: {floating: 10.3.0.1-10.3.0.9}}\n",
        "floating addresses with the gateway": "networks: {external: {floating: "
        "10.21.2.1-10.21.2.9}}\n",
        "floating addresses to the end": "networks: {external: {floating: "
        "10.21.2.9-10.21.2.255}}\n",
    },
    rules.storage: {
        "disks of a node that does not store": f"storage: ceph\n{_NODES}, disks: [/dev/vdb]}}\n"
        "- {name: b, roles: [storage]}\n",
        "disks without Ceph": "storage: files\nnodes:\n- {name: a, disks: [/dev/vdb]}\n",
        "a disk twice": "storage: ceph\nnodes:\n- {name: a, disks: [/dev/vdb, /dev/vdb]}\n",
        "more copies than disks": "storage: ceph\nceph: {disks: 2, replicas: 3}\n",
        "more copies than nodes": "storage: ceph\nceph: {replicas: 3}\nnodes:\n- {name: a}\n"
        "- {name: b, roles: [storage]}\n",
    },
    rules.image_stores: {
        "a store of images without Ceph": "storage: files\nimages: {stores: [images-cold]}\n",
        "a store of images twice": "storage: ceph\nimages: {stores: [images-cold, images-cold]}\n",
    },
    rules.external_ceph: {
        "an own Ceph without a configuration": "storage: external-ceph\n",
        "an own Ceph that is not used": "storage: files\nexternal: {ceph: {config: ceph.conf}}\n",
    },
    rules.volume_backups: {
        "an account of no store": "external: {volume_backups: {access_key: a}}\n",
        "a store without volumes": f"storage: files\n{_STORE}, access_key: a, {_WHERE}}}}}\n",
        "a store without an account": f"storage: ceph\n{_STORE}, {_WHERE}}}}}\n",
        "a store without a key": f"storage: ceph\n{_STORE}, access_key: a}}}}\n",
        "a store with two keys": f"storage: ceph\n{_STORE}, access_key: a, {_WHERE}, "
        "secret_key_env: S3}}\n",
    },
    rules.machines: {
        "ssh for nodes made here": "ssh: {port: 2222}\n",
        "interfaces of nodes made here": "nodes:\n- {name: a, interfaces: {tunnel: eno2}}\n",
        "machines without a key": f"{_SSH}{_KNOWN}, {_PLUGS}}}\n{_AT}}}\n",
        "machines without host keys": f"{_SSH}{_KEY}, {_PLUGS}}}\n{_AT}}}\n",
        "a machine without an address": f"{_SSH}{_KEY}, {_KNOWN}, {_PLUGS}}}\n{_NODES}}}\n",
        "a machine whose interfaces nobody knows": f"{_SSH}{_KEY}, {_KNOWN}}}\n{_AT}}}\n",
        "one interface in two networks": f"{_SSH}{_KEY}, {_KNOWN}, {_PLUGS}}}\n{_AT}, "
        "interfaces: {external: eno1}}\n",
    },
    made_machines: {
        "machines to be made of a cloud that makes none": "tofu: {image: Debian 13}\n",
        "a size of a node made here": f"{_NODES}, size: SCS-8V-32}}\n",
        "machines from nothing": f"{_MADE}{_SIZE}{_OUT}".replace("  image: Debian 13\n", ""),
        "machines that nobody can open": f"{_MADE}{_SIZE}{_OUT}".replace("  key: id\n", ""),
        "machines without name servers": f"{_MADE}{_SIZE}{_OUT}".replace("dns: [9.9.9.9]\n", ""),
        "machines of no size": f"{_MADE}{_OUT}",
        "a machine of no size": f"{_MADE}{_OUT}{_NODES}, size: SCS-8V-32}}\n- {{name: b}}\n",
        "another platform's section": f"{_MADE}{_SIZE}{_OUT}  aws: {{region: a}}\n",
        "machines without a way out": f"{_MADE}{_SIZE}",
        "machines with two ways out": f"{_MADE}{_SIZE}{_OUT}".replace("}", ", router: r}"),
        "a bridge that nobody names": f"{_MADE}  size: 8x32\n  platform: libvirt\n",
        "a size that libvirt does not know": f"{_MADE}{_SIZE}  platform: libvirt\n  networks: "
        "{management: a, tunnel: b, external: c}\n",
        "addresses that would have to move on AWS": f"{_MADE}{_SIZE}  platform: aws\n"
        "  aws: {region: a}\n  networks: {management: a, tunnel: b, external: c}\n"
        "storage: ceph\nnodes: [{name: a}, {name: b}, {name: c}]\n",
        "no region": f"{_MADE}{_SIZE}  platform: aws\n  networks: "
        "{management: a, tunnel: b, external: c}\n",
    },
    rules.fencing: {
        "a program for local nodes": "provider: local\ninstance_ha: {fence: fence-node}\n",
    },
    rules.zones: {
        "a node without a zone": f"{_NODES}, zone: east}}\n- {{name: b, roles: [compute]}}\n",
    },
    rules.projects: {
        "two projects of one name": "content: {projects: [{name: a}, {name: a}]}\n",
        "a project of the first one's name": "content: {projects: [{name: demo}]}\n",
    },
    rules.images: {
        "a vendor's image of the name of the cloud's own": "images:\n  vendors:\n"
        f"  - {{name: Debian 13, url: 'https://a.example', sha512: {'0' * 128}, distro: debian,"
        " version: '13', user: debian}\n",
    },
    rules.limits: {
        "a limit of volumes without volumes": "tenant: {quota: {volumes: 1}}\n",
    },
    rules.aggregates: {
        "two aggregates of one name": f"{_NODES}}}\ncontent:\n  aggregates:\n"
        "  - {name: x, nodes: [a]}\n  - {name: x, nodes: [a]}\n",
        "an aggregate of a zone's name": f"{_NODES}, zone: east}}\ncontent:\n  aggregates:\n"
        "  - {name: east, nodes: [a]}\n",
        "an aggregate of a node that is none": f"{_NODES}}}\ncontent:\n  aggregates:\n"
        "  - {name: x, nodes: [b]}\n",
    },
    rules.flavors: {
        "two flavors of one name": "content:\n  flavors:\n"
        "  - {name: x, vcpus: 1, ram: 512}\n  - {name: x, vcpus: 1, ram: 512}\n",
        "a flavor without memory": "content:\n  flavors:\n  - {name: x, vcpus: 1}\n",
        "a flavor that says twice how large it is": "content:\n  flavors:\n"
        "  - {name: SCS-1V-4, vcpus: 2}\n",
    },
    rules.subnet_pools: {
        "two subnet pools of one name": "content:\n  subnet_pools:\n"
        "  - {name: x, prefixes: [10.64.0.0/16]}\n  - {name: x, prefixes: [10.65.0.0/16]}\n",
        "a subnet pool of both versions": "content:\n  subnet_pools:\n"
        "  - {name: x, prefixes: [10.64.0.0/16, 'fd00:1::/48']}\n",
        "a subnet that does not fit into its pool": "content:\n  subnet_pools:\n"
        "  - {name: x, prefixes: [10.64.0.0/28]}\n",
        "a subnet pool over the cloud's own network": "content:\n  subnet_pools:\n"
        "  - {name: x, prefixes: [10.0.0.0/8]}\n",
        "two default subnet pools": "content:\n  subnet_pools:\n"
        "  - {name: x, prefixes: [10.64.0.0/16], default: true}\n"
        "  - {name: y, prefixes: [10.65.0.0/16], default: true}\n",
    },
    default_rules: {
        "a rule of no group": f"{_RULE}  - {{direction: egress, ethertype: IPv4}}\n",
        "a port without a protocol": f"{_RULE}{_IN}IPv4, port_range_min: 22}}\n",
        "a port of a protocol without": f"{_RULE}{_IN}IPv4, protocol: ah, port_range_min: 22}}\n",
        "a last port without a first": f"{_RULE}{_IN}IPv4, protocol: tcp, port_range_max: 22}}\n",
        "the port 0": f"{_RULE}{_IN}IPv4, protocol: udp, port_range_min: 0}}\n",
        "ports upside down": f"{_RULE}{_IN}IPv4, protocol: tcp, port_range_min: 9,"
        " port_range_max: 8}\n",
        "a type of ICMP that is none": f"{_RULE}{_IN}IPv4, protocol: icmp, port_range_min: 256}}\n",
        "a protocol of IPv6 only": f"{_RULE}{_IN}IPv4, protocol: ipv6-icmp}}\n",
        "addresses of the other kind": f"{_RULE}{_IN}IPv6, remote_ip_prefix: 10.0.0.0/8}}\n",
        "addresses and a group": f"{_RULE}{_IN}IPv4, remote_ip_prefix: 10.0.0.0/8,"
        " remote_group_id: PARENT}\n",
        "a rule twice": f"{_RULE}{_IN}IPv4}}\n{_IN}IPv4, remote_ip_prefix: 0.0.0.0/0}}\n",
    },
}


def references() -> Iterator[Case]:
    """Values that are right each for itself: some for every rule, or the rule has no test."""
    for rule in rules.RULES:
        for what, text in _REFERENCES[rule].items():
            yield Case("reference", f"{rule.__name__}: {what}", text.encode())


def config() -> Iterator[Case]:
    """Options of services, which have names that no model knows."""
    for what, written in {**NAMES, "an option by itself": "x"}.items():
        if what in ("a reserved word", "another reserved word"):
            continue
        for level, text in (
            ("service", f"config:\n  {_key(written)}: {{a: {{b: 1}}}}\n"),
            ("section", f"config:\n  nova: {{{_key(written)}: {{b: 1}}}}\n"),
            ("option", f"config:\n  nova: {{a: {{{_key(written)}: 1}}}}\n"),
        ):
            if what == "an option by itself":
                text = f"config:\n  nova: {{a: {written}}}\n"
            elif level == "section" and what in ("a name with a space", "a name with a slash"):
                text = text.replace("not a name", "a#b").replace("../../etc/passwd", "[x]")
            elif level == "option" and what == "a name with a slash":
                continue
            yield Case("config", f"{level}: {what}", text.encode(), 2)
    for what, written in {
        "nothing": "",
        "a mapping": "{c: 1}",
        "a list in a list": "[[1]]",
        "a mapping in a list": "[{c: 1}]",
        "nothing in a list": "[null]",
        "a line break": '"x\\ny"',
        "a null byte": '"x\\0y"',
        "not a number": ".nan",
        "an octal number": "0644",
    }.items():
        yield Case(
            "config", f"value: {what}", f"config:\n  nova: {{a: {{b: {written}}}}}\n".encode(), 2
        )


def _key(written: str) -> str:
    quoted = written.startswith('"')
    return written if quoted else f'"{written}"'


def files() -> Iterator[Case]:
    """Files that are wrong as a whole: size, depth, encoding, structure."""
    good = b"name: scs\nregion: RegionOne\n"
    text = good.decode()
    bomb = "".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    yield from (
        Case("size", "more than may be", b"#" * (MAX_BYTES + 1)),
        Case("size", "too many keys", "".join(f"k{i}: 1\n" for i in range(MAX_VALUES)).encode()),
        Case("size", "a list that is too long", b"dns: [" + b"1," * MAX_VALUES + b"1]\n", 1),
        Case("size", "a key of 900 KiB", b"k" * 900_000 + b": 1\n"),
        Case("size", "a value of 900 KiB", b"name: " + b"v" * 900_000 + b"\n", 1),
        Case("size", "100,000 empty lines, then a mistake", b"\n" * 100_000 + b"nam: x\n", 100_001),
        Case("depth", "lists", b"dns: " + b"[" * 5000 + b"]" * 5000),
        Case("depth", "mappings", b"config: " + b"{a: " * 5000 + b"1" + b"}" * 5000),
        Case("depth", "lists that are never closed", b"[" * 100_000),
        Case("depth", "one more than may be", b"dns: " + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH),
        Case("depth", "blocks", "".join("  " * i + f"k{i}:\n" for i in range(300)).encode()),
        Case("depth", "dashes", b"dns:\n" + b"- " * 5000 + b"x\n"),
        Case("anchor bomb", "lists in lists", f"a: &a [x, x]\n{bomb}".encode(), 1),
        Case("anchor bomb", "merge keys", b"a: &a {x: 1}\nb: {<<: [*a, *a]}\n", 1),
        Case("anchor bomb", "a list in itself", b"dns: &a [*a]\n", 1),
    )
    for codec in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"):
        yield Case("encoding", codec, text.encode(codec))
    for codec in ("latin-1", "cp1252", "iso8859-15", "mac-roman"):
        yield Case("encoding", codec, b"# a comment\n" + "region: Köln\n".encode(codec), 2)
    yield from (
        Case("encoding", "shift-jis", "region: 東京\n".encode("shift-jis"), 1),
        Case("encoding", "cp037 (EBCDIC)", text.encode("cp037")),
        Case("encoding", "utf-7", "name: K\u00f6ln\n".encode("utf-7"), 1),
        Case("encoding", "a surrogate", b"name: \xed\xa0\x80\n", 1),
        Case("encoding", "overlong", b"name: \xc0\xaf\n", 1),
        Case("encoding", "cut off in a letter", "name: ö".encode()[:-1], 1),
        Case("encoding", "a byte order mark in the middle", "name: a\ufeffb\n".encode(), 1),
        Case("encoding", "a program", b"\x7fELF\x02\x01\x01" + bytes(64)),
        Case("encoding", "gzip", b"\x1f\x8b\x08\x00" + bytes(range(256))),
        Case("encoding", "a picture", b"\x89PNG\r\n\x1a\n" + bytes(range(256))),
        Case("encoding", "nothing but null bytes", bytes(4096)),
    )
    for point in (*range(9), 11, 12, *range(14, 32), 0x7F, 0x85, 0x9F, 0x2028, 0x2029, 0xFFFE):
        raw = f"name: scs\nregion: a{chr(point)}b\n".encode()
        yield Case("encoding", f"the character U+{point:04X}", raw, 2)
    for what, raw, line in (
        ("a text", b"scs\n", 1),
        ("a number", b"42\n", 1),
        ("a truth value", b"true\n", 1),
        ("a list", b"- name: scs\n", 1),
        ("an empty list", b"[]\n", 1),
        ("two documents", b"name: a\n---\nname: b\n", 2),
        ("an end and more", b"name: a\n...\nname: b\n", 3),
        ("another version of YAML", b"%YAML 3.0\n---\nname: a\n", 1),
        ("a tag for all", b"!!map {name: a}\n", 1),
        ("an anchor for all", b"&a {name: a}\n", 1),
        ("JSON with a comma too many", b'{"name": "a",,}\n', 1),
        ("JSON that is cut off", b'{"name": "a"', 1),
        ("INI", b"[DEFAULT]\nname = scs\n", 2),
        ("HTML", b"<!doctype html>\n<html><body>404</body></html>\n", 1),
        ("TOML", b'name = "scs"\n', 1),
        ("XML", b"<cloud><name>scs</name></cloud>\n", 1),
        ("a shell script", b"#!/bin/sh\nset -e\necho hello\n", 2),
        ("a diff with conflicts", b"<<<<<<< HEAD\nname: a\n=======\nname: b\n>>>>>>> x\n", None),
        ("tabs", b"networks:\n\ttunnel:\n\t\tipv4: 10.1.0.0/24\n", 2),
        ("a tab after spaces", b"networks:\n  tunnel:\n  \tipv4: 10.1.0.0/24\n", 3),
        ("no space after the colon", b"name:scs\nregion: a\n", None),
        ("too far to the left", b"networks:\n    tunnel:\n  external: {}\n", None),
        ("too far to the right", b"name: scs\n  region: a\n", None),
        ("a key in a list", b"nodes:\n- name: a\n  - roles: []\n", None),
        ("an open quote for lines", b'name: "scs\nregion: a\nstorage: files\n', None),
        ("a block text where a word belongs", b"name: |\n  scs\n  scs\n", 1),
        ("a folded text where a word belongs", b"name: >\n  scs\n  scs\n", 1),
        ("a set", b"? name\n? region\n", None),
        ("a Jinja template", b"{% if true %}\nname: a\n{% endif %}\n", 1),
        ("a Helm value", b"name: {{ .Values.name }}\n", 1),
    ):
        yield Case("structure", what, raw, line)


MAKERS: tuple[Callable[[], Iterator[Case]], ...] = (
    values,
    traps,
    keys,
    references,
    config,
    files,
)


def cases() -> Iterator[Case]:
    """All of them, always the same and in the same order."""
    for make in MAKERS:
        yield from make()


def main(words: list[str]) -> int:
    """Count them by kind, or write them into a folder."""
    found = list(cases())
    for kind, count in Counter(case.kind for case in found).items():
        sys.stdout.write(f"{count:>5}  {kind}\n")
    sys.stdout.write(f"{len(found):>5}  together\n")
    for folder in map(Path, words[:1]):
        folder.mkdir(parents=True, exist_ok=True)
        for number, case in enumerate(found, 1):
            (folder / f"{number:04}.yaml").write_bytes(case.raw)
        names = "".join(
            f"{number:04} {case.kind}: {case.name}\n" for number, case in enumerate(found, 1)
        )
        (folder / "names.txt").write_text(names)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
