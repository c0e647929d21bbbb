# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""`scs schema`: the published JSON schemas of what commands read and print."""

from __future__ import annotations

import json
from pathlib import Path

import click

FOLDER = Path(__file__).parents[1] / "plan" / "schemas"
NAMES = ("cloud", "plan")


@click.command()
@click.argument("name", type=click.Choice(NAMES))
def schema(name: str) -> None:
    """Print a JSON schema: of `cloud`.yaml, or of what `--json plan` prints."""
    if name == "cloud":
        from scs.spec import schema as spec

        click.echo(json.dumps(spec(), indent=2))
    else:
        click.echo((FOLDER / f"{name}.json").read_text(), nl=False)
