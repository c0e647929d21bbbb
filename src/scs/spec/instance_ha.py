# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""What cloud.yaml says of guests whose node is lost."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from scs.spec import kinds
from scs.spec.part import Part

Guests = Literal["all", "asked"]


class InstanceHa(Part):
    """Which guests are started elsewhere when their node is lost, and how that node is ended."""

    guests: Annotated[Guests, kinds.choice(get_args(Guests))] = Field(
        default="all",
        description="`all`: each but those with `HA_Enabled: false` in their properties; `asked`: "
        "only those with `HA_Enabled: true`. A flavor may have the property, too; the server's own "
        "counts more.",
        examples=["asked"],
    )
    fence: Annotated[str, kinds.PATH] = Field(
        default="",
        description="A program of your own that switches machines off, for `provider: ssh`; beside "
        "cloud.yaml if it does not begin with `/`. It is called with `off NODE ADDRESS` and with "
        "`status NODE ADDRESS`, which prints `off` when that is so. Without it no guest is started "
        "elsewhere. Local nodes need none.",
        examples=["fence-node"],
    )
    at_once: Annotated[int, kinds.number(1, 100, "a number of nodes")] = Field(
        default=1,
        description="How many nodes may be lost at the same time; when more are silent, the "
        "network is the likelier cause, and nothing is done.",
        examples=["2"],
    )
    parallel: Annotated[int, kinds.number(1, 64, "a number of guests")] = Field(
        default=4,
        description="How many guests are started elsewhere at the same time.",
        examples=["8"],
    )
