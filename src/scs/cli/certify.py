# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""`scs certify`: does a cloud, ours or any other, keep the SCS standards?"""

from __future__ import annotations

import json
import os
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scs.errors import BadInput, Exit, Problem
from scs.private import write_private

if TYPE_CHECKING:
    from scs.certify.run import Report, Result
    from scs.certify.signing import Signer
    from scs.engine.secrets import Secrets
    from scs.paths import Paths

SECRET = "signing/certificates"  # noqa: S105 - its name
SHADES = {"PASS": ("✓", "green"), "FAIL": ("✗", "red"), "COULD NOT RUN": ("?", "yellow")}


@dataclass(frozen=True)
class Home:
    """Where a cloud's reports are, and the key that signs them."""

    subject: str
    own: bool
    """It is the cloud of cloud.yaml."""
    root: Path
    paths: Paths
    recipients: tuple[str, ...]

    def _secrets(self) -> Secrets:
        from scs.engine.secrets import Secrets
        from scs.engine.vault import Vault

        return Secrets(self.paths.state / "secrets.age", Vault.of(self.paths, self.recipients))

    @property
    def known_key(self) -> bytes:
        """The public key (PEM); empty before there is one."""
        from scs.certify.signing import Signer

        secrets = self._secrets()
        return Signer(secrets(SECRET)).public if SECRET in set(secrets) else b""

    @property
    def signer(self) -> Signer:
        """The key; made, and kept encrypted, when it is first asked for.

        Raises Busy when that would be now, and another run changes the cloud's secrets.
        """
        from scs.certify.signing import Signer
        from scs.engine.state import lock

        secrets = self._secrets()
        if SECRET not in set(secrets):
            # A cloud of others has no run that changes it; its lock here is taken already.
            with lock(self.paths, "certify") if self.own else nullcontext():
                secrets = self._secrets()
                secrets(SECRET)
                secrets.save()
        return Signer(secrets(SECRET))


def home_of(options: Mapping[str, Any], name: str | None) -> Home:
    """The home of the cloud of that name in clouds.yaml, or of cloud.yaml's."""
    from scs.cli.main import _spec
    from scs.paths import Paths

    if name is None:
        spec, _ = _spec(dict(options))
        paths, recipients = Paths.of(spec.name), tuple(spec.secrets.recipients)
        if not (paths.state / "clouds.yaml").exists():
            hint = "scs up; or --cloud NAME for one of any clouds.yaml"
            raise BadInput(Problem(f"cloud {spec.name}", "has never been up", hint))
        subject, root = spec.name, paths.state / "certify"
    else:
        paths, recipients = Paths.of(f".certify/{re.sub(r'[^A-Za-z0-9_-]', '_', name)}"), ()
        subject, root = name, paths.state
    return Home(subject, name is None, root, paths, recipients)


@contextmanager
def alone(home: Home) -> Iterator[None]:
    """One run at a time: what another run has left is nobody's any more."""
    import fcntl

    from scs.errors import Busy

    home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home.root / "lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            what = "another `scs certify` is under way"
            raise Busy(Problem(f"cloud {home.subject}", what, "wait for it, or end it")) from None
        yield


@click.command()
@click.option(
    "--cloud", "name", help="A plain member's login in any clouds.yaml; else this cloud's."
)
@click.option("--admin-cloud", help="An administrator's login, for the checks that need one.")
@click.option(
    "--also",
    multiple=True,
    metavar="NAME",
    help="Without an administrator's login: another member's, of another project, for tempest;"
    " repeatable.",
)
@click.option("--workers", type=click.IntRange(1), help="How many tests tempest makes at a time.")
@click.option("--scope", default="iaas-5.1", show_default=True, help="What to certify for.")
@click.option("--check", "only", multiple=True, metavar="ID", help="Only this check; repeatable.")
@click.option("--rate", default=20.0, show_default=True, help="Requests a second at most.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Put the report here as well."
)
@click.option("--list", "names", is_flag=True, help="Show the checks of the scope.")
@click.option("--history", is_flag=True, help="Show the reports of the last 18 months.")
@click.pass_obj
def certify(
    options: dict[str, Any],
    name: str | None,
    admin_cloud: str | None,
    also: tuple[str, ...],
    workers: int | None,
    scope: str,
    only: tuple[str, ...],
    rate: float,
    out: Path | None,
    names: bool,
    history: bool,
) -> None:
    """Examine whether a cloud keeps the SCS standards, and write a signed report.

    Needs no more than a member's login, makes things of its own in that project, and removes
    them again. Ends with 0 when all mandatory checks have passed, else with 6.
    """
    from scs.standards.scopes import SCOPES

    if scope not in SCOPES:
        raise BadInput(Problem("certify", f"no scope {scope}", f"there are {', '.join(SCOPES)}"))
    if rate <= 0:
        raise BadInput(Problem("--rate", "must be more than 0", "20 is gentle"))
    chosen = SCOPES[scope]
    if (also or workers) and not chosen.by_tests:
        hint = f"only for {', '.join(name for name, one in SCOPES.items() if one.by_tests)}"
        raise BadInput(Problem("certify", "--also and --workers are tempest's", hint))
    if names:
        if chosen.by_tests:
            from scs.certify.tempest import crew

            chosen = chosen.with_tests(crew.listed(_tempest_python(options)))
        for standard, check, preview in chosen.checks:
            kind = "preview" if preview else check.severity
            click.echo(f"{check.id:<38} {kind:<12} {standard.name:<18} {check.title}")
        return
    home = home_of(options, name)
    if history:
        _history(options, home)
        return
    from scs import __version__
    from scs.certify import history as kept
    from scs.certify.report import values

    with alone(home):
        signer = home.signer  # first: a run that could not be signed would be in vain
        ask = Ask(name, admin_cloud, also, workers, only, rate)
        report = _examined(options, home, chosen, ask)
        told = values(report, f"scs {__version__}")
        folder = kept.keep(home.root, told, signer)
        kept.prune(home.root, report.started)
        kept.write_index(home.root, signer.public)
        if out is not None:
            for path in sorted(folder.iterdir()):
                write_private(out / path.name, path.read_bytes())
    if options["as_json"]:
        click.echo(json.dumps({**told, "folder": str(folder)}, indent=2))
    else:
        _show(report, folder, verbose=options["verbose"])
    if report.verdict.value != "PASS":
        sys.exit(Exit.UNHEALTHY)


@dataclass(frozen=True)
class Ask:
    """What one run is asked for."""

    name: str | None
    admin_cloud: str | None
    also: tuple[str, ...]
    workers: int | None
    only: tuple[str, ...]
    rate: float


def _tempest_python(options: Mapping[str, Any]) -> Path:
    """The Python of tempest's environment, which is brought when it is not there."""
    from scs import release
    from scs.paths import Paths
    from scs.release import here

    newest = release.load(release.names()[-1])
    cache, lock = Paths.of("").cache, newest.tool_lock("tempest")
    if not here.place(cache, "tempest", lock).is_dir() and not options["quiet"]:
        click.echo("Bringing tempest, which is not there yet.", err=True)
    return here.install(cache, "tempest", lock) / "bin/python"


def _examined(options: Mapping[str, Any], home: Home, scope: Any, ask: Ask) -> Report:
    from scs.certify.cloud import Asked, Run, password_of, session_of
    from scs.certify.run import certify as examine
    from scs.certify.run import now
    from scs.certify.tempest.people import Login
    from scs.certify.tempest.suite import Tempest
    from scs.certify.wire import Limiter

    admin_cloud = ask.admin_cloud
    if home.own:
        os.environ["OS_CLIENT_CONFIG_FILE"] = str(home.paths.state / "clouds.yaml")
        admin_cloud = admin_cloud or f"{home.subject}-admin"
    name = ask.name or home.subject
    session, region, interface = session_of(name)
    admin = session_of(admin_cloud)[0] if admin_cloud else None
    run = Run(now(), Limiter(ask.rate))
    cloud = Asked(session, region, interface, run, admin)
    live = sys.stderr.isatty() and not options["quiet"] and not options["as_json"]

    def show(text: str) -> None:
        if live:
            click.echo(f"\r{text[:79]:<79}", nl=False, err=True)

    tempest = None
    if scope.by_tests:
        logins = [Login(cloud, password) for password in [password_of(name)] if password]
        for other in ask.also:
            view = Asked(session_of(other)[0], region, interface, run, who=other)
            if not (password := password_of(other)):
                hint = "tempest logs in with username and password"
                raise BadInput(Problem(f"cloud {other}", "its login has no password", hint))
            logins.append(Login(view, password))
        tempest = Tempest(_tempest_python(options), home.root, logins, ask.workers, show)
        scope = scope.with_tests(tempest.inventory)
    count, total = [0], len(ask.only) or len(scope.checks)

    def tell(result: Result) -> None:
        count[0] += 1
        show(f"{count[0]} of {total} checks done; {result.check.id} {result.outcome}")

    try:
        return examine(cloud, scope, home.subject, ask.only, tell, tempest)
    finally:
        if live:
            click.echo(f"\r{'':<79}\r", nl=False, err=True)


def _show(report: Report, folder: Path, *, verbose: bool) -> None:
    from scs.standards.model import Outcome

    def line(result: Result) -> str:
        sign, shade = SHADES[result.outcome.value]
        kind = "preview" if result.preview else result.check.severity.value
        head = click.style(f"{sign} {result.outcome.value:<14}", fg=shade)
        return (
            f"{head} {kind:<12} {result.check.id:<36} {result.seconds:5.1f} s  {result.check.title}"
        )

    for result in report.results:
        if result.outcome == Outcome.PASS and not verbose:
            continue
        click.echo(line(result))
        for finding in result.findings[:3]:
            text = f"{finding.subject}: expected {finding.expected}; seen {finding.seen}"
            click.echo(textwrap.indent("\n".join(textwrap.wrap(text, 92)), "    "))
            click.echo(textwrap.indent("\n".join(textwrap.wrap(finding.mend, 90)), "    → "))
        if len(result.findings) > 3:
            click.echo(f"    and {len(result.findings) - 3} more findings in the report")
        if result.reason:
            click.echo(f"    {result.reason}")
    for what in report.notes:
        click.echo(f"· {what}")
    for what in report.stayed:
        click.echo(f"! could not be removed: {what}")
    counts = {
        outcome: sum(result.outcome == outcome for result in report.results if result.counts)
        for outcome in Outcome
    }
    seen = ", ".join(f"{count} {outcome.value}" for outcome, count in counts.items())
    text = f"{report.scope.title} {report.scope.version}: {report.verdict.value}"
    click.echo("")
    click.echo(click.style(text, bold=True) + f" (mandatory checks: {seen})")
    click.echo(
        f"{len(report.results)} checks in {report.seconds:.1f} s with {report.calls} requests."
    )
    click.echo(f"Report: {folder}/index.html")


def _history(options: Mapping[str, Any], home: Home) -> None:
    from scs.certify import history as kept
    from scs.cli import show

    key = home.known_key
    found = kept.listed(home.root, key)
    if options["as_json"]:
        values = [
            {
                "checked_at": one.told["checked_at"],
                "scope": one.told["scope"]["name"],
                "verdict": one.told["verdict"],
                "whole": one.told["whole"],
                "genuine": one.genuine,
                "folder": str(one.folder),
            }
            for one in found
        ]
        click.echo(json.dumps(values, indent=2))
        return
    if not found:
        click.echo(f"There are no reports of {home.subject} yet: scs certify")
        return
    show.table(
        ("CHECKED AT", "SCOPE", "VERDICT", "SIGNATURE", "REPORT"),
        [
            (
                one.told["checked_at"],
                one.told["scope"]["name"] + ("" if one.told["whole"] else " (a part)"),
                one.told["verdict"],
                "fits" if one.genuine else "DOES NOT FIT",
                str(one.folder / "index.html"),
            )
            for one in found
        ],
    )
    click.echo(f"A page of all: {kept.write_index(home.root, key)}")
