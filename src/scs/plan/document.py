# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""A plan for programs, as `schemas/plan.json` describes it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scs.plan.announce import expected
from scs.plan.plan import Plan, Step

VERSION = 1


def values(
    cloud: str, plan: Plan, mask: Callable[[str], str], seconds: Mapping[str, float]
) -> dict[str, Any]:
    """The plan as plain values; `mask` blots out secrets, `seconds` is what steps took before."""

    def step(item: Step) -> dict[str, Any]:
        return {
            "number": item.number,
            "wave": item.wave,
            "after": list(item.after),
            "step": item.id,
            "where": item.where,
            "component": item.component,
            "reason": mask(item.reason),
            "diff": mask(item.diff),
            "effect": item.effect,
            "effects": list(item.effects),
            "interrupts": list(item.interrupts),
            "sure": item.sure,
            "destroys": list(item.destroys),
            "seconds": seconds.get(item.id),
        }

    steps = sorted(plan.steps, key=lambda item: item.number)
    known = any(item.id in seconds for item in steps)
    return {
        "version": VERSION,
        "cloud": cloud,
        "changes": [step(item) for item in steps if not item.waits],
        "waits": [step(item) for item in steps if item.waits],
        "seconds": round(expected(plan, seconds), 1) if known else None,
    }
