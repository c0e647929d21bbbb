# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""What all parts of cloud.yaml have in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

LISTED = BeforeValidator(lambda value: () if value is None else value)
"""A list with every line below its key commented out is an empty one."""
MAPPED = BeforeValidator(lambda value: {} if value is None else value)
"""The same for a mapping of names that no model knows."""


class Part(BaseModel):
    """A part of cloud.yaml: it can't be changed, and has no keys but the named ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_default(cls, value: Any) -> Any:
        # `dns:` with every line below it commented out is a habit, and means the default.
        return {} if value is None else value
