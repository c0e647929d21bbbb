#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""In OpenTofu's place: plans and applies main.tf.json by writing down what would be there.

`fail` in its folder holds the address of something that can't be made. Each call is noted in
`calls`, with the variables that secrets come by; nothing else is like the real one.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

STATE = Path("terraform.tfstate")
REPLACED = ("cidr", "network")
"""What can't be changed in place."""


def blocks(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{kind}.{name}": block
        for kind, named in made.get("resource", {}).items()
        for name, block in named.items()
    }


def seen(block: dict[str, Any]) -> dict[str, Any]:
    """A block without what its changes are ignored of."""
    ignored = block.get("lifecycle", {}).get("ignore_changes", [])
    return {key: value for key, value in block.items() if key not in (*ignored, "lifecycle")}


def state() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(STATE.read_text()) if STATE.exists() else {}
    return found


def plan() -> list[dict[str, Any]]:
    wanted = blocks(json.loads(Path("main.tf.json").read_text()))
    there = state()
    found = []
    for address in {**there, **wanted}:
        paths: list[list[str]] = []
        if address not in there:
            actions = ["create"]
        elif address not in wanted:
            actions = ["delete"]
        elif seen(wanted[address]) == seen(there[address]):
            actions = ["no-op"]
        else:
            keys = [key for key in REPLACED if wanted[address].get(key) != there[address].get(key)]
            paths = [[key] for key in keys]
            actions = ["delete", "create"] if keys else ["update"]
        change = {"actions": actions, "replace_paths": paths, "after": wanted.get(address)}
        name = address.partition(".")[2]
        found.append({"address": address, "name": name, "mode": "managed", "change": change})
    return found


def apply(found: list[dict[str, Any]]) -> None:
    failing = Path("fail").read_text().strip() if Path("fail").exists() else ""
    for item in found:
        there, change = state(), item["change"]
        if item["address"] == failing:
            sys.exit(f"Error: no room for {failing}")
        there.pop(item["address"], None)
        if change["after"] is not None:
            there[item["address"]] = change["after"]
        STATE.write_text(json.dumps(there))


def main(command: str, *words: str) -> None:
    variables = sorted(key for key in os.environ if key.startswith("TF_"))
    with Path("calls").open("a") as calls:
        calls.write(json.dumps([command, *words, variables]) + "\n")
    if command == "providers":
        print("Providers required by configuration:\n└── provider[example.org/space/kind] 1.2.3")
    elif command == "plan":
        Path("plan").write_text(json.dumps({"resource_changes": plan()}))
    elif command == "show":
        print(Path("plan").read_text())
    elif command == "apply":
        apply(json.loads(Path("plan").read_text())["resource_changes"])
    elif command == "destroy":
        STATE.write_text("{}")


if __name__ == "__main__":
    main(*sys.argv[1:])
