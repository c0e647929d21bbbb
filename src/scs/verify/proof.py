# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The proof that a cloud works: what a user does with one, from a token to a VM and back.

All of it as the first project's user, through the public API and the outside address. What it
makes is marked (see `traces`) and removed again, whatever happens in between.
"""

from __future__ import annotations

import fcntl
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from scs.api.clients import Clients
from scs.engine.events import Events
from scs.errors import Busy, Problem, ScsError
from scs.model.view import View
from scs.verify import balancer, keys, stack, traces
from scs.verify.balancer import Balancer
from scs.verify.ground import Ground
from scs.verify.run import Run
from scs.verify.server import Server
from scs.verify.steps import Evidence, Finding, ProofFailed, Step, attempt, carry_out
from scs.verify.volumes import Volumes
from scs.verify.zone import Zone

if TYPE_CHECKING:
    from scs.engine.session import Session

CLEAN_UP = "clean-up"


@dataclass(frozen=True)
class Context:
    """What a proof needs of the cloud and of this machine."""

    clients: Clients
    view: View
    events: Events
    folder: Path
    """For the proof alone: its lock and, while it runs, its ephemeral key."""

    @classmethod
    def of(cls, session: Session) -> Context:
        """What a session knows; raises ScsError when its cloud has never been up."""
        state = session.paths.state
        ca = state / "ca.pem"
        if not ca.exists():
            raise ScsError(Problem(f"cloud {session.spec.name}", "has never been up", "scs up"))
        view = session.view()
        return cls(Clients(view, ca), view, session.events, state / "verify")


def prove(context: Context) -> list[Evidence]:
    """Do all steps and clean up, also when something ends this early; raises Busy."""
    context.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(context), TemporaryDirectory(dir=context.folder, prefix="run-") as folder:
        run = Run(context.clients, context.events, secrets.token_hex(4))
        proof = Proof(run, Path(folder))
        evidence: list[Evidence] = []
        try:
            evidence = carry_out(proof.steps(), run.events, run.where, run.stop)
        finally:
            if proof.began:
                last = Step(CLEAN_UP, proof.clean_up)
                evidence = [*evidence, attempt(last, run.events, run.where)]
        return evidence


@contextmanager
def _alone(context: Context) -> Iterator[None]:
    """One proof at a time, so that what another run left is nobody's any more."""
    with (context.folder / "lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            where, what = f"cloud {context.view.cloud}", "another `scs verify` is under way"
            raise Busy(Problem(where, what, "wait for it, or end it")) from None
        for old in context.folder.glob("run-*"):  # of a run that was killed
            shutil.rmtree(old)
        yield


class Proof:
    """The order of steps, and the first and the last of them; the others are their parts'."""

    def __init__(self, run: Run, folder: Path) -> None:
        self.began = False
        """Whether there was a token, without which there is nothing to clean up."""
        self._run = run
        self._ground = Ground(run, folder / "key")
        self._server = Server(run, self._ground, folder / "known_hosts")
        self._volumes = Volumes(run, self._server)

    def steps(self) -> Sequence[Step]:
        """In the order in which they are told; `needs` and `after` say what may be parallel."""
        ground, server = self._ground, self._server
        more = [*self._steps_of_services()]
        # What has nothing to do with the guest, and what only has to be done with it at last.
        aside = [step.name for step in more if "throughput" not in step.after]
        last = [step.name for step in more if "throughput" in step.after]
        alone = ("console log", "leftovers", "metadata", *aside)
        return (
            Step("token", self.token),
            Step("image", ground.image, needs=("token",)),
            Step("network", ground.network, needs=("token",)),
            Step("access", self.access, needs=("token",)),
            Step("server", server.boot, needs=("image", "network", "access")),
            # While the guest boots there is time for these.
            Step("router", ground.router, needs=("network",), after=("access",)),
            Step("leftovers", self.leftovers, needs=("token",), after=("router", "server")),
            Step("console log", server.console_log, needs=("server",)),
            Step("floating IP", server.floating_ip, needs=("router", "server")),
            Step("ssh", server.ssh, needs=("floating IP",)),
            Step("metadata", server.metadata, needs=("ssh",)),
            # Alone with the guest, or something else would be measured as well.
            Step("throughput", server.throughput, needs=("ssh",), after=alone),
            *more,
            Step("stop and start", server.restart, needs=("ssh",), after=("throughput", *last)),
        )

    def _steps_of_services(self) -> Iterator[Step]:
        """For each service that not every cloud has."""
        run, serves, volumes = self._run, self._run.view.serves, self._volumes
        if serves("block-storage"):
            guest = ("volume", "ssh")
            yield Step("volume", volumes.volume, needs=("token",), after=("router",))
            yield Step("attachment", volumes.attachment, needs=guest, after=("throughput",))
            if serves("key-manager"):
                # One disk at a time comes to the guest.
                turn = ("throughput", "attachment")
                yield Step("encryption", lambda: keys.encryption(volumes), needs=guest, after=turn)
        if serves("key-manager"):
            yield Step("secret", lambda: keys.secret(run), needs=("token",), after=("leftovers",))
        if serves("orchestration"):
            yield Step("stack", self.stack, needs=("token",), after=("leftovers",))
        if serves("load-balancer"):
            one = Balancer(run, self._ground, self._server)
            made, used = ("router", "server"), ("load balancer", "ssh")
            yield Step("load balancer", one.load_balancer, needs=made, after=("leftovers",))
            yield Step("balancing", one.balancing, needs=used, after=("throughput",))
        if serves("dns"):
            own = Zone(run, self._ground)
            yield Step("zone", own.zone, needs=("token",), after=("leftovers",))
            yield Step("name", own.floating_name, needs=("zone", "router"))

    def token(self) -> Finding:
        """A token as the project's user, who is a member and no administrator."""
        cloud = self._run.cloud
        access: Any = cloud.session.auth.get_access(cloud.session)  # type: ignore[union-attr]
        self.began = True
        tenant = self._run.view.tenant
        roles = sorted(access.role_names)
        if access.project_name != tenant.project or access.username != tenant.user:
            raise ProofFailed(f"the token is {access.username}'s in {access.project_name}")
        if "member" not in roles or "admin" in roles:
            raise ProofFailed(f"the roles of {tenant.user} are {', '.join(roles)}, not member")
        services = sorted({entry["type"] for entry in access.service_catalog.catalog})
        return Finding(
            f"{tenant.user} in project {tenant.project}, roles {', '.join(roles)};"
            f" catalog: {', '.join(services)}"
        )

    def leftovers(self) -> Finding:
        """Remove what an earlier run, killed, could not."""
        cloud = self._run.cloud
        found = [trace for trace in traces.find(cloud) if trace.run != self._run.known]
        if not found:
            return Finding("none of an earlier run")
        problems = traces.remove(cloud, found, self._run.saying("leftovers"))
        if problems:
            raise ProofFailed("\n".join(problems))
        return Finding(f"of an earlier run, removed: {traces.told(found)}")

    def access(self) -> Finding:
        """A way to the guest, for all that is done with it in this cloud."""
        balanced = self._run.view.serves("load-balancer")
        return self._ground.access(balancer.PORTS if balanced else ())

    def stack(self) -> Finding:
        """A stack of resources, from its template to nothing."""
        run = self._run
        return stack.prove(run.cloud, run.marks, run.patience, run.saying("stack"))

    def clean_up(self) -> Finding:
        """Remove all that this run made; a listing proves that nothing is left."""
        cloud = self._run.cloud
        start = traces.find(cloud)
        mine = [trace for trace in start if trace.run == self._run.known]
        problems = traces.remove(cloud, mine, self._run.saying(CLEAN_UP))
        left = traces.find(cloud)
        if left:
            known = ", ".join(f"{trace.kind} {trace.id}" for trace in left)
            problems.append(f"left in the cloud: {known}")
        if problems:
            raise ProofFailed("\n".join([*problems, "the next `scs verify` tries again"]))
        return Finding(f"removed: {traces.told(mine) or 'nothing was made'}; nothing is left")
