# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a person sees of a plan, a status, the end of a run."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from scs.cli.screen import ago_text, seconds_text
from scs.engine.updates.note import unfinished as updating
from scs.errors import Problem
from scs.plan.degraded import down, since
from scs.plan.plan import Step
from scs.plan.upgrade import unfinished
from scs.verify.gauges import readings

if TYPE_CHECKING:
    from scs.engine.looking import Look
    from scs.engine.session import Session
    from scs.verify.steps import Evidence


def warning_values(session: Session, look: Look) -> list[dict[str, str]]:
    """What is odd about the operator's own options, for programs."""
    mask = session.secrets.mask
    return [
        {"where": item.where, "what": mask(item.what), "hint": mask(item.hint)}
        for item in _warnings(session, look)
    ]


def _warnings(session: Session, look: Look) -> list[Problem]:
    begun = (*unfinished(look.view, look.observed), *updating(session.paths))
    return [*begun, *session.warnings(look.view)]


def warnings(session: Session, look: Look) -> None:
    """The same for people; changes nothing of how a command ends."""
    for item in _warnings(session, look):
        text = session.secrets.mask(str(item))
        click.echo(click.style("warning: ", fg="yellow") + text, err=True)


def nothing_to_do(session: Session, look: Look, options: Mapping[str, Any], started: float) -> None:
    seconds = time.time() - started
    if options["as_json"]:
        values = {"cloud": session.spec.name, "changes": 0, "seconds": round(seconds, 2)}
        click.echo(json.dumps({**values, "warnings": warning_values(session, look)}))
    else:
        warnings(session, look)
        click.echo(f"Nothing to do: the cloud is what cloud.yaml says. ({seconds_text(seconds)})")


def summary(session: Session, look: Look, options: Mapping[str, Any], started: float) -> None:
    """The end of an `up`."""
    seconds = time.time() - started
    reached = look.api.get("floating-ip:hello", {}).get("address", "")
    values = {
        "cloud": session.spec.name,
        "seconds": round(seconds, 1),
        "components": len(look.view.components),
        "nodes": [node.name for node in look.view.nodes],
        "clouds_yaml": str(session.paths.state / "clouds.yaml"),
        "identity": look.view.url("identity", external=True),
        "server": reached,
        "pages": {
            point.name: look.view.url(point.name, external=True)
            for _, point in look.view.endpoints
            if point.page
        },
    }
    if options["as_json"]:
        click.echo(json.dumps({**values, "warnings": warning_values(session, look)}))
        return
    warnings(session, look)
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
        *values["pages"].items(),
    ]
    if reached:
        rows.append(("a VM", f"hello answers ssh at {reached}"))
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


def status(session: Session, look: Look, options: Mapping[str, Any]) -> bool:
    """Nodes, components, endpoints; returns whether all is well."""
    plan = look.plan
    now = time.time()
    lost = down(look.view, look.desired, look.observed)
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
                "since": since(part.name, look.desired, look.observed) or None,
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
    certificates = ends(session)
    late = [item for item in certificates if item["state"] != "well"]
    gauges = readings(look.view) if look.states else {}
    urgent = {name: item.urgent for name, item in gauges.items() if item.urgent}
    healthy = not plan and not late and not urgent
    if options["as_json"]:
        values = {
            "cloud": session.spec.name,
            "healthy": healthy,
            "gauges": {name: item.text for name, item in gauges.items()},
            "urgent": urgent,
            "certificates": certificates,
            "nodes": nodes,
            "components": rows,
            "down": [
                {
                    "unit": item.unit,
                    "component": item.component,
                    "nodes": list(item.nodes),
                    "since": item.since or None,
                    "everywhere": item.everywhere,
                    "affects": [link.component for link in item.impact.links],
                    "endpoints": [point.name for point in item.impact.endpoints],
                    "meaning": item.meaning,
                }
                for item in lost
            ],
            "warnings": warning_values(session, look),
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
        ("COMPONENT", "WHAT", "UNITS", "SINCE", "STATE", "ENDPOINT"),
        [
            (
                row["component"],
                row["summary"],
                str(len(row["units"]) or ""),
                ago_text(now - row["since"]) if row["since"] else "",
                "well" if row["healthy"] else "; ".join(row["problems"])[:70],
                " ".join(row["endpoints"]),
            )
            for row in rows
        ],
    )
    if gauges:
        click.echo("")
    for name, gauge in gauges.items():
        click.echo(f"{name}: {gauge.text}")
    for what in urgent.values():
        click.echo(click.style(what, bold=True))
    if lost:
        click.echo("")
        click.echo(click.style("Down:", bold=True))
    for item in lost:
        age = f" for {ago_text(now - item.since)}" if item.since else ""
        where = ", ".join(item.nodes)
        click.echo(f"  {item.unit.removesuffix('.service')} on {where}{age}: {item.meaning}")
    warnings(session, look)
    for crt in late:
        click.echo(f"\ncertificate {crt['name']} {crt['text']}: {crt['way_out']}")
    for name in session.secrets.under_way:
        text = session.secrets.secret(name).step.value
        click.echo(f"\nrotation of {name} was ended after: {text}; scs secrets rotate goes on")
    count = len(plan.changes)
    if not healthy and not count:
        return healthy
    click.echo(
        "\nAll is well." if healthy else f"\n{count} things are not as they should be: scs plan"
    )
    return healthy


WEEKS_TO_TELL = 8
"""How long before its end a certificate is spoken of; they are renewed a little earlier."""


def ends(session: Session) -> list[dict[str, Any]]:
    """The cloud's certificates and how long they last; they are well, ending or expired."""
    now = time.time()
    found: list[dict[str, Any]] = []
    if not session.paths.state.exists():
        return found
    for name, (_, end) in session.authority.lives.items():
        days = (end.timestamp() - now) / 86400
        state = "expired" if days < 0 else "ending" if days < WEEKS_TO_TELL * 7 else "well"
        found.append(
            {
                "name": name,
                "ends": end.isoformat(),
                "days": int(days),
                "state": state,
                "text": f"has been invalid for {int(-days)} days"
                if days < 0
                else f"ends in {int(days)} days",
                "way_out": "scs has no way yet to replace a CA"
                if name == "ca"
                else "scs secrets rotate --due, or scs timer enable renew for all to come",
            }
        )
    return found


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
        "releases": {name: item.all_versions() for name, item in known.items()},
    }
    if options["as_json"]:
        click.echo(json.dumps(values, indent=2))
        return
    rows = [(name, str(values[name])) for name in ("scs", "python", "ansible-core", "openstacksdk")]
    for name, packages in values["releases"].items():
        rows.append((f"release {name}", f"{len(packages)} packages from PyPI"))
        rows += [(f"  {key}", packages[key]) for key in sorted(known[name].demanded)]
    table(("WHAT", "VERSION"), rows)


def event(options: dict[str, Any], name: str, values: Mapping[str, Any], text: str) -> None:
    """A line of a command that looks all the time: when, and what; for programs as JSON."""
    now = time.time()
    if options["as_json"]:
        click.echo(json.dumps({"at": round(now, 1), "event": name, **values}))
    else:
        click.echo(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(now))} {text}")
    sys.stdout.flush()
