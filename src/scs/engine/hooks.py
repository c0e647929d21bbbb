# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Operators' own playbooks before and after a component's steps.

`hooks/before-NAME.yml` and `hooks/after-NAME.yml` beside cloud.yaml run on the nodes on which
that component has steps: before any node is changed, and after all of them (and the API) are.
What is due after is noted before, so that a run that was killed in between is made up for.
"""

from __future__ import annotations

import difflib
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from scs.engine.inventory import environment, playbook
from scs.engine.session import Session
from scs.errors import BadInput, Problem, StepFailed
from scs.plan.plan import Plan
from scs.private import write_private

TIMES = ("before", "after")


class Hooks:
    """The hooks of one cloud; raises BadInput for one of a component that does not exist."""

    def __init__(self, session: Session, plan: Plan) -> None:
        self._session = session
        self._folder = session.folder / "hooks"
        self._note = session.paths.state / "hooks.json"
        nodes: dict[str, set[str]] = {}
        for name, pairs in plan.nodes.items():
            for step, _ in pairs:
                if step in plan.changes:
                    nodes.setdefault(step.component, set()).add(name)
        files = find(self._folder, [*session.available, *nodes])
        self._due = {
            time: {
                path.name: sorted(nodes[component])
                for (when, component), path in files.items()
                if when == time and component in nodes
            }
            for time in TIMES
        }
        self._due["after"] = {**self._pending(), **self._due["after"]}

    def _pending(self) -> Mapping[str, list[str]]:
        try:
            noted: dict[str, list[str]] = json.loads(self._note.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return {name: nodes for name, nodes in noted.items() if (self._folder / name).exists()}

    def __bool__(self) -> bool:
        """Whether any is due."""
        return any(self._due.values())

    def before(self) -> None:
        """Note what is due after, and run what is due before; raises StepFailed."""
        if self._due["after"]:
            write_private(self._note, json.dumps(self._due["after"]))
        for name, nodes in self._due["before"].items():
            self._run(name, nodes)

    def after(self) -> None:
        """Run what is due after; raises StepFailed."""
        for name, nodes in self._due["after"].items():
            self._run(name, nodes)
        self._note.unlink(missing_ok=True)

    def _run(self, name: str, nodes: Sequence[str]) -> None:
        session = self._session
        session.events.timed(
            "this machine", f"hook {name}", lambda: self._play(self._folder / name, nodes)
        )

    def _play(self, path: Path, nodes: Sequence[str]) -> None:
        session = self._session
        argv = playbook(session, ["--limit", ",".join(nodes), str(path)])
        say = session.events.saying(f"hook {path.name}")
        lines: list[str] = []
        with subprocess.Popen(
            argv,
            cwd=session.folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                text = session.secrets.mask(line.rstrip())
                lines.append(text)
                if text.startswith("TASK"):
                    say(text.rstrip("* "))
        if process.returncode:
            told = "\n".join(f"    {line}" for line in lines[-20:])
            what = f"ended with {process.returncode}\n{told}"
            hint = f"mend the playbook and run the same command again; alone: scs run {path}"
            raise StepFailed(Problem(f"hook {path.name}", what, hint))


def find(folder: Path, components: Sequence[str]) -> Mapping[tuple[str, str], Path]:
    """(before or after, component) → playbook; raises BadInput for other names."""
    found: dict[tuple[str, str], Path] = {}
    problems: list[Problem] = []
    for path in sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")]):
        time, _, component = path.stem.partition("-")
        if time in TIMES and component in components:
            found[time, component] = path
            continue
        near = difflib.get_close_matches(component, components, 1)
        hint = f"did you mean {time}-{near[0]}.yml?" if near and time in TIMES else ""
        what = "is the hook of no component: expected before-NAME.yml or after-NAME.yml"
        problems.append(Problem(str(path), what, hint))
    if problems:
        raise BadInput(*problems)
    return found
