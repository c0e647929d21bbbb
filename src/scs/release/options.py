# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which options the services of a release know: asked of oslo.config in its environment.

Options are declared in code, so each service's has to be imported: ten seconds of CPU, once
for an environment. The nodes' Python does it, since only it can run the environment.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = "var/tmp/scs-options"
"""Where the program leaves its answers, below the root that it runs in."""

PROGRAM = r"""
import importlib.abc, importlib.util, json, os, re, sys, types
from importlib.metadata import distributions, entry_points
from oslo_config import generator

top, wanted = sys.argv[1], sys.argv[2:]
spaces = {}
for point in entry_points(group="oslo.config.opts"):
    spaces.setdefault(point.dist.name, set()).add(point.name)
os.makedirs(top)

def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()

def requires(dist):
    lines = (line for line in dist.requires or () if "extra ==" not in line)
    return {plain(re.match(r"[\w.-]+", line)[0]) for line in lines}

needs = {plain(dist.name): requires(dist) for dist in distributions()}

def closure(dist):
    found, left = set(), {plain(dist)}
    while left:
        found |= left
        left = set().union(*(needs.get(name, set()) for name in left)) - found
    return found

libraries = set().union(*map(closure, wanted))

def shared(dist):
    # A service has its own options, those of all libraries and those of what plugs into it, but
    # not those of other services, wanted or not.
    return set().union(*(
        names for name, names in spaces.items()
        if name not in wanted and (plain(name) in libraries or plain(dist) in closure(name))
    ))

def texts(value):
    if value is None:
        return []
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, dict):
        return [",".join(f"{key}:{item}" for key, item in value.items())]
    if isinstance(value, list):
        return [",".join(map(str, value))]
    return [str(value)]

def nothing(name):
    if name.startswith("__"):
        raise AttributeError(name)
    # A class, an exception and a decorator: whatever code at the top of a module wants.
    return Kind(name, (Exception,), {"__call__": lambda self, function=None: function})

class Kind(type):
    def __getattr__(self, name):
        return nothing(name)

class Hollow(types.ModuleType):
    __path__ = ()

    def __getattr__(self, name):
        return nothing(name)

class Optional(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    # Stands in for modules that only some drivers need, and that are not here: options are
    # declared beside the code that does.
    names = set()

    def find_spec(self, name, path=None, target=None):
        parts = name.split(".")
        if any(".".join(parts[:count]) in self.names for count in range(1, len(parts) + 1)):
            return importlib.util.spec_from_loader(name, self, is_package=True)

    def create_module(self, spec):
        return Hollow(spec.name)

    def exec_module(self, module):
        pass

sys.meta_path.append(Optional())

def collect(dist):
    while True:
        try:
            return _collect(dist)
        except ModuleNotFoundError as error:
            if not error.name or error.name in Optional.names:
                raise
            Optional.names.add(error.name)

def _collect(dist):
    raw = f"{top}/.{dist}"
    arguments = ["--format", "json", "--output-file", raw]
    for name in sorted(spaces[dist] | shared(dist)):
        arguments += ["--namespace", name]
    # Libraries' defaults are changed by the services that use them: hence a process for each.
    generator.main(arguments)
    with open(raw) as file:
        data = json.load(file)
    found = {}
    for group, content in data["options"].items():
        drivers = [opt for opts in (content.get("driver_opts") or {}).values() for opt in opts]
        for opt in content["opts"] + drivers:
            default = opt["default"]
            multi = isinstance(default, list) and opt["type"].startswith("multi")
            found.setdefault(group, {})[opt["name"]] = {
                "default": [str(item) for item in default] if multi else texts(default),
                "help": (opt["help"] or "").strip(),
                "type": opt["type"],
                "secret": bool(opt["secret"]),
                "going": (opt["deprecated_reason"] or "it is deprecated").strip()
                if opt["deprecated_for_removal"] else "",
                "old": [[old["group"], old["name"]] for old in opt["deprecated_opts"]],
            }
    with open(f"{top}/{dist}.json", "w") as file:
        json.dump(found, file)
    os.unlink(raw)

for dist in wanted:
    if dist in spaces and os.fork() == 0:
        try:
            collect(dist)
        except BaseException as error:
            print(f"{dist}: {error!r}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    if dist in spaces and os.wait()[1]:
        sys.exit(1)
"""


def load(folder: Path, distribution: str) -> dict[str, dict[str, dict[str, Any]]] | None:
    """Section → option → what is known of it; None when that was not asked (yet)."""
    try:
        text = (folder / f"{distribution}.json").read_text()
    except FileNotFoundError:
        return None
    found: dict[str, dict[str, dict[str, Any]]] = json.loads(text)
    return found
