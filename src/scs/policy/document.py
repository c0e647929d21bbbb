# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What policies look at: the `input` of every rule, in the types of JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scs.model.component import Component
from scs.model.needs import Certificate


def document(
    spec: Mapping[str, Any],
    components: Iterable[Component],
    plan: Mapping[str, Any] | None = None,
    *,
    left_out: Sequence[str] = (),
    delete_data: Sequence[str] = (),
) -> dict[str, Any]:
    """The whole input.

    `spec` has every default filled in; `plan` is what `scs --json plan` prints, None when
    nobody has looked; `left_out` are nodes that exist and are not in cloud.yaml; `delete_data`
    names what the operator agreed to lose.
    """
    return {
        "spec": spec,
        "plan": plan,
        "components": [describe(part) for part in components],
        "left_out": list(left_out),
        "consent": {"delete_data": list(delete_data)},
    }


def describe(part: Component) -> dict[str, Any]:
    """One component, as its declaration has it."""
    certified = any(isinstance(need, Certificate) for need in part.needs)
    return {
        "name": part.name,
        "summary": part.summary,
        "source": part.source,
        "license": part.license,
        "roles": sorted(part.roles),
        # Debian's packages do not say their licences in a form that a program can trust.
        "packages": [
            {"name": name, "source": f"debian:{name}", "license": None} for name in part.packages
        ],
        "tls": certified,
        "ports": [
            {
                "number": port.number,
                "last": port.last or port.number,
                "protocol": port.protocol,
                "reach": str(port.reach),
            }
            for port in part.ports
        ],
        "endpoints": [
            {
                "name": point.name,
                "port": point.port,
                "type": point.type,
                "external": point.external,
                "http": point.http,
                # The load balancer ends TLS for HTTP; what is passed through must do so itself.
                "tls": point.http or certified,
            }
            for point in part.endpoints
        ],
        "keeps": list(part.data()),
    }
