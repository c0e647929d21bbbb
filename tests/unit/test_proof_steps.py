# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Steps of a proof: what is tried after a failure, what is told, how waiting ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from scs.engine.events import Event, Events
from scs.verify.steps import Finding, Patience, ProofFailed, Step, carry_out


def well(text: str = "seen") -> Callable[[], Finding]:
    return lambda: Finding(text)


def badly(error: Exception) -> Callable[[], Finding]:
    def action() -> Finding:
        raise error

    return action


def done(*steps: Step) -> dict[str, tuple[bool, bool, str]]:
    evidence = carry_out(steps, Events(), "cloud", threading.Event())
    assert [item.step for item in evidence] == [step.name for step in steps]
    return {item.step: (item.ok, item.tried, item.detail) for item in evidence}


def test_what_depends_on_a_failure_is_not_tried() -> None:
    seen = done(
        Step("token", well()),
        Step("image", badly(ProofFailed("image is queued")), needs=("token",)),
        Step("network", well("a network"), needs=("token",)),
        Step("server", well(), needs=("image", "network")),
        Step("ssh", well(), needs=("server",)),
    )
    assert seen == {
        "token": (True, True, "seen"),
        "image": (False, True, "image is queued"),
        "network": (True, True, "a network"),
        "server": (False, False, "not tried: needs image"),
        "ssh": (False, False, "not tried: needs server"),
    }


def test_what_only_comes_after_a_failure_is_tried() -> None:
    seen = done(
        Step("metadata", badly(ProofFailed("none"))),
        Step("throughput", well(), after=("metadata",)),
        Step("stop", well(), after=("throughput",)),
    )
    assert [ok for ok, _, _ in seen.values()] == [False, True, True]


def test_order_is_kept_and_the_rest_is_parallel() -> None:
    meeting = threading.Barrier(2, timeout=5)
    order: list[str] = []

    def meet() -> Finding:
        meeting.wait()
        order.append("met")
        return Finding("")

    def last() -> Finding:
        order.append("last")
        return Finding("")

    seen = done(Step("a", meet), Step("b", meet), Step("c", last, after=("a", "b")))
    assert all(ok for ok, _, _ in seen.values())
    assert order == ["met", "met", "last"]


def test_errors_of_libraries_are_told_with_their_kind() -> None:
    seen = done(Step("image", badly(ConnectionResetError("104: reset by peer"))))
    assert seen["image"] == (False, True, "ConnectionResetError: 104: reset by peer")


def test_steps_are_told_as_events() -> None:
    events = Events()
    told: list[Event] = []
    events.listen(told.append)
    steps = [Step("good", well()), Step("bad", badly(ProofFailed("no")), after=("good",))]
    carry_out(steps, events, "cloud", threading.Event())
    assert [(item.kind, item.where, item.step, item.ok) for item in told] == [
        ("start", "cloud", "good", True),
        ("end", "cloud", "good", True),
        ("start", "cloud", "bad", True),
        ("end", "cloud", "bad", False),
    ]


def test_an_interrupt_ends_those_who_wait() -> None:
    stop = threading.Event()
    patience = Patience(stop)
    ended = threading.Event()

    def wait() -> Finding:
        try:
            patience.until(lambda: None, 60, lambda: "never")
        finally:
            ended.set()
        return Finding("")

    events = Events()

    def interrupt(event: Event) -> None:
        if event.kind == "end" and event.step == "quick":
            raise KeyboardInterrupt

    events.listen(interrupt)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        carry_out([Step("long", wait), Step("quick", well())], events, "cloud", stop)
    assert ended.is_set()
    assert time.monotonic() - start < 50  # it would wait for 60


def test_waiting_ends_with_what_was_seen_last() -> None:
    tries: list[int] = []

    def probe() -> None:
        tries.append(1)

    with pytest.raises(ProofFailed, match=r"still BUILD after 0 s"):
        Patience(threading.Event()).until(probe, 0.05, lambda: "still BUILD", every=0.01)
    assert len(tries) > 2
