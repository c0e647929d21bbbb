# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a person sees: progress, plan, status, summary."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from scs.engine.events import Event
from scs.plan.plan import API, Plan, Step

if TYPE_CHECKING:
    from scs.engine.session import Look, Session
    from scs.verify.proof import Evidence

NOTEWORTHY = 1.0
"""Seconds from which a step on a node gets a line of its own."""
QUIET_KINDS = ("file:", "directory:", "gate:", "link:", "account:", "packages:")


def colour(text: str, name: str) -> str:
    """Coloured where a person looks and has not said NO_COLOR."""
    if os.environ.get("NO_COLOR") or not sys.stderr.isatty():
        return text
    return click.style(text, fg=name)


def seconds_text(seconds: float) -> str:
    return (
        f"{seconds:.1f} s" if seconds < 100 else f"{int(seconds) // 60} min {int(seconds) % 60} s"
    )


class Screen:
    """Progress: a line for each step that counts, and on a terminal one that lives."""

    def __init__(self, session: Session, options: Mapping[str, Any], started: float) -> None:
        self._quiet = options["quiet"] or options["as_json"]
        self._verbose = options["verbose"]
        self._started = started
        self._live = sys.stderr.isatty() and not self._quiet
        self._running: dict[tuple[str, str], float] = {}
        self._said: dict[tuple[str, str], str] = {}
        self._done = 0
        self._total = 0
        self._expected = 0.0
        self._journal = session.journal
        self._lock = threading.Lock()
        self._ticker: threading.Thread | None = None
        self._end = threading.Event()
        session.events.listen(self._event)

    def plan(self, plan: Plan) -> None:
        """How much there is to do, and how long that took the last time."""
        self._total = len(plan.steps)
        first = bool(plan.machine)
        name = "run:first" if first else "run:change"
        self._expected = self._journal.expected().get(name, 0.0)
        if not self._quiet:
            expected = f", {seconds_text(self._expected)} expected" if self._expected else ""
            click.echo(f"{len(plan.changes)} changes to make{expected}.", err=True)

    def start(self) -> None:
        if self._live:
            self._ticker = threading.Thread(target=self._tick, daemon=True)
            self._ticker.start()

    def pause(self) -> None:
        self._clear()

    def close(self) -> None:
        self._end.set()
        if self._ticker:
            self._ticker.join()
        self._clear()

    def _event(self, event: Event) -> None:
        if self._quiet:
            return
        key = (event.where, event.step)
        with self._lock:
            if event.kind == "start":
                self._running[key] = event.at
            elif event.kind == "say":
                self._said[key] = event.text
            else:
                self._running.pop(key, None)
                self._done += 1
                if self._counts(event):
                    self._clear()
                    click.echo(self._line(event), err=True)

    def _counts(self, event: Event) -> bool:
        if self._verbose or not event.ok:
            return True
        if event.where == "this machine":
            return event.step != "looking" and event.seconds >= 0.05
        return event.seconds >= NOTEWORTHY and not event.step.startswith(QUIET_KINDS)

    def _line(self, event: Event) -> str:
        mark = colour("✓", "green") if event.ok else colour("✗", "red")
        elapsed = event.at - self._started
        return (
            f"{elapsed:6.1f} s {mark} {event.where}: {event.step} ({seconds_text(event.seconds)})"
        )

    def _tick(self) -> None:
        while not self._end.wait(0.2):
            with self._lock:
                self._draw()

    def _draw(self) -> None:
        elapsed = time.time() - self._started
        expected = f" of about {seconds_text(self._expected)}" if self._expected else ""
        share = self._done / self._total if self._total else 0.0
        if self._expected:
            share = max(share * 0.5, min(elapsed / self._expected, 0.99))
        filled = int(20 * min(share, 1.0))
        bar = "━" * filled + "╌" * (20 - filled)
        longest = sorted(self._running, key=lambda key: self._running[key])[:3]
        names = ", ".join(
            f"{step} {self._said.get((where, step), '')}".strip() for where, step in longest
        )
        text = f"{bar} {seconds_text(elapsed)}{expected} · {names}"
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write("\r\x1b[K" + text[:width])
        sys.stderr.flush()

    def _clear(self) -> None:
        if self._live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def plan_values(session: Session, plan: Plan) -> dict[str, Any]:
    """A plan for programs."""
    return {
        "cloud": session.spec.name,
        "changes": [
            {
                "step": step.id,
                "where": step.where,
                "component": step.component,
                "reason": step.reason,
                "effect": step.effect,
                "diff": session.secrets.mask(step.diff),
            }
            for step in plan.changes
        ],
    }


def plan(session: Session, plan: Plan, *, verbose: bool = False) -> None:
    """A plan for people: by place and component; diffs where something changes."""
    if not plan:
        click.echo("Nothing to do: the cloud is what cloud.yaml says.")
        return
    by_place: dict[str, dict[str, list[Step]]] = {}
    for step in plan.changes:
        by_place.setdefault(step.where, {}).setdefault(step.component, []).append(step)
    for where, parts in by_place.items():
        click.echo(click.style(where, bold=True))
        for part, steps in parts.items():
            missing = [step for step in steps if step.reason in ("is missing", "was never done")]
            if len(missing) == len(steps) and not verbose:
                names = ", ".join(sorted({step.id.split(":", 1)[0] for step in steps}))
                click.echo(f"  + {part}: {len(steps)} to make ({names})")
                continue
            for step in steps:
                effect = f" [{step.effect}]" if step.effect else ""
                click.echo(f"  ~ {part}: {step.id} {step.reason}{effect}")
                for line in session.secrets.mask(step.diff).splitlines():
                    if not line.startswith(("---", "+++")):
                        click.echo(f"      {line}")
    click.echo(f"{len(plan.changes)} changes. To make them: scs up")


def nothing_to_do(session: Session, look: Look, options: Mapping[str, Any], started: float) -> None:
    seconds = time.time() - started
    if options["as_json"]:
        click.echo(
            json.dumps({"cloud": session.spec.name, "changes": 0, "seconds": round(seconds, 2)})
        )
    else:
        click.echo(f"Nothing to do: the cloud is what cloud.yaml says. ({seconds_text(seconds)})")


def summary(session: Session, look: Look, options: Mapping[str, Any], started: float) -> None:
    """The end of an `up`."""
    seconds = time.time() - started
    server = look.api.get("server:hello", {})
    values = {
        "cloud": session.spec.name,
        "seconds": round(seconds, 1),
        "components": len(look.view.components),
        "nodes": [node.name for node in look.view.nodes],
        "clouds_yaml": str(session.paths.state / "clouds.yaml"),
        "identity": look.view.url("identity", external=True),
        "server": server.get("floating", ""),
    }
    if options["as_json"]:
        click.echo(json.dumps(values))
        return
    units = sum(item.kind == "unit" for items in look.desired.values() for item in items)
    click.echo("")
    click.echo(
        click.style(f"Cloud {session.spec.name} is up, after {seconds_text(seconds)}.", bold=True)
    )
    rows = [
        (
            "runs",
            f"OpenStack {session.spec.release}: {len(look.view.components)} components,"
            f" {units} units on {', '.join(values['nodes'])}",
        ),
        ("took", stages(session)),
        ("clouds.yaml", values["clouds_yaml"]),
        ("identity", values["identity"]),
    ]
    if server.get("floating"):
        rows.append(("a VM", f"hello answers ssh at {server['floating']}"))
    rows += [("note", note) for note in session.provider.facts().notes]
    for name, text in rows:
        click.echo(f"  {name:<12} {text}")
    click.echo("Go on with:")
    click.echo("  scs status")
    click.echo("  scs verify")
    click.echo("  scs openstack server list")


def stages(session: Session) -> str:
    """What this machine's steps took, the longest first."""
    ended = [event for event in session.events.ended if event.where == "this machine"]
    ended.sort(key=lambda event: -event.seconds)
    return ", ".join(f"{event.step} {seconds_text(event.seconds)}" for event in ended[:6])


def critical_path(session: Session, look: Look) -> list[Event]:
    """The chain of steps that decided when it was all done, first step first.

    From the last step back, always to the one that ended last among those that it came after
    (or, where nothing is known to come before, that ended last before it started).
    """
    after: dict[tuple[str, str], tuple[str, ...]] = {}
    for node, items in look.desired.items():
        for item in items:
            after[node, item.id] = item.after
    for wanted in look.objects:
        after[API, wanted.id] = wanted.after
    ended = {
        (event.where, event.step): event
        for event in session.events.ended
        if event.step != "looking again"
    }
    if not ended:
        return []
    path = [max(ended.values(), key=lambda event: event.at)]
    while True:
        last = path[0]
        start = last.at - last.seconds
        left = [event for event in ended.values() if event not in path and event.at <= start + 0.05]
        names = {(last.where, name) for name in after.get((last.where, last.step), ())}
        before = [event for event in left if (event.where, event.step) in names] or left
        if not before:
            return path
        path.insert(0, max(before, key=lambda event: event.at))


def timings(session: Session, look: Look, started: float) -> None:
    """What took how long, and which chain of steps decided the whole."""
    ended = sorted(session.events.ended, key=lambda event: -event.seconds)[:25]
    click.echo("\nLongest steps:")
    for event in ended:
        begin = event.at - event.seconds - started
        click.echo(f"  {event.seconds:6.1f} s from {begin:6.1f} s  {event.where}: {event.step}")
    click.echo("Critical path:")
    for event in critical_path(session, look):
        if event.seconds >= 0.05:
            begin = event.at - event.seconds - started
            click.echo(f"  {begin:6.1f} s + {event.seconds:6.1f} s  {event.where}: {event.step}")


def status(session: Session, look: Look, options: Mapping[str, Any]) -> bool:
    """Nodes, components, endpoints; returns whether all is well."""
    plan = look.plan
    wrong: dict[str, list[Step]] = {}
    for step in plan.changes:
        wrong.setdefault(step.component, []).append(step)
    rows: list[dict[str, Any]] = []
    for part in look.view.components:
        units = [
            item.name.removesuffix(".service")
            for items in look.desired.values()
            for item in items
            if item.kind == "unit" and item.component == part.name
        ]
        problems = wrong.get(part.name, [])
        rows.append(
            {
                "component": part.name,
                "summary": part.summary,
                "nodes": [node.name for node in look.view.nodes_of(part)],
                "units": units,
                "healthy": not problems,
                "problems": [f"{step.id} {step.reason}" for step in problems],
                "endpoints": [
                    look.view.url(point.name, external=point.external)
                    for point in part.endpoints
                    if point.type
                ],
            }
        )
    nodes: list[dict[str, Any]] = [
        {
            "node": node.name,
            "roles": sorted(node.roles),
            "address": str(node.address),
            "running": node.name in look.states and look.states[node.name].running,
        }
        for node in look.view.nodes
    ]
    healthy = not plan
    if options["as_json"]:
        values = {
            "cloud": session.spec.name,
            "healthy": healthy,
            "nodes": nodes,
            "components": rows,
        }
        click.echo(json.dumps(values, indent=2))
        return healthy
    table(
        ("NODE", "ROLES", "ADDRESS", "STATE"),
        [
            (
                item["node"],
                ",".join(item["roles"]),
                item["address"],
                "running" if item["running"] else "not there",
            )
            for item in nodes
        ],
    )
    click.echo("")
    table(
        ("COMPONENT", "WHAT", "UNITS", "STATE", "ENDPOINT"),
        [
            (
                row["component"],
                row["summary"],
                str(len(row["units"]) or ""),
                "well" if row["healthy"] else "; ".join(row["problems"])[:70],
                " ".join(row["endpoints"]),
            )
            for row in rows
        ],
    )
    count = len(plan.changes)
    click.echo(
        "\nAll is well." if healthy else f"\n{count} things are not as they should be: scs plan"
    )
    return healthy


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as they need to be."""
    widths = [max(len(str(row[index])) for row in (head, *rows)) for index in range(len(head))]
    for number, row in enumerate((head, *rows)):
        line = "  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(click.style(line.rstrip(), bold=number == 0))


def proof(evidence: Sequence[Evidence], options: Mapping[str, Any], started: float) -> bool:
    """The steps of `verify`; returns whether all went well."""
    well = all(item.ok for item in evidence)
    seconds = time.time() - started
    if options["as_json"]:
        steps = [{**item.__dict__, "seconds": round(item.seconds, 2)} for item in evidence]
        click.echo(json.dumps({"ok": well, "seconds": round(seconds, 1), "steps": steps}, indent=2))
        return well
    names = max(len(item.step) for item in evidence)
    click.echo(click.style(f"  {'STEP'.ljust(names)}  SECONDS  WHAT WAS SEEN", bold=True))
    room = max(40, shutil.get_terminal_size((100, 24)).columns - names - 14)
    for item in evidence:
        mark, shade = ("✓", "green") if item.ok else ("✗", "red") if item.tried else ("–", "yellow")
        took = f"{item.seconds:.1f}" if item.tried else ""
        lines = [
            line
            for text in item.detail.splitlines()
            for line in textwrap.wrap(text, room, break_on_hyphens=False)
        ]
        for number, line in enumerate(lines or [""]):
            head = f"{item.step.ljust(names)}  {took:>7}" if number == 0 else " " * (names + 9)
            sign = click.style(mark, fg=shade) if number == 0 else " "
            click.echo(f"{sign} {head}  {line}")
    click.echo("")
    if well:
        click.echo(click.style(f"The cloud works: proven in {seconds_text(seconds)}.", bold=True))
    else:
        bad = [item.step for item in evidence if item.tried and not item.ok]
        text = f"The cloud does not work as it should: {', '.join(bad)}."
        click.echo(click.style(text, bold=True))
    speed = {key: value for item in evidence for key, value in item.values.items()}
    if "megabits_in" in speed:
        click.echo(
            f"A VM's floating IP carries {speed['megabits_in']:.0f} Mb/s in and"
            f" {speed['megabits_out']:.0f} Mb/s out, MTU {speed['mtu']}."
        )
    return well


def versions(options: Mapping[str, Any]) -> None:
    """scs, the release, and what is in it."""
    import platform
    from importlib.metadata import version

    from scs import __version__, release

    known = {name: release.load(name) for name in release.names()}
    values: dict[str, Any] = {
        "scs": __version__,
        "python": platform.python_version(),
        "ansible-core": version("ansible-core"),
        "openstacksdk": version("openstacksdk"),
        "releases": {name: item.versions() for name, item in known.items()},
    }
    if options["as_json"]:
        click.echo(json.dumps(values, indent=2))
        return
    rows = [(name, str(values[name])) for name in ("scs", "python", "ansible-core", "openstacksdk")]
    for name, packages in values["releases"].items():
        wanted = {"keystone", "glance", "openstack-placement", "nova", "neutron"}
        rows.append((f"release {name}", f"{len(packages)} packages from PyPI"))
        rows += [(f"  {key}", packages[key]) for key in sorted(wanted & set(packages))]
    table(("WHAT", "VERSION"), rows)
