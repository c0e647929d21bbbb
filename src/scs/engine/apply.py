# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Doing what a plan says: nodes are made, then nodes and API converge at the same time."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from scs.api.clients import GIVEN_UP, clouds_yaml
from scs.api.executor import Executor
from scs.engine.applied import remember
from scs.engine.clearing import clear
from scs.engine.events import MACHINE, Event
from scs.engine.hooks import Hooks
from scs.engine.looking import Look
from scs.engine.recording import Recording
from scs.engine.session import Session
from scs.errors import BadInput, Problem, StepFailed
from scs.model.objects import ApiObject, Image
from scs.model.topology import Role
from scs.model.view import View
from scs.patience import patient
from scs.plan.announce import holds, owners
from scs.plan.plan import API, Leaving, Plan, Step
from scs.plan.waves import waves
from scs.private import write_private
from scs.resources import Unit

UNSEEN_SECONDS = 120
"""How long the second look waits for an API that does not answer, while all else is right."""
LOOK_PAUSE = 1.0
"""Seconds between two such looks."""


def apply(
    session: Session,
    look: Look,
    recording: Recording,
    agree: Callable[[Look], None] = lambda _look: None,
) -> Look:
    """Do what the plan says and look again; raises StepFailed.

    When nodes had to be made or started first, the plan is made anew once they can be seen;
    `agree` may refuse that one.
    """
    refuse(look.plan)
    session.hand.start()
    recording.announce(look.plan)
    session.keep_secrets()
    if look.plan.machine:
        _make_nodes(session, look)
        look = session.events.timed(MACHINE, "looking at the nodes", session.look)
        session.keep_secrets()
        refuse(look.plan)
        agree(look)
        recording.announce(look.plan)
    elif session.external.ceph and session.stock.base_there:
        # New keys may come to nodes that use the old ones.
        session.check_external(look.view)
    _write_clients(session, look.view)
    session.stock.start_images(_recipes(look.plan))
    hooks = Hooks(session, look.plan)
    for environment in session.environments(look.view):
        environment.result()
    hooks.before()
    # From here on it may be there, also when this run does not come to its end.
    session.made.note(look.objects)
    Converging(session, look).run()
    session.executor(look.view).settle(look.objects)
    _remove_objects(session, look)
    hooks.after()
    for leaving in look.plan.leaving:
        _remove_node(session, look.view, leaving)
    again = session.events.timed(MACHINE, "looking again", partial(_look_again, session))
    if again.plan:
        raise StepFailed(
            *[
                Problem(
                    f"{step.component} on {step.where}",
                    f"{step.id} {step.reason}, although its step went well",
                    f"look at it with: scs logs {step.component}",
                )
                for step in again.plan.changes
            ]
        )
    remember(session, again)
    session.authority.forget_unasked()
    session.keep_secrets()
    return again


def _look_again(session: Session) -> Look:
    """Look until all can be seen and is ready: some of it comes by itself a moment later.

    A service that was just reloaded may be slow to answer, members of a cluster that have all
    started may be agreeing on who leads, and a host that was up may have lost a message to a
    member of the queue that has just come back: it counts as down until the next one.
    """
    end = time.monotonic() + patient(UNSEEN_SECONDS)
    while True:
        look = session.look()
        coming = [step for step, item in look.plan.api if not step.sure or item.by_signs]
        coming += [
            step
            for pairs in look.plan.nodes.values()
            for step, item in pairs
            if isinstance(item, Unit)
            and item.only_not_ready(look.observed[step.where].get(step.id, {}))
        ]
        if not coming or len(coming) < len(look.plan.changes) or time.monotonic() > end:
            return look
        time.sleep(LOOK_PAUSE)


def _recipes(plan: Plan) -> list[str]:
    """What the images are made by that the cloud lacks."""
    return [item.recipe for _, item in plan.api if isinstance(item, Image)]


def _make_nodes(session: Session, look: Look) -> None:
    """Make and start nodes, and mend what surrounds them, all at once; each is a step."""
    steps, nodes = look.plan.machine, look.view.nodes
    if not all(node.name in look.states and look.states[node.name].running for node in nodes):
        if not look.states:  # else they may all be there, in a cloud that is off
            session.stock.start_images(_recipes(look.plan))
        session.stock.start_options(session.known)
        session.environments(look.view)
        session.stock.layers(lambda _: None)
        session.check_external(look.view)

    def make() -> None:
        session.provider.create(nodes, session.events.saying(steps[0].id))

    # The provider makes them together, so they begin and end together.
    action = make
    for step in steps:
        action = partial(session.events.timed, MACHINE, step.id, action)
    action()


def _remove_objects(session: Session, look: Look) -> None:
    """Take away what scs made in the API and nobody wants any more; remember what is wanted."""
    executor = session.executor(look.view)
    for step, item in look.plan.gone:
        try:
            session.events.timed(API, step.id, partial(executor.remove, [item]))
        except RuntimeError as error:
            problem = Problem(f"{step.component} in {API}", f"{step.id}: {error}")
            raise StepFailed(problem) from error
    session.made.note(look.objects, [item for _, item in look.plan.gone])


def idle_consent(look: Look, names: Collection[str]) -> None:
    """Raises BadInput for components of the cloud whose data may go, and none of which would.

    Only what was taken out of cloud.yaml can be deleted; whoever says more takes something for gone
    that is in use.
    """
    going = {step.component for step in look.plan.steps if step.destroys}
    idle = {part.name for part in look.view.components} & set(names) - going
    what = "is in this cloud, and nothing with data was taken out of it: there is nothing to delete"
    if idle:
        raise BadInput(*[Problem(f"--delete-data {name}", what) for name in sorted(idle)])


def refuse(plan: Plan) -> None:
    """Raises BadInput when a component objects to any change, or the release can't come."""
    if plan.refusals:
        raise BadInput(*plan.refusals)
    if plan.objections:
        raise BadInput(*[Problem(f"component {name}", why) for name, why in plan.objections])


def consent(look: Look) -> Sequence[str]:
    """What a person must agree to before the plan is done: what it moves and deletes.

    Raises BadInput when a node is to go that can't.
    """
    problems = [
        Problem(
            f"node {item.node.name}",
            f"can't go while these are on it: {', '.join(item.stuck)}",
            "only what runs can move: start it, or delete it, or keep the node in cloud.yaml",
        )
        for item in look.plan.leaving
        if item.stuck
    ]
    if problems:
        raise BadInput(*problems)
    return [f"node {item.node.name}: {item.step.effect}" for item in look.plan.leaving]


def _remove_node(session: Session, view: View, leaving: Leaving) -> None:
    """Empty a node, stop it, forget it in the API, delete it.

    In this order a killed run can be continued: until the end the node is still there.
    """
    node, executor = leaving.node.name, session.executor(view)

    def empty() -> None:
        link = session.provider.connection(leaving.node)
        payloads = [item.payload() for item in leaving.emptied]
        run = f"{session.run_id}-{node}"
        outcomes = session.hand.converge({node: link}, {node: payloads}, run)[node]
        if failed := [f"{item['id']}: {item['error']}" for item in outcomes if not item["ok"]]:
            raise RuntimeError("; ".join(failed))

    def clear_it() -> None:
        link = session.provider.connection(leaving.node)
        clear(session.hand, session.events, {node: link}, f"{session.run_id}-{node}-clear")

    def work() -> None:
        first = [(f"moving the data of {node}", empty)] if leaving.emptied else []
        for step, action in (
            *first,
            (f"moving guests off {node}", lambda: executor.leave(leaving.objects)),
            (f"stopping {node}", lambda: session.provider.stop(node)),
            *([] if session.provider.owns_machines else [(f"clearing {node}", clear_it)]),
            (f"forgetting {node}", lambda: executor.remove(leaving.objects)),
            (f"deleting {node}", lambda: session.provider.remove_node(node)),
        ):
            session.events.timed(MACHINE, step, action)

    try:
        session.events.timed(MACHINE, leaving.step.id, work)
    except RuntimeError as error:
        hint = "mend the cause, or put the node back into cloud.yaml; then run it again"
        raise StepFailed(Problem(f"node {node}", f"{error}", hint)) from error


def _write_clients(session: Session, view: View) -> None:
    ca = session.paths.state / "ca.pem"
    for path, text in (
        (ca, view.ca),
        (session.paths.state / "clouds.yaml", clouds_yaml(view, ca)),
    ):
        if not path.exists() or path.read_text() != text:
            write_private(path, text)


class Converging:
    """The steps of one look's plan, on nodes and in the API, beside each other."""

    def __init__(self, session: Session, look: Look) -> None:
        self._session = session
        session.rounds += 1
        # A run may converge several times: each tells of its steps in a file of its own.
        self._run = f"{session.run_id}-{session.rounds}"
        self._look = look
        self._steps = {name: pairs for name, pairs in look.plan.nodes.items() if pairs}
        self._known = {(step.where, step.id): step for step in look.plan.steps}
        self._problems: list[Problem] = []
        self._pending: dict[str, set[tuple[str, str]]] = {}
        """Component → its steps on nodes that are still to be done; shrinks as they go well."""
        for node, pairs in self._steps.items():
            for step, _ in pairs:
                self._pending.setdefault(step.component, set()).add((node, step.id))
        self._owners = owners(look.view)
        self._controls = {part.name for part in look.view.components if Role.CONTROL in part.roles}

    def run(self) -> None:
        """Do them all; raises StepFailed."""
        session = self._session

        def listen(event: Event) -> None:
            if event.kind == "end" and event.ok:
                for left in list(self._pending.values()):
                    left.discard((event.where, event.step))

        session.events.listen(listen)
        links = session.connections()
        executor = session.executor(self._look.view)
        watchers = [
            session.hand.watch(session.events, name, links[name], self._run) for name in self._steps
        ]
        with ThreadPoolExecutor(max_workers=2) as pool:
            on_nodes = pool.submit(self._nodes, executor)
            wanted = [item for _, item in self._look.plan.api]
            outcomes = executor.run(wanted, session.events.told(API), self._held)
            on_nodes.result()
        for watcher in watchers:
            watcher.close()
        self._problems += [
            self._problem(self._known[API, outcome.id], outcome.error)
            for outcome in outcomes
            if not outcome.ok and outcome.error != GIVEN_UP
        ]
        if self._problems:
            raise StepFailed(*self._problems)

    def _held(self, item: ApiObject) -> bool:
        """Whether an object of the API must wait for its component's steps on nodes."""
        return any(
            left and holds(item, component, self._owners)
            for component, left in list(self._pending.items())
        )

    def _nodes(self, executor: Executor) -> None:
        if not self._steps:
            return
        links = self._session.connections()
        look = self._look
        work = {name: [item for _, item in pairs] for name, pairs in self._steps.items()}
        try:
            for wave in waves(look.view.nodes, work, look.observed, self._controls):
                answers = self._session.hand.converge(
                    {name: links[name] for name in wave},
                    {name: [item.payload() for item in items] for name, items in wave.items()},
                    self._run,
                )
                failed = [
                    (name, outcome)
                    for name, outcomes in answers.items()
                    for outcome in outcomes
                    if not outcome["ok"]
                ]
                self._problems += [
                    self._problem(self._known[name, outcome["id"]], outcome["error"])
                    for name, outcome in failed
                ]
                if failed:
                    executor.stop.set()
                    return
        except StepFailed as error:
            executor.stop.set()
            self._problems.extend(error.problems)
        finally:
            # What the watchers may have missed. Last: objects held until now must see `stop`.
            self._pending.clear()

    def _problem(self, step: Step, error: str) -> Problem:
        masked = self._session.secrets.mask(error)
        text = "\n".join("    " + line for line in masked.splitlines())
        full = os.strerror(errno.ENOSPC) in error
        look = f"scs ssh {step.where} df -h" if full else f"scs logs {step.component}"
        what = "make room there, see" if full else "see more with:"
        hint = f"{what} {look}; then run the same command again: it goes on from here"
        return Problem(f"{step.component} on {step.where}", f"{step.id} failed\n{text}", hint)
