# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""One run of the proof, as all its parts share it: who asks, with which marks, until when."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING

from scs.api.clients import Clients
from scs.engine.events import Events
from scs.shell import Say
from scs.verify import traces
from scs.verify.steps import Patience

if TYPE_CHECKING:
    from openstack.connection import Connection

API_SECONDS = 120
"""How long a server, a volume or a zone may take to change its state."""


class Run:
    """What a part needs besides what other parts have found out."""

    def __init__(self, clients: Clients, events: Events, known: str) -> None:
        self.view = clients.view
        self.events = events
        self.where = self.view.cloud
        self.known = known
        """Tells this run's things from another's."""
        self.name = traces.name_of(known)
        self.mark = traces.mark_of(known)
        self.marks = {"name": self.name, "description": self.mark}
        """For whatever the run makes and what has both."""
        self.stop = threading.Event()
        self.patience = Patience(self.stop)
        self._clients = clients

    @cached_property
    def cloud(self) -> Connection:
        """As the first project's user; made when a step first asks."""
        return self._clients.tenant

    def saying(self, step: str) -> Say:
        """Tells how a step is getting on."""
        return self.events.saying(step, self.where)
