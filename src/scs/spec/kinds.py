# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""The kinds of value that cloud.yaml holds: how each is read, and how it is called.

A kind is an annotation of a field. Pydantic reads the field with it, an error message takes
its `expected`, and the reference and the JSON schema take the rest, so that none of them can
say something else than the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic_core import PydanticCustomError, core_schema

from scs.spec.wording import LONGEST_WORD, listed, nearest


class KindError(ValueError):
    """A value is not of the kind; the message is a hint, or empty."""


@dataclass(frozen=True, eq=False)  # types that are annotated with it must be hashable
class Kind:
    """How one kind of value is read from what YAML gives."""

    expected: str
    """What a person should write, to follow the word "expected"."""
    parse: Callable[[object], object]
    """Turns what YAML gave, or a value that is ready, into the value. Raises KindError."""
    schema: Mapping[str, Any] = field(default_factory=dict)
    """The kind in JSON schema."""
    as_text: bool = True
    """Whether the value is written as text when a spec is turned into JSON."""

    def _validate(self, value: object) -> object:
        try:
            return self.parse(value)
        except KindError as error:
            context = {"expected": self.expected, "hint": str(error), "kind": self}
            raise PydanticCustomError("kind", "expected {expected}", context) from error

    def __get_pydantic_core_schema__(self, _source: Any, _handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._validate,
            serialization=core_schema.to_string_ser_schema(when_used="json")
            if self.as_text
            else None,
        )

    def __get_pydantic_json_schema__(self, _core: Any, _handler: Any) -> dict[str, Any]:
        return {"description": self.expected, **self.schema}


def words(
    pattern: str, expected: str, *, reserved: Collection[str] = (), suggest: bool = True
) -> Kind:
    """Text that matches `pattern` as a whole and is none of the `reserved` words."""
    compiled = re.compile(pattern)

    def parse(value: object) -> str:
        if not isinstance(value, str):
            raise KindError
        if value in reserved:
            raise KindError(f"`{value}` is taken by the cloud itself")
        if compiled.fullmatch(value) is None:
            candidate = re.sub(r"[^a-z0-9]+", "-", value[:LONGEST_WORD].lower()).strip("-")
            if suggest and candidate not in reserved and compiled.fullmatch(candidate):
                raise KindError(f"for example `{candidate}`")
            raise KindError
        return value

    return Kind(expected, parse, {"type": "string", "pattern": f"^{pattern}$"})


def choice(choices: Iterable[str]) -> Kind:
    """One of a few words."""
    by_name = {str(word): word for word in choices}
    only = " (so far the only one)" if len(by_name) == 1 else ""

    def parse(value: object) -> str:
        if isinstance(value, str):
            if value in by_name:
                return by_name[value]
            if guess := nearest(value, by_name):
                raise KindError(f"did you mean `{guess}`?")
        raise KindError

    return Kind(listed(by_name) + only, parse, {"enum": list(by_name)})


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise KindError
    return value


def _ipv4(value: object) -> IPv4Address:
    if isinstance(value, IPv4Address):
        return value
    text = _text(value)
    try:
        return IPv4Address(text)
    except AddressValueError as error:
        address, slash, _prefix = text.partition("/")
        if slash and _is_address(address):
            raise KindError(f"without the prefix length: `{address}`") from error
        raise KindError from error


Network = TypeVar("Network", IPv4Network, IPv6Network)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _ip(value: object) -> IPv4Address | IPv6Address:
    if isinstance(value, IPv4Address | IPv6Address):
        return value
    text = _text(value)
    try:
        address = ip_address(text)
    except ValueError as error:
        raise KindError("a name server is given by its address, not by its name") from error
    if "%" in text:
        raise KindError("an address with a zone (`%…`) means something else on every node")
    if address.is_unspecified or address.is_multicast:
        raise KindError("no server can have this address")
    return address


def _network(value: object, kind: type[Network], example: str) -> Network:
    """A network as it is written: with its prefix length, and no address of a machine in it."""
    if isinstance(value, kind):
        return value
    text = _text(value)
    if _is_address(text):
        raise KindError(f"add the prefix length, {example}")
    try:
        network = kind(text, strict=False)
    except ValueError as error:
        raise KindError from error
    address, _, length = text.partition("/")
    # Not the whole text: an address of IPv6 can be written in more than one way.
    if ip_address(address) != network.network_address or length != str(network.prefixlen):
        raise KindError(f"write `{network}`")
    return network


def _ipv4_network(value: object) -> IPv4Network:
    network = _network(value, IPv4Network, "such as `/24`")
    if not 8 <= network.prefixlen <= 29:
        raise KindError("its prefix length must be from /8 to /29")
    if (
        network.is_loopback
        or network.is_multicast
        or network.is_link_local
        or network.is_reserved
        or network.network_address in IPv4Network("0.0.0.0/8")
    ):
        raise KindError("machines can't have addresses of this range; take one of 10.0.0.0/8")
    return network


def _ipv6_network(value: object) -> IPv6Network:
    network = _network(value, IPv6Network, "`/64`")
    if network.prefixlen != 64:
        raise KindError("its prefix length must be /64: machines there choose their own addresses")
    return _of_machines(network)


def _of_machines(network: IPv6Network) -> IPv6Network:
    if (
        network.is_loopback
        or network.is_multicast
        or network.is_link_local
        or network.network_address.is_unspecified
    ):
        raise KindError("machines can't have addresses of this range; take one of fd00::/8")
    return network


def _prefix(value: object) -> IPv4Network | IPv6Network:
    """A range that smaller ones are cut from."""
    if isinstance(value, IPv4Network) or (isinstance(value, str) and ":" not in value):
        return _ipv4_network(value)
    network = _network(value, IPv6Network, "such as `/48`")
    if not 16 <= network.prefixlen <= 64:
        raise KindError("its prefix length must be from /16 to /64")
    return _of_machines(network)


@dataclass(frozen=True)
class AddressRange:
    """The addresses from `first` to `last`, both included."""

    first: IPv4Address
    last: IPv4Address

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


def _range(value: object) -> AddressRange:
    if isinstance(value, AddressRange):
        return value
    first, dash, last = _text(value).partition("-")
    if not dash:
        raise KindError("first and last address with `-` between them")
    found = AddressRange(_ipv4(first.strip()), _ipv4(last.strip()))
    if found.first > found.last:
        raise KindError(f"the smaller address first: `{found.last}-{found.first}`")
    return found


def url(*schemes: str) -> Kind:
    """An address of the web with one of the schemes; a `/` at its end is dropped."""
    expected = f"a URL that starts with {listed(f'{scheme}://' for scheme in schemes)}"
    plain = r"[A-Za-z0-9._~:/?#\[\]@!$&()*+,;=%-]+"

    def parse(value: object) -> str:
        text = _text(value)
        try:
            parts = urlsplit(text)
            host, _port = parts.hostname, parts.port
        except ValueError as error:
            raise KindError from error
        if parts.username is not None or parts.password is not None:
            raise KindError("without a user or password: this file is no place for secrets")
        if parts.scheme not in schemes or not host or re.fullmatch(plain, text) is None:
            raise KindError
        return text.rstrip("/")

    return Kind(expected, parse, {"type": "string", "pattern": f"^({'|'.join(schemes)})://"})


def _recipient(value: object) -> str:
    text = _text(value).strip()
    if text.upper().startswith("AGE-SECRET-KEY-") or "PRIVATE KEY" in text:
        raise KindError("this is the private half: nobody may see it; take the public one")
    if re.fullmatch(r"age1[02-9ac-hj-np-z]{20,}|ssh-(ed25519|rsa) [A-Za-z0-9+/=]+.*", text) is None:
        raise KindError("")
    return text


def _sha512(value: object) -> str:
    text = _text(value).lower()
    if re.fullmatch(r"[0-9a-f]{128}", text) is None:
        raise KindError(f"it has {len(text)} characters" if len(text) != 128 else "")
    return text


def _sum(value: object) -> str:
    text = _text(value)
    if text.startswith("https://"):
        return str(url("https").parse(text))
    return _sha512(text)


Scalar = str | int | float | bool
Option = Scalar | tuple[Scalar, ...]
"""The value of one option of a service."""

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def _scalar(value: object) -> Scalar:
    if value is None:
        raise KindError("leave the option out, and its default holds")
    if isinstance(value, float) and value - value != 0:  # only nan and the infinities
        raise KindError("a finite number")
    if isinstance(value, str) and _UNPRINTABLE.search(value):
        raise KindError("on one line: options are written into line-by-line configuration files")
    if not isinstance(value, str | int | float | bool):
        raise KindError
    return value


def _option(value: object) -> Option:
    if isinstance(value, list | tuple):
        return tuple(_scalar(entry) for entry in value)
    if isinstance(value, dict):
        raise KindError("three levels and no more: service, section, option")
    return _scalar(value)


CLOUD_NAME = words(
    "[a-z][a-z0-9-]{0,11}", "a lower-case letter, then up to 11 lower-case letters, digits or `-`"
)
NODE_NAME = words(
    "[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
    "a host name: lower-case letters, digits and `-`, a letter first, at most 63",
    reserved=["localhost"],
)
RELEASE = words(r"20[0-9]{2}\.[12]", 'a release such as `"2026.2"`', suggest=False)
REGION = words(
    "[A-Za-z][A-Za-z0-9._-]{0,62}", "letters, digits, `.`, `_` or `-`, a letter first, at most 63"
)
TENANT_NAME = words(
    "[A-Za-z][A-Za-z0-9._-]{0,62}",
    "letters, digits, `.`, `_` or `-`, a letter first, at most 63",
    reserved=["admin", "service"],
)
ZONE = words(
    "([A-Za-z][A-Za-z0-9._-]{0,62})?",
    "letters, digits, `.`, `_` or `-`, a letter first, at most 63",
    reserved=["internal", "nova"],
)
SENTENCE = words(
    r"[^\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]{0,255}",
    "text in one line, at most 255 letters",
    suggest=False,
)
SERVICE = words("[a-z][a-z0-9-]{0,62}", "the name of a service: lower-case letters, digits, `-`")
SECTION = words(
    r"[A-Za-z0-9_][A-Za-z0-9_.:/@ -]{0,126}",
    "the name of a section: letters, digits and `_.:/@-`",
    suggest=False,
)
FLAVOR_NAME = words(
    r"[A-Za-z0-9][A-Za-z0-9._:-]{0,254}",
    "letters, digits, `.`, `_`, `:` or `-`, at most 255",
    suggest=False,
)
EXTRA_SPEC = words(
    r"[A-Za-z0-9][A-Za-z0-9._:-]{0,254}",
    "the name of an extra spec: letters, digits, `.`, `_`, `:` or `-`, at most 255",
    suggest=False,
)
OPTION_NAME = words(
    r"[A-Za-z_][A-Za-z0-9_./-]{0,126}",
    "the name of an option: letters, digits and `_./-`, a letter first",
    suggest=False,
)
OPTION = Kind(
    "text, a number, `true`, `false`, or a list of these",
    _option,
    {
        "anyOf": [
            {"type": ["string", "number", "boolean"]},
            {"type": "array", "items": {"type": ["string", "number", "boolean"]}},
        ]
    },
    as_text=False,
)
IPV4 = Kind("an IPv4 address such as `10.21.0.11`", _ipv4, {"type": "string", "format": "ipv4"})
IP = Kind("an IP address such as `9.9.9.9`", _ip, {"type": "string"})
IPV4_NETWORK = Kind(
    "an IPv4 network such as `10.21.0.0/24`",
    _ipv4_network,
    {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+){3}/[0-9]+$"},
)
IPV6_NETWORK = Kind(
    "an IPv6 network such as `fd5c:5c5c:2::/64`, or `null` for none",
    _ipv6_network,
    {"type": "string", "pattern": "^[0-9A-Fa-f:.]+/64$"},
)
PREFIX = Kind(
    "a range of addresses such as `10.64.0.0/12` or `fd5c:5c5c:64::/48`",
    _prefix,
    {"type": "string", "pattern": "^[0-9A-Fa-f:.]+/[0-9]+$"},
)
RANGE = Kind(
    "a range of addresses such as `10.21.2.100-10.21.2.199`",
    _range,
    {"type": "string", "pattern": r"^[0-9.]+ *- *[0-9.]+$"},
)
RECIPIENT = Kind(
    "a public key: `age1…`, `ssh-ed25519 …` or `ssh-rsa …`",
    _recipient,
    {"type": "string", "pattern": "^(age1|ssh-ed25519 |ssh-rsa )"},
)
SHA512 = Kind(
    "a SHA-512 sum: 128 hexadecimal digits",
    _sha512,
    {"type": "string", "pattern": "^[0-9A-Fa-f]{128}$"},
)
SUM = Kind(
    "a SHA-512 sum (128 hexadecimal digits), or the https:// address of a list of them",
    _sum,
    {"type": "string", "pattern": "^([0-9A-Fa-f]{128}|https://.+)$"},
)
IMAGE_NAME = words(
    r"[A-Za-z0-9]([A-Za-z0-9 ._()+-]{0,200}[A-Za-z0-9.)])?",
    "the name of an image: letters, digits, spaces and `._()+-`, at most 200",
    suggest=False,
)
HOST = words(
    r"([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)?",
    "a host's name or IPv4 address",
    suggest=False,
)
PATH = words(r"[^\x00-\x1f\x7f]{0,1000}", "the path of a file", suggest=False)
BUCKET = words(
    "[a-z0-9]([a-z0-9.-]{1,61}[a-z0-9])",
    "the name of a bucket: lower-case letters, digits, `.` and `-`, 3 to 63",
    suggest=False,
)
IMAGE_STORE = words(
    "images-[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?",
    "the name of a pool: `images-` and lower-case letters, digits or `-`",
    suggest=False,
)
ACCESS_KEY = words("[A-Za-z0-9_.-]{0,128}", "letters, digits, `_`, `.` or `-`", suggest=False)
VARIABLE = words("([A-Z_][A-Z0-9_]{0,100})?", "the name of an environment variable", suggest=False)


def _port(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 65536:
        raise KindError
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise KindError
    return value


TRUTH = Kind("`true` or `false`", _truth, {"type": "boolean"}, as_text=False)
PORT = Kind(
    "a port: 1 to 65535", _port, {"type": "integer", "minimum": 1, "maximum": 65535}, as_text=False
)
LOGIN = words("[a-z_][a-z0-9_-]{0,31}", "the name of an account", suggest=False)
INTERFACE = words(
    r"([A-Za-z0-9][A-Za-z0-9._-]{0,14})?",
    "the name of a network interface such as `eno1`, at most 15 characters",
    suggest=False,
)
PLUG = words(
    r"[^\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069$%{}\"\\]{0,255}",
    "a name in one line, without `$`, `%`, braces, quotes and backslashes, at most 255 letters",
    suggest=False,
)
MACHINE_SIZE = words(
    r"([A-Za-z0-9][A-Za-z0-9._:-]{0,254})?",
    "a size such as `SCS-8V-32`, `m6i.2xlarge` or `8x32`: letters, digits and `._:-`",
    suggest=False,
)
DISK = words(
    "/dev/[A-Za-z0-9][A-Za-z0-9._:+/-]{0,200}",
    "the path of a disk, such as `/dev/disk/by-id/…`",
    suggest=False,
)


def number(low: int, high: int, what: str) -> Kind:
    """A whole number between two, both included; `what` says of what."""

    def parse(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise KindError
        return value

    return Kind(
        f"{what}: {low} to {high}",
        parse,
        {"type": "integer", "minimum": low, "maximum": high},
        as_text=False,
    )
