# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A zone for the proof: what is made in it is what the world hears from the name server."""

from __future__ import annotations

import time
from typing import Any

from scs.api.clients import checked
from scs.verify import names
from scs.verify.ground import Ground
from scs.verify.run import API_SECONDS, Run
from scs.verify.steps import Finding, ProofFailed

ANSWER_SECONDS = 60
"""How long the name server may take to say what the API has."""


class Zone:
    """An own zone, and the names in it."""

    def __init__(self, run: Run, ground: Ground) -> None:
        self._run = run
        self._ground = ground
        self._name = f"{run.name}.test."

    def zone(self) -> Finding:
        """An own zone with two addresses in it, as the world sees them."""
        start = time.monotonic()
        values = {
            "name": self._name,
            "email": "hostmaster@example.org",
            "description": self._run.mark,
        }
        self._run.patience.check()
        zone = self._asked("post", "zones", values)["id"]
        self._await_active(f"zones/{zone}")
        active = time.monotonic() - start
        addresses = {"A": "192.0.2.1", "AAAA": "2001:db8::1"}
        for kind, address in addresses.items():
            record = {"name": f"www.{self._name}", "type": kind, "records": [address]}
            made = self._asked("post", f"zones/{zone}/recordsets", record)
            self._run.saying("zone")(f"{kind} www.{self._name}")
            if kind == "AAAA":
                self._await_active(f"zones/{zone}/recordsets/{made['id']}")
        for kind, address in addresses.items():
            self._await_answer(f"www.{self._name}", kind, address)
        # Whoever follows the zone's NS record has to find that name as well.
        view = self._run.view
        self._await_answer(view.name_server, "A", str(view.external_address))
        return Finding(
            f"{self._name} ACTIVE after {active:.1f} s; {self._run.view.external_address} answers"
            f" {' and '.join(addresses)} after {time.monotonic() - start:.1f} s"
        )

    def floating_name(self) -> Finding:
        """A floating IP that is made with a name is found by it."""
        start = time.monotonic()
        made = self._run.cloud.network.create_ip(
            floating_network_id=self._ground.external_id,
            description=self._run.mark,
            dns_domain=self._name,
            dns_name="outside",
        )
        address = str(made.floating_ip_address)
        self._await_answer(f"outside.{self._name}", "A", address)
        return Finding(
            f"outside.{self._name} is {address}, seen after {time.monotonic() - start:.1f} s"
        )

    def _asked(self, method: str, path: str, body: object = None) -> Any:
        """The answer of Designate to one request."""
        answer = getattr(self._run.cloud.dns, method)(f"/{path}", json=body)
        return checked(answer, path.partition("/")[0])

    def _await_active(self, path: str) -> None:
        last = [""]

        def probe() -> bool:
            last[0] = self._asked("get", path)["status"]
            if last[0] == "ERROR":
                raise ProofFailed(f"{path} went to ERROR")
            return last[0] == "ACTIVE"

        self._run.patience.until(probe, API_SECONDS, lambda: f"{path} is not ACTIVE but {last[0]}")

    def _await_answer(self, name: str, kind: str, address: str) -> None:
        """The name server says that a name has this address, asked from here."""
        server = str(self._run.view.external_address)
        last: list[str] = []

        def probe() -> bool:
            last[:] = [str(item) for item in names.look_up(server, name, kind)]
            return last == [address]

        self._run.patience.until(
            probe,
            ANSWER_SECONDS,
            lambda: f"{server} says that {name} {kind} is {last or 'nothing'}, not {address}",
            every=0.5,
        )
