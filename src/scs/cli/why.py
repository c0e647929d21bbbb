# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""`scs why`: what would restart a unit, what it needs, and what depends on it."""

from __future__ import annotations

import difflib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from scs.errors import BadInput, Problem

if TYPE_CHECKING:
    from scs.plan.why import Why


@click.command()
@click.argument("unit")
@click.option("--node", help="On this node; by default the first that has it.")
@click.pass_obj
def why(options: dict[str, Any], unit: str, node: str | None) -> None:
    """Tell which change would restart a UNIT, what it needs, and what depends on it.

    From the declarations: no node is asked.
    """
    found = _find(options, unit, node)
    from scs.plan.impact import described

    if options["as_json"]:
        values = asdict(found)
        values["impact"] = {
            "components": [asdict(link) for link in found.impact.links],
            "endpoints": [point.name for point in found.impact.endpoints],
        }
        keys = ("path", "component", "declared")
        values["reads"] = [dict(zip(keys, item, strict=True)) for item in found.reads]
        values["needs"] = [{"need": need, "giver": giver} for need, giver in found.needs]
        click.echo(json.dumps(values, indent=2))
        return
    verb = "reloads" if found.reload else "restarts"
    head = f"{found.unit} of {found.component} on {found.node}"
    click.echo(click.style(head, bold=True))
    click.echo(f"{verb} when one of these changes:")
    for path, component, declared in found.reads:
        owner = f"{component}; {declared}" if component else declared
        click.echo(f"  {path}  ({owner})")
    click.echo("needs:")
    for need, giver in found.needs:
        click.echo(f"  {need}  (from {giver})")
    for text in found.waits:
        click.echo(f"  waits until: {text}")
    for name in found.after:
        click.echo(f"  after {name}")
    click.echo("without it:")
    for link in found.impact.links:
        click.echo(f"  {link.component} lacks its {link.needs}  (from {link.giver})")
    if found.impact.endpoints:
        names = ", ".join(dict.fromkeys(described(point) for point in found.impact.endpoints))
        click.echo(f"  users can't use: {names}")
    if not found.impact:
        click.echo("  no other component and no endpoint is affected at once")


def _find(options: dict[str, Any], unit: str, node: str | None) -> Why:
    from scs.cli.main import _session
    from scs.plan.why import why as explain
    from scs.resources import Unit

    name = unit if "." in unit else f"{unit}.service"
    with _session(options, "why") as session:
        view = session.view()
        expander = session.expander(view)
        names: set[str] = set()
        for place in view.nodes:
            if node not in (None, place.name):
                continue
            desired = expander.node(place)
            units = {item.name: item for item in desired if isinstance(item, Unit)}
            if name in units:
                return explain(view, place.name, desired, units[name])
            names |= units.keys()
    if node is not None and node not in {place.name for place in view.nodes}:
        known = ", ".join(place.name for place in view.nodes)
        raise BadInput(Problem("why", f"no node {node}", f"there are: {known}"))
    near = difflib.get_close_matches(name, names, 1)
    short = ", ".join(sorted(item.removesuffix(".service") for item in names))
    hint = f"did you mean {near[0].removesuffix('.service')}?" if near else f"there are: {short}"
    raise BadInput(Problem("why", f"no unit {unit}", hint))
