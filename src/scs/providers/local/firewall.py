# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""NAT to the outside, and a way through the host's own firewall.

The cloud's rules live in a table of its own. But an accept there does not overrule a drop
elsewhere (each base chain of a hook has its say), so where the host's firewall would drop
forwarded packets, accept rules go into that very chain, marked by a comment.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scs.errors import CommandFailed
from scs.model.topology import Network
from scs.providers.local import names
from scs.shell import run

Ruleset = Sequence[Mapping[str, Any]]
"""The value of "nftables" in the output of `nft -j list ruleset`."""


@dataclass(frozen=True)
class Chain:
    """One nftables chain."""

    family: str
    table: str
    name: str


def table_text(cloud: str, networks: Mapping[str, Network]) -> str:
    """The cloud's own table, replacing an earlier one in a single transaction.

    One statement per line: nft of Debian 12 does not take `masquerade; } }`.
    """
    name = names.table(cloud)
    own = ", ".join(f'"{bridge}"' for bridge in names.bridges(cloud, networks).values())
    lines = [
        f"table inet {name}",
        f"delete table inet {name}",
        f"table inet {name} {{",
        "  chain postrouting {",
        "    type nat hook postrouting priority srcnat",
        "    policy accept",
        f"    oifname {{ {own} }} accept",
    ]
    for network in networks.values():
        if network.name == names.TUNNEL:
            continue
        lines.append(f"    ip saddr {network.ipv4} masquerade")
        if network.ipv6 is not None:
            lines.append(f"    ip6 saddr {network.ipv6} masquerade")
    return "\n".join([*lines, "  }", "}", ""])


def dropping_chains(ruleset: Ruleset) -> list[Chain]:
    """The chains at the forward hook that may drop what they do not know.

    These are chains whose policy is drop (Docker, ufw) and chains that reject or drop
    without looking at more than connection state (firewalld and many hand-written ones),
    also by way of a chain they jump to.
    """
    bases: list[tuple[Chain, str]] = []
    rules: dict[Chain, list[Sequence[Any]]] = {}
    for entry in ruleset:
        if "chain" in entry:
            chain = entry["chain"]
            if chain.get("hook") == "forward" and chain["family"] in ("ip", "ip6", "inet"):
                key = Chain(chain["family"], chain["table"], chain["name"])
                bases.append((key, chain.get("policy", "accept")))
        elif "rule" in entry:
            rule = entry["rule"]
            key = Chain(rule["family"], rule["table"], rule["chain"])
            rules.setdefault(key, []).append(rule.get("expr", []))

    def drops(chain: Chain, seen: frozenset[Chain]) -> bool:
        if chain in seen:
            return False
        for expressions in rules.get(chain, []):
            for expression in expressions:
                if "drop" in expression or "reject" in expression:
                    return True
                target = expression.get("jump") or expression.get("goto")
                if target and drops(
                    Chain(chain.family, chain.table, target["target"]), seen | {chain}
                ):
                    return True
        return False

    return [
        chain
        for chain, policy in bases
        if not chain.table.startswith("scs_")
        if policy == "drop" or drops(chain, frozenset())
    ]


def marked_rules(ruleset: Ruleset, comment: str) -> list[tuple[Chain, int]]:
    """Chain and handle of each rule with that comment."""
    found = []
    for entry in ruleset:
        rule = entry.get("rule")
        if rule and rule.get("comment") == comment:
            chain = Chain(rule["family"], rule["table"], rule["chain"])
            found.append((chain, int(rule["handle"])))
    return found


def _accepts_present(ruleset: Ruleset, chain: Chain, comment: str) -> int:
    return sum(1 for where, _ in marked_rules(ruleset, comment) if where == chain)


def accept_text(ruleset: Ruleset, cloud: str, bridges: Iterable[str]) -> str:
    """Give the nft commands that let these bridges through every dropping chain; empty if they may.

    One rule per interface, without sets: iptables-nft shows a chain only if it could have
    written the rules itself.
    """
    comment = names.alias(cloud)
    ports = list(bridges)
    lines = []
    for chain in dropping_chains(ruleset):
        if chain.table == "firewalld":
            continue
        if _accepts_present(ruleset, chain, comment) == 2 * len(ports):
            continue
        where = f"{chain.family} {chain.table} {chain.name}"
        for other, handle in marked_rules(ruleset, comment):
            if other == chain:
                lines.append(f"delete rule {where} handle {handle}")
        lines += [
            f'insert rule {where} {side} "{port}" counter accept comment "{comment}"'
            for port in ports
            for side in ("iifname", "oifname")
        ]
    return "\n".join([*lines, ""]) if lines else ""


def removal_text(ruleset: Ruleset, cloud: str) -> str:
    """Give the nft commands that remove every rule of the cloud; empty if there is none."""
    own = names.table(cloud)
    lines = [
        f"delete rule {chain.family} {chain.table} {chain.name} handle {handle}"
        for chain, handle in marked_rules(ruleset, names.alias(cloud))
        if chain.table != own
    ]
    for entry in ruleset:
        table = entry.get("table")
        if table and table["name"] == own and table["family"] == "inet":
            lines.append(f"delete table inet {own}")
    return "\n".join([*lines, ""]) if lines else ""


def missing_nat(ruleset: Ruleset, cloud: str, networks: Mapping[str, Network]) -> list[str]:
    """What is not in the cloud's own table any more, in words."""
    name = names.table(cloud)
    tables = [entry["table"] for entry in ruleset if "table" in entry]
    if not any(table["name"] == name and table["family"] == "inet" for table in tables):
        return [f"table inet {name} is gone"]
    expressions = [
        entry["rule"].get("expr", [])
        for entry in ruleset
        if "rule" in entry and entry["rule"]["table"] == name
    ]
    masqueraded = {
        (prefix["addr"], prefix["len"])
        for rule in expressions
        if any("masquerade" in expression for expression in rule)
        for expression in rule
        for prefix in [_prefix(expression)]
        if prefix
    }
    wanted = [
        block
        for network in networks.values()
        if network.name != names.TUNNEL
        for block in (network.ipv4, network.ipv6)
        if block is not None
    ]
    found = [
        f"table inet {name} does not masquerade {block}"
        for block in wanted
        if (str(block.network_address), block.prefixlen) not in masqueraded
    ]
    if not any("accept" in expression for rule in expressions for expression in rule):
        found.append(f"table inet {name} masquerades what stays inside")
    return found


def _prefix(expression: Mapping[str, Any]) -> Mapping[str, Any] | None:
    right = expression.get("match", {}).get("right")
    return right.get("prefix") if isinstance(right, dict) else None


def missing_ways(ruleset: Ruleset, cloud: str, networks: Mapping[str, Network]) -> list[str]:
    """Where the host's own firewall would drop what the cloud's bridges forward, in words."""
    bridges = list(names.bridges(cloud, networks).values())
    comment = names.alias(cloud)
    return [
        f"chain {chain.family} {chain.table} {chain.name} drops, and has no rules for this cloud"
        for chain in dropping_chains(ruleset)
        if chain.table != "firewalld"
        and _accepts_present(ruleset, chain, comment) != 2 * len(bridges)
    ]


def missing_by_tools(ruleset: Ruleset, cloud: str, networks: Mapping[str, Network]) -> list[str]:
    """The same for firewalls that have to be asked; nothing is run where there is none."""
    bridges = list(names.bridges(cloud, networks).values())
    found = []
    if _has_firewalld(ruleset):
        asked = ["firewall-cmd", "--zone=trusted", "--list-interfaces"]
        # One that does not answer does not run: then there is nobody to put it right either.
        with suppress(CommandFailed):
            if not set(bridges) <= set(run(asked, timeout=20).split()):
                found.append("firewalld does not trust the bridges")
    for tool in _legacy_tools():
        listed = run([tool, "-w", "5", "-S", "FORWARD"], timeout=10, check=False)
        if _legacy_drops(listed) and any(
            _legacy(tool, "-C", rule) != 0 for rule in _legacy_rules(cloud, bridges)
        ):
            found.append(f"{tool} drops, and has no rules for this cloud")
    return found


def read_ruleset() -> Ruleset:
    """The host's rules; nothing where there is no nft."""
    if shutil.which("nft") is None:
        return ()
    rules: Ruleset = json.loads(run(["nft", "-j", "list", "ruleset"], timeout=20))["nftables"]
    return rules


def open_up(cloud: str, networks: Mapping[str, Network]) -> None:
    """Put the cloud's NAT in place and let its bridges through the host's firewall."""
    bridges = list(names.bridges(cloud, networks).values())
    run(["nft", "-f", "-"], stdin=table_text(cloud, networks), timeout=20)
    ruleset = read_ruleset()
    text = accept_text(ruleset, cloud, bridges)
    if text:
        run(["nft", "-f", "-"], stdin=text, timeout=20)
    _firewalld(bridges, "--add-interface", ruleset)
    for tool in _legacy_tools():
        listed = run([tool, "-w", "5", "-S", "FORWARD"], timeout=10, check=False)
        if not _legacy_drops(listed):
            continue
        for rule in _legacy_rules(cloud, bridges):
            if _legacy(tool, "-C", rule) != 0:
                _legacy(tool, "-I", rule)


def close(cloud: str, networks: Mapping[str, Network]) -> None:
    """Remove every rule of this cloud."""
    bridges = list(names.bridges(cloud, networks).values())
    ruleset = read_ruleset()
    text = removal_text(ruleset, cloud)
    if text:
        run(["nft", "-f", "-"], stdin=text, timeout=20)
    _firewalld(bridges, "--remove-interface", ruleset)
    for tool in _legacy_tools():
        for rule in _legacy_rules(cloud, bridges):
            while _legacy(tool, "-D", rule) == 0:
                pass


def _firewalld(bridges: Iterable[str], change: str, ruleset: Ruleset) -> None:
    # firewalld owns its table (the kernel refuses others' rules in it) and is asked instead.
    if not _has_firewalld(ruleset):
        return
    for bridge in bridges:
        run(
            ["firewall-cmd", "--quiet", "--zone=trusted", f"{change}={bridge}"],
            timeout=20,
            check=False,
        )


def _has_firewalld(ruleset: Ruleset) -> bool:
    present = any(entry.get("table", {}).get("name") == "firewalld" for entry in ruleset)
    return present and shutil.which("firewall-cmd") is not None


def _legacy_drops(listed: str) -> bool:
    return "-P FORWARD DROP" in listed or "-j DROP" in listed or "REJECT" in listed


def _legacy_tools() -> list[str]:
    # Rules made by the old iptables are invisible to nft; asking the tool itself where none
    # are would load the old tables, so look at what the kernel has first.
    tools = []
    for tool, listing in (
        ("iptables-legacy", "/proc/net/ip_tables_names"),
        ("ip6tables-legacy", "/proc/net/ip6_tables_names"),
    ):
        try:
            used = "filter" in Path(listing).read_text().split()
        except OSError:
            used = False
        if used and shutil.which(tool):
            tools.append(tool)
    return tools


def _legacy_rules(cloud: str, bridges: Iterable[str]) -> list[list[str]]:
    mark = ["-m", "comment", "--comment", names.alias(cloud), "-j", "ACCEPT"]
    return [[side, bridge, *mark] for bridge in bridges for side in ("-i", "-o")]


def _legacy(tool: str, action: str, rule: Sequence[str]) -> int:
    output = run(
        ["sh", "-c", '"$@" >/dev/null 2>&1; echo $?', "sh", tool, "-w", "5", action, "FORWARD"]
        + list(rule),
        timeout=10,
    )
    return int(output.strip() or "1")
