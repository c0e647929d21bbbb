# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The commands. Each is short: what it does lies in the engine, what it shows in `show`."""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from scs.cli import (
    backup,
    certify,
    drift,
    evacuate,
    explain,
    journal,
    playbooks,
    records,
    schema,
    why,
)
from scs.errors import BadInput, Exit, Problem, ScsError, StepFailed
from scs.patience import patience

if TYPE_CHECKING:
    from scs.engine.session import Session

STARTED = time.time()
PROGRAM = "scs"
INTERRUPTED = 130
"""What shells expect of a command that Ctrl-C ended."""

EXIT_CODES = "\n".join(f"  {code.value}  {code.meaning}" for code in Exit)

EPILOG = f"""\b
A first cloud:
  scs up                        everything, from nothing to a VM that answers ssh
  scs openstack server list     the official client, as the first project's user
  scs down                      all of it away again

\b
Exit codes:
{EXIT_CODES}
"""


class Group(click.Group):
    """Commands in the order in which one meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=Group, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-f",
    "--file",
    "path",
    type=click.Path(path_type=Path),
    default=Path("cloud.yaml"),
    show_default=True,
    help="The file that describes the cloud.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, only the result.")
@click.option("-v", "--verbose", is_flag=True, help="Every step, however short.")
@click.pass_context
def scs(ctx: click.Context, /, **options: Any) -> None:
    """The Sovereign Cloud Stack as one program.

    One file, cloud.yaml, describes the cloud. `plan` tells what differs from it, `up` makes
    it so and looks again. Both can be run at any time, as often as you like; a run that was
    ended is continued by the next one.
    """
    patience()  # raises BadInput, before anything has begun
    ctx.obj = options
    if os.environ.get("NO_COLOR"):
        ctx.color = False


def _spec(options: dict[str, Any], *, create: bool = False) -> tuple[Any, Path]:
    from scs import release
    from scs.spec import load, starter

    path: Path = options["path"]
    if create and not path.exists() and path == Path("cloud.yaml"):
        path.write_text(starter())
        if not options["quiet"]:
            click.echo("There is no cloud.yaml: wrote one that describes a small cloud.", err=True)
    return load(path, releases=release.names()), path.resolve().parent


def _check_services(path: Path, folder: Path) -> None:
    """Read cloud.yaml again, now that components are loaded: a wrong name is told with its line."""
    from scs.engine.session import discover, services
    from scs.spec import load

    try:
        known = services(discover(folder))
    except BadInput:
        return  # told by the commands that need components
    load(path, services=known)


def _session(
    options: dict[str, Any], command: str, *, create: bool = False, changes: bool = False
) -> Session:
    from scs.engine.hand import Hand

    hand = Hand()
    if changes:
        # Ansible takes a second to load: it does so while everything else is loaded here.
        hand.start()
    try:
        from scs.engine.session import Session

        spec, folder = _spec(options, create=create)
        if spec.config:
            _check_services(options["path"], folder)
        session = Session(spec, folder, command, hand)
        session.file = options["path"]
        return session
    except BaseException:
        hand.__exit__(None, None, None)
        raise


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, default=str))


@scs.command()
@click.option("-y", "--yes", is_flag=True, help="Do not ask before steps that users may notice.")
@click.option(
    "--timings", is_flag=True, help="At the end: what took how long, and the critical path."
)
@click.option(
    "--delete-data",
    metavar="NAME",
    multiple=True,
    help="Also delete data of this component that are no more in cloud.yaml.",
)
@click.argument("saved", required=False, type=click.Path(path_type=Path))
@click.pass_obj
def up(
    options: dict[str, Any],
    yes: bool,
    timings: bool,
    delete_data: tuple[str, ...],
    saved: Path | None,
) -> None:
    """Make the cloud what cloud.yaml says; do nothing when it is.

    Without a cloud.yaml a short one is written and used. A run that failed or was ended is
    continued by running it again. With a plan that `plan --out SAVED` wrote, exactly that is
    done, or nothing when the cloud has moved since.
    """
    from scs.cli import plans, show
    from scs.cli import policy as policies
    from scs.cli import timings as timing
    from scs.cli.changing import applied, changing
    from scs.engine.applied import remember, remembered
    from scs.engine.apply import consent, idle_consent, refuse
    from scs.engine.events import MACHINE
    from scs.engine.hooks import Hooks
    from scs.engine.journal import Result

    with changing(options, "up", STARTED, create=True) as (session, recording, screen):
        session.delete_data = frozenset(delete_data)
        look = session.events.timed(MACHINE, "looking", session.look)
        idle_consent(look, delete_data)
        kept = None
        if saved is not None:
            from scs.engine.saved import SavedPlan

            kept = SavedPlan.read(saved)
            kept.check(session, look)
        if not look.plan and not Hooks(session, look.plan):
            recording.result = Result.NOTHING
            if not remembered(session):
                remember(session, look)
            screen.close()
            session.keep_secrets()  # others may be to open them, or they lie in clear text
            show.nothing_to_do(session, look, options, STARTED)
            return
        refuse(look.plan)
        policies.enforce(session, look, delete_data)
        screen.plan(look.plan)
        agreed = consent(look)
        if agreed and not yes:
            if not sys.stdin.isatty() or options["as_json"]:
                problems = [
                    Problem("up", what, "say yes to it with: scs up --yes") for what in agreed
                ]
                raise BadInput(*problems)
            click.echo("\n".join(agreed), err=True)
            click.confirm("Go on?", default=False, abort=True, err=True)
        risky = [step for step in look.plan.changes if step.effect == "restart"]
        if risky and not yes and not kept and sys.stdin.isatty() and not options["as_json"]:
            plans.show(session, look.plan)
            click.confirm("Some services restart. Go on?", default=True, abort=True, err=True)

        screen.start()
        try:
            agree = (kept.agree,) if kept else ()
            look = applied(session, look, recording, screen, delete_data, *agree)
        finally:
            screen.close()
        show.summary(session, look, options, STARTED)
        if timings:
            timing.timings(session, look, STARTED)


@scs.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write it to this file, for `up FILE`.",
)
@click.option(
    "--delete-data",
    metavar="NAME",
    multiple=True,
    help="Also delete data of this component that are no more in cloud.yaml.",
)
@click.pass_obj
def plan(options: dict[str, Any], out: Path | None, delete_data: tuple[str, ...]) -> None:
    """Tell what `up` would do: what, where, why, in which order. Changes nothing.

    Ends with 0 when there is nothing to do and with 2 when there is.
    """
    from scs.cli import plans, show
    from scs.cli import policy as policies
    from scs.engine.apply import idle_consent

    with _session(options, "plan") as session:
        session.delete_data = frozenset(delete_data)
        look = session.look()
        idle_consent(look, delete_data)
        if out is not None:
            from scs.engine.saved import SavedPlan

            SavedPlan.write(out, session, look)
        if options["as_json"]:
            warnings = {"warnings": show.warning_values(session, look)}
            _print_json(plans.plan_values(session, look.plan) | warnings)
        else:
            plans.show(session, look.plan, verbose=options["verbose"], out=out)
            if look.plan:
                policies.foretell(session, look, delete_data)
            show.warnings(session, look)
        changes = bool(look.plan)
    if changes:
        sys.exit(Exit.CHANGES)


@scs.command()
@click.pass_obj
def status(options: dict[str, Any]) -> None:
    """Show nodes, components and endpoints, and what is wrong with them."""
    from scs.cli import show

    with _session(options, "status") as session:
        look = session.look()
        healthy = show.status(session, look, options)
    if not healthy:
        sys.exit(Exit.UNHEALTHY)


@scs.command()
@click.pass_obj
def doctor(options: dict[str, Any]) -> None:
    """Examine the machine and the cloud, and tell what to do next. Changes nothing."""
    from scs.cli.doctor import run

    run(options)


@scs.command()
@click.pass_obj
def verify(options: dict[str, Any]) -> None:
    """Prove end to end that the cloud works: from a token to a VM and back.

    Makes things of its own in the first project and removes them again.
    """
    from scs.cli import show
    from scs.cli.screen import Screen
    from scs.verify.proof import Context, prove

    with _session(options, "verify") as session:
        context = Context.of(session)
        screen = Screen(session, options, STARTED)
        screen.start()
        try:
            evidence = prove(context)
        finally:
            screen.close()
        well = show.proof(evidence, options, STARTED)
    if not well:
        sys.exit(Exit.UNHEALTHY)


@scs.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def openstack(options: dict[str, Any], words: tuple[str, ...]) -> NoReturn:
    """The official client against this cloud, as the first project's user.

    As administrator: scs openstack --os-cloud NAME-admin …
    """
    from scs.paths import Paths

    spec, _ = _spec(options)
    clouds = Paths.of(spec.name).state / "clouds.yaml"
    if not clouds.exists():
        raise ScsError(Problem(f"cloud {spec.name}", "has never been up", "scs up"))
    client = Path(sys.executable).with_name("openstack")
    environment = {
        "OS_CLOUD": spec.name,
        **{key: value for key, value in os.environ.items() if not key.startswith("OS_")},
        "OS_CLIENT_CONFIG_FILE": str(clouds),
    }
    os.execve(client, ["openstack", *words], environment)


@scs.command(context_settings={"ignore_unknown_options": True})
@click.argument("node", required=False)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def ssh(options: dict[str, Any], node: str | None, words: tuple[str, ...]) -> NoReturn:
    """Log in to a NODE, or run a command there."""
    with _session(options, "ssh") as session:
        argv = session.ssh(node)
    os.execvp(argv[0], [*argv, *words])


@scs.command()
@click.argument("component")
@click.option("-n", "--lines", default=100, show_default=True, help="How many lines.")
@click.option("--follow", is_flag=True, help="Go on as lines come.")
@click.pass_obj
def logs(options: dict[str, Any], component: str, lines: int, follow: bool) -> None:
    """Show what a COMPONENT's units wrote to the journal, on all its nodes."""
    with _session(options, "logs") as session:
        session.logs(component, lines, follow)


@scs.command()
@click.option("--keep-cache", is_flag=True, help="Keep what makes the next `up` fast.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def down(options: dict[str, Any], keep_cache: bool, yes: bool) -> None:
    """Remove the cloud with everything in it, and nothing else."""
    from scs.cli.screen import Screen
    from scs.engine.nodes import take_down
    from scs.engine.state import lock

    with _session(options, "down") as session:
        if not session.paths.state.exists() and (keep_cache or not session.paths.cache.exists()):
            click.echo(f"There is no cloud {session.spec.name} here: nothing to remove.")
            return
        if stay := backup.staying(session):
            click.echo(f"scs: {stay}", err=True)
        if not yes and sys.stdin.isatty():
            what = f"Remove cloud {session.spec.name} with all its VMs and data?"
            click.confirm(what, abort=True, err=True)
        outliving = session.outliving()
        screen = Screen(session, options, STARTED)
        with lock(session.paths, "down"):
            screen.start()
            try:
                take_down(session, keep_cache=keep_cache)
            finally:
                screen.close()
        from scs.cli.timer import disable_all

        disable_all(options)
        session.forget()
    if not options["quiet"]:
        kept = " The cache is kept." if keep_cache else ""
        seconds = time.time() - STARTED
        click.echo(f"Cloud {session.spec.name} is gone, after {seconds:.1f} s.{kept}")
        for line in outliving:
            click.echo(f"Stays: {line}")


@scs.command()
@click.option("--name", default="scs", show_default=True, help="The cloud's name.")
@click.pass_obj
def init(options: dict[str, Any], name: str) -> None:
    """Write a first cloud.yaml, short and commented."""
    from scs.spec import starter

    path: Path = options["path"]
    if path.exists():
        what = "is there already"
        raise BadInput(Problem(str(path), what, "edit it, or name another with --file"))
    path.write_text(starter(name))
    click.echo(f"Wrote {path}. Next: {PROGRAM} up")


@scs.command()
@click.pass_obj
def version(options: dict[str, Any]) -> None:
    """Show the versions of everything."""
    from scs.cli import show

    show.versions(options)


class Late(click.Group):
    """Commands whose module is loaded only when one of them is wanted."""

    def __init__(self, module: str, **settings: Any) -> None:
        super().__init__(**settings)
        self._module = module

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._loaded())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self._loaded().get(cmd_name)

    def _loaded(self) -> dict[str, click.Command]:
        commands: dict[str, click.Command] = import_module(self._module).COMMANDS
        return commands


scs.add_command(Late("scs.cli.policy", name="policy", help="Run the policies of this cloud."))
for _command in (
    certify.certify,
    drift.drift,
    evacuate.evacuate,
    evacuate.watch,
    explain.explain,
    journal.journal,
    records.records,
    schema.schema,
    why.why,
):
    scs.add_command(_command)
scs.add_command(
    Late("scs.cli.certificate", name="certificate", help="Issue, verify and revoke certificates.")
)
scs.add_command(Late("scs.cli.secrets", name="secrets", help="List, show and rotate secrets."))
scs.add_command(Late("scs.cli.backup", name="backup", help="Make, list, prove and remove backups."))
scs.add_command(backup.restore)
scs.add_command(
    Late("scs.cli.nodes", name="nodes", help="Update the operating system of nodes, one at a time.")
)
scs.add_command(Late("scs.cli.upgrade", name="upgrade", help="Finish an upgrade to a release."))
scs.add_command(Late("scs.cli.timer", name="timer", help="Have commands run by themselves."))
playbooks.register(scs, _session)


def main() -> None:
    """Run a command; every error is one that a person can act on, and ends with its exit code."""
    global PROGRAM
    # What a command makes stays until its end: looking for garbage at each 700 things took a
    # tenth of its time.
    gc.set_threshold(50_000)
    PROGRAM = Path(os.environ.get("SCS_PROG", "scs")).name
    _guarded(lambda: scs(prog_name=PROGRAM, standalone_mode=False))


def _guarded(command: Callable[[], Any]) -> NoReturn:
    try:
        command()
        sys.exit(Exit.OK)
    except (click.exceptions.Abort, KeyboardInterrupt) as error:
        # click turns Ctrl-C into Abort, which is also the answer no to a question.
        if isinstance(error.__cause__ or error, KeyboardInterrupt):
            click.echo("\nEnded. Run the same command again: it goes on from here.", err=True)
            sys.exit(INTERRUPTED)
        click.echo("Left as it is.", err=True)
        sys.exit(Exit.BAD_INPUT)
    except click.ClickException as error:
        error.show()
        sys.exit(Exit.BAD_INPUT)
    except ScsError as error:
        for problem in error.problems:
            click.echo(f"{PROGRAM}: {problem}", err=True)
        if isinstance(error, StepFailed) and not error.problems:
            click.echo(f"{PROGRAM}: a step failed", err=True)
        sys.exit(error.exit_code)
