# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""`scs explain`: what stands in a managed file, who wanted it so, who reads it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from scs.engine.session import Session
    from scs.model.overrides import Setting
    from scs.plan.explain import Explained, Managed, Place

HIDDEN = "••••••"
SOURCES = {
    "release": "release's default",
    "component": "scs's template",
    "template": "your template",
    "policy": "your policy",
    "cloud.yaml": "your cloud.yaml",
    "config": "your file",
}


@click.command()
@click.argument("file")
@click.argument("option", required=False, default="")
@click.pass_obj
def explain(options: dict[str, Any], file: str, option: str) -> None:
    """Tell where what stands in a managed FILE comes from: scs explain nova.conf '[api]auth_type'

    FILE is a path or a base name. OPTION is '[SECTION]OPTION', SECTION.OPTION or OPTION;
    without it all options that are set are listed. Of files without options the matching
    lines are shown.
    """
    from scs.cli.main import _session as session_of
    from scs.plan import explain as why

    with session_of(options, "explain") as session:
        view = session.seen_view()
        expander = session.expander(view)
        managed = why.managed(expander, file)
        note = _collect(session, managed.service, option, quiet=options["quiet"])
        values = _values(session, managed)
        if managed.service:
            release = session.release.name
            found = why.options(managed, option, session.known.of, release)
            mask = _mask(session)
            values["options"] = [_option_values(item, mask) for item in found]
            show = _one if option else _all
        else:
            places = why.lines(managed, option)
            values["lines"] = [_line_values(session, managed, *item) for item in places]
            show = _lines
        if options["as_json"]:
            click.echo(json.dumps(values, indent=2))
            return
        _head(values)
        show(values)
        if note:
            click.echo(note, err=True)


def _collect(session: Session, service: str, option: str, *, quiet: bool) -> str:
    """Ask the services for their options if that was never done; returns what to say about it."""
    if not service or session.known.there:
        return ""
    if not option or not session.stock.complete or not session.stock.base_there:
        return "The options of the release are not known here yet: `scs up` asks for them."
    if not quiet:
        click.echo("Asking the services for their options, once: about half a minute …", err=True)
    session.known.collect(session.stock.base, lambda _text: None)
    session.known.of.cache_clear()
    return ""


def _mask(session: Session) -> Callable[[Explained, Setting], list[str]]:
    def mask(item: Explained, setting: Setting) -> list[str]:
        if setting.source == "release":
            return list(setting.values)
        if _secret(item):
            return [HIDDEN]
        return [session.secrets.mask(value) for value in setting.values]

    return mask


def _secret(item: Explained) -> bool:
    """Whether its service says so, or, as long as that is not known, its name."""
    from scs.plan.options import sounds_secret

    return item.about.secret if item.about is not None else sounds_secret(item.option)


def _values(session: Session, file: Managed) -> dict[str, Any]:
    return {
        "cloud": session.spec.name,
        "file": file.path,
        "component": file.component,
        "template": file.origin,
        "service": file.service,
        "places": [_place_values(place) for place in file.places],
    }


def _place_values(place: Place) -> dict[str, Any]:
    return {
        "nodes": list(place.nodes),
        "restarted": [name for name in place.readers if name not in place.reloaded],
        "reloaded": list(place.reloaded),
    }


def _option_values(
    item: Explained, mask: Callable[[Explained, Setting], list[str]]
) -> dict[str, Any]:
    last = len(item.candidates) - 1
    about = item.about
    return {
        "nodes": list(item.place.nodes),
        "section": item.section,
        "option": item.option,
        "value": mask(item, item.candidates[-1]) if item.candidates else [],
        "candidates": [
            {
                "source": setting.source,
                "where": setting.where,
                "value": mask(item, setting),
                "wins": number == last,
            }
            for number, setting in enumerate(item.candidates)
        ],
        "known": about is not None,
        "type": about.type if about else "",
        "help": about.help if about else "",
        "deprecated": about.going if about else "",
        "instead": f"[{about.instead[0]}]{about.instead[1]}" if about and about.instead else "",
    }


def _line_values(
    session: Session, file: Managed, place: Place, hits: tuple[tuple[int, str], ...]
) -> dict[str, Any]:
    return {
        "nodes": list(place.nodes),
        "lines": [
            {"line": number, "text": HIDDEN if file.secret else session.secrets.mask(text)}
            for number, text in hits
        ],
    }


def _head(values: dict[str, Any]) -> None:
    click.echo(click.style(values["file"], bold=True))
    origin = f", from {values['template']}" if values["template"] else ""
    click.echo(f"  written by  {values['component']}{origin}")
    for place in values["places"]:
        nodes = f" on {', '.join(place['nodes'])}" if len(values["places"]) > 1 else ""
        for name in ("restarted", "reloaded"):
            units = ", ".join(unit.removesuffix(".service") for unit in place[name])
            if units:
                click.echo(f"  a change is taken over by{nodes}: {units} ({name})")
        if not place["restarted"] and not place["reloaded"]:
            click.echo(f"  no unit{nodes} is restarted for it")


def _text(value: list[str]) -> str:
    return "\n".join(value) if value else "(none)"


def _one(values: dict[str, Any]) -> None:
    for item in values["options"]:
        nodes = f" on {', '.join(item['nodes'])}" if len(values["options"]) > 1 else ""
        click.echo("")
        title = f"[{item['section']}] {item['option']}{nodes}"
        click.echo(f"{click.style(title, bold=True)} = {_text(item['value'])}")
        places = [(SOURCES[c["source"]], c["where"]) for c in item["candidates"]]
        widths = [max(len(pair[column]) for pair in places) for column in (0, 1)]
        for (source, where), candidate in zip(places, item["candidates"], strict=True):
            sign = click.style("→", fg="green") if candidate["wins"] else " "
            left = f"  {sign} {source.ljust(widths[0])}  {where.ljust(widths[1])}  "
            pad = " " * (6 + sum(widths) + 2)
            click.echo(left + _text(candidate["value"]).replace("\n", f"\n{pad}"))
        if item["instead"]:
            click.echo(f"  an old name of {item['instead']}")
        if item["deprecated"]:
            click.echo(f"  will go away: {' '.join(item['deprecated'].split())}")
        if item["help"]:
            click.echo("")
            click.echo(textwrap.indent(item["help"], "    "))


def _all(values: dict[str, Any]) -> None:
    section = nodes = None
    for item in values["options"]:
        if item["nodes"] != nodes and len(values["places"]) > 1:
            click.echo(f"\non {', '.join(item['nodes'])}")
        if (item["section"], item["nodes"]) != (section, nodes):
            click.echo(click.style(f"\n[{item['section']}]", bold=True))
        section, nodes = item["section"], item["nodes"]
        where = item["candidates"][-1]["where"]
        for value in item["value"]:
            first, *rest = value.split("\n")
            click.echo(f"  {item['option']} = {first}".ljust(64) + f"  {where}")
            for line in rest:
                click.echo(f"      {line}")


def _lines(values: dict[str, Any]) -> None:
    for place in values["lines"]:
        click.echo("")
        if len(values["lines"]) > 1:
            click.echo(f"on {', '.join(place['nodes'])}")
        for line in place["lines"]:
            click.echo(f"  {line['line']:>4}  {line['text']}")
