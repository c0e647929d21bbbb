# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is wrong in a cloud.yaml, and what is said about it."""

from __future__ import annotations

import time

import pytest

from cloud_yaml import SERVICES
from scs.errors import BadInput, Exit
from scs.model.topology import Role
from scs.spec import document, parse


def problems(text: str | bytes) -> list[str]:
    """What is wrong with the text, one string for each: where, what and hint."""
    with pytest.raises(BadInput) as caught:
        parse(text, services=SERVICES)
    assert caught.value.exit_code is Exit.BAD_INPUT
    return [str(problem) for problem in caught.value.problems]


def rules(*values: str) -> str:
    """A file with these rules of new security groups; the first is on line 3."""
    lines = (f"    - {{direction: ingress, ethertype: IPv4, {value}}}\n" for value in values)
    return "content:\n  default_security_group_rules:\n" + "".join(lines)


ALL = "used_in_default_sg: true"
# (text, [(line:column, fragments of what is said)…]): all problems, in this order.
MISTAKES: list[tuple[str, list[tuple[str, ...]]]] = [
    # keys
    ("nam: x\n", [("1:1", "unknown key `nam`", "did you mean `name`?")]),
    ("virt: kvm\n", [("1:1", "unknown key `virt`", "it belongs in `compute`")]),
    ("zzz: 1\n", [("1:1", "unknown key `zzz`", "known here: `name`, `release`")]),
    (
        "networks:\n  managment: {ipv4: 10.0.0.0/24}\n",
        [("2:3", "networks: unknown key `managment`", "did you mean `management`?")],
    ),
    (
        "networks: {external: {floting: 1}}\n",
        [("1:23", "networks.external: unknown key `floting`", "did you mean `floating`?")],
    ),
    ("name: a\nname: b\n", [("2:1", "`name` is here twice, first on line 1", "keep one")]),
    (
        "config:\n  nova: {}\n  nova: {}\n",
        [("3:3", "config.nova: `nova` is here twice, first on line 2")],
    ),
    (
        "1: x\n",
        [("1:1", "expected a word as key, got the number 1", 'in quotes it is a word: "1"')],
    ),
    ("true: x\n", [("1:1", "expected a word as key, got the truth value true", "quotes")]),
    ("? [a]\n: x\n", [("1:3", "expected a word as key, got a list", "quotes")]),
    ("~: x\n", [("1:1", "expected a word as key, got nothing", "before the colon")]),
    ('"a\\tb": {c: .nan}\n', [("1:1", "unknown key `a\\tb`"), ("1:13", "a\\tb.c: expected")]),
    ("<build>: 1\n", [("1:1", "unknown key `<build>`")]),
    ('name: "\\UFFFFFFFF"\n', [("1:", "not valid YAML", "backslash")]),
    ('name: "\\uD800"\n', [("1:", "")]),
    # scalars of the wrong kind
    ("name: My Cloud\n", [("1:7", 'got "My Cloud"', "for example `my-cloud`")]),
    ("name: abcdefghijklm\n", [("1:7", "name: expected a lower-case letter, then up to 11")]),
    ("name: true\n", [("1:7", "got the truth value true", 'write it in quotes: "true"')]),
    ("name:\n", [("1:6", "name: expected", "got nothing", "take the line out")]),
    ('name: ""\n', [("1:7", "got an empty text")]),
    ("name: [a]\n", [("1:7", "name: expected", "got a list")]),
    ("name: {a: b}\n", [("1:7", "name: expected", "got a mapping")]),
    ("release: 2026.2\n", [("1:10", "the number 2026.2", 'write it in quotes: "2026.2"')]),
    ('release: "2026.3"\n', [("1:10", 'expected a release such as `"2026.2"`', 'got "2026.3"')]),
    ("region: 7\n", [("1:9", "region: expected letters", "got the number 7")]),
    ("provider: metal\n", [("1:11", "expected `local`, `ssh` or `tofu`", 'got "metal"')]),
    (
        "name: a\nprovider: ssh\nssh: {key: id}\n",
        [
            ("2:11", "ssh.known_hosts: `provider: ssh` needs it", "known_hosts: ssh/known_hosts"),
            ("2:11", "nodes[0].address: `node-1` is there already", "write the address"),
            ("2:11", "nodes[0].interfaces.management: nothing says which interface"),
            ("2:11", "nodes[0].interfaces.tunnel: nothing says which interface"),
            ("2:11", "nodes[0].interfaces.external: nothing says which interface"),
        ],
    ),
    ("ssh: {user: me}\n", [("1:6", "ssh: is for `provider: ssh`, and it is `local`")]),
    ("provider: Local\n", [("1:11", "did you mean `local`?")]),
    ("storage: cephs\n", [("1:10", "expected `files`", "did you mean `ceph`?")]),
    (
        "compute: {virt: kmv}\n",
        [("1:17", "compute.virt: expected `auto`, `kvm` or `qemu`", "did you mean `kvm`?")],
    ),
    ("compute: kvm\n", [("1:10", "expected a mapping", 'got "kvm"', "known here: `virt`")]),
    # lists
    ("dns: 9.9.9.9\n", [("1:6", "dns: expected a list", "in brackets it is a list: [9.9.9.9]")]),
    ("dns: [dns.example]\n", [("1:7", "dns[0]: expected an IP address", "not by its name")]),
    ("dns: [fe80::1%eth0]\n", [("1:7", "dns[0]: expected an IP address", "zone")]),
    ("dns: [0.0.0.0]\n", [("1:7", "no server can have this address")]),
    ("nodes: node-1\n", [("1:8", "nodes: expected a list", "[node-1]")]),
    ("nodes: {name: a}\n", [("1:8", "nodes: expected a list, got a mapping", "with `- `")]),
    ("nodes: [a]\n", [("1:9", "nodes[0]: expected a mapping", "known here: `name`, `roles`")]),
    (
        "nodes: []\n",
        [("1:8", f"no node has the role `{role}`") for role in Role if role != Role.STORAGE],
    ),
    ("nodes:\n  -\n", [("2:4", "nodes[0]: expected the key `name`, got none", "add `name: …`")]),
    (
        "nodes:\n  - roles: [control, network, compute]\n",
        [("2:5", "nodes[0]: expected the key `name`")],
    ),
    (
        "nodes: [{name: a, roles: control}]\n",
        [("1:26", "nodes[0].roles: expected a list", "[control]")],
    ),
    (
        "nodes: [{name: a, roles: [control, netwrok, compute]}]\n",
        [("1:36", "nodes[0].roles[1]: expected `control`", "did you mean `network`?")],
    ),
    ("nodes: [{name: Node_1}]\n", [("1:16", "a host name", "for example `node-1`")]),
    ("nodes: [{name: localhost}]\n", [("1:16", "`localhost` is taken by the cloud itself")]),
    ("nodes: [{name: 1}]\n", [("1:16", "a host name", "got the number 1")]),
    # roles, names and addresses of nodes
    (
        "nodes: [{name: a, roles: [control]}]\n",
        [("1:8", "no node has the role `network`"), ("1:8", "no node has the role `compute`")],
    ),
    (
        "nodes:\n  - name: a\n  - name: b\n",
        [("3:5", "`control` on an odd number of nodes, got 2", "such as `[compute]`")],
    ),
    (
        "nodes: [{name: a}, {name: b}, {name: c}]\n",
        [("1:31", "with `files` each of several control nodes", "write `storage: ceph`")],
    ),
    (
        "nodes: [{name: a}, {name: b, roles: []}]\n",
        [("1:37", "nodes[1].roles: expected at least one role")],
    ),
    (
        "nodes: [{name: a}, {name: b, roles: [compute, compute]}]\n",
        [("1:37", "nodes[1].roles: a role is there twice")],
    ),
    (
        "nodes: [{name: a}, {name: a, roles: [compute]}]\n",
        [("1:27", "nodes[1].name: `a` is the name of nodes[0] already")],
    ),
    (
        "nodes: [{name: a, address: 10.9.9.9}]\n",
        [("1:28", "expected an address of networks.management (10.21.0.0/24)", "10.21.0.2 and")],
    ),
    ("nodes: [{name: a, address: 10.21.0.1}]\n", [("1:28", "is the gateway")]),
    ("nodes: [{name: a, address: 10.21.0.255}]\n", [("1:28", "expected an address of")]),
    (
        "nodes: [{name: a, address: 10.21.0.3}]\n",
        [("1:28", "10.21.0.3 is the address of endpoints.internal already")],
    ),
    (
        "nodes:\n"
        "  - {name: a, address: 10.21.0.9}\n"
        "  - {name: b, roles: [compute], address: 10.21.0.9}\n",
        [("3:42", "10.21.0.9 is the address of nodes[0].address already")],
    ),
    ("nodes: [{name: a, address: 10.21.0.9/24}]\n", [("1:28", "prefix length: `10.21.0.9`")]),
    ("nodes: [{name: a, address: 10.21.0.09}]\n", [("1:28", "expected an IPv4 address")]),
    ("nodes: [{name: a, address: 10.21}]\n", [("1:28", "got the number 10.21")]),
    # endpoints
    ("endpoints: {internal: 10.21.0.1}\n", [("1:23", "is the gateway of networks.management")]),
    ("endpoints: {external: 10.22.0.1}\n", [("1:23", "endpoints.external: expected an address")]),
    (
        "nodes: [{name: a, address: 10.21.0.9}]\nendpoints: {internal: 10.21.0.9}\n",
        [("1:28", "10.21.0.9 is the address of endpoints.internal already")],
    ),
    ("endpoints: {internal: 10.21.0.4}\n", [("1:23", "is the address of endpoints.internal")]),
    # networks
    (
        "networks: {management: {ipv4: 10.21.0.5/24}}\n",
        [("1:31", "networks.management.ipv4: expected an IPv4 network", "write `10.21.0.0/24`")],
    ),
    ("networks: {tunnel: {ipv4: 10.3.0.0}}\n", [("1:27", "add the prefix length")]),
    ("networks: {tunnel: {ipv4: 10.3.0.0/255.255.255.0}}\n", [("1:27", "write `10.3.0.0/24`")]),
    ("networks: {tunnel: {ipv4: 10.3.0.0/30}}\n", [("1:27", "from /8 to /29")]),
    ("networks: {tunnel: {ipv4: 0.0.0.0/0}}\n", [("1:27", "from /8 to /29")]),
    ("networks: {tunnel: {ipv4: 127.0.0.0/8}}\n", [("1:27", "of this range")]),
    ("networks: {tunnel: {ipv4: 224.0.0.0/8}}\n", [("1:27", "of this range")]),
    ("networks: {tunnel: {ipv4: fd00::/64}}\n", [("1:27", "expected an IPv4 network")]),
    ("networks: {external: {ipv6: 10.0.0.0/24}}\n", [("1:29", "expected an IPv6 network")]),
    ("networks: {external: {ipv6: fd00::/48}}\n", [("1:29", "must be /64")]),
    ('networks: {external: {ipv6: "fd00::"}}\n', [("1:29", "add the prefix length, `/64`")]),
    ("networks: {external: {ipv6: fd00::}}\n", [("1:34", "not valid YAML", "in quotes")]),
    ("networks: {external: {ipv6: fd00::1/64}}\n", [("1:29", "write `fd00::/64`")]),
    ("networks: {external: {ipv6: fe80::/64}}\n", [("1:29", "of this range")]),
    (
        "networks:\n  tunnel: {ipv4: 10.21.0.0/16}\n",
        [
            ("2:18", "overlaps networks.management.ipv4 (10.21.0.0/24)", "range of its own"),
            ("2:18", "networks.external.ipv4 (10.21.2.0/24) overlaps networks.tunnel.ipv4"),
        ],
    ),
    (
        "networks: {tunnel: {ipv4: 10.21.2.128/25}}\n",
        [("1:27", "overlaps", "such as 10.21.1.0/24")],
    ),
    ("tenant: {network: 10.21.0.0/24}\n", [("1:19", "tenant.network (10.21.0.0/24) overlaps")]),
    ('tenant: {ipv6: "fd5c:5c5c:2::/64"}\n', [("1:16", "overlaps networks.external.ipv6")]),
    (
        "networks: {tunnel: {ipv4: 10.21.1.0/29}}\n",
        [("1:27", "has no address number 11, which nodes[0] (10.21.0.11) would have")],
    ),
    (
        "networks: {management: {ipv4: 10.21.0.0/29}}\n",
        [("1:31", "nodes[0].address: expected an address of", "counted up", "a larger network")],
    ),
    (
        "networks: {external: {floating: 10.21.2.1-10.21.2.9}}\n",
        [("1:33", "without its gateway 10.21.2.1", "between 10.21.2.2 and 10.21.2.254")],
    ),
    ("networks: {external: {floating: 10.4.0.1-10.4.0.9}}\n", [("1:33", "of 10.21.2.0/24")]),
    (
        "networks: {external: {floating: 10.21.2.9-10.21.2.2}}\n",
        [("1:33", "the smaller address first: `10.21.2.2-10.21.2.9`")],
    ),
    ("networks: {external: {floating: 10.21.2.9}}\n", [("1:33", "with `-` between them")]),
    # images, mirror, tenant
    (
        "images: {debian: {source: biuld}}\n",
        [("1:27", "expected `build`, or a mapping", "did you mean `build`?")],
    ),
    ("images: {debian: {source: https://x.org/a}}\n", [("1:27", "{url: …, sha512: …}")]),
    (
        "images: {debian: {source: {url: https://x.org/a}}}\n",
        [("1:27", "images.debian.source: expected the key `sha512`", "add `sha512: …`")],
    ),
    (
        "images: {debian: {source: {url: http://x.org/a, sha512: ab, pgp: 1}}}\n",
        [
            ("1:33", "source.url: expected a URL that starts with `https://`"),
            ("1:57", "a SHA-512 sum: 128 hexadecimal digits", "it has 2 characters"),
            ("1:61", "unknown key `pgp`", "`url` or `sha512`"),
        ],
    ),
    ("images: {debain: {}}\n", [("1:10", "did you mean `debian`?")]),
    ("debian: {mirror: deb.example.org}\n", [("1:18", "debian.mirror: expected a URL")]),
    ("debian: {mirror: https://u:p@x.org/}\n", [("1:18", "no place for secrets")]),
    ('debian: {mirror: "https://[x"}\n', [("1:18", "expected a URL")]),
    ('debian: {mirror: "https://x.org/ a"}\n', [("1:18", "expected a URL")]),
    ("tenant: {user: admin}\n", [("1:16", "`admin` is taken by the cloud itself")]),
    # rules of new security groups
    (
        "content: {default_security_group_rules: {direction: egress}}\n",
        [("1:41", "expected a list, got a mapping", "with `- `")],
    ),
    (
        f"content: {{default_security_group_rules: [{{direction: in, {ALL}}}]}}\n",
        [
            ("1:42", "default_security_group_rules[0]: expected the key `ethertype`"),
            ("1:54", "[0].direction: expected `ingress` or `egress`", 'got "in"'),
        ],
    ),
    (rules("protocol: tpc, " + ALL), [("3:55", "[0].protocol: expected", "did you mean `tcp`?")]),
    (rules("protocol: 256, " + ALL), [("3:55", "number (0 to 255), got the number 256")]),
    (rules("remote_group_id: mine, " + ALL), [("3:62", "expected `PARENT`", 'got "mine"')]),
    (rules("used_in_default_sg: 1"), [("3:65", "expected `true` or `false`, got the number 1")]),
    (
        rules("port_range: 22, protocol: tcp, " + ALL),
        [("3:45", "unknown key `port_range`", "did you mean `port_range_min`?")],
    ),
    (rules("protocol: tcp"), [("3:7", "[0]: no group gets it", "add `used_in_default_sg: true`")]),
    (
        rules("port_range_min: 22, " + ALL),
        [("3:61", "[0].port_range_min: a port needs a protocol", "add `protocol: tcp`")],
    ),
    (
        rules("protocol: gre, port_range_max: 22, " + ALL),
        [("3:76", "[0].port_range_max: `gre` has no ports", "such as `tcp`")],
    ),
    (
        rules("protocol: tcp, port_range_max: 22, " + ALL),
        [("3:76", "there is no `port_range_min`", "add `port_range_min: 22`")],
    ),
    (
        rules("protocol: udp, port_range_min: 0, port_range_max: 9, " + ALL),
        [("3:76", "expected a port, got 0", "1 to 65535")],
    ),
    (rules("protocol: tcp, port_range_min: 65536, " + ALL), [("3:76", "0 to 65535, got the num")]),
    (
        rules("protocol: tcp, port_range_min: 90, port_range_max: 80, " + ALL),
        [("3:96", "80 is below `port_range_min`, which is 90", "write `port_range_min: 80`")],
    ),
    (
        rules("protocol: icmp, port_range_min: 8, port_range_max: 300, " + ALL),
        [("3:96", "expected a type or code of ICMP, got 300", "0 to 255")],
    ),
    (
        rules("protocol: icmp, port_range_max: 0, " + ALL),
        [("3:77", "there is no `port_range_min`", "add `port_range_min: 0`")],
    ),
    (
        rules("protocol: icmpv6, " + ALL),
        [("3:55", "`icmpv6` is a protocol of IPv6", "write `ethertype: IPv6`")],
    ),
    (
        rules('remote_ip_prefix: "fd00::/8", ' + ALL),
        [("3:63", "fd00::/8 has no addresses of IPv4", "write `ethertype: IPv6`")],
    ),
    (
        rules("remote_ip_prefix: 10.0.0.1/8, " + ALL),
        [("3:63", "an IPv4 or IPv6 network", "write `10.0.0.0/8`")],
    ),
    (
        rules("remote_ip_prefix: 10.0.0.1, " + ALL),
        [("3:63", "an IPv4 or IPv6 network", "for one address `10.0.0.1/32`")],
    ),
    (
        rules("remote_ip_prefix: 10.0.0.0/8, remote_group_id: PARENT, " + ALL),
        [("3:92", "expected addresses or a group, got both", "make two rules of it")],
    ),
    (
        rules(
            "protocol: tcp, port_range_min: 1, port_range_max: 65535, " + ALL,
            'protocol: "6", remote_ip_prefix: 0.0.0.0/0, used_in_non_default_sg: true',
        ),
        [("4:7", "[1]: lets through what content.default_security_group_rules[0] does already")],
    ),
    # config
    ("config: {novva: {}}\n", [("1:10", "unknown service `novva`", "did you mean `nova`?")]),
    ("config: {xyz: {}}\n", [("1:10", "unknown service `xyz`", "known: `glance`, `keystone`")]),
    (
        "config: {nova: {debug: true}}\n",
        [("1:24", "config.nova.debug: expected a mapping", "`DEFAULT: {debug: …}`")],
    ),
    (
        "config: {nova: 4}\n",
        [("1:16", "config.nova: expected a mapping", "got the number 4")],
    ),
    (
        "config: {nova: {DEFAULT: {a: {b: c}}}}\n",
        [("1:30", "text, a number", "got a mapping", "three levels")],
    ),
    ("config: {nova: {DEFAULT: {a: }}}\n", [("1:", "got nothing", "leave the option out")]),
    ("config: {nova: {DEFAULT: {a: [[1]]}}}\n", [("1:30", "text, a number", "got a list")]),
    ("config: {nova: {DEFAULT: {a: .inf}}}\n", [("1:30", "expected a number, got .inf", "finite")]),
    ("config: {nova: {DEFAULT: {a: [.NaN]}}}\n", [("1:31", "expected a number, got .NaN")]),
    ("config: {nova: {DEFAULT: {a: 1e999}}}\n", [("1:30", "too large a number", "in quotes")]),
    ('config: {nova: {DEFAULT: {a: "b\\nc"}}}\n', [("1:30", 'got "b\\nc"', "on one line")]),
    ("config: {nova: {DEFAULT: {a=b: c}}}\n", [("1:27", "the name of an option", 'got "a=b"')]),
    ('config: {nova: {"a]b": {}}}\n', [("1:17", "the name of a section", 'got "a]b"')]),
    ("config: {nova: {DEFAULT: {a: 010}}}\n", [("1:30", "010 is ambiguous", 'in quotes: "010"')]),
    ("config: {nova: {DEFAULT: {a: 1_000}}}\n", [("1:30", "1_000 is ambiguous", "plain decimal")]),
    ("config: {nova: {DEFAULT: {a: 10:21}}}\n", [("1:30", "10:21 is ambiguous", "minutes")]),
    ("config: {nova: {DEFAULT: {a: 0b11}}}\n", [("1:30", "0b11 is ambiguous", "binary")]),
    # what YAML can and cloud.yaml can't
    ("name: &a x\n", [("1:7", "name: references (`&a`) are not supported", "write the value out")]),
    (
        "tenant: {user: &a x, project: *a}\n",
        [("1:16", "references (`&a`)"), ("1:31", "references (`*a`)")],
    ),
    ("compute: {<<: {virt: kvm}}\n", [("1:11", "merge keys (`<<`)", "write the keys out")]),
    ("name: !!python/object/apply:os.system [ls]\n", [("1:7", "tags (`tag:yaml.org", "leave it")]),
    ("name: !x y\n", [("1:7", "tags (`!x`) are not supported")]),
    ("name: a\n---\nname: b\n", [("2:1", "expected one document, got a second", "`---`")]),
    ("- name: a\n", [("1:1", "expected a mapping (lines of `key: value`), got a list")]),
    ("scs\n", [("1:1", "expected a mapping", 'got "scs"')]),
    ("name: 'x\n", [("2:1", "not valid YAML", "a quote is opened")]),
    ("name: [a\n", [("2:1", "not valid YAML", "a bracket is opened and never closed")]),
    ("compute:\n\tvirt: kvm\n", [("2:1", "got a tab", "indent with spaces only")]),
    ("name: a: b\n", [("1:8", "mapping values are not allowed", "needs quotes")]),
    ("name: @x\n", [("1:7", "not valid YAML", "in quotes")]),
    ("name: x\n region: y\n", [("2:8", "mapping values are not allowed", "indentation")]),
    ("dns: *a\n", [("1:6", "references (`*a`) are not supported")]),
    ("a\x00b", [("1:2", "control character U+0000", "text file")]),
    ("name: x\n# \u2028\n", [("2:3", "control character U+2028")]),
    (f"name: {'[' * 60}{']' * 60}\n", [("1:57", "at most 50 levels, got more")]),
    (f"dns: [{'a,' * 60000}]\n", [("1:", "at most 50000 keys and values")]),
    # several at once: all told, in the order of the file, and none that only follows from another
    (
        "nodes:\n"
        "  - {name: a, adress: 10.9.0.5}\n"
        "  - {name: b, roles: [compute], address: 10.9.0.6}\n"
        "networks: {managment: {ipv4: 10.9.0.0/24}, tunnel: {ipv4: 10.5.0.0/33}}\n"
        "tenant: {network: 10.21.2.0/24}\n",
        [
            ("2:15", "did you mean `address`?"),
            ("4:12", "did you mean `management`?"),
            ("4:59", "expected an IPv4 network"),
            ("5:19", "overlaps networks.external.ipv4"),
        ],
    ),
]


@pytest.mark.parametrize(("text", "expected"), MISTAKES, ids=lambda value: str(value)[:40])
@pytest.mark.usefixtures("each_parser")
def test_mistakes(text: str, expected: list[tuple[str, ...]]) -> None:
    found = problems(text)
    assert len(found) == len(expected), "\n".join(found)
    for problem, (place, *fragments) in zip(found, expected, strict=True):
        assert problem.startswith(f"cloud.yaml:{place}"), problem
        for fragment in fragments:
            assert fragment in problem


@pytest.mark.parametrize(
    ("raw", "place", "fragment"),
    [
        ("name: x".encode("utf-16"), "1:1", "got UTF-16"),
        ("name: x".encode("utf-32"), "1:1", "got UTF-32"),
        (b"name: x\nregion: K\xf6ln\n", "2:10", "expected text in UTF-8, got the byte 0xf6"),
        (b"\xff", "1:1", "got the byte 0xff"),
        (b"#" * (document.MAX_BYTES + 1), "1:1", "at most 1048576 bytes"),
        (b"\x7fELF\x02", "1:1", "U+007F"),
    ],
)
def test_what_is_no_text(raw: bytes, place: str, fragment: str) -> None:
    (problem,) = problems(raw)
    assert problem.startswith(f"cloud.yaml:{place}: ")
    assert fragment in problem


def test_unknown_release() -> None:
    with pytest.raises(BadInput, match=r'1:10: release: expected `2026.2`, got "2030.1"'):
        parse('release: "2030.1"', releases=["2026.2"])


def test_endless_problems_end() -> None:
    text = "".join(f"key{i}: {{}}\n" for i in range(20_000))
    begin = time.process_time()
    found = problems(text)
    assert time.process_time() - begin < 100
    assert len(found) == 101
    assert "there are more problems" in found[-1]
