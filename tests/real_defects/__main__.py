# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Does `scs certify` find defects in a real cloud?

    tools/try-defects -f cloud.yaml            all, one after the other, on that cloud
    tools/try-defects --only tls-too-old       one; repeatable, * stands for anything
    tools/try-defects --list                   the names, and the checks that have none
    tools/try-defects --undo                   only undo what a killed run has left

Each defect is made with the administrator's API or on the nodes, the check concerned is done as
certify does it, and must FAIL and tell of it; then the defect is undone, and the check must come
to the same as before. It hurts the cloud's users for seconds each time: not for one that has any.
Ends with 0 when all were found, all is undone, and the plan is the same as at the beginning.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from certify_world import CHECKS
from real_defects import content, node, services
from real_defects.record import Record
from real_defects.site import Site, over_ssh
from real_defects.trial import NotUndone, Real, Trial, attempt, table
from scs import release
from scs.cli.certify import alone, home_of
from scs.engine.session import Session
from scs.errors import ScsError
from scs.model.topology import Role
from scs.patience import patient
from scs.spec import load
from scs.standards.model import CouldNotRun

ROOT = Path(__file__).parents[2]
PLAN_SECONDS = 600

DEFECTS: tuple[Real, ...] = (*content.defects(), *services.defects(), *node.defects())


def without_one(defects: Iterable[Real] = DEFECTS) -> list[str]:
    """The checks for which there is no real defect."""
    covered = {one.check for one in defects}
    return [check for check in CHECKS if check not in covered]


def chosen(patterns: Sequence[str], *, slow: bool) -> list[Real]:
    """The defects of these names; without a name all, the slow ones if they are wanted."""
    return [
        one
        for one in DEFECTS
        if any(fnmatchcase(one.name, pattern) for pattern in patterns)
        or (not patterns and (slow or not one.slow))
    ]


def listed() -> str:
    lines = [
        f"{one.name:<32} {one.check:<36} {'slow' if one.slow else ''}".rstrip() for one in DEFECTS
    ]
    missing = without_one()
    covered = len(CHECKS) - len(missing)
    last = f"{len(DEFECTS)} defects for {covered} of {len(CHECKS)} checks; no real defect for:"
    return "\n".join([*lines, "", last, *(f"  {name}" for name in missing)])


def planned(file: Path) -> set[str]:
    """The steps that `scs plan` would take."""
    done = subprocess.run(
        [ROOT / "scs", "-f", file, "--json", "plan"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=patient(PLAN_SECONDS),
        check=False,
    )
    try:
        changes: list[dict[str, Any]] = json.loads(done.stdout)["changes"]
    except (ValueError, KeyError) as error:
        raise CouldNotRun(f"scs plan: {done.stderr.strip()[-300:]}") from error
    return {f"{change['where']}: {change['step']}" for change in changes}


def tried(defects: Sequence[Real], site: Site) -> list[Trial]:
    """All of them; ends early where something could not be undone."""
    trials: list[Trial] = []
    for number, defect in enumerate(defects, 1):
        try:
            last = attempt(defect, site)
        except NotUndone as error:
            last = Trial(defect, f"NOT UNDONE (run it again, with --undo): {error}", 0.0)
        trials.append(last)
        mark = "✓" if last.well else "✗"
        text = f"{mark} {number}/{len(defects)} {defect.name}: {last.result} ({last.seconds:.1f} s)"
        print(text, file=sys.stderr, flush=True)
        if len(site.record):
            break
    return trials


def _site(file: Path, state: Path, name: str) -> Site:
    spec = load(file, releases=release.names())
    control = [one.name for one in spec.nodes() if Role.CONTROL in one.roles]
    with Session(spec, file.resolve().parent, "ssh") as session:
        argv = {one: session.ssh(one) for one in control}
    return Site(name, f"{name}-admin", Record(state / "defects.json"), control, over_ssh(argv))


def _carried_out(options: argparse.Namespace) -> int:
    home = home_of({"path": options.file, "quiet": True}, None)
    with alone(home):
        os.environ["OS_CLIENT_CONFIG_FILE"] = str(home.paths.state / "clouds.yaml")
        site = _site(options.file, home.paths.state, home.subject)
        if left := len(site.record):
            print(f"undoing {left} changes that a killed run has left", file=sys.stderr)
            site.undo()
            site.anew()
        if options.undo:
            return 0
        before = planned(options.file)
        trials = tried(chosen(options.only, slow=options.slow), site)
        after = planned(options.file)
    print(table(trials))
    if missing := without_one(trial.defect for trial in trials):
        print(f"\n{len(missing)} checks were not tried: {', '.join(missing)}")
    if before == after:
        print(f"\nThe plan is as it was: {len(after)} steps.")
    else:
        new = ", ".join(sorted(after - before)) or "(none)"
        print(f"\nThe plan is NOT as it was; new: {new}; gone: {len(before - after)}")
    return 0 if before == after and all(trial.well for trial in trials) else 1


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="tools/try-defects",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-f", "--file", type=Path, default=Path("cloud.yaml"))
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--slow", action="store_true", help="also those that boot guests")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--undo", action="store_true")
    options = parser.parse_args(words)
    if options.list:
        print(listed())
        return 0
    if not chosen(options.only, slow=options.slow):
        parser.error("no defect is named so; --list names them")

    def end(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    try:
        return _carried_out(options)
    except KeyboardInterrupt:
        print("try-defects: ended; --undo puts right what may be left", file=sys.stderr)
        return 130
    except CouldNotRun as error:
        print(f"try-defects: {error}; → run it again, with --undo", file=sys.stderr)
    except ScsError as error:
        print(f"try-defects: {error}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
