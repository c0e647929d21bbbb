# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""`scs certificate`: issue one for a report that passed, revoke it, and verify anybody's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from scs.errors import BadInput, Problem
from scs.private import write_private

FILE = click.Path(path_type=Path, dir_okay=False)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        hint = "a certificate is FILE.json, with its signature FILE.sig beside it"
        raise BadInput(Problem(str(path), str(error.strerror), hint)) from error


@click.command()
@click.option("--cloud", "name", help="The cloud of any clouds.yaml; else this cloud.")
@click.option("--scope", default="iaas-5.1", show_default=True, help="What it is for.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Put it here as well."
)
@click.pass_obj
def issue(options: dict[str, Any], name: str | None, scope: str, out: Path | None) -> None:
    """Issue a certificate for the last whole report, if that has passed.

    It is valid for a year, and can be verified without a network.
    """
    from scs.certify import certificate, history
    from scs.certify.report import canonical
    from scs.certify.run import now
    from scs.cli.certify import home_of

    home = home_of(options, name)
    found = [
        one
        for one in history.listed(home.root, home.known_key)
        if one.told["scope"]["name"] == scope and one.told["whole"]
    ]
    if not found:
        what = f"there is no whole report of {home.subject} for {scope}"
        raise BadInput(Problem("certificate issue", what, "scs certify"))
    last, signer = found[0].folder, home.signer
    report = _bytes(last / history.REPORT)
    told = certificate.issue(report, _bytes(last / history.SIGNATURE), signer, now())
    data = canonical(told)
    files = {
        "certificate.json": data,
        "certificate.sig": signer.sign(data),
        history.KEY: signer.public,
        history.REPORT: report,
    }
    folder = home.root / "certificates" / told["serial"]
    for target in (folder, *([out] if out else [])):
        for file, content in files.items():
            write_private(target / file, content)
    _tell(options, told, f"Issued: {folder}/certificate.json")


@click.command()
@click.argument("path", metavar="CERTIFICATE", type=FILE)
@click.option(
    "--key", required=True, type=FILE, help="The signer's public key, from a safe source."
)
@click.option("--revoked", type=FILE, help="The signer's list of revoked certificates.")
@click.option("--report", type=FILE, help="Also see that it was issued for this report.")
@click.pass_obj
def verify(
    options: dict[str, Any], path: Path, key: Path, revoked: Path | None, report: Path | None
) -> None:
    """Verify a CERTIFICATE (certificate.json) and tell what it says; ends with 6 when refused.

    Needs no network. Without --revoked it cannot know whether it was revoked, and says so.
    """
    from scs.certify import certificate
    from scs.certify.run import now

    listed = (_bytes(revoked), _bytes(revoked.with_suffix(".sig"))) if revoked else None
    told = certificate.verify(
        _bytes(path),
        _bytes(path.with_suffix(".sig")),
        _bytes(key),
        now(),
        listed,
        _bytes(report) if report else None,
    )
    unknown = "" if revoked else " Whether it was revoked is not known without --revoked."
    _tell(options, told, f"It is genuine and valid.{unknown}")


@click.command()
@click.argument("serial")
@click.option("--reason", required=True, help="Why it does not hold any more.")
@click.option("--cloud", "name", help="The cloud of any clouds.yaml; else this cloud.")
@click.pass_obj
def revoke(options: dict[str, Any], serial: str, reason: str, name: str | None) -> None:
    """Put the certificate SERIAL on the signed list of those that do not hold any more."""
    from scs.certify import certificate
    from scs.certify.report import canonical
    from scs.certify.run import now
    from scs.certify.signing import check
    from scs.cli.certify import home_of

    home = home_of(options, name)
    if not (home.root / "certificates" / serial / "certificate.json").exists():
        known = sorted(path.name for path in (home.root / "certificates").glob("*"))
        hint = f"there are {', '.join(known)}" if known else "none was issued here"
        raise BadInput(Problem("certificate revoke", f"no certificate {serial}", hint))
    path, signer = home.root / "revoked.json", home.signer
    before: dict[str, str] = {}
    if path.exists():
        data = _bytes(path)
        check(signer.public, data, _bytes(path.with_suffix(".sig")), str(path))
        before = json.loads(data)["revoked"]
    data = canonical(certificate.revocations({**before, serial: reason}, signer, now()))
    # The signature first: a list without a fitting one is refused, never taken for empty.
    write_private(path.with_suffix(".sig"), signer.sign(data))
    write_private(path, data)
    click.echo(f"Revoked: {serial}. Publish {path} with {path.with_suffix('.sig').name}.")


def _tell(options: dict[str, Any], told: Any, last: str) -> None:
    from scs.certify.certificate import text_of

    if options["as_json"]:
        click.echo(json.dumps(told, indent=2))
        return
    for name, text in text_of(told):
        click.echo(f"  {name:<8} {text}")
    click.echo(last)


COMMANDS: dict[str, click.Command] = {"issue": issue, "verify": verify, "revoke": revoke}
