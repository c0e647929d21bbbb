# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A feature of the queue is enabled when all members are there, not while one joins."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from clouds import EQUALS, ONE, expanded, expander_of
from scs.resources import QueueFeature, queue
from scs.resources.base import ConvergeError

MEMBERS = ("rabbit@node-1", "rabbit@node-2", "rabbit@node-3")


class Queue:
    """Answers to rabbitmqctl; each look finds one more member."""

    def __init__(self, most: int = 3) -> None:
        self.running = 0
        self.most = most
        self.enabled_with = 0

    def command(self, argv: Sequence[str], **_: object) -> str:
        if "cluster_status" in argv:
            self.running = min(self.running + 1, self.most)
            return json.dumps({"running_nodes": MEMBERS[: self.running]})
        if self.running == 1:
            raise ConvergeError("not all of them run")
        self.enabled_with = self.running
        return ""


def test_it_waits_for_members_that_join(monkeypatch: pytest.MonkeyPatch) -> None:
    there = Queue()
    monkeypatch.setattr(queue, "command", there.command)
    QueueFeature(name="khepri_db", members=MEMBERS).converge()
    assert there.enabled_with == 3


def test_it_tells_who_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    there = Queue(most=2)
    monkeypatch.setattr(queue, "command", there.command)
    monkeypatch.setattr(
        queue, "until", lambda wrong, _seconds: answers.extend(wrong() for _ in "12")
    )
    answers: list[str] = []
    QueueFeature(name="khepri_db", members=MEMBERS).converge()
    assert answers[-1] == "rabbit@node-3 has not joined yet"
    assert there.enabled_with == 0


def test_only_the_first_of_several_does_it() -> None:
    for cloud, count in ((ONE, 0), (EQUALS, 1)):
        found = [
            item
            for items in expanded(expander_of(cloud)).values()
            for item in items
            if isinstance(item, QueueFeature)
        ]
        assert [item.members for item in found] == [MEMBERS] * count
